"""Weights as a network has them ⇄ as a step graph stores them, with the gates in another order."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Stored(NamedTuple):
    """How a tensor of a step graph is made of weights.

    - `weights`: the names of the weights, in order.
    - `gates`: the order of the equal parts of each, by their places in the network's order; if not empty, the
      tensor has a leading axis of size 1.
    - `transposed`: whether the matrix is transposed.
    """

    weights: tuple[str, ...]
    gates: tuple[int, ...] = ()
    transposed: bool = False

    def join(self, weights: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The stored tensor."""
        found = [weights[name] for name in self.weights]
        if self.gates:
            found = [np.split(one, len(self.gates))[place] for one in found for place in self.gates]
        tensor = np.concatenate(found) if len(found) > 1 else found[0]
        tensor = tensor[None] if self.gates else tensor
        return tensor.T if self.transposed else tensor

    def part(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The weights in a tensor, by name.

        **Raises:** `ValueError` for a tensor that does not match their shapes.
        """
        tensor = tensor.T if self.transposed else tensor
        if self.gates:
            [tensor] = tensor
        found = dict(zip(self.weights, np.split(tensor, len(self.weights)), strict=True))
        if self.gates:
            order = np.argsort(self.gates)
            for name, one in found.items():
                gates = np.split(one, len(self.gates))
                found[name] = np.concatenate([gates[place] for place in order])
        return found
