"""Seeded mutations of model files and saved sessions: of their bytes, and of what the bytes mean."""

import contextlib
import io
import json
import math
import random
import struct
import zipfile
from typing import Any

from messages import Field, bytes_of, fields_of, messages

INTERESTING = [0, 1, 2, 3, 7, 8, 9, 11, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**62]
INTERESTING += [2**63 - 1, 2**63, 2**64 - 1, 2**64 - 2]
FLOATS = [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e-45, 3e38, 65504.0]
TEXTS = [b"", b"\0", b"\xff\xfe", b"ids", b"logits", b"features", b"next_hidden", b"Loop", b"If", b"Expand"]
TEXTS += [
    b"Tile",
    b"OneHot",
    b"Range",
    b"Pad",
    b"MatMul",
    b"Reshape",
    b"Constant",
    b"com.microsoft",
    b"x" * 9999,
]
OPERATORS = """
Add Cast Concat ConstantOfShape CumSum DequantizeLinear Div DynamicQuantizeLSTM DynamicQuantizeLinear
DynamicQuantizeMatMul Expand GRU Gather GatherElements GatherND Gemm LSTM LayerNormalization MatMul
MatMulInteger MatMulIntegerToFloat Mod OneHot Pad Pow QuantizeLinear RNN Range ReduceProd Reshape Slice
Softmax Split Squeeze Tile TopK Transpose Trilu Unsqueeze Where
"""
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**64,
    1.5,
    1e308,
    "",
    "x",
    "\ud800",
    "\x1b[31m",
    [],
    {},
]
VALUES += [["the"], {"a": {}}, "nextword/3", "<unk>", "null"]

# ── mutations of bytes ──────────────────────────────────────────────────────────────────────────


def flipped(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Changes single bytes."""
    found = bytearray(data)
    for _number in range(chance.choice([1, 1, 1, 2, 4, 16])):
        place = chance.randrange(len(found))
        found[place] = chance.choice([found[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255])
    return bytes(found)


def truncated(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Cuts off the end."""
    return data[: chance.randrange(len(data))]


def spliced(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Inserts a part of another file."""
    start, end = sorted(chance.randrange(len(other) + 1) for _ in range(2))
    low, high = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:low] + other[start : min(end, start + 2000)] + data[chance.choice([low, high]) :]


def with_a_field_changed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Changes fields and keeps the lengths around them correct."""
    fields, donor = fields_of(data) or [], fields_of(other) or []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        message = chance.choice([one for one in messages(fields) if one] or [[Field(1, 0, 1)]])
        place = chance.randrange(len(message))
        number, kind, value = message[place]
        match chance.randrange(8):
            case 0:
                del message[place]
            case 1:
                message.insert(chance.randrange(len(message) + 1), message[place])
            case 2:
                message[place] = Field(chance.choice([*range(1, 27), number]), kind, value)
            case 3:
                message[place] = chance.choice(chance.choice([one for one in messages(donor) if one]))
            case 4 if len(message) > 1:
                neighbour = chance.randrange(len(message))
                message[place], message[neighbour] = message[neighbour], message[place]
            case _:
                message[place] = Field(number, kind, _changed(chance, kind, value))
    return bytes_of(fields)


def _changed(chance: random.Random, kind: int, value: Any) -> Any:
    if kind == 0:
        return chance.choice([*INTERESTING, value + 1, max(0, value - 1), value * 2])
    if kind != 2:
        return bytes(chance.randrange(256) for _ in value)
    if isinstance(value, list):
        return chance.choice([[], value + value, value[::-1]])
    if len(value) % 2 == 0 and chance.random() < 0.5:
        return _other_numbers(chance, value)
    return chance.choice([*TEXTS, value[:-1], value + b"x", value[::-1], value * 2])


def _other_numbers(chance: random.Random, data: bytes) -> bytes:
    """Changes one number among bytes of numbers, such as sizes or weights."""
    found = bytearray(data)
    size = chance.choice([one for one in (2, 4, 8) if len(data) % one == 0])
    place = size * chance.randrange(len(data) // size) if data else 0
    if chance.random() < 0.5:
        number = chance.choice(INTERESTING) & (1 << 8 * size) - 1
        found[place : place + size] = number.to_bytes(size, "little")
    else:
        value = chance.choice(FLOATS)
        with contextlib.suppress(OverflowError):
            found[place : place + size] = struct.pack({2: "<e", 4: "<f", 8: "<d"}[size], value)
    return bytes(found)


def with_metadata_changed(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Changes the value of one key of the metadata, mostly to other JSON."""
    fields = fields_of(data) or []
    places = [place for place, one in enumerate(fields) if one.number == 14]
    place = chance.choice(places)
    pair = (
        fields_of(bytes_of([fields[place]])[2:])
        if not isinstance(fields[place].value, list)
        else fields[place].value
    )
    key = next((one.value for one in pair or [] if one.number == 1), b"")
    text = next((one.value for one in pair or [] if one.number == 2), b"")
    text = bytes_of(text) if isinstance(text, list) else text
    key = bytes_of(key) if isinstance(key, list) else key
    try:
        value = _other_json(chance, json.loads(text))
        new = json.dumps(value).encode()
    except ValueError:
        new = chance.choice(
            [b"", text + b"x", b"[" * 5000, b"\xff" + text, b"words", b"NaN", b"1e999", b"9" * 5000]
        )
    if chance.random() < 0.2:
        new = chance.choice(
            [b"[" * 5000, b"\xff", b"NaN", b"9" * 5000, text[:-1], b'{"a":' * 3000 + b"1" + b"}" * 3000]
        )
    fields[place] = Field(14, 2, [Field(1, 2, key), Field(2, 2, new)])
    return bytes_of(fields)


def _other_json(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.7:
        key = chance.choice(list(value))
        return value | {chance.choice([key, key, "x"]): _other_json(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.7:
        found = list(value)
        place = chance.randrange(len(found))
        found[place] = chance.choice([found[0], _other_json(chance, found[place])])
        return found
    return chance.choice(VALUES)


def with_the_graph_changed(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Rewires operators, replaces them with others, and changes the shapes of stored tensors.

    The result is a well-formed file, which onnxruntime must either accept or reject.
    """
    model = fields_of(data) or []
    place = next(place for place, one in enumerate(model) if one.number == 7)
    graph = model[place].value
    nodes, tensors = ([number for number, one in enumerate(graph) if one.number == kind] for kind in (1, 5))
    names = [_bytes(one) for number in nodes for one in graph[number].value if one.number in {1, 2}]
    for _number in range(chance.choice([1, 1, 2, 4])):
        if chance.random() < 0.3:
            tensor = chance.choice(tensors)
            graph[tensor] = Field(5, 2, _other_tensor(chance, graph[tensor].value))
            continue
        node = chance.choice(nodes)
        parts = list(graph[node].value)
        which = chance.randrange(len(parts))
        if parts[which].number in {1, 2}:
            parts[which] = Field(parts[which].number, 2, chance.choice([*names, b""]))
        elif parts[which].number == 4:
            parts[which] = Field(4, 2, chance.choice(OPERATORS.split()).encode())
        elif chance.random() < 0.5:
            parts.insert(which, Field(1, 2, chance.choice(names)))
        else:
            parts[which] = Field(parts[which].number, 2, _other_attribute(chance, parts[which].value))
        graph[node] = Field(1, 2, parts)
    model[place] = Field(7, 2, graph)
    return bytes_of(model)


def _bytes(one: Field) -> bytes:
    return bytes_of(one.value) if isinstance(one.value, list) else bytes(one.value)


def _other_tensor(chance: random.Random, fields: list[Field]) -> list[Field]:
    """A tensor of the same numbers in another shape, or of other numbers in the same shape."""
    sizes = [one.value for one in fields if one.number == 1 and one.kind == 0]
    rest = [one for one in fields if one.number != 1]
    if chance.random() < 0.5:
        rest = [
            Field(9, 2, _other_numbers(chance, _bytes(one)))
            if one.number == 9 and len(_bytes(one)) % 2 == 0
            else one
            for one in rest
        ]
    else:
        sizes = chance.choice(
            [
                sizes[::-1],
                [math.prod(sizes)],
                [1, *sizes],
                [*sizes, 1],
                sizes[1:] if sizes[:1] == [1] else sizes,
            ]
        )
    return [*(Field(1, 0, size) for size in sizes), *rest]


def _other_attribute(chance: random.Random, value: Any) -> Any:
    """An attribute with another number."""
    if not isinstance(value, list):
        return value
    return [
        Field(one.number, 0, chance.choice([*INTERESTING, one.value + 1]))
        if one.number in {3, 8} and one.kind == 0
        else one
        for one in value
    ]


OF_BYTES = [flipped, truncated, spliced]
OF_MODELS = [
    *OF_BYTES,
    *[with_a_field_changed] * 4,
    *[with_metadata_changed] * 2,
    *[with_the_graph_changed] * 6,
]


# ── mutations of sessions ───────────────────────────────────────────────────────────────────────


def with_an_array_changed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Changes arrays or their headers and keeps the checksums around them correct."""
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(io.BytesIO(other)) as donor:
        parts = {name: file.read(name) for name in file.namelist()}
        others = {name: donor.read(name) for name in donor.namelist()}
    compression = zipfile.ZIP_STORED if chance.random() < 0.9 else zipfile.ZIP_DEFLATED
    name = chance.choice(list(parts))
    part = parts[name]
    head, numbers = part[:128], part[128:]
    match chance.randrange(7):
        case 0:
            del parts[name]
        case 1:
            parts[name] = chance.choice(list(others.values()))
        case 2:
            shape = chance.choice([b"(1, 0)", b"(99999999999,)", b"(-1,)", b"()", b"(2, 3)", b"(" * 40])
            end = head.find(b"'shape': ") + 9
            parts[name] = head[:end] + shape.ljust(128 - end - 4)[: 128 - end - 4] + b", }\n" + numbers
        case 3:
            kind = chance.choice([b"<f8", b"<i8", b"<f4", b"|O8", b"<U9", b"<c8", b"|V8", b">f4"])
            parts[name] = part.replace(part[part.find(b"'<") + 1 : part.find(b"'<") + 4], kind, 1)
        case 4:
            parts[name] = head + numbers[: chance.randrange(len(numbers) + 1)]
        case 5:
            parts[name] = flipped(chance, part, part)
        case _:
            parts[name] = head + (
                _other_numbers(chance, numbers) if len(numbers) % 8 == 0 and numbers else b""
            )
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", compression) as file:
        for one, content in parts.items():
            file.writestr(one, content)
    return new.getvalue()


OF_SESSIONS = [*OF_BYTES, *[with_an_array_changed] * 6]


def mutant(seed: int, kind: str, number: int, bases: list[bytes]) -> tuple[int, bytes]:
    """The index of the file that a mutant was made from, and the mutant."""
    chance = random.Random(f"{seed} {kind} {number}")
    place = chance.randrange(len(bases))
    data, other = bases[place], chance.choice(bases)
    mutations = OF_MODELS if kind == "model" else OF_SESSIONS
    for _ in range(chance.choice([1, 1, 1, 2])):
        if data:
            with contextlib.suppress(Exception):  # data that is already damaged cannot always be changed
                data = chance.choice(mutations)(chance, data, other)
    return place, data
