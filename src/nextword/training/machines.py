"""The processes that train together: one, or those that `torchrun` has started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lightning_fabric import Fabric
from torch import distributed

from nextword.errors import TrainingError


@contextmanager
def together(precision: str) -> Iterator[Fabric]:
    """Joins the processes by PyTorch's distributed data parallel: gloo on CPUs, NCCL on GPUs.

    A GPU is used where there is one, but for float64, whose bytes are those of CPUs.

    **Arguments:**

    - `precision`: `train.precision`; with `bfloat16` the weights are float32, and what is computed
      from them is rounded (autocast).
    """
    processes, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    fabric = Fabric(
        accelerator="cpu" if precision == "float64" else "auto",
        devices=here,
        num_nodes=processes // here,
        strategy="ddp" if processes > 1 else "auto",
        precision="bf16-mixed" if precision == "bfloat16" else None,
    )
    fabric.launch()
    try:
        yield fabric
        fabric.barrier()  # none leaves while another still needs it
    finally:
        if processes > 1:
            distributed.destroy_process_group()


def check_batch(batch: int, fabric: Fabric) -> None:
    """Makes sure that a batch of streams can be divided among the processes.

    **Raises:** `TrainingError` if it cannot.
    """
    if batch % fabric.world_size:
        raise TrainingError(
            f"train.batch {batch} cannot be divided among {fabric.world_size} processes; take a multiple"
        )
