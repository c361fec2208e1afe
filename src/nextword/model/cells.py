"""The cells: what a layer computes at one time step. All knowledge of individual cells is in this file.

A cell is an entry of `CELLS`. Everywhere else a state is a mapping from the cell's names for its parts,
and is carried, selected, saved and fed by these names alone. PyTorch is imported where it is used,
so that params.yaml can be checked without it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

Array = NDArray[np.floating]
State = Mapping[str, "Tensor"]

# One time step for a single text: x `(input,)`, the parts of the state `(hidden,)`, and the weights in the
# order of the PyTorch module's parameters → the layer's output, `(hidden,)`, and the next state.
Equations = Callable[..., tuple[Array, dict[str, Array]]]


@dataclass(frozen=True)
class Operator:
    """A recurrent cell's operator in ONNX.

    - `name`: of the operator.
    - `gates`: the gates in the operator's order, each as its index in PyTorch's.
    - `attributes`: besides `hidden_size`.
    """

    name: str
    gates: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def ordered(self, weight: NDArray[Any]) -> NDArray[Any]:
        """Reorders the first axis from PyTorch's gates to the operator's."""
        gates = np.split(weight, len(self.gates))
        return np.concatenate([gates[place] for place in self.gates])


@dataclass(frozen=True)
class Cell:
    """Everything that the project needs to know about a cell.

    - `states`: the names of the parts of its state, each of shape `(layers, batch, hidden)`.
    - `equations`: one time step in plain numpy. The training graph is made from them, so they may use only
      `+`, `-`, `*`, `W @ x`, `np.tanh`, `np.maximum`, `np.split` into equal parts, and the sigmoid,
      `1 / (1 + np.exp(-x))`. Others need entries in `export/equations.py` and `export/backward.py`.
    - `module`: the class in `torch.nn` that holds the weights of a layer.
    - `function`: the function of `torch` that runs a recurrent layer over time.
    - `operator`: its operator in ONNX.

    A cell without a state lacks the last two: it reads the words of the context side by side, and each
    layer is a product and a tanh.
    """

    states: tuple[str, ...]
    equations: Equations
    module: str
    function: str = ""
    operator: Operator | None = None

    def layer(self, inputs: int, hidden: int) -> "nn.Module":
        """A module that holds the weights of a layer."""
        from torch import nn

        made: nn.Module = getattr(nn, self.module)(inputs, hidden)
        return made

    def run(
        self, weights: Sequence["Tensor"], values: "Tensor", state: State | None
    ) -> tuple["Tensor", dict[str, "Tensor"]]:
        """Runs a layer over time.

        **Arguments:**

        - `weights`: those of `layer`, in the order of its parameters.
        - `values`: the layer's input, shape `(time, batch, input)`.
        - `state`: before the first word, each part of shape `(1, batch, hidden)`; zero if `None`.

        **Returns:** the layer's output, `(time, batch, hidden)`, and the state after the last word.
        """
        import torch

        if not self.states:
            weight, bias = weights
            return torch.tanh(torch.nn.functional.linear(values, weight, bias)), {}
        if state is None:
            state = dict.fromkeys(self.states, values.new_zeros(1, values.shape[1], weights[1].shape[1]))
        before = [state[name] for name in self.states]
        hidden, *after = getattr(torch, self.function)(
            values, before if len(before) > 1 else before[0], weights, True, 1, 0.0, True, False, False
        )
        return hidden, dict(zip(self.states, after, strict=True))


def _lstm(x: Array, state: Mapping[str, Array], W: Array, U: Array, a: Array, b: Array) -> Any:  # noqa: N803
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with the forget gate of Gers et al. 2000."""
    i, f, g, o = np.split(W @ x + a + U @ state["hidden"] + b, 4)  # input, forget, candidate, output
    cell = _sigmoid(f) * state["cell"] + _sigmoid(i) * np.tanh(g)
    hidden = _sigmoid(o) * np.tanh(cell)
    return hidden, {"hidden": hidden, "cell": cell}


def _gru(x: Array, state: Mapping[str, Array], W: Array, U: Array, a: Array, b: Array) -> Any:  # noqa: N803
    """Gated recurrent unit (Cho et al. 2014), reset after the product as in cuDNN and PyTorch."""
    (of_r, of_z, of_n), (r, z, n) = np.split(W @ x + a, 3), np.split(U @ state["hidden"] + b, 3)
    reset, update = _sigmoid(of_r + r), _sigmoid(of_z + z)
    hidden = (1 - update) * np.tanh(of_n + reset * n) + update * state["hidden"]
    return hidden, {"hidden": hidden}


def _rnn(x: Array, state: Mapping[str, Array], W: Array, U: Array, a: Array, b: Array) -> Any:  # noqa: N803
    """The simple recurrent network (Elman 1990)."""
    hidden = np.tanh(W @ x + a + U @ state["hidden"] + b)
    return hidden, {"hidden": hidden}


def _feedforward(x: Array, _state: Mapping[str, Array], W: Array, a: Array) -> Any:  # noqa: N803
    """A hidden layer of the neural probabilistic language model (Bengio et al. 2003)."""
    return np.tanh(W @ x + a), {}


def _sigmoid(x: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-x))
    return result


CELLS = {
    "lstm": Cell(
        states=("hidden", "cell"),
        equations=_lstm,
        module="LSTM",
        function="lstm",
        operator=Operator("LSTM", gates=(0, 3, 1, 2)),  # i, o, f, c; c is g
    ),
    "gru": Cell(
        states=("hidden",),
        equations=_gru,
        module="GRU",
        function="gru",
        operator=Operator("GRU", gates=(1, 0, 2), attributes={"linear_before_reset": 1}),  # z, r, h; h is n
    ),
    "rnn": Cell(
        states=("hidden",), equations=_rnn, module="RNN", function="rnn_tanh", operator=Operator("RNN", (0,))
    ),
    "feedforward": Cell(states=(), equations=_feedforward, module="Linear"),
}
