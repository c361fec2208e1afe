"""Protocol buffers, read field by field without copies, as far as an .onnx file needs them.

Whatever a message may not have is an error: a reader more lenient than onnxruntime might see another file
than the one that is run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

VARINT, BYTES, FIXED_32 = 0, 2, 5  # wire types

_MOST_REPEATED = 10_000


class ProtobufError(ValueError):
    """Bytes that are not a protocol buffer, or not the expected one."""


class UnknownFieldError(ProtobufError):
    """A message has a field that is not allowed."""


class Message:
    """The fields of one message.

    **Arguments:**

    - `data`: its bytes.
    - `known`: the numbers of the fields that it may have, each with its wire type.
    - `repeated`: the numbers of those that may come more than once.

    **Raises:** `ProtobufError`.
    """

    def __init__(self, data: memoryview, known: Mapping[int, int], repeated: Collection[int] = ()) -> None:
        self._numbers: dict[int, list[int]] = {}
        self._parts: dict[int, list[memoryview]] = {}
        place = 0
        while place < len(data):
            tag, place = _varint(data, place)
            number, kind = tag >> 3, tag & 7
            if number not in known:
                raise UnknownFieldError(f"field {number}")
            # A list of numbers comes packed, as bytes, or one by one.
            if kind != known[number] and not (kind == BYTES and number in repeated):
                raise ProtobufError(f"wire type {kind} of field {number}")
            count = len(self._numbers.get(number, ())) + len(self._parts.get(number, ()))
            if count == (_MOST_REPEATED if number in repeated else 1):
                raise ProtobufError(f"field {number} occurs too often")
            size = 4
            if kind != FIXED_32:
                size, place = _varint(data, place)
            if kind == VARINT:
                self._numbers.setdefault(number, []).append(size)
                continue
            if size > len(data) - place:
                raise ProtobufError("cut short")
            self._parts.setdefault(number, []).append(data[place : place + size])
            place += size

    def all(self, number: int) -> list[memoryview]:
        """The bytes of each field of this number."""
        return self._parts.get(number, [])

    def part(self, number: int) -> memoryview:
        """The bytes of a field; empty if it is missing."""
        return next(iter(self.all(number)), memoryview(b""))

    def has(self, *numbers: int) -> bool:
        """Whether any of these fields is present, even if empty."""
        return any(number in self._numbers or number in self._parts for number in numbers)

    def text(self, number: int) -> str:
        """A field as text; empty if it is missing."""
        return text(self.part(number))

    def number(self, number: int) -> int:
        """A field as a whole number; 0 if it is missing."""
        return next(iter(self._numbers.get(number, ())), 0)

    def numbers(self, number: int, most: int) -> list[int]:
        """A list of at most `most` whole numbers, packed or not."""
        found = list(self._numbers.get(number, ()))
        for part in self.all(number):
            place = 0
            while place < len(part) and len(found) <= most:
                one, place = _varint(part, place)
                found.append(one)
        if len(found) > most:
            raise ProtobufError(f"field {number} is too long")
        return found


def text(data: memoryview) -> str:
    """Bytes as text.

    **Raises:** `ProtobufError` if they are not UTF-8.
    """
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise ProtobufError("not UTF-8") from None


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A whole number from 0 to 2⁶³ − 1, and the place after it."""
    value = shift = 0
    while place < len(data) and shift < 63:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ProtobufError("cut short, or a negative number")
