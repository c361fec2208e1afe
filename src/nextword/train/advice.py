"""What a run may be told before it begins: that other params would suit the text or the machine better."""

from collections.abc import Iterator

import torch

from nextword.params import TrainParams
from nextword.text.corpus import Corpus

# The shipped experiments, and from how many words of the training part on each one fits.
_EXPERIMENTS = (("novel", 50_000), ("book", 600_000), ("large", 50_000_000))


def advice(corpus: Corpus, params: TrainParams, device: torch.device) -> Iterator[str]:
    """Lines for a person, none where nothing is to be said."""
    words = len(corpus.training)
    fitting = [name for name, least in _EXPERIMENTS if words >= least]
    if fitting and params.context is not None and params.precision == "float64":
        yield (
            f"note: train.context {params.context} in float64 is meant for a short text; for {words:,} words "
            f"use experiments/{fitting[-1]}.yaml"
        )
    if params.precision == "bfloat16" and device.type == "cpu" and not _has_bfloat16():
        yield "note: this CPU has no instructions for bfloat16; train.precision float32 is faster here"


def _has_bfloat16() -> bool:
    """Whether the CPU computes in bfloat16; yes where PyTorch is too old to say."""
    capabilities = getattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})()
    return any(has for name, has in capabilities.items() if "bf16" in name)
