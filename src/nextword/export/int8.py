"""Weights → the step graph in int8, with onnxruntime's operators for 8-bit weights.

    ids ─ Transpose ─ Gather(embedding) ─ Cast ─ Mul(scales) ─ DynamicQuantizeLSTM ─ … ─ DynamicQuantizeLSTM
    ─ (DynamicQuantizeMatMul(projection) ─ Mul(scales)) ─ DynamicQuantizeMatMul(logits) ─ Mul(scales) ─ logits

GRU and RNN have no operator for 8-bit weights: theirs become floats at load, so such a file is smaller but no
faster. Inputs, outputs and metadata are those of the step graph. A weight has one scale for each row of its
matrix (`model.int8`). Activations are quantised while the graph runs, with one scale for everything read at
once, from the smallest value to the largest:

- The state is quantised word by word, but for all texts of a batch together; so the runtime reads each text
  by itself.
- What a layer reads is quantised for all words together. Where a text is read in parts of any length, because
  its state is carried, two more columns hold the smallest and the largest value that there can be, with
  weights of 0; so the scale, and what comes out, does not depend on the parts.

onnxruntime computes what depends on weights alone once, when it loads the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from nextword.export import step
from nextword.export.graph import Graph
from nextword.model import int8
from nextword.model.cells import CELLS
from nextword.model.int8 import Quantised
from nextword.model.network import Architecture, Weights

_DOMAIN = "com.microsoft"
_OUTPUT = 1.001  # the largest output of an LSTM layer: onnxruntime's tanh can exceed 1 by 2⁻²²


def build(weights: Weights, architecture: Architecture, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph of a network in int8. A tied network's matrix is stored once.

    Arguments are those of `step.build`.
    """
    graph = Graph()
    matrices = int8.quantise_weights(weights, architecture)
    words = matrices["embedding.weight"]
    embedding = _store(graph, "embedding", words.values, words.scales)
    by_time = graph.node("Transpose", ["ids"], perm=[1, 0])  # (time, batch)
    sequence, scales = _look_up(graph, embedding, by_time)  # (time, batch, embedding), (time, batch, 1)
    top_name = "" if "projection.weight" in matrices else "features"
    if CELLS[architecture.cell].operator is None:
        top = step.side_by_side(graph, sequence, architecture)
        for layer in range(architecture.layers):
            stored = _store_columns(graph, f"W_{layer}", matrices[f"layers.{layer}.weight"])
            bias = graph.weight(f"B_{layer}", weights[f"layers.{layer}.bias"])
            is_last = layer + 1 == architecture.layers
            product = _multiply(graph, top, stored, bias)
            top = graph.node("Tanh", [product], top_name if is_last else "")  # (batch, hidden)
    else:
        # Only these layers quantise what they read.
        is_extended = int8.has_integer_layers(architecture) and architecture.context is None
        zeros = _zeros(graph, scales) if is_extended else ""

        def add(layer: int, values: str, before: list[str], outputs: list[str]) -> None:
            bias = graph.weight(
                f"B_{layer}", step.gates(weights, architecture, layer, "bias_ih_l0", "bias_hh_l0")
            )
            if is_extended:
                values = _with_extremes(graph, values, zeros, _largest(words) if layer == 0 else _OUTPUT)
            others = [values, bias, *before]
            _layer(graph, architecture, matrices, layer, others, outputs, unweighted=2 * is_extended)

        top = step.recurrent(graph, architecture, sequence, add, top_name)
    if "projection.weight" in matrices:
        projection = _store_columns(graph, "projection", matrices["projection.weight"])
        top = _multiply(graph, top, projection, output="features")
    if architecture.tied:
        # Looking up columns instead would save this copy in memory, but slow each word by 4 %.
        logits = _Stored(graph.node("Transpose", [embedding.values], perm=[1, 0]), embedding.scales)
    else:
        logits = _store_columns(graph, "logits", matrices["logits.weight"])
    _multiply(graph, top, logits, graph.weight("logits_bias", weights["logits.bias"]), "logits")
    return step.finish(graph, architecture, metadata, domains=(_DOMAIN,))


@dataclass(frozen=True)
class _Stored:
    """The names of a matrix's int8 values and of their scales."""

    values: str
    scales: str


def _store(graph: Graph, name: str, values: NDArray[np.int8], scales: NDArray[np.float32]) -> _Stored:
    return _Stored(graph.constant(f"{name}_int8", values), graph.constant(f"{name}_scales", scales))


def _store_columns(graph: Graph, name: str, matrix: Quantised) -> _Stored:
    """A matrix as needed for products: its values transposed, `(columns, rows)`."""
    return _store(graph, name, matrix.values.T, matrix.scales)


def _look_up(graph: Graph, stored: _Stored, ids: str) -> tuple[str, str]:
    """Rows of a matrix as floats, and their scales; returns their names."""
    values = graph.node("Cast", [graph.node("Gather", [stored.values, ids])], to=TensorProto.FLOAT)
    by_row = graph.node("Unsqueeze", [stored.scales, graph.ints([1])])  # (rows, 1)
    scales = graph.node("Gather", [by_row, ids])
    return graph.node("Mul", [values, scales]), scales


def _layer(
    graph: Graph,
    architecture: Architecture,
    matrices: Mapping[str, Quantised],
    layer: int,
    others: list[str],
    outputs: list[str],
    unweighted: int,
) -> None:
    """A recurrent layer.

    **Arguments:**

    - `others`: names of what it reads, `(time, batch, input)`, of its biases, and of the state's parts
      before the first word.
    - `outputs`: names of its outputs.
    - `unweighted`: how many of the last columns that it reads have weights of 0.
    """
    operator = CELLS[architecture.cell].operator
    assert operator
    is_integer = int8.has_integer_layers(architecture)
    stored = []
    for letter, side in (("W", "ih"), ("R", "hh")):
        matrix = matrices[f"layers.{layer}.weight_{side}_l0"]
        values = operator.ordered(matrix.values)[None]  # (1, gates · hidden, input)
        scales = operator.ordered(matrix.scales)[None]  # (1, gates · hidden)
        stored.append(
            _store(graph, f"{letter}_{layer}", values.transpose(0, 2, 1) if is_integer else values, scales)
        )
    sequence, bias, *before = others
    if is_integer:
        zero = graph.constant("zero", np.zeros(1, np.int8))  # 0 in 8 bits
        scales_and_zeros = [name for matrix in stored for name in (matrix.scales, zero)]
        name, domain = "DynamicQuantizeLSTM", _DOMAIN
        weights, rest = [matrix.values for matrix in stored], ["", *scales_and_zeros]  # no peepholes
        if unweighted:
            none = np.zeros((1, unweighted, len(operator.gates) * architecture.hidden), np.int8)
            weights[0] = graph.node("Concat", [weights[0], graph.constant("unweighted", none)], axis=1)
    else:
        name, domain = operator.name, ""
        weights, rest = [_as_floats(graph, matrix) for matrix in stored], []
    graph.nodes_out(
        name,
        [sequence, *weights, bias, "", *before, *rest],
        outputs,
        domain=domain,
        hidden_size=architecture.hidden,
        **operator.attributes,
    )


def _largest(words: Quantised) -> float:
    """The largest absolute value in a matrix, as the graph computes it."""
    return float(np.abs(words.values.astype(np.float32) * words.scales[:, None]).max())


def _zeros(graph: Graph, scales: str) -> str:
    """Zeros `(time, batch, 2)` from finite numbers `(time, batch, 1)`; returns their name."""
    return graph.node("Mul", [scales, graph.constant("zeros", np.zeros(2, np.float32))])


def _with_extremes(graph: Graph, values: str, zeros: str, most: float) -> str:
    """Values `(time, batch, input)` with two more columns, of `most` and −`most`; returns their name.

    **Arguments:**

    - `zeros`: name of zeros `(time, batch, 2)`.
    """
    extremes = graph.constant(f"extremes_{most}", np.array([most, -most], np.float32))
    return graph.node("Concat", [values, graph.node("Add", [zeros, extremes])], axis=2)


def _as_floats(graph: Graph, stored: _Stored) -> str:
    """A layer's matrix as floats; returns its name.

    A `DequantizeLinear` would do this again for each word: onnxruntime does not compute it at load.
    """
    values = graph.node("Cast", [stored.values], to=TensorProto.FLOAT)
    return graph.node("Mul", [values, graph.node("Unsqueeze", [stored.scales, graph.ints([2])])])


def _multiply(graph: Graph, vectors: str, stored: _Stored, bias: str = "", output: str = "") -> str:
    """Vectors `(batch, columns)` times a matrix, plus a bias; returns the product's name, `(batch, rows)`.

    The operator could apply the scales itself, but would take twice as long for a large dictionary.
    """
    one = graph.constant("one", np.array(1, np.float32))
    divided = [graph.node("Div", [bias, stored.scales])] if bias else []
    inputs = [vectors, stored.values, one, "", *divided]
    product = graph.node("DynamicQuantizeMatMul", inputs, domain=_DOMAIN)
    return graph.node("Mul", [product, stored.scales], output)
