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
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from nextword.export import step_graph
from nextword.export.step_graph import Weights


def build(weights: Weights, layers: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The step graph in dynamic int8, by onnxruntime's own quantiser.

    Weights are quantised here, once for each matrix; activations while the graph runs. A weight
    takes 7 bits of its byte: without VNNI instructions, sums of full 8-bit products saturate. The
    LSTM becomes onnxruntime's `DynamicQuantizeLSTM`; inputs, outputs and metadata stay.

    **Arguments:** those of `step_graph.build`.
    """
    single = {name: weight.astype(np.float32) for name, weight in weights.items()}
    graph = step_graph.build(single, layers, metadata)
    with tempfile.TemporaryDirectory() as directory, _quiet():
        path = Path(directory) / "int8.onnx"
        quantize_dynamic(graph, path, reduce_range=True, weight_type=QuantType.QInt8)
        quantised = onnx.load(path)
    onnx.helper.set_model_props(quantised, dict(metadata))
    return quantised


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
    found["embedding.weight"] = matrix("embedding")
    found["logits.weight"] = matrix("logits_weight_Transposed").T
    for layer in range(layers):
        for side, name in (("ih", "W"), ("hh", "R")):
            gates = step_graph.torch_gates(matrix(f"{name}_{layer}")[0].T)
            found[f"lstm.weight_{side}_l{layer}"] = gates
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
