"""Weights → the step graph: words in, logits and the next state out, in standard operators.

    ids ─ Transpose ─ Gather(embedding) ─ LSTM ─ … ─ LSTM ─ Gemm ─ logits
    hidden, cell ──── Split ────────────────┴──── … ───┴─── Concat ─ next_hidden, next_cell

| name | type | shape |
|---|---|---|
| `ids` | int64 | `(batch, time)` |
| `hidden`, `cell` | float32 | `(layers, batch, hidden)` |
| `logits` | float32 | `(batch, dictionary)`, of the word after the last one |
| `next_hidden`, `next_cell` | float32 | `(layers, batch, hidden)` |

The weights are float16 initializers, each with one `Cast` to float32, which onnxruntime folds
when it loads the file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
_IR_VERSION = 9  # the one that came with opset 20

Weights = Mapping[str, NDArray[Any]]


def build(weights: Weights, layers: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph of a model.

    **Arguments:**

    - `weights`: float16 arrays under the names of `NextWordModel`'s parameters:
      `embedding.weight` `(dictionary, embedding)`; for each layer l `lstm.weight_ih_l{l}`
      `(4 · hidden, input)`, `lstm.weight_hh_l{l}` `(4 · hidden, hidden)`, `lstm.bias_ih_l{l}` and
      `lstm.bias_hh_l{l}` `(4 · hidden,)`; `logits.weight` `(dictionary, hidden)` and
      `logits.bias` `(dictionary,)`.
    - `layers`: number of LSTM layers.
    - `metadata`: the file's `metadata_props`.

    **Returns:** a model that has passed ONNX's checker and shape inference.
    """
    graph = _Graph()
    dictionary, hidden = weights["logits.weight"].shape
    embedding = graph.weight("embedding", weights["embedding.weight"])
    by_time = graph.node("Transpose", ["ids"], perm=[1, 0])  # (time, batch)
    sequence = graph.node("Gather", [embedding, by_time])  # (time, batch, embedding)
    states = {
        name: graph.nodes_out("Split", [name], layers, axis=0, num_outputs=layers)
        for name in ("hidden", "cell")
    }  # each (1, batch, hidden)
    next_states: dict[str, list[str]] = {"next_hidden": [], "next_cell": []}
    for layer in range(layers):
        outputs, last_hidden, last_cell = graph.nodes_out(
            "LSTM",
            [
                sequence,
                graph.weight(f"W_{layer}", _onnx_gates(weights[f"lstm.weight_ih_l{layer}"])[None]),
                graph.weight(f"R_{layer}", _onnx_gates(weights[f"lstm.weight_hh_l{layer}"])[None]),
                graph.weight(
                    f"B_{layer}",
                    np.concatenate(
                        [_onnx_gates(weights[f"lstm.bias_{side}_l{layer}"]) for side in ("ih", "hh")]
                    )[None],
                ),
                "",  # all sequences of a batch are equally long
                states["hidden"][layer],
                states["cell"][layer],
            ],
            3,
            hidden_size=hidden,
        )
        next_states["next_hidden"].append(last_hidden)
        next_states["next_cell"].append(last_cell)
        if layer + 1 < layers:
            direction = graph.constant("direction", np.array([1]))
            sequence = graph.node("Squeeze", [outputs, direction])  # (time, batch, hidden)
    for name, parts in next_states.items():
        graph.node("Concat", parts, name, axis=0)
    layer_axis = graph.constant("layer", np.array([0]))
    top = graph.node("Squeeze", [last_hidden, layer_axis])  # (batch, hidden)
    output = [
        graph.weight("logits_weight", weights["logits.weight"]),
        graph.weight("logits_bias", weights["logits.bias"]),
    ]
    graph.node("Gemm", [top, *output], "logits", transB=1)

    state = (TensorProto.FLOAT, [layers, "batch", hidden])
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "nextword",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "time"]),
                helper.make_tensor_value_info("hidden", *state),
                helper.make_tensor_value_info("cell", *state),
            ],
            [
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", dictionary]),
                helper.make_tensor_value_info("next_hidden", *state),
                helper.make_tensor_value_info("next_cell", *state),
            ],
            graph.initializers,
        ),
        producer_name="nextword",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes and initializers, collected in the order in which they are needed."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def weight(self, name: str, value: NDArray[Any]) -> str:
        """A float16 initializer; returns the name of its float32 cast."""
        self.constant(f"{name}_float16", value)
        return self.node("Cast", [f"{name}_float16"], name, to=TensorProto.FLOAT)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """An initializer, added once; returns its name."""
        if all(known.name != name for known in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def nodes_out(self, operator: str, inputs: list[str], outputs: int, **attributes: Any) -> list[str]:
        """A node with several outputs; returns their names."""
        names = [f"{operator.lower()}_{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names


def _onnx_gates(weight: NDArray[Any]) -> NDArray[Any]:
    """Reorders the first axis from PyTorch's gates i, f, g, o to ONNX's i, o, f, c (c is g)."""
    i, f, g, o = np.split(weight, 4)
    return np.concatenate([i, o, f, g])
