"""Reverse mode: from the nodes of a graph to those that compute its gradients (Linnainmaa 1976).

A rule for each operator turns the gradients of a node's outputs into that of an input. Values are
two-dimensional, a row for each word, and weights are as in PyTorch, `(out, in)` and `(out,)`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np
from onnx import NodeProto, numpy_helper

from nextword.export.graph import Graph

# A node, the names of its outputs' gradients, the place of an input → the name of that input's gradient.
Rule = Callable[["Backward", NodeProto, list[str], int], str]
# The names of the outputs' gradients → those of everything a node reads, captured weights included.
OwnRule = Callable[["Backward", list[str]], Mapping[str, str]]


class Backward:
    """Adds to a graph the nodes that compute gradients.

    **Arguments:**

    - `graph`: where the nodes go.
    - `kind`: the type of its numbers.
    - `vectors`: names of values with one axis, added to each row; their gradients are sums over rows.
    - `own`: rules for single nodes, by node name.
    """

    def __init__(
        self,
        graph: Graph,
        kind: type[np.floating],
        vectors: Collection[str],
        own: Mapping[str, OwnRule] | None = None,
    ) -> None:
        self.graph = graph
        self.kind = kind
        self._vectors = vectors
        self._own = own or {}

    def gradients(
        self, nodes: list[NodeProto], given: Mapping[str, str], wanted: Iterable[str]
    ) -> dict[str, str]:
        """Goes back through nodes.

        **Arguments:**

        - `nodes`: in the order in which they are computed.
        - `given`: the names of known gradients, by the names of their values.
        - `wanted`: the names of values whose gradients are wanted.

        **Returns:** the names of the gradients of all values from `wanted` to `given`, by the values' names.
        """
        needed = set(wanted)
        for node in nodes:
            if node.name in self._own or needed.intersection(node.input):
                needed.update(node.output)
        found = dict(given)
        for node in reversed(nodes):
            of_outputs = [found.get(name, "") for name in node.output]
            if not any(of_outputs):
                continue
            if node.name in self._own:
                for name, gradient in self._own[node.name](self, of_outputs).items():
                    self._add(found, name, gradient)
                continue
            for place, name in enumerate(node.input):
                if name in needed:
                    self._add(found, name, self.of_input(node, of_outputs, place))
        return found

    def of_input(self, node: NodeProto, of_outputs: list[str], place: int) -> str:
        """The name of the gradient of the input at a place of a node.

        **Arguments:**

        - `of_outputs`: the names of the gradients of the node's outputs.
        """
        gradient = RULES[node.op_type](self, node, of_outputs, place)
        if node.input[place] in self._vectors:
            return self.graph.node("ReduceSum", [gradient, self.graph.ints([0])], keepdims=0)
        return gradient

    def zeros_like(self, value: str) -> str:
        """The name of zeros in the shape of a value."""
        zero = numpy_helper.from_array(np.zeros(1, self.kind))
        return self.graph.node("ConstantOfShape", [self.graph.node("Shape", [value])], value=zero)

    def _add(self, found: dict[str, str], name: str, gradient: str) -> None:
        before = found.get(name)
        found[name] = self.graph.node("Add", [before, gradient]) if before else gradient


def _add(_: Backward, _node: NodeProto, of_outputs: list[str], _place: int) -> str:
    return of_outputs[0]


def _sub(backward: Backward, _node: NodeProto, of_outputs: list[str], place: int) -> str:
    return backward.graph.node("Neg", of_outputs) if place else of_outputs[0]


def _mul(backward: Backward, node: NodeProto, of_outputs: list[str], place: int) -> str:
    return backward.graph.node("Mul", [of_outputs[0], node.input[1 - place]])


def _gemm(backward: Backward, node: NodeProto, of_outputs: list[str], place: int) -> str:
    """For rows times a transposed weight, optionally plus something."""
    rows, weight, *_ = node.input
    if place == 2:
        return of_outputs[0]
    if place == 1:
        return backward.graph.node("Gemm", [of_outputs[0], rows], transA=1)
    return backward.graph.node("Gemm", [of_outputs[0], weight])


def _tanh(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    """(1 − tanh²) times the gradient."""
    graph, value, gradient = backward.graph, node.output[0], of_outputs[0]
    squared = graph.node("Mul", [value, value])
    return graph.node("Sub", [gradient, graph.node("Mul", [gradient, squared])])


def _sigmoid(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    """σ (1 − σ) times the gradient."""
    graph, value = backward.graph, node.output[0]
    scaled = graph.node("Mul", [of_outputs[0], value])
    return graph.node("Sub", [scaled, graph.node("Mul", [scaled, value])])


def _max(backward: Backward, node: NodeProto, of_outputs: list[str], place: int) -> str:
    """The gradient where this input is the larger of two; where they are equal, neither has one."""
    graph = backward.graph
    is_larger = graph.node("Greater", [node.input[place], node.input[1 - place]])
    return graph.node("Where", [is_larger, of_outputs[0], backward.zeros_like(of_outputs[0])])


def _split(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    pairs = zip(of_outputs, node.output, strict=True)
    parts = [gradient or backward.zeros_like(value) for gradient, value in pairs]
    return backward.graph.node("Concat", parts, axis=1)


def _reshape(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    graph = backward.graph
    return graph.node("Reshape", [of_outputs[0], graph.node("Shape", [node.input[0]])])


def _gather(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    """For some rows of a matrix. `ScatterND` would lose sums where two threads add to one row."""
    graph, gradient = backward.graph, of_outputs[0]
    column = graph.node("Unsqueeze", [node.input[1], graph.ints([1])])
    places = graph.node("Expand", [column, graph.node("Shape", [gradient])])
    nothing = backward.zeros_like(node.input[0])
    return graph.node("ScatterElements", [nothing, places, gradient], axis=0, reduction="add")


def _slice(backward: Backward, node: NodeProto, of_outputs: list[str], _place: int) -> str:
    """For the last rows; the others were not used."""
    graph, gradient = backward.graph, of_outputs[0]
    before, kept = (graph.node("Shape", [name], start=0, end=1) for name in (node.input[0], gradient))
    pads = graph.node("Concat", [graph.node("Sub", [before, kept]), graph.ints([0, 0, 0])], axis=0)
    return graph.node("Pad", [gradient, pads])


RULES: dict[str, Rule] = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Gemm": _gemm,
    "Tanh": _tanh,
    "Sigmoid": _sigmoid,
    "Max": _max,
    "Split": _split,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Gather": _gather,
    "Slice": _slice,
}
