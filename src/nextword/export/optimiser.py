"""A step of the optimiser as nodes: gradients clipped, then AdamW, or plain gradient descent.

Both as in PyTorch (`clip_grad_norm_`, `AdamW`, `SGD`). What is the same for all weights is folded into
float64 scalars, to pass over each weight as few times as possible.
"""

from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, helper

from nextword.export.graph import Graph

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of AdamW, as in PyTorch
_CLIP_EPSILON = 1e-6

FIRST, SECOND = "first_moment.", "second_moment."  # prefixes of the names of a weight's moments


def add_norm(graph: Graph, gradients: list[str]) -> str:
    """The L2 norm of all gradients together; returns its name, float64 `()`."""
    squares = [graph.node("ReduceSumSquare", [name], keepdims=0) for name in gradients]
    return _wide(graph, graph.node("Sqrt", [graph.node("Sum", squares)]), "gradient_norm")


def add_step(graph: Graph, kind: type[np.floating], gradients: dict[str, str], matrices: set[str]) -> None:
    """Adds a step of the optimiser.

    It reads the scalars `learning_rate`, `weight_decay`, `clip`, `step` (from 1) and `adamw`, and for each
    weight its moments; all are output as `next_` and the name.

    **Arguments:**

    - `gradients`: for each weight, the name of its gradient.
    - `matrices`: the names of the weights that decay.
    """
    scalar = _Scalars(graph)
    clipped = scalar("Min", 1.0, scalar("Div", "clip", scalar("Add", "gradient_norm", _CLIP_EPSILON)))
    rate = _as(graph, kind, scalar("Mul", "learning_rate", clipped))
    before = [name for weight in gradients for name in (weight, FIRST + weight, SECOND + weight)]
    adamw, descent = graph.within("adamw_"), graph.within("descent_")
    step = scalar("Cast", "step", to=TensorProto.DOUBLE)
    of_second = scalar("Sqrt", scalar("Sub", 1.0, scalar("Pow", BETA_2, step)))
    scalars = {
        "first": scalar("Mul", 1.0 - BETA_1, clipped),
        "second": scalar("Mul", 1.0 - BETA_2, scalar("Mul", clipped, clipped)),
        "epsilon": scalar("Mul", EPSILON, of_second),
        "size": scalar(
            "Mul", "learning_rate", scalar("Div", of_second, scalar("Sub", 1.0, scalar("Pow", BETA_1, step)))
        ),
        "kept": scalar("Sub", 1.0, scalar("Mul", "learning_rate", "weight_decay")),
    }
    names = {name: _as(graph, kind, value) for name, value in scalars.items()}
    names |= {
        name: graph.constant(name, np.array(value, kind))
        for name, value in (("beta_1", BETA_1), ("beta_2", BETA_2))
    }
    outputs: list[list[str]] = [[], []]
    for weight, gradient in gradients.items():
        outputs[0] += _adamw(adamw, names, weight, gradient, decays=weight in matrices)
        less = descent.node("Mul", [gradient, rate])
        outputs[1] += [descent.node("Sub", [weight, less])]
        outputs[1] += [descent.node("Identity", [start + weight]) for start in (FIRST, SECOND)]
    then, otherwise = (
        _branch(inner, some, kind) for inner, some in zip((adamw, descent), outputs, strict=True)
    )
    graph.nodes_out(
        "If", ["adamw"], [f"next_{name}" for name in before], then_branch=then, else_branch=otherwise
    )


def _adamw(graph: Graph, scalars: dict[str, str], weight: str, gradient: str, *, decays: bool) -> list[str]:
    """The names of a weight after a step of AdamW (Loshchilov & Hutter 2019), and of its moments."""

    def scaled(name: str, by: str) -> str:
        return graph.node("Mul", [name, scalars[by]])

    squared = graph.node("Mul", [gradient, gradient])
    first = graph.node("Add", [scaled(FIRST + weight, "beta_1"), scaled(gradient, "first")])
    second = graph.node("Add", [scaled(SECOND + weight, "beta_2"), scaled(squared, "second")])
    root = graph.node("Add", [graph.node("Sqrt", [second]), scalars["epsilon"]])
    change = graph.node("Div", [scaled(first, "size"), root])
    kept = scaled(weight, "kept") if decays else weight
    return [graph.node("Sub", [kept, change]), first, second]


def _branch(graph: Graph, outputs: list[str], kind: type[np.floating]) -> GraphProto:
    of = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    return helper.make_graph(
        graph.nodes, "step", [], [helper.make_tensor_value_info(name, of, None) for name in outputs]
    )


def _as(graph: Graph, kind: type[np.floating], scalar: str) -> str:
    """A scalar in the type of the weights."""
    return graph.node("Cast", [scalar], to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def _wide(graph: Graph, value: str, name: str) -> str:
    return graph.node("Cast", [value], name, to=TensorProto.DOUBLE)


class _Scalars:
    """Adds nodes that compute with float64 scalars: names, or numbers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __call__(self, operator: str, *operands: str | float, **attributes: Any) -> str:
        names = [
            one if isinstance(one, str) else self._graph.constant(f"scalar_{one:g}", np.array(one))
            for one in operands
        ]
        return self._graph.node(operator, names, **attributes)
