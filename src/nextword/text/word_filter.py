"""Which words a text has, in ten to twenty bits a word, where a dictionary of subwords can spell any."""

import base64
import binascii
import zlib
from collections.abc import Iterable
from typing import Self

_BITS_A_WORD = 10
_LEAST_BITS, _MOST_BITS = 64, 1 << 23
# Odd numbers, the primes of xxHash; each gives a word a bit of its own.
_FACTORS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)


class WordFilter:
    """A set of words as a Bloom filter (Bloom 1970).

    It has every word that was added, and about one in a hundred others. The bits of a word are the highest of
    (CRC-32 of its UTF-8) × factor mod 2³², for four factors.

    **Arguments:**

    - `bits`: as bytes, the least significant bit first; their number is a power of two.
    """

    def __init__(self, bits: bytes) -> None:
        self._bits = bytearray(bits)
        self._shift = 32 - (8 * len(bits)).bit_length() + 1

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """The filter of some words, at most 1 MiB large; more words than fit make it less exact."""
        different = set(words)
        size = _LEAST_BITS
        while size < min(_BITS_A_WORD * len(different), _MOST_BITS):
            size *= 2
        found = cls(bytes(size // 8))
        found.add(different)
        return found

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """The filter that `text` returned; `None` for any other text."""
        try:
            bits = base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            return None
        size = 8 * len(bits)
        is_good = _LEAST_BITS <= size <= _MOST_BITS and size & (size - 1) == 0
        return cls(bits) if is_good and base64.b64encode(bits).decode() == text else None

    @property
    def text(self) -> str:
        """The filter as text, the bits in Base64."""
        return base64.b64encode(self._bits).decode()

    def add(self, words: Iterable[str]) -> None:
        """Adds words."""
        for word in words:
            for bit in self._bits_of(word):
                self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, word: str) -> bool:
        return all(self._bits[bit >> 3] >> (bit & 7) & 1 for bit in self._bits_of(word))

    def _bits_of(self, word: str) -> list[int]:
        code = zlib.crc32(word.encode())
        return [(code * factor & 0xFFFFFFFF) >> self._shift for factor in _FACTORS]
