"""Text ⇄ words: splitting a text into words, and joining words the way people write.

Three ways to split (`prepare.split_by` in params.yaml):

- `whitespace`: a word is what stands between blanks.
- `words`: a word is a run of letters, combining marks and digits, with apostrophes and hyphens
  inside it (`don't`, `well-kept`) and `.` `,` `:` between digits (`3.14`); every other character
  that is not blank is a word of its own, so that `"ago,"` is `ago` `,`.
- `characters`: each character is a word, with the combining marks that follow it, and so is the
  space that stands for each run of blanks. Right for Chinese, where no blanks stand between words.

With `line_ends`, each line end is the word `<eos>`, in any of these ways.

Splitting what was joined gives the same words again.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

SPLIT_BY = ("whitespace", "words", "characters")
END_OF_LINE = "<eos>"

CLOSING = frozenset(".,;:!?%…)]}»”’।")
OPENING = frozenset("([{«“‘„¿¡$£")
STRAIGHT_QUOTES = frozenset("\"'")
# Full-width punctuation brings its own space: nothing is written between it and its neighbours.
FULL_WIDTH = frozenset("，。、；：？！…）」』】》（「『【《")
_ZERO_WIDTH_JOINER = "\u200d"
ZERO_WIDTH = "\u200c" + _ZERO_WIDTH_JOINER
_BLANKS = re.compile(r"\s+")
_BESIDE_LINE_END = re.compile(r"[^\S\n]*\n[^\S\n]*")


def normalise(text: str, lowercase: bool = False) -> str:
    """Text in Unicode's NFC, lower-cased on request, so that equal words are equal strings."""
    return unicodedata.normalize("NFC", text.lower() if lowercase else text)


def split(text: str, split_by: str, lowercase: bool = False, line_ends: bool = False) -> list[str]:
    """Splits a text into words.

    **Arguments:**

    - `text`: any text.
    - `split_by`: `whitespace`, `words` or `characters`.
    - `lowercase`: whether to lower-case the text first.
    - `line_ends`: whether each line end is the word `<eos>`.

    **Returns:** the words in order. No word is empty, and but for the space among characters none
    holds a blank.

    **Raises:** `ValueError` where `split_by` is none of them.
    """
    text = normalise(text, lowercase)
    if not line_ends:
        return _split(text, split_by)
    # Blanks beside a line end are lost in it.
    lines = _BESIDE_LINE_END.sub("\n", text).split("\n")
    found = _split(lines[0], split_by)
    for line in lines[1:]:
        found.append(END_OF_LINE)
        found += _split(line, split_by)
    return found


def _split(text: str, split_by: str) -> list[str]:
    if split_by == "whitespace":
        return text.split()
    marks = "".join(sorted(filter(_is_mark, set(text))))
    if split_by == "words":
        return _word_pattern(marks).findall(text)
    if split_by == "characters":
        return _character_pattern(marks).findall(_BLANKS.sub(" ", text))
    raise ValueError(f"split_by must be one of {', '.join(SPLIT_BY)}; got {split_by!r}")


def join(words: Iterable[str], split_by: str, line_ends: bool = False) -> str:
    """Joins words into a text, the inverse of `split` up to blanks.

    **Arguments:**

    - `words`: words as `split` gives them.
    - `split_by`, `line_ends`: the way in which they were split.
    """
    joiner = Joiner(split_by, line_ends)
    return "".join(joiner.push(word) for word in words)


class Joiner:
    """Joins words one at a time, as a generator makes them.

    With `split_by: words`, closing punctuation is glued to the word before it, opening
    punctuation to the word after it, and straight quotes open and close in turn. With `line_ends`,
    `<eos>` is written as a line end.
    """

    def __init__(self, split_by: str, line_ends: bool = False) -> None:
        self._split_by = split_by
        self._line_ends = line_ends
        self._previous = ""
        self._glue_next = True  # nothing stands before the first word
        self._open_quotes: set[str] = set()

    def push(self, word: str) -> str:
        """Takes the next word.

        **Returns:** the piece of text that it adds: the word, with a blank before it if one
        belongs there.
        """
        if self._line_ends and word == END_OF_LINE:
            self.after_blank()
            return "\n"
        if self._split_by == "characters":
            return word
        glue = self._glue_next
        self._glue_next = False
        if self._split_by == "words":
            closes = word in CLOSING or word in FULL_WIDTH
            self._glue_next = word in OPENING or word in FULL_WIDTH
            if word in STRAIGHT_QUOTES:
                closes = word in self._open_quotes
                self._glue_next = not closes
                self._open_quotes ^= {word}
            glue = (glue or closes) and self._stays_apart(word)
        piece = word if glue or not self._previous else f" {word}"
        self._previous = word
        return piece

    def after_blank(self) -> None:
        """A blank stands in the text, so that the next word brings none."""
        self._previous = ""

    def copy(self) -> "Joiner":
        """A joiner that goes on from here by itself."""
        other = Joiner(self._split_by, self._line_ends)
        other._previous, other._glue_next = self._previous, self._glue_next
        other._open_quotes = set(self._open_quotes)
        return other

    def _stays_apart(self, word: str) -> bool:
        """Whether the two words would still be split if no blank stood between them."""
        return not (begins_apart(word) or self._previous[-1:] in ZERO_WIDTH)


def begins_apart(word: str) -> bool:
    """Whether a word would melt into one that it is glued to: it begins with a combining mark."""
    return _is_mark(word[0]) or word[0] in ZERO_WIDTH


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


@lru_cache
def _word_pattern(marks: str) -> re.Pattern[str]:
    # Python's \w has no combining marks, without which Hindi and many others fall to pieces, so
    # those that the text uses are named.
    letters = rf"[\w{re.escape(marks)}]+"
    inside = rf"(?:['’‐\-{ZERO_WIDTH}]|(?<=\d)[.,:](?=\d))"
    return re.compile(rf"{letters}(?:{inside}{letters})*|{_cluster(marks)}")


@lru_cache
def _character_pattern(marks: str) -> re.Pattern[str]:
    return re.compile(f" |{_cluster(marks)}")


def _cluster(marks: str) -> str:
    """A character that is not blank, with its marks and all that zero-width joiners tie to it."""
    one = rf"\S[{re.escape(marks)}{_ZERO_WIDTH_JOINER}]*"
    return f"{one}(?:(?<={_ZERO_WIDTH_JOINER}){one})*"
