"""The weights that training begins with. They are drawn by numpy, and so are the same on every machine."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn


def bounds(network: nn.Module, hidden: int, *, is_tied: bool) -> Iterator[tuple[str, float | None]]:
    """For each weight the largest value of a uniform distribution, or `None` for a normal one, as in PyTorch.

    A shared matrix is drawn like that of the logits.
    """
    for name, weight in network.named_parameters():
        if name == "embedding.weight" and not is_tied:
            yield name, None
        elif name.endswith("weight") and name.startswith("layers."):
            yield name, weight.shape[1] ** -0.5  # of a layer without a state
        else:
            yield name, hidden**-0.5


def draw(network: nn.Module, hidden: int, random: np.random.Generator, *, is_tied: bool) -> None:
    """Draws all weights from the distributions of `bounds`."""
    weights = dict(network.named_parameters())
    for name, bound in bounds(network, hidden, is_tied=is_tied):
        shape = weights[name].shape
        drawn = random.standard_normal(shape) if bound is None else random.uniform(-bound, bound, shape)
        with torch.no_grad():
            weights[name].copy_(torch.from_numpy(drawn))
