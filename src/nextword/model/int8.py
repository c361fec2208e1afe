"""Weights in 8 bits: what an int8 file stores, and the weights that these bits represent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Weights

_MOST = 127
# Weights that are multiplied as integers use only 7 bits: without VNNI instructions, the sum of two products
# with activations of up to 255 has 16 bits, and saturates above 32,767.
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
    - `most`: the integer that represents the largest absolute value of a row.
    """
    exact = matrix.astype(np.float64)
    scales = (np.abs(exact).max(axis=1) / most).astype(np.float32)
    scales[scales == 0] = 1  # a row of zeros
    values = np.rint(exact / scales.astype(np.float64)[:, None])
    return Quantised(values.astype(np.int8), scales)


def quantise_weights(weights: Weights, architecture: Architecture) -> dict[str, Quantised]:
    """Every matrix of a network in 8 bits, by name; a tied matrix is the same object under both names."""
    matrices = {
        name: quantise(weight, _most(name, architecture))
        for name, weight in weights.items()
        if weight.ndim == 2
    }
    if architecture.tied:
        matrices["embedding.weight"] = matrices["logits.weight"]
    return matrices


def has_integer_layers(architecture: Architecture) -> bool:
    """Whether onnxruntime multiplies a layer's weights as integers; if not, they become floats on loading."""
    operator = CELLS[architecture.cell].operator
    return operator is None or operator.name == "LSTM"


def dequantised(weights: Weights, architecture: Architecture) -> dict[str, NDArray[np.float64]]:
    """The weights that an int8 file actually represents.

    What onnxruntime computes from them differs slightly between CPUs, since quantised activations depend
    on the last bits of float32; what float64 computes from them does not.

    **Returns:** arrays by the names in `weights`.
    """
    exact = {name: weight.astype(np.float64) for name, weight in weights.items() if weight.ndim == 1}
    matrices = quantise_weights(weights, architecture)
    return exact | {name: matrix.matrix for name, matrix in matrices.items()}


def size(weights: Weights, architecture: Architecture) -> int:
    """The bytes that weights take in an int8 file: matrices in 8 bits with scales, biases unchanged."""
    matrices = quantise_weights(weights, architecture)
    if architecture.tied:
        del matrices["embedding.weight"]
    biases = sum(weight.nbytes for weight in weights.values() if weight.ndim == 1)
    return biases + sum(matrix.nbytes for matrix in matrices.values())


def _most(name: str, architecture: Architecture) -> int:
    """The largest integer for a matrix. An untied embedding is only looked up, so it can use all 8 bits."""
    is_layer = name.startswith("layers.")
    is_float = not has_integer_layers(architecture) if is_layer else name == "embedding.weight"
    return _MOST if is_float else _MOST_IN_PRODUCTS
