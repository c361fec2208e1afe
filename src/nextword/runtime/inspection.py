"""The checks that a model file must pass before any of it is used.

A file may come from an untrusted source. Everything that can be told from its bytes is checked here; what
onnxruntime then computes is checked in `model_file`, step by step. SECURITY.md says what is promised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import ModelFileError
from nextword.runtime.metadata import Metadata
from nextword.runtime.onnx_file import ElsewhereError, Node, OnnxFile, Value
from nextword.runtime.protobuf import ProtobufError, UnknownFieldError

_STANDARD = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitShift BitwiseAnd BitwiseNot
BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Cos Cosh CumSum
DequantizeLinear Div DynamicQuantizeLinear Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
GatherElements GatherND Gelu Gemm Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax
Identity InstanceNormalization IsInf IsNaN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
LpNormalization MatMul MatMulInteger Max Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or
PRelu Pad Pow QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape ReverseSequence Round ScatterElements
ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub
Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
"""
# By domain, operators that do nothing but compute on their inputs.
_OPERATORS = {
    "": frozenset(_STANDARD.split()),
    "com.microsoft": frozenset({"DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"}),
}
# Operators that make a tensor of a size given by an input, and which input that is.
_GROWING = {"ConstantOfShape": 0, "Expand": 1, "OneHot": 1, "Pad": 1, "Tile": 1}
# Operators whose outputs are no larger than the sum of their inputs.
_SUMS = "Add Concat Gather Identity Max Min Neg Reshape Slice Squeeze Sub Unsqueeze"
_ADDING = frozenset(_SUMS.split())
_MOST_SIZES = 64  # numbers that give the size of something
# The most values in a state, and the most times that sizes in a graph may enlarge a tensor.
_MOST_VALUES = 2**24


class StatePart(NamedTuple):
    """A part of a model's state.

    - `kind`: the type of its numbers.
    - `shape`: with a 0 for the axis of the batch.
    - `axis`: which one that is.
    """

    kind: type[np.generic]
    shape: tuple[int, ...]
    axis: int

    @classmethod
    def of(cls, value: Value) -> StatePart | None:
        """The part that an input or output of a graph is; `None` if it cannot be part of a state."""
        axes = [place for place, size in enumerate(value.shape) if size is None]
        shape = tuple(size or 0 for size in value.shape)
        if value.type is None or len(axes) != 1 or shape.count(0) != 1 or len(shape) > 8:
            return None
        if math.prod(size or 1 for size in shape) > _MOST_VALUES:
            return None
        return cls(value.type, shape, axes[0])

    def of_batch(self, batch: int) -> tuple[int, ...]:
        """The shape for a batch of this many texts."""
        return *self.shape[: self.axis], batch, *self.shape[self.axis + 1 :]

    def zero(self, batch: int) -> NDArray[Any]:
        """The state before the first word of a batch of texts."""
        return np.zeros(self.of_batch(batch), self.kind)


class Contents(NamedTuple):
    """The contents of a file that has passed the checks.

    - `metadata`.
    - `states`: the parts of the state by name.
    - `outputs`: sizes of the graph's outputs, by name; `None` for a size that is not fixed.
    """

    metadata: Metadata
    states: dict[str, StatePart]
    outputs: dict[str, tuple[int | None, ...]]


def inspect(data: bytes) -> Contents:
    """Checks a file.

    **Raises:** `ModelFileError`, whose message continues after the name of the file.
    """
    try:
        file = OnnxFile(data)
        if "prompt" in file.input_names():
            raise ModelFileError(
                "is a text graph, which onnxruntime runs by itself; load the step graph, "
                "models/nextword.onnx, or see examples/python/text_graph.py"
            )
        metadata = Metadata.from_pairs(file.properties())
        file.refuse_more()
        nodes = file.nodes()
        for node in nodes:
            _check_operator(node)
        tensors = file.tensors()
        made = {
            name: tensor for node in nodes if (tensor := node.tensor()) is not None for name in node.outputs
        }
        inputs, outputs = file.inputs(), file.outputs()
    except UnknownFieldError:
        raise ModelFileError(
            "has parts that this version cannot read; export it again, or install a newer nextword"
        ) from None
    except ProtobufError:
        raise ModelFileError(
            "is not an ONNX model: damaged, cut short, or another kind of file; copy or export it again"
        ) from None
    except ElsewhereError:
        raise ModelFileError(
            "keeps weights in another file, which is not supported; export it as one file"
        ) from None
    states = _states(inputs, outputs, metadata)
    if states is None or inputs.keys() & tensors.keys():
        raise ModelFileError("has a graph that does not match its metadata; export it again")
    if not all(map(_is_finite, [*tensors.values(), *made.values()])):
        raise ModelFileError("has weights that are not finite numbers; train and export it again")
    if _growth(nodes, tensors | made) > _MOST_VALUES:
        raise ModelFileError("creates tensors larger than any model needs; export it again")
    return Contents(metadata, states, {name: value.shape for name, value in outputs.items()})


def _check_operator(node: Node) -> None:
    if node.operator not in _OPERATORS.get(node.domain, ()):
        raise ModelFileError(
            f"needs the operator {node.operator[:40]}, which this version does not support; export it again, "
            "or install a newer nextword"
        )
    if node.operator == "Split" and node.number("num_outputs") not in {None, len(node.outputs)}:
        raise ProtobufError("of this, onnxruntime's process would die")


def _states(
    inputs: Mapping[str, Value], outputs: Mapping[str, Value], metadata: Metadata
) -> dict[str, StatePart] | None:
    """The parts of the state: what the graph reads besides words, and returns.

    **Returns:** `None` if the graph is not a step graph of this dictionary.
    """
    ids, logits, features = inputs.get("ids"), outputs.get("logits"), outputs.get("features")
    parts = {name: StatePart.of(value) for name, value in inputs.items() if name != "ids"}
    after = {name: outputs.get(f"next_{name}") for name in parts}
    fits = (
        ids is not None
        and ids.type is np.int64
        and ids.shape == (None, None)
        and logits is not None
        and logits.type is np.float32
        and logits.shape == (None, len(metadata.dictionary))
        and (features is None or (features.type is np.float32 and len(features.shape) == 2))
        and all(
            part and (value := after[name]) and StatePart.of(value) == part for name, part in parts.items()
        )
    )
    return {name: part for name, part in parts.items() if part} if fits else None


def _is_finite(tensor: NDArray[Any]) -> bool:
    """Whether a stored tensor, if it is of floats, has neither NaN nor an infinity.

    Read as integers, their bits are the largest of each sign, which is faster to check.
    """
    if not tensor.size or tensor.dtype.kind != "f":
        return True
    size, bits = tensor.dtype.itemsize, tensor.reshape(-1)
    infinity = int(np.array(np.inf, tensor.dtype).view(f"u{size}"))
    sign = 1 << (8 * size - 1)
    return bool(bits.view(f"<i{size}").max() < infinity and bits.view(f"<u{size}").max() < infinity | sign)


def _growth(nodes: list[Node], stored: Mapping[str, NDArray[Any]]) -> float:
    """How many times the sizes stored in a graph can enlarge what it reads and stores.

    Infinity if that is unknown because the sizes are computed.
    """
    sizes = {
        name: tensor.reshape(-1).tolist()
        for name, tensor in stored.items()
        if tensor.dtype.kind == "i" and tensor.size <= _MOST_SIZES
    }
    largest: dict[str, float] = {name: max(map(abs, numbers), default=0) for name, numbers in sizes.items()}
    found = 1.0
    for node in nodes:
        if node.operator in {"Shape", "Size"}:
            largest |= dict.fromkeys(node.outputs, 1.0)
        elif node.operator in _ADDING:
            total = sum(largest.get(name, math.inf) for name in node.inputs if name)
            largest |= dict.fromkeys(node.outputs, total)
        elif node.operator == "Range":
            found *= max(1.0, sum(largest.get(name, math.inf) for name in node.inputs))
        elif node.operator in _GROWING:
            name = (node.inputs + [""] * 2)[_GROWING[node.operator]]
            extra = node.operator == "Pad"
            found *= math.prod(max(1.0, abs(number) + extra) for number in sizes.get(name, [math.inf]))
    return found
