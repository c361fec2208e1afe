"""What an .onnx file holds, read from its bytes before onnxruntime sees them.

What a step graph does not need is refused: weights in other files, graphs within operators, functions,
sparse tensors, strings. SECURITY.md says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.protobuf import BYTES, FIXED_32, VARINT, Message, ProtobufError, UnknownFieldError, text

_T = TypeVar("_T")

_MOST_AXES = 8
_MOST_GRAPH = 4_000_000  # bytes of nodes
# onnxruntime takes a file with this for one in its own format, whatever else it is.
_ORT_FORMAT = slice(4, 8), b"ORTM"

# The fields of onnx.proto that each message may have, with their wire types. Those of a model and a graph
# are all here: the kind of a file must be reported before what is wrong with it.
_MODEL = {1: VARINT, 5: VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), BYTES)
_GRAPH = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 14, 15, 16), BYTES)
_PROPERTY = {1: BYTES, 2: BYTES}
_NODE = dict.fromkeys((1, 2, 3, 4, 5, 6, 7), BYTES)
_ATTRIBUTE = {2: FIXED_32, 3: VARINT, 7: FIXED_32, 8: VARINT, 20: VARINT} | dict.fromkeys(
    (1, 4, 5, 9, 13), BYTES
)
_TENSOR = {1: VARINT, 2: VARINT, 8: BYTES, 9: BYTES, 12: BYTES, 13: BYTES, 14: VARINT}
_VALUE = {1: BYTES, 2: BYTES, 3: BYTES}
_TYPE = {1: BYTES, 6: BYTES}
_TENSOR_TYPE = {1: VARINT, 2: BYTES}
_SHAPE = {1: BYTES}
_AXIS = {1: VARINT, 2: BYTES, 3: BYTES}

# The types that tensors may have, by their numbers in onnx.proto.
TYPES: dict[int, type[np.generic]] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
}


@dataclass(frozen=True)
class Value:
    """What goes into a graph or comes out of it.

    - `type`: of its numbers; `None` for one that no step graph needs.
    - `shape`: `None` for an axis of any size.
    """

    type: type[np.generic] | None
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Node:
    """An operator with the names of its inputs and outputs, and its attributes as stored."""

    operator: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    attributes: list[memoryview]

    def tensor(self) -> NDArray[Any] | None:
        """The tensor among the attributes, if any."""
        return next((_tensor(one.part(5))[1] for one in self._read() if one.has(5)), None)

    def number(self, name: str) -> int | None:
        """The whole number in the attribute of this name, if any."""
        return next((one.number(3) for one in self._read() if one.text(1) == name), None)

    def _read(self) -> list[Message]:
        return [Message(one, _ATTRIBUTE, (7, 8, 9)) for one in self.attributes]


class ElsewhereError(ValueError):
    """A tensor's numbers are in another file."""


class OnnxFile:
    """The parts of a file; each is read when it is asked for.

    **Raises:** `ProtobufError` if it is not an ONNX model, `UnknownFieldError` for a part that a step graph
    does not need; so do all methods.
    """

    def __init__(self, data: bytes) -> None:
        place, mark = _ORT_FORMAT
        if data[place] == mark:
            raise ProtobufError("of another format")
        try:
            self._model = Message(memoryview(data), _MODEL, (8, 14, 20, 25))
            self._graph = Message(self._model.part(7), _GRAPH, (1, 5, 11, 12, 13, 14, 15, 16))
        except UnknownFieldError:
            raise ProtobufError("something else") from None  # their lists of fields are complete

    def properties(self) -> list[tuple[str, bytes]]:
        """The pairs of its metadata."""
        pairs = [Message(one, _PROPERTY) for one in self._model.all(14)]
        return [(pair.text(1), bytes(pair.part(2))) for pair in pairs]

    def input_names(self) -> list[str]:
        """The names of what the graph reads."""
        return [Message(one, _VALUE).text(1) for one in self._graph.all(11)]

    def refuse_more(self) -> None:
        """Raises `UnknownFieldError` for functions, sparse tensors and whatever else no step graph needs."""
        if self._model.has(20, 25, 26) or self._graph.has(14, 15, 16):
            raise UnknownFieldError("more than a graph")

    def inputs(self) -> dict[str, Value]:
        """What the graph reads, by name."""
        return _by_name([_value(one) for one in self._graph.all(11)])

    def outputs(self) -> dict[str, Value]:
        """What the graph returns, by name."""
        return _by_name([_value(one) for one in self._graph.all(12)])

    def nodes(self) -> list[Node]:
        """The operators in order."""
        stored = self._graph.all(1)
        if sum(map(len, stored)) > _MOST_GRAPH:
            raise ProtobufError("a graph without end")
        return [_node(one) for one in stored]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The stored tensors by name, as views of the file's bytes.

        **Raises:** `ElsewhereError` for one stored in another file.
        """
        return _by_name([_tensor(one) for one in self._graph.all(5)])


def _by_name(pairs: list[tuple[str, _T]]) -> dict[str, _T]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProtobufError("two parts of one name")
    return found


def _node(data: memoryview) -> Node:
    node = Message(data, _NODE, (1, 2, 5))
    inputs, outputs = ([text(one) for one in node.all(number)] for number in (1, 2))
    return Node(node.text(4), node.text(7), inputs, outputs, node.all(5))


def _value(data: memoryview) -> tuple[str, Value]:
    value = Message(data, _VALUE)
    tensor = Message(Message(value.part(2), _TYPE).part(1), _TENSOR_TYPE)
    axes = [Message(one, _AXIS) for one in Message(tensor.part(2), _SHAPE, (1,)).all(1)]
    shape = tuple(axis.number(1) if axis.has(1) else None for axis in axes)
    return value.text(1), Value(TYPES.get(tensor.number(1)), shape)


def _tensor(data: memoryview) -> tuple[str, NDArray[Any]]:
    tensor = Message(data, _TENSOR, (1,))
    if tensor.has(13) or tensor.number(14):
        raise ElsewhereError
    kind, shape = TYPES.get(tensor.number(2)), tensor.numbers(1, _MOST_AXES)
    if kind is None:
        raise UnknownFieldError("a tensor's type")
    stored = tensor.part(9)
    if math.prod(shape) * np.dtype(kind).itemsize != len(stored):
        raise ProtobufError("a tensor's size")
    return tensor.text(8), np.frombuffer(stored, np.dtype(kind).newbyteorder("<")).reshape(shape)
