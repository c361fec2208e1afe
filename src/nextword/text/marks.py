"""Marked words: words whose first character says whether a blank stands before them.

`split_by: subwords` produces them. `"Ago," he said` is `▁"` `‿Ago` `‿,` `‿"` `▁he` `▁said`: each word that
`split_by: words` finds, with a mark for the blank before it or for its absence, so that joining is the
exact inverse, except for the kind and number of blanks. At the beginning of a text or of a line a blank is
implied.

Han, kana, Thai, Lao, Khmer and Burmese are written without blanks between words. A run of their letters is
one marked word without a mark, and each of its subwords counts as a word. A blank before it is a marked word
of its own, `▁`, and counts as part of the word after it.

A subword is an entry of a dictionary: a marked word, the beginning of one, a later part of one, or one of
the 256 bytes of UTF-8, such as `<0xE6>`.
"""

import codecs
import re
from functools import lru_cache

from nextword.text import characters
from nextword.text.characters import BLANK, reach_of

BLANK_MARK, GLUE_MARK = "▁", "‿"
MARKS = frozenset((BLANK_MARK, GLUE_MARK))
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_BLANKS = re.compile(rf"[{BLANK}]+")


def split(line: str) -> list[str]:
    """The marked words of a text, or of one of its lines if line ends count.

    **Arguments:**

    - `line`: in NFC.
    """
    line = _BLANKS.sub(" ", line).rstrip(" ")
    if not line:
        return []
    if line[0] != " " and not is_unspaced(line):
        line = f" {line}"
    pattern = _pattern(reach_of(line))
    return [_marked(found) for found in pattern.findall(line)]


def is_unspaced(text: str) -> bool:
    """Whether a text begins with a letter of a script that has no blanks between words."""
    return characters.is_in(text[0], "unspaced")


def begins_word(entry: str) -> bool:
    """Whether a subword is the first of a word."""
    return entry[0] in MARKS or is_unspaced(entry)


def byte_of(entry: str) -> int | None:
    """The byte that a subword stands for; `None` if it stands for itself."""
    found = _BYTE.fullmatch(entry)
    return int(found[1], 16) if found else None


class Unmarker:
    """Writes marked words or subwords as a text, one at a time."""

    def __init__(self) -> None:
        self._is_at_start = self._is_after_blank = True
        self._has_blank = False  # a blank was read, to be written before what follows
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, entry: str) -> str:
        """Takes the next entry.

        **Returns:** the text that it adds. A character spelt in bytes is added with its last byte.
        """
        byte = byte_of(entry)
        if byte is not None:
            return self._write(self._bytes.decode(bytes([byte])))
        rest = self._bytes.decode(b"", final=True)  # bytes of a character that was never completed
        self._bytes.reset()
        written = self._write(rest)
        if entry[0] in MARKS:
            self._has_blank |= entry[0] == BLANK_MARK
            entry = entry[1:]
        return written + self._write(entry)

    def after_blank(self) -> None:
        """Notes that the text ends in a blank or a line end, so that the next word adds none."""
        self._is_at_start, self._is_after_blank, self._has_blank = False, True, False

    def copy(self) -> "Unmarker":
        """An independent one that continues from here."""
        other = Unmarker()
        other._is_at_start, other._is_after_blank = self._is_at_start, self._is_after_blank
        other._has_blank = self._has_blank
        other._bytes.setstate(self._bytes.getstate())
        return other

    def _write(self, text: str) -> str:
        if not text:
            return ""
        is_taken_for_granted = self._is_after_blank and not (self._is_at_start and is_unspaced(text))
        blank = " " if self._has_blank and not is_taken_for_granted else ""
        self._is_at_start = self._is_after_blank = self._has_blank = False
        return blank + text


def _marked(found: str) -> str:
    if found[0] == " ":
        return BLANK_MARK + found[1:]
    return found if is_unspaced(found) else GLUE_MARK + found


@lru_cache
def _pattern(reach: int) -> re.Pattern[str]:
    """Finds the marked words of a text with single blanks; each has a blank in place of the blank mark."""
    unspaced = characters.one(reach, "unspaced")
    run = rf"{unspaced}(?:{unspaced}|{characters.one(reach, *characters.EXTENDING)})*+"
    return re.compile(rf" (?={unspaced})|{run}| ?(?:{characters.word(reach, 'spaced_letter', BLANK)})")
