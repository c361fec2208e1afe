"""The cells: what a layer computes at one time step. The one place that knows a cell.

A cell is an entry of `CELLS`. Everywhere else a state is a mapping by the names that the cell gives its
parts, and is carried, selected, saved and fed by these names alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

State = Mapping[str, Tensor]
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Operator:
    """A cell's operator in ONNX.

    - `name`: of the operator.
    - `gates`: the gates in the operator's order, each by its place in PyTorch's.
    """

    name: str
    gates: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """What has to be known of a cell.

    - `states`: the names of the parts of its state, each of shape `(layers, batch, hidden)`; the first
      is what a layer gives out.
    - `equations`: one time step in plain numpy, `(x, state, W, U, b) → state`, for a single text.
    - `module`: the PyTorch module that holds the weights of a layer.
    - `function`: the PyTorch function that runs a layer along time.
    - `operator`: its operator in ONNX.
    """

    states: tuple[str, ...]
    equations: Callable[[Array, Mapping[str, Array], Array, Array, Array], dict[str, Array]]
    module: Callable[[int, int], nn.Module]
    function: Callable[..., tuple[Tensor, ...]]
    operator: Operator

    def run(
        self, weights: Sequence[Tensor], values: Tensor, state: State | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Runs a layer along time.

        **Arguments:**

        - `weights`: those of `module`, in the order of its parameters: W, U, and their two biases.
        - `values`: what the layer reads, shape `(time, batch, input)`.
        - `state`: before the first word, each part of shape `(1, batch, hidden)`; zero if `None`.

        **Returns:** what the layer gives out, `(time, batch, hidden)`, and the state after the last
        word.
        """
        if state is None:
            zero = values.new_zeros(1, values.shape[1], weights[1].shape[1])
            state = dict.fromkeys(self.states, zero)
        before = [state[name] for name in self.states]
        hidden, *after = self.function(
            values, before if len(before) > 1 else before[0], weights, True, 1, 0.0, True, False, False
        )
        return hidden, dict(zip(self.states, after, strict=True))

    def onnx_gates(self, weight: NDArray[Any]) -> NDArray[Any]:
        """Reorders the first axis from PyTorch's gates to those of the ONNX operator."""
        gates = np.split(weight, len(self.operator.gates))
        return np.concatenate([gates[place] for place in self.operator.gates])


def _lstm(x: Array, state: Mapping[str, Array], W: Array, U: Array, b: Array) -> dict[str, Array]:  # noqa: N803
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with the forget gate of Gers et al. 2000."""
    i, f, g, o = np.split(W @ x + U @ state["hidden"] + b, 4)  # input, forget, candidate, output
    cell = _sigmoid(f) * state["cell"] + _sigmoid(i) * np.tanh(g)
    return {"hidden": _sigmoid(o) * np.tanh(cell), "cell": cell}


def _sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-x))
    return result


CELLS = {
    "lstm": Cell(
        states=("hidden", "cell"),
        equations=_lstm,
        module=nn.LSTM,
        function=torch.lstm,
        operator=Operator("LSTM", gates=(0, 3, 1, 2)),  # i, o, f, c
    ),
}
