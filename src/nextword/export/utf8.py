"""Nodes that compute the UTF-8 bytes of a character.

No stock operator reads a string's bytes, but one hashes them: onnxruntime's own `MurmurHash3`, in 32 bits.
For at most four bytes this is undone step by step: each step can be inverted modulo 2³².

Source: Appleby, MurmurHash3_x86_32, with the seed 0.
"""

import numpy as np
from onnx import TensorProto

from nextword.export.graph import Graph

MOST_BYTES = 4

_MODULUS = 2**32
_HALF = 2**16
_BLOCK, _MIX = (0xCC9E2D51, 0x1B873593), (0x85EBCA6B, 0xC2B2AE35)  # its multipliers
_BLOCK_END = (13, 5, 0xE6546B64)  # after a block of four bytes: rotated, multiplied, added
_LENGTHS = (r"[\x{80}-\x{7ff}]", r"[\x{800}-\x{ffff}]", r"[\x{10000}-\x{10ffff}]")


def bytes_of(graph: Graph, characters: str) -> list[str]:
    """The bytes of characters.

    **Arguments:**

    - `characters`: name of a string `(n,)`; longer strings give arbitrary bytes.

    **Returns:** the names of `MOST_BYTES` int64 `(n,)`: the first byte of each, the second, and so on, −1
    for none.
    """
    length = _number(graph, 1)
    for number, form in enumerate(_LENGTHS, 2):
        has_it = graph.node("RegexFullMatch", [characters], pattern=form)
        length = graph.node("Where", [has_it, _number(graph, number), length])
    code = _unhashed(graph, graph.node("MurmurHash3", [characters], domain="com.microsoft", seed=0), length)
    found = []
    for place in range(MOST_BYTES):
        byte = _mod(graph, _shifted(graph, code, 8 * place), 256)
        is_there = graph.node("Less", [_number(graph, place), length])
        found.append(graph.node("Where", [is_there, byte, _number(graph, -1)]))
    return found


def _unhashed(graph: Graph, hash: str, length: str) -> str:
    """The bytes, the first one lowest, from a hash of `length` bytes."""
    value = graph.node("Cast", [hash], to=TensorProto.INT64)
    value = _xor(graph, value, _shifted(graph, value, 16))
    value = _divided(graph, value, _MIX[1])
    value = _xor(graph, value, _xor(graph, _shifted(graph, value, 13), _shifted(graph, value, 26)))
    value = _divided(graph, value, _MIX[0])
    value = _xor(graph, value, _shifted(graph, value, 16))
    value = _xor(graph, value, length)
    rotation, factor, term = _BLOCK_END
    before = _divided(graph, graph.node("Add", [value, _number(graph, _MODULUS - term)]), factor)
    before = _rotated(graph, before, 32 - rotation)
    is_block = graph.node("Equal", [length, _number(graph, MOST_BYTES)])
    value = graph.node("Where", [is_block, before, value])
    value = _divided(graph, value, _BLOCK[1])
    value = _rotated(graph, value, 32 - 15)
    return _divided(graph, value, _BLOCK[0])


def _number(graph: Graph, value: int) -> str:
    return graph.constant(f"text_number_{value}".replace("-", "minus"), np.array(value))


def _xor(graph: Graph, one: str, other: str) -> str:
    return graph.node("BitwiseXor", [one, other])


def _mod(graph: Graph, value: str, modulus: int) -> str:
    return graph.node("Mod", [value, _number(graph, modulus)])


def _shifted(graph: Graph, value: str, bits: int) -> str:
    """Shifted to the right."""
    return graph.node("Div", [value, _number(graph, 2**bits)])


def _rotated(graph: Graph, value: str, bits: int) -> str:
    """Rotated to the left."""
    high = _mod(graph, graph.node("Mul", [value, _number(graph, 2**bits)]), _MODULUS)
    return graph.node("Add", [high, _shifted(graph, value, 32 - bits)])


def _divided(graph: Graph, value: str, factor: int) -> str:
    """The number whose product with an odd factor is the value, modulo 2³²."""
    inverse = pow(factor, -1, _MODULUS)
    # In halves, so that no product exceeds int64.
    high = _mod(graph, graph.node("Mul", [value, _number(graph, inverse // _HALF)]), _HALF)
    high = graph.node("Mul", [high, _number(graph, _HALF)])
    low = graph.node("Mul", [value, _number(graph, inverse % _HALF)])
    return _mod(graph, graph.node("Add", [high, low]), _MODULUS)
