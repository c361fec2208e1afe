"""A step graph with other weights or another dictionary, or with weights as inputs of each run.

All bytes are copied except those that change.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_VARINT, _FIXED_64, _BYTES = 0, 1, 2  # wire types
# Fields of onnx.proto.
_GRAPH, _PROPERTY = 7, 14
_NODE, _TENSOR, _INPUT, _OUTPUT = 1, 5, 11, 12
_DIMS, _TENSOR_NAME, _RAW_DATA = 1, 8, 9
_FLOAT = 1  # the number of float32


class _Field(NamedTuple):
    """A field of a message: its number, its content if that is bytes, and all of its bytes."""

    number: int
    own: memoryview | None
    whole: memoryview


def rewritten(
    data: bytes, tensors: Mapping[str, NDArray[Any]], properties: Mapping[str, str], words: int
) -> bytes:
    """A model file with some parts replaced; it must have been read and checked before.

    **Arguments:**

    - `tensors`: by name, the tensors stored instead, of the same type.
    - `properties`: by key, the new texts of the metadata.
    - `words`: the size of the dictionary, as in the shape of the logits.
    """

    def of_graph(number: int, own: memoryview) -> bytes | None:
        if number == _TENSOR:
            return _tensor(own, tensors)
        is_logits = number == _OUTPUT and _name(own, 1) == "logits"
        return _resized(own, words) if is_logits else None

    def of_model(number: int, own: memoryview) -> bytes | None:
        if number == _GRAPH:
            return _edited(own, of_graph)
        key = _name(own, 1) if number == _PROPERTY else ""
        if key not in properties:
            return None
        return _field(1, key.encode()) + _field(2, properties[key].encode())

    return _edited(memoryview(data), of_model)


def with_inputs(data: bytes, casts: Mapping[str, str]) -> bytes:
    """A model file in which some tensors are inputs; it must have been read and checked before.

    **Arguments:**

    - `casts`: for each tensor, the name of the `Cast` of it to float32, which becomes the input.
    """

    def is_given(field: _Field) -> bool:
        number = {_NODE: 1, _TENSOR: _TENSOR_NAME}.get(field.number)  # of a name; a node's, that of its input
        return number is not None and field.own is not None and _name(field.own, number) in casts

    def of_graph(graph: memoryview) -> bytes:
        kept = [bytes(field.whole) for field in _fields(graph) if not is_given(field)]
        kind = _field(1, _varint(1 << 3 | _VARINT) + _varint(_FLOAT))
        inputs = [_field(_INPUT, _field(1, name.encode()) + _field(2, kind)) for name in casts.values()]
        return b"".join([*kept, *inputs])

    return _edited(memoryview(data), lambda number, own: of_graph(own) if number == _GRAPH else None)


def _tensor(data: memoryview, tensors: Mapping[str, NDArray[Any]]) -> bytes | None:
    found = tensors.get(_name(data, _TENSOR_NAME))
    if found is None:
        return None
    kept = [bytes(field.whole) for field in _fields(data) if field.number not in (_DIMS, _RAW_DATA)]
    dims = [_varint(_DIMS << 3 | _VARINT) + _varint(size) for size in found.shape]
    return b"".join([*dims, *kept, _field(_RAW_DATA, np.ascontiguousarray(found).tobytes())])


def _resized(data: memoryview, words: int) -> bytes:
    """The description of the logits with another size of the last axis."""

    def of_shape(shape: memoryview) -> bytes:
        *others, _ = [bytes(field.whole) for field in _fields(shape)]
        return b"".join([*others, _field(1, _varint(1 << 3 | _VARINT) + _varint(words))])

    def within(number: int, change: Callable[[memoryview], bytes]) -> Callable[[memoryview], bytes]:
        return lambda part: _edited(part, lambda field, own: change(own) if field == number else None)

    return within(2, within(1, within(2, of_shape)))(data)


def _edited(data: memoryview, change: Callable[[int, memoryview], bytes | None]) -> bytes:
    """A message whose bytes fields `change` replaces; those for which it returns `None` stay."""
    parts = []
    for number, own, whole in _fields(data):
        other = None if own is None else change(number, own)
        parts.append(bytes(whole) if other is None else _field(number, other))
    return b"".join(parts)


def _name(data: memoryview, number: int) -> str:
    """The text in a field."""
    return next((str(own, "utf-8") for field, own, _ in _fields(data) if field == number and own), "")


def _fields(data: memoryview) -> Iterator[_Field]:
    place = 0
    while place < len(data):
        start = place
        tag, place = _number(data, place)
        number, kind = tag >> 3, tag & 7
        size = 8 if kind == _FIXED_64 else 4
        if kind in (_VARINT, _BYTES):
            size, place = _number(data, place)
        own = data[place : place + size] if kind == _BYTES else None
        place += 0 if kind == _VARINT else size
        yield _Field(number, own, data[start:place])


def _number(data: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data
