"""A graph under construction: nodes and initializers in the order needed."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 9  # the one that came with opset 20


class Graph:
    """Nodes and initializers, collected one by one.

    **Arguments:**

    - `prefix`: begins the names of unnamed values, so that two graphs can be joined.
    """

    def __init__(self, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._prefix = prefix

    def within(self, prefix: str) -> "Graph":
        """A graph that goes into an operator of this one, and shares its initializers."""
        inner = Graph(prefix)
        inner.initializers = self.initializers
        return inner

    def weight(self, name: str, value: NDArray[Any]) -> str:
        """A weight as float32; returns its name. Float16 is stored as it is and cast once."""
        if value.dtype == np.float32:
            return self.constant(name, value)
        self.constant(f"{name}_float16", value)
        return self.node("Cast", [f"{name}_float16"], name, to=TensorProto.FLOAT)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """An initializer, added once; returns its name."""
        if all(known.name != name for known in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        output = output or f"{self._prefix}{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def nodes_out(
        self, operator: str, inputs: list[str], outputs: int | list[str], **attributes: Any
    ) -> list[str]:
        """A node with several outputs, given their number or names; returns their names."""
        names = outputs
        if isinstance(names, int):
            names = [f"{self._prefix}{operator.lower()}_{len(self.nodes)}_{index}" for index in range(names)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def ints(self, values: list[int]) -> str:
        """A constant int64 `(n,)`; returns its name."""
        name = "ints_" + "_".join(map(str, values)).replace("-", "minus")
        return self.constant(name, np.array(values))

    def look_up(self, strings: str, numbers: dict[str, int], otherwise: int) -> str:
        """The number of each string; returns the name of an int64 of the same shape."""
        return self.node(
            "LabelEncoder",
            [strings],
            domain="ai.onnx.ml",
            keys_strings=list(numbers),
            values_int64s=list(numbers.values()),
            default_int64=otherwise,
        )


def shorten(graph: onnx.GraphProto) -> None:
    """Gives the values between a graph's inputs and outputs short names; names are most of a large graph.

    The graphs in its operators may read its values, so they are renamed with it.
    """
    kept = {value.name for value in [*graph.input, *graph.output]}
    short = {"": "", **{name: name for name in kept}}

    def renamed(names: Any) -> list[str]:
        return [short.setdefault(name, f"v{len(short):x}") for name in names]

    def walk(inner: onnx.GraphProto) -> None:
        for named in [*inner.input, *inner.output, *inner.initializer]:
            [named.name] = renamed([named.name])
        for node in inner.node:
            node.input[:], node.output[:] = renamed(node.input), renamed(node.output)
            node.name = ""
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    walk(attribute.g)

    walk(graph)
