"""Float32 → int8: the step graph with 8-bit weights, and what these weights are worth."""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from nextword.export import step_graph
from nextword.export.step_graph import Weights

_EMBEDDING, _LOGITS = "embedding", "logits_weight_Transposed"  # names that the quantiser goes on with


def build(weights: Weights, layers: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph in dynamic int8, by onnxruntime's own quantiser.

    Weights are quantised here, once for each matrix; activations while the graph runs. A weight
    takes 7 bits of its byte: without VNNI instructions, sums of full 8-bit products saturate. The
    LSTM becomes onnxruntime's `DynamicQuantizeLSTM`; inputs, outputs and metadata stay. A tied
    model's matrix is stored once.

    **Arguments:** those of `step_graph.build`.
    """
    single = {name: weight.astype(np.float32) for name, weight in weights.items()}
    graph = step_graph.build(single, layers, metadata)
    with tempfile.TemporaryDirectory() as directory, _quiet():
        path = Path(directory) / "int8.onnx"
        quantize_dynamic(graph, path, reduce_range=True, weight_type=QuantType.QInt8)
        quantised = onnx.load(path)
    if is_tied(weights):
        _share(quantised.graph)
    onnx.helper.set_model_props(quantised, dict(metadata))
    return quantised


def is_tied(weights: Weights) -> bool:
    """Whether embedding and logits have the same matrix."""
    embedding, logits = weights["embedding.weight"], weights["logits.weight"]
    return embedding.shape == logits.shape and np.array_equal(embedding, logits)


def _share(graph: onnx.GraphProto) -> None:
    """Lets a tied model's embedding be looked up in the matrix of its logits, which lies transposed."""
    names = {f"{_EMBEDDING}_{part}": f"{_LOGITS}_{part}" for part in ("quantized", "scale", "zero_point")}
    (place,) = (number for number, node in enumerate(graph.node) if f"{_EMBEDDING}_quantized" in node.input)
    gather = graph.node[place]
    (vectors,) = gather.output
    columns = helper.make_node(
        "Gather", [names[gather.input[0]], gather.input[1]], ["columns"], axis=1
    )  # (embedding, time, batch)
    rows = helper.make_node("Transpose", ["columns"], [vectors], perm=[1, 2, 0])
    del graph.node[place]
    graph.node.insert(place, rows)
    graph.node.insert(place, columns)
    for node in graph.node:
        for number, name in enumerate(node.input):
            node.input[number] = names.get(name, name)
    kept = [tensor for tensor in graph.initializer if tensor.name not in names]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def dequantised(quantised: onnx.ModelProto, weights: Weights, layers: int) -> dict[str, NDArray[Any]]:
    """The weights that an int8 graph really has, in float64.

    What onnxruntime computes from them differs a little from CPU to CPU, since it quantises
    activations by float32's last bits; what float64 computes from them does not.

    **Arguments:**

    - `quantised`: what `build` gave.
    - `weights`, `layers`: what it was given.

    **Returns:** arrays under the names of `weights`.
    """
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in quantised.graph.initializer}

    def matrix(name: str) -> NDArray[np.float64]:
        steps = stored[f"{name}_quantized"].astype(np.float64) - stored[f"{name}_zero_point"]
        found: NDArray[np.float64] = steps * stored[f"{name}_scale"].astype(np.float64)
        return found

    found: dict[str, NDArray[Any]] = {name: weight.astype(np.float64) for name, weight in weights.items()}
    found["logits.weight"] = matrix(_LOGITS).T
    found["embedding.weight"] = found["logits.weight"] if is_tied(weights) else matrix(_EMBEDDING)
    if "projection.weight" in weights:
        found["projection.weight"] = matrix("projection").T
    for layer in range(layers):
        for side, name in (("ih", "W"), ("hh", "R")):
            gates = step_graph.torch_gates(matrix(f"{name}_{layer}")[0].T)
            found[f"layers.{layer}.weight_{side}_l0"] = gates
    return found


def size(graph: onnx.ModelProto) -> int:
    """Bytes of all initializers of a graph."""
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in graph.graph.initializer)


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser advises on models that need shape inference first; this one has had it."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
