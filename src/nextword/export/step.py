"""Weights → the step graph: words in, logits and the next state out, in standard operators.

    ids ─ Transpose ─ Gather(embedding) ─ LSTM ─ … ─ LSTM ─ (MatMul) ─ Gemm ─ logits
    hidden, cell ──── Split ────────────────┴──── … ───┴─── Concat ─ next_hidden, next_cell

| name | type | shape |
|---|---|---|
| `ids` | int64 | `(batch, time)` |
| each state by its name | float32 | `(layers, batch, hidden)` |
| `logits` | float32 | `(batch, dictionary)`, of the word after the last one |
| `next_` and the name of each state | float32 | `(layers, batch, hidden)` |

The weights are float16 initializers, each with one `Cast` to float32, which onnxruntime folds
when it loads the file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from nextword.export.graph import IR_VERSION, OPSET, Graph
from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Weights


def build(weights: Weights, architecture: Architecture, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph of a network.

    **Arguments:**

    - `weights`: float16 arrays under the names of `Network`'s parameters: `embedding.weight`
      `(dictionary, embedding)`; for each layer l `layers.{l}.weight_ih_l0` `(gates · hidden, input)`,
      `layers.{l}.weight_hh_l0` `(gates · hidden, hidden)`, `layers.{l}.bias_ih_l0` and
      `layers.{l}.bias_hh_l0` `(gates · hidden,)`; `logits.weight` `(dictionary, hidden)` and
      `logits.bias` `(dictionary,)`; in a projected network `projection.weight` `(embedding, hidden)`,
      and `logits.weight` is `(dictionary, embedding)`.
    - `metadata`: the file's `metadata_props`.

    **Returns:** a graph that has passed ONNX's checker and shape inference.
    """
    graph = Graph()
    cell = CELLS[architecture.cell]
    embedding = graph.weight("embedding", weights["embedding.weight"])
    by_time = graph.node("Transpose", ["ids"], perm=[1, 0])  # (time, batch)
    sequence = graph.node("Gather", [embedding, by_time])  # (time, batch, embedding)
    states = split_states(graph, architecture)
    after: dict[str, list[str]] = {name: [] for name in cell.states}
    for layer in range(architecture.layers):
        outputs, *last = graph.nodes_out(
            cell.operator.name,
            [
                sequence,
                graph.weight(f"W_{layer}", gates(weights, architecture, layer, "weight_ih_l0")),
                graph.weight(f"R_{layer}", gates(weights, architecture, layer, "weight_hh_l0")),
                graph.weight(f"B_{layer}", gates(weights, architecture, layer, "bias_ih_l0", "bias_hh_l0")),
                "",  # all sequences of a batch are equally long
                *(states[name][layer] for name in cell.states),
            ],
            1 + len(cell.states),
            hidden_size=architecture.hidden,
        )
        for name, part in zip(cell.states, last, strict=True):
            after[name].append(part)
        if layer + 1 < architecture.layers:
            direction = graph.constant("direction", np.array([1]))
            sequence = graph.node("Squeeze", [outputs, direction])  # (time, batch, hidden)
    top = join_states(graph, after)
    if "projection.weight" in weights:
        top = graph.node("MatMul", [top, graph.weight("projection", weights["projection.weight"].T)])
    output = [
        embedding if architecture.tied else graph.weight("logits_weight", weights["logits.weight"]),
        graph.weight("logits_bias", weights["logits.bias"]),
    ]
    graph.node("Gemm", [top, *output], "logits", transB=1)
    return finish(graph, architecture, metadata)


def split_states(graph: Graph, architecture: Architecture) -> dict[str, list[str]]:
    """The state of each layer, `(1, batch, hidden)`, by the names of the state's parts."""
    layers = architecture.layers
    return {
        name: graph.nodes_out("Split", [name], layers, axis=0, num_outputs=layers)
        for name in CELLS[architecture.cell].states
    }


def join_states(graph: Graph, after: Mapping[str, list[str]]) -> str:
    """Gives out the state after the last word; returns what the last layer gives, `(batch, hidden)`."""
    for name, parts in after.items():
        graph.node("Concat", parts, f"next_{name}", axis=0)
    first = next(iter(after.values()))
    return graph.node("Squeeze", [first[-1], graph.constant("layer", np.array([0]))])


def gates(weights: Weights, architecture: Architecture, layer: int, *names: str) -> NDArray[Any]:
    """Parameters of a layer, side by side in the order of the operator's gates, `(1, …)`."""
    cell = CELLS[architecture.cell]
    return np.concatenate([cell.onnx_gates(weights[f"layers.{layer}.{name}"]) for name in names])[None]


def finish(
    graph: Graph, architecture: Architecture, metadata: Mapping[str, str], domains: tuple[str, ...] = ()
) -> onnx.ModelProto:
    """A step graph whose nodes are all there, checked.

    **Arguments:**

    - `domains`: of operators beside the standard ones.
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
