"""Weights → the step graph: words in, logits and the next state out, in standard operators.

A recurrent network, of one layer (with more, `Split` and `Concat` surround the states):

    ids ─ Transpose ─ Gather(embedding) ─ LSTM, GRU or RNN ─ (MatMul) ─ features ─ Gemm ─ logits
    hidden, cell ──────────────────────────┴─ next_hidden, next_cell

A feed-forward one:

    ids ─ Transpose ─ Gather(embedding) ─ Pad ─ Slice ─ … ─ Gemm ─ Tanh ─ (MatMul) ─ features ─ Gemm ─ logits

| name | type | shape |
|---|---|---|
| `ids` | int64 | `(batch, time)` |
| each part of the state by its name | float32 | `(layers, batch, hidden)` |
| `logits` | float32 | `(batch, dictionary)`, of the word after the last one |
| `features` | float32 | `(batch, features)`, what the logits are computed from |
| `next_` and the name of each part | float32 | `(layers, batch, hidden)` |

The weights are float16 initializers, each with one `Cast` to float32, which onnxruntime folds
when it loads the file.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from nextword.export.graph import IR_VERSION, OPSET, Graph
from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Weights
from nextword.runtime.learning.stored import Stored

# Adds a recurrent layer: its number, the name of what it reads `(time, batch, input)`, the names of the
# state's parts before the first word, and those of its outputs, including the parts after the last word.
Layer = Callable[[int, str, list[str], list[str]], None]


def build(weights: Weights, architecture: Architecture, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph of a network.

    **Arguments:**

    - `weights`: float16 arrays under the names of `Network`'s parameters: `embedding.weight`
      `(dictionary, embedding)`; for each recurrent layer l `layers.{l}.weight_ih_l0`
      `(gates · hidden, input)`, `layers.{l}.weight_hh_l0` `(gates · hidden, hidden)`,
      `layers.{l}.bias_ih_l0` and `layers.{l}.bias_hh_l0` `(gates · hidden,)`; for each other layer
      `layers.{l}.weight` `(hidden, input)` and `layers.{l}.bias` `(hidden,)`; `logits.weight`
      `(dictionary, hidden)` and `logits.bias` `(dictionary,)`; in a projected network
      `projection.weight` `(embedding, hidden)`, and `logits.weight` is `(dictionary, embedding)`.
    - `metadata`: the file's `metadata_props`.

    **Returns:** a graph that has passed ONNX's checker and shape inference.
    """
    graph = Graph()
    operator = CELLS[architecture.cell].operator
    stored = stored_weights(weights, architecture)

    def weight(name: str) -> str:
        return graph.weight(name, stored[name].join(weights))

    embedding = weight("embedding")
    by_time = graph.node("Transpose", ["ids"], perm=[1, 0])  # (time, batch)
    sequence = graph.node("Gather", [embedding, by_time])  # (time, batch, embedding)
    top_name = "" if "projection.weight" in weights else "features"
    if operator is None:
        top = side_by_side(graph, sequence, architecture)
        for layer in range(architecture.layers):
            is_last = layer + 1 == architecture.layers
            summed = graph.node("Gemm", [top, weight(f"W_{layer}"), weight(f"B_{layer}")], transB=1)
            top = graph.node("Tanh", [summed], top_name if is_last else "")  # (batch, hidden)
    else:

        def add(layer: int, values: str, before: list[str], outputs: list[str]) -> None:
            matrices = [weight(f"{kind}_{layer}") for kind in "WRB"]
            # No lengths: all sequences of a batch are equally long.
            inputs = [values, *matrices, "", *before]
            graph.nodes_out(
                operator.name, inputs, outputs, hidden_size=architecture.hidden, **operator.attributes
            )

        top = recurrent(graph, architecture, sequence, add, top_name)
    if "projection.weight" in weights:
        top = graph.node("MatMul", [top, weight("projection")], "features")
    output = embedding if architecture.tied else weight("logits_weight")
    graph.node("Gemm", [top, output, weight("logits_bias")], "logits", transB=1)
    return finish(graph, architecture, metadata)


def stored_weights(weights: Iterable[str], architecture: Architecture) -> dict[str, Stored]:
    """How the weights of a network are stored, by the name used in the graph.

    **Arguments:**

    - `weights`: their names.
    """
    operator = CELLS[architecture.cell].operator
    found = {"embedding": Stored(("embedding.weight",))}
    kinds: dict[str, tuple[str, ...]]
    for layer in range(architecture.layers):
        if operator is None:
            kinds = {"W": ("weight",), "B": ("bias",)}
        else:
            kinds = {"W": ("weight_ih_l0",), "R": ("weight_hh_l0",), "B": ("bias_ih_l0", "bias_hh_l0")}
        for kind, names in kinds.items():
            own = tuple(f"layers.{layer}.{name}" for name in names)
            found[f"{kind}_{layer}"] = Stored(own, operator.gates if operator else ())
    if "projection.weight" in weights:
        found["projection"] = Stored(("projection.weight",), transposed=True)
    if not architecture.tied:
        found["logits_weight"] = Stored(("logits.weight",))
    return found | {"logits_bias": Stored(("logits.bias",))}


def side_by_side(graph: Graph, sequence: str, architecture: Architecture) -> str:
    """The vectors of the last `context` words side by side, padded in front with zero vectors.

    **Arguments:**

    - `sequence`: name of the vectors, `(time, batch, embedding)`.

    **Returns:** the name of what the first layer reads, `(batch, context · embedding)`.
    """
    context = architecture.context
    assert context is not None
    before = graph.ints([context, 0, 0, 0, 0, 0])  # at the beginning of each axis, then at the end
    padded = graph.node("Pad", [sequence, before])
    last = [graph.ints([-context]), graph.ints([np.iinfo(np.int64).max]), graph.ints([0])]
    words = graph.node("Transpose", [graph.node("Slice", [padded, *last])], perm=[1, 0, 2])
    return graph.node("Reshape", [words, graph.ints([-1, context * architecture.embedding])])


def recurrent(graph: Graph, architecture: Architecture, sequence: str, add: Layer, output: str) -> str:
    """Layers that carry a state.

    **Arguments:**

    - `sequence`: name of what the first one reads, `(time, batch, input)`.
    - `add`: adds one of them.
    - `output`: name of the last layer's output after the last word, if it needs one.

    **Returns:** that name; its shape is `(batch, hidden)`.
    """
    names, layers = CELLS[architecture.cell].states, architecture.layers
    before, after = ({name: [prefix + name] for name in names} for prefix in ("", "next_"))
    if layers > 1:
        before = {
            name: graph.nodes_out("Split", [name], layers, axis=0, num_outputs=layers) for name in names
        }  # each (1, batch, hidden)
        after = {name: [f"{name}_after_{layer}" for layer in range(layers)] for name in names}
    for layer in range(layers):
        outputs = [f"outputs_{layer}", *(after[name][layer] for name in names)]
        add(layer, sequence, [before[name][layer] for name in names], outputs)
        if layer + 1 < layers:
            direction = graph.constant("direction", np.array([1]))
            sequence = graph.node("Squeeze", [outputs[0], direction])  # (time, batch, hidden)
    if layers > 1:
        for name, parts in after.items():
            graph.node("Concat", parts, f"next_{name}", axis=0)
    last = after[names[0]][-1]
    return graph.node("Squeeze", [last, graph.constant("layer", np.array([0]))], output)


def gates(weights: Weights, architecture: Architecture, layer: int, *names: str) -> NDArray[Any]:
    """Parameters of a layer, side by side in the order of the operator's gates, `(1, …)`."""
    operator = CELLS[architecture.cell].operator
    assert operator
    return np.concatenate([operator.ordered(weights[f"layers.{layer}.{name}"]) for name in names])[None]


def finish(
    graph: Graph, architecture: Architecture, metadata: Mapping[str, str], domains: tuple[str, ...] = ()
) -> onnx.ModelProto:
    """A checked step graph from its complete nodes.

    **Arguments:**

    - `domains`: of operators besides the standard ones.
    """
    names = CELLS[architecture.cell].states
    value = helper.make_tensor_value_info

    def state(name: str) -> onnx.ValueInfoProto:
        return value(name, TensorProto.FLOAT, [architecture.layers, "batch", architecture.hidden])

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "nextword",
            [value("ids", TensorProto.INT64, ["batch", "time"]), *map(state, names)],
            [
                value("logits", TensorProto.FLOAT, ["batch", architecture.dictionary]),
                value("features", TensorProto.FLOAT, ["batch", architecture.features]),
                *(state(f"next_{name}") for name in names),
            ],
            graph.initializers,
        ),
        producer_name="nextword",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), *(helper.make_opsetid(name, 1) for name in domains)],
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=not domains)
    return model
