"""Protocol buffers as nested fields, so that one can be changed and the lengths around it stay correct.

Which bytes are a message is guessed, and anything that can be read is accepted; `nextword.runtime.protobuf`
accepts only what it knows.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Field(NamedTuple):
    """A field of a protocol buffer: its number, its wire type, and a number, bytes or more fields."""

    number: int
    kind: int
    value: Any


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number, and the position after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7


def fields_of(data: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a possible message; `None` if it is not one."""
    found, place = [], 0
    try:
        while place < len(data):
            tag, place = varint(data, place)
            number, kind = tag >> 3, tag & 7
            if not 0 < number < 200 or kind not in {0, 1, 2, 5}:
                return None
            if kind == 0:
                value, place = varint(data, place)
                found.append(Field(number, kind, value))
                continue
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, place = varint(data, place)
            if place + size > len(data):
                return None
            part = data[place : place + size]
            place += size
            inner = fields_of(part, depth + 1) if kind == 2 and size > 1 and depth < 6 else None
            found.append(Field(number, kind, inner or part))
    except IndexError:
        return None
    return found


def encoded(value: int) -> bytes:
    """A number as bytes."""
    found = bytearray()
    while True:
        byte, value = value & 127, value >> 7
        found.append(byte | (128 if value else 0))
        if not value:
            return bytes(found)


def bytes_of(fields: list[Field]) -> bytes:
    """A message as bytes."""
    found = bytearray()
    for number, kind, value in fields:
        found += encoded(number << 3 | kind)
        if kind == 0:
            found += encoded(value)
            continue
        part = bytes_of(value) if isinstance(value, list) else value
        found += (encoded(len(part)) if kind == 2 else b"") + part
    return bytes(found)


def messages(fields: list[Field]) -> Iterator[list[Field]]:
    """A message and all messages nested in it."""
    yield fields
    for one in fields:
        if isinstance(one.value, list):
            yield from messages(one.value)
