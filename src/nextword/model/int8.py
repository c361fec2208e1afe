"""Weights in 8 bits: what an int8 file stores, and which weights these bits represent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Weights

_MOST = 127
# What is multiplied as integers has 7 bits of its byte: without VNNI instructions, the sum of two products
# with an activation of up to 255 has 16 bits, and saturates above 32,767.
_MOST_IN_PRODUCTS = 64


@dataclass(frozen=True)
class Quantised:
    """A matrix in 8 bits: each row is a multiple of its own scale, and 0 stays 0.

    - `values`: int8, `(rows, columns)`.
    - `scales`: float32, above 0, `(rows,)`.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The matrix that these represent, `(rows, columns)`."""
        return self.values * self.scales.astype(np.float64)[:, None]

    @property
    def nbytes(self) -> int:
        """Bytes of both arrays."""
        return self.values.nbytes + self.scales.nbytes


def quantise(matrix: NDArray[Any], most: int = _MOST) -> Quantised:
    """Rounds a matrix to 8 bits.

    **Arguments:**

    - `matrix`: shape `(rows, columns)`.
    - `most`: what the largest absolute value of a row becomes.
    """
    exact = matrix.astype(np.float64)
    scales = (np.abs(exact).max(axis=1) / most).astype(np.float32)
    scales[scales == 0] = 1  # a row of zeros
    values = np.rint(exact / scales.astype(np.float64)[:, None])
    return Quantised(values.astype(np.int8), scales)


def quantise_weights(weights: Weights, architecture: Architecture) -> dict[str, Quantised]:
    """Every matrix of a network in 8 bits, under its name; a tied one is the same object under both."""
    matrices = {
        name: quantise(weight, _most(name, architecture))
        for name, weight in weights.items()
        if weight.ndim == 2
    }
    if architecture.tied:
        matrices["embedding.weight"] = matrices["logits.weight"]
    return matrices


def has_integer_layers(architecture: Architecture) -> bool:
    """Whether onnxruntime multiplies a layer's weights as integers; if not, they become floats at load."""
    operator = CELLS[architecture.cell].operator
    return operator is None or operator.name == "LSTM"


def dequantised(weights: Weights, architecture: Architecture) -> dict[str, NDArray[np.float64]]:
    """The weights that an int8 file really has.

    What onnxruntime computes from them differs a little from CPU to CPU, since it quantises activations
    by float32's last bits; what float64 computes from them does not.

    **Returns:** arrays under the names of `weights`.
    """
    exact = {name: weight.astype(np.float64) for name, weight in weights.items() if weight.ndim == 1}
    matrices = quantise_weights(weights, architecture)
    return exact | {name: matrix.matrix for name, matrix in matrices.items()}


def size(weights: Weights, architecture: Architecture) -> int:
    """Bytes that an int8 file takes for weights: matrices in 8 bits with their scales, biases as they are."""
    matrices = quantise_weights(weights, architecture)
    if architecture.tied:
        del matrices["embedding.weight"]
    biases = sum(weight.nbytes for weight in weights.values() if weight.ndim == 1)
    return biases + sum(matrix.nbytes for matrix in matrices.values())


def _most(name: str, architecture: Architecture) -> int:
    """An embedding is only looked up, so that it can have all 8 bits unless it is tied."""
    is_layer = name.startswith("layers.")
    is_float = not has_integer_layers(architecture) if is_layer else name == "embedding.weight"
    return _MOST if is_float else _MOST_IN_PRODUCTS
