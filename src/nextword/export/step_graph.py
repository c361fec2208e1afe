"""Weights → the step graph: words in, logits and the next state out, in standard operators.

    ids ─ Transpose ─ Gather(embedding) ─ LSTM ─ … ─ LSTM ─ (MatMul) ─ Gemm ─ logits
    hidden, cell ──── Split ────────────────┴──── … ───┴─── Concat ─ next_hidden, next_cell

| name | type | shape |
|---|---|---|
| `ids` | int64 | `(batch, time)` |
| `hidden`, `cell` | float32 | `(layers, batch, hidden)` |
| `logits` | float32 | `(batch, dictionary)`, of the word after the last one |
| `next_hidden`, `next_cell` | float32 | `(layers, batch, hidden)` |

The weights are float16 initializers, each with one `Cast` to float32, which onnxruntime folds
when it loads the file. (Float32 weights, which the quantiser needs, are stored as they are.)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from nextword.export.graph import IR_VERSION, OPSET, Graph

Weights = Mapping[str, NDArray[Any]]


def build(weights: Weights, layers: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph of a model.

    **Arguments:**

    - `weights`: float16 or float32 arrays under the names of `NextWordModel`'s parameters:
      `embedding.weight` `(dictionary, embedding)`; for each layer l `layers.{l}.weight_ih_l0`
      `(4 · hidden, input)`, `layers.{l}.weight_hh_l0` `(4 · hidden, hidden)`, `layers.{l}.bias_ih_l0` and
      `layers.{l}.bias_hh_l0` `(4 · hidden,)`; `logits.weight` `(dictionary, hidden)` and
      `logits.bias` `(dictionary,)`; in a projected model `projection.weight` `(embedding, hidden)`, and
      `logits.weight` is `(dictionary, embedding)`.
    - `layers`: number of LSTM layers.
    - `metadata`: the file's `metadata_props`.

    **Returns:** a model that has passed ONNX's checker and shape inference.
    """
    graph = Graph()
    dictionary, hidden = len(weights["logits.bias"]), weights["layers.0.weight_hh_l0"].shape[1]
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
                graph.weight(f"W_{layer}", _onnx_gates(weights[f"layers.{layer}.weight_ih_l0"])[None]),
                graph.weight(f"R_{layer}", _onnx_gates(weights[f"layers.{layer}.weight_hh_l0"])[None]),
                graph.weight(
                    f"B_{layer}",
                    np.concatenate(
                        [_onnx_gates(weights[f"layers.{layer}.bias_{side}_l0"]) for side in ("ih", "hh")]
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
    if "projection.weight" in weights:
        top = graph.node("MatMul", [top, graph.weight("projection", weights["projection.weight"].T)])
    matrix = weights["logits.weight"]
    # The quantiser, which takes float32, wants a matrix of its own.
    is_tied = (
        matrix.dtype == np.float16
        and matrix.shape == weights["embedding.weight"].shape
        and np.array_equal(matrix, weights["embedding.weight"])
    )
    output = [
        embedding if is_tied else graph.weight("logits_weight", matrix),
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
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


def torch_gates(weight: NDArray[Any]) -> NDArray[Any]:
    """Reorders the first axis from ONNX's gates i, o, f, c to PyTorch's i, f, g, o (g is c)."""
    i, o, f, g = np.split(weight, 4)
    return np.concatenate([i, f, g, o])


def _onnx_gates(weight: NDArray[Any]) -> NDArray[Any]:
    """Reorders the first axis from PyTorch's gates i, f, g, o to ONNX's i, o, f, c (c is g)."""
    i, f, g, o = np.split(weight, 4)
    return np.concatenate([i, o, f, g])
