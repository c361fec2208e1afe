"""The processes that train together: one, or those started by `torchrun`."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed
from torch.optim import Optimizer

from nextword.errors import TrainingError
from nextword.params import TrainParams


@contextmanager
def together(params: TrainParams) -> Iterator[Fabric]:
    """Joins the processes with PyTorch's distributed data parallel: gloo on CPUs, NCCL on GPUs.

    A GPU is used if there is one, except with float64, whose results are reproducible on CPUs. With
    `bfloat16`, weights are float32 and computations are rounded (autocast), unless the CPU lacks the
    instructions.

    **Raises:** `TrainingError` if a batch of streams cannot be divided among the processes.
    """
    processes, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if params.context is None and params.batch % processes:
        raise TrainingError(
            f"train.batch {params.batch} cannot be divided among {processes} processes; use a multiple of "
            f"{processes}"
        )
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would repeat what the params say
    fabric = Fabric(
        accelerator="cpu" if params.precision == "float64" else "auto",
        devices=here,
        num_nodes=processes // here,
        strategy="ddp" if processes > 1 else "auto",
        precision="bf16-mixed" if params.precision == "bfloat16" and not lacks_bfloat16() else None,
    )
    fabric.launch()
    try:
        yield fabric
        fabric.barrier()  # no process leaves while another still needs it
    finally:
        if processes > 1:
            distributed.destroy_process_group()


def lacks_bfloat16() -> bool:
    """Whether training runs on a CPU without bfloat16 instructions, which would emulate them slowly."""
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return False
    # PyTorch before 2.9 does not report a CPU's instructions.
    capabilities = getattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})()
    return not any(has for name, has in capabilities.items() if "bf16" in name) or not _can_use_bfloat16()


def _can_use_bfloat16() -> bool:
    """Whether PyTorch's LSTM runs in bfloat16: on some virtual CPUs with the instructions, it does not."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            torch.nn.LSTM(8, 8)(torch.zeros(2, 1, 8))
    except RuntimeError:
        return False
    return True


def clip(module: Any, optimizer: Optimizer, longest: float, fabric: Fabric) -> float:
    """Scales gradients whose L2 norm exceeds `longest` down to it; returns the norm before."""
    norm = fabric.clip_gradients(module, optimizer, max_norm=longest, error_if_nonfinite=False)
    assert norm is not None
    return norm.item()


def mean(value: Tensor, fabric: Fabric) -> float:
    """The mean of a number over all processes."""
    found = fabric.all_reduce(value.detach(), reduce_op="mean")
    assert isinstance(found, Tensor)
    return found.item()


def most(value: int, fabric: Fabric) -> int:
    """The largest of a number over all processes."""
    if fabric.world_size == 1:
        return value
    found = fabric.all_reduce(torch.tensor(value), reduce_op="max")
    assert isinstance(found, Tensor)
    return int(found.item())


def of_all_streams(part: Tensor, fabric: Fabric) -> Tensor:
    """The state of the streams of all processes, in the order of the text, from `(layers, batch, hidden)`."""
    if fabric.world_size == 1:
        return part
    gathered = fabric.all_gather(part)  # (processes, layers, batch, hidden)
    assert isinstance(gathered, Tensor)
    return gathered.permute(1, 2, 0, 3).flatten(1, 2)


def of_own_streams(part: Tensor, fabric: Fabric) -> Tensor:
    """The state of this process's streams, from that of all streams."""
    return part[:, fabric.global_rank :: fabric.world_size].contiguous()
