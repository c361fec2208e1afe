"""A step graph of an unknown cell, whose states have unusual names, number and shapes."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from nextword.export.graph import IR_VERSION, OPSET, Graph
from nextword.runtime.metadata import Metadata


def build(metadata: Metadata, seed: int = 0) -> onnx.ModelProto:
    """A graph that remembers each word, half as strongly after each further word, and counts words.

    The states are `trace`, float32 `(batch, dictionary, 1)`, and `clock`, int64 `(2, 3, batch)`.
    """
    size = len(metadata.dictionary)
    graph = Graph()
    random = np.random.default_rng(seed)
    time = graph.node("Shape", ["ids"], start=1)  # (1,)
    zero, one = graph.constant("zero", np.array(0)), graph.constant("one", np.array(1))
    count = graph.node("Squeeze", [time])
    ages = graph.node(
        "Range",
        [
            graph.node("Sub", [count, one]),
            graph.constant("end", np.array(-1)),
            graph.constant("back", np.array(-1)),
        ],
    )  # (time,)
    half = graph.constant("half", np.array(0.5, np.float32))
    weights = graph.node("Pow", [half, graph.node("Cast", [ages], to=TensorProto.FLOAT)])
    depth = graph.constant("depth", np.array(size))
    values = graph.constant("values", np.array([0, 1], np.float32))
    words = graph.node("OneHot", ["ids", depth, values], axis=1)  # (batch, dictionary, time)
    column = graph.node("Unsqueeze", [weights, graph.ints([1])])  # (time, 1)
    faded = graph.node(
        "Mul", ["trace", graph.node("Pow", [half, graph.node("Cast", [count], to=TensorProto.FLOAT)])]
    )
    graph.node("Add", [faded, graph.node("MatMul", [words, column])], "next_trace")
    graph.node("Add", ["clock", count], "next_clock")
    trace = graph.node("Squeeze", ["next_trace", graph.ints([2])])  # (batch, dictionary)
    matrix = graph.constant("matrix", (3 * random.standard_normal((size, size))).astype(np.float32))
    ticks = graph.node(
        "Gather", [graph.node("Gather", ["next_clock", zero], axis=0), zero], axis=0
    )  # (batch,)
    wobble = graph.node("Sin", [graph.node("Cast", [ticks], to=TensorProto.FLOAT)])
    tilt = graph.constant("tilt", random.standard_normal((1, size)).astype(np.float32))
    shifts = graph.node("MatMul", [graph.node("Unsqueeze", [wobble, graph.ints([1])]), tilt])
    graph.node("Add", [graph.node("MatMul", [trace, matrix]), shifts], "logits")
    graph.node("Identity", [trace], "features")
    value = helper.make_tensor_value_info

    def states(prefix: str) -> list[onnx.ValueInfoProto]:
        return [
            value(f"{prefix}trace", TensorProto.FLOAT, ["batch", size, 1]),
            value(f"{prefix}clock", TensorProto.INT64, [2, 3, "batch"]),
        ]

    outputs = [
        value("logits", TensorProto.FLOAT, ["batch", size]),
        value("features", TensorProto.FLOAT, ["batch", size]),
    ]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "quibble",
            [value("ids", TensorProto.INT64, ["batch", "time"]), *states("")],
            [*outputs, *states("next_")],
            graph.initializers,
        ),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, metadata.to_properties())
    onnx.checker.check_model(model, full_check=True)
    return model
