"""Text ⇄ words: splitting a text into words, and joining words the way people write.

Four ways to split (`prepare.split_by` in params.yaml):

- `whitespace`: a word is whatever is between blanks.
- `words`: a word is a run of letters, combining marks and digits, with apostrophes and hyphens
  inside it (`don't`, `well-kept`) and `.` `,` `:` between digits, so that `3.14` is one word, and so is
  `3.5,4.2,1`. Each character of Han and Hiragana, which are written without blanks, is a word. Any other
  grapheme cluster that is not blank is a word: `ago,` is `ago` `,`, and a flag or a family emoji is one word.
- `characters`: each grapheme cluster is a word (a character with its marks, a flag), and so is the
  space that replaces each run of blanks. This suits Chinese, which has no blanks between words.
- `subwords`: words as above, each with a mark that says whether a blank stands before it
  (`nextword.text.marks`). A dictionary cuts them into subwords.

With `line_ends`, each line end (LF, CR LF, or CR) is the word `<eos>`, whichever way a text is split.

Splitting a joined text gives the same words again. Letters and clusters are defined in the same way for
every version of Python (`nextword.text.characters`).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from nextword.text import characters, marks
from nextword.text.characters import BLANK, normalise, reach_of
from nextword.text.marks import Unmarker

SPLIT_BY = ("whitespace", "words", "characters", "subwords")
END_OF_LINE = "<eos>"

CLOSING = frozenset(".,;:!?%…)]}»”’।")
OPENING = frozenset("([{«“‘„¿¡$£")
STRAIGHT_QUOTES = frozenset("\"'")
# Full-width punctuation includes its own space, so no blank is written on either side of it.
FULL_WIDTH = frozenset("，。、；：？！…）」』】》（「『【《")
_BLANKS = re.compile(rf"[{BLANK}]+")
_BLANK_IN_LINE = BLANK.replace(r"\t-\r", r"\t\v\f")
BESIDE_LINE_END = re.compile(rf"[{_BLANK_IN_LINE}]*+(?:\r\n?|\n)[{_BLANK_IN_LINE}]*+")


def split(text: str, split_by: str, lowercase: bool = False, line_ends: bool = False) -> list[str]:
    """Splits a text into words.

    **Arguments:**

    - `text`: any text.
    - `split_by`: `whitespace`, `words`, `characters` or `subwords`.
    - `lowercase`: whether to lower-case the text first.
    - `line_ends`: whether each line end is the word `<eos>`.

    **Returns:** the words in order. No word is empty, and none contains a blank, except for the space
    that `characters` yields.

    **Raises:** `ValueError` for any other `split_by`.
    """
    text = normalise(text, lowercase)
    if not line_ends:
        return _split(text, split_by)
    # Blanks next to a line end belong to it.
    lines = BESIDE_LINE_END.sub("\n", text).split("\n")
    found = _split(lines[0], split_by)
    for line in lines[1:]:
        found.append(END_OF_LINE)
        found += _split(line, split_by)
    return found


def _split(text: str, split_by: str) -> list[str]:
    if split_by == "whitespace":
        return text.split()
    if split_by == "words":
        return _word_pattern(reach_of(text)).findall(text)
    if split_by == "characters":
        return _character_pattern(reach_of(text)).findall(_BLANKS.sub(" ", text))
    if split_by == "subwords":
        return marks.split(text)
    raise ValueError(f"split_by must be one of {', '.join(SPLIT_BY)}; got {split_by!r}")


def join(words: Iterable[str], split_by: str, line_ends: bool = False) -> str:
    """Joins words into a text, the inverse of `split` up to blanks.

    **Arguments:**

    - `words`: words as returned by `split`.
    - `split_by`, `line_ends`: how they were split.
    """
    joiner = Joiner(split_by, line_ends)
    return "".join(joiner.push(word) for word in words)


class Joiner:
    """Joins words one at a time, as a generator produces them.

    With `split_by: subwords`, marked words or subwords are joined as their marks say. With `words`,
    closing punctuation joins the word before it, opening punctuation the word after it, and straight quotes
    open and close in turn; no blank is written between Han and kana. With `line_ends`, `<eos>` is
    written as a line end.
    """

    def __init__(self, split_by: str, line_ends: bool = False) -> None:
        self._split_by = split_by
        self._line_ends = line_ends
        self._previous = ""
        self._glue_next = True  # nothing comes before the first word
        self._open_quotes: set[str] = set()
        self._unmarker = Unmarker() if split_by == "subwords" else None

    def push(self, word: str) -> str:
        """Takes the next word.

        **Returns:** the piece of text that it adds: the word, with a blank before it if one
        belongs there.
        """
        if self._line_ends and word == END_OF_LINE:
            self.after_blank()
            return "\n"
        if self._unmarker:
            return self._unmarker.push(word)
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
            glue = (glue or closes or are_unspaced(self._previous, word)) and not begins_apart(word)
        piece = word if glue or not self._previous else f" {word}"
        self._previous = word
        return piece

    def after_blank(self) -> None:
        """Notes that the text ends in a blank, so that the next word adds none."""
        self._previous = ""
        if self._unmarker:
            self._unmarker.after_blank()

    def copy(self) -> "Joiner":
        """An independent joiner that continues from here."""
        other = Joiner(self._split_by, self._line_ends)
        other._previous, other._glue_next = self._previous, self._glue_next
        other._open_quotes = set(self._open_quotes)
        other._unmarker = self._unmarker and self._unmarker.copy()
        return other


def begins_apart(word: str) -> bool:
    """Whether a word would merge with the one before it: it begins with a combining mark."""
    return characters.is_in(word[0], "extend", "spacing", "zero_width_joiner")


def is_ideograph(word: str) -> bool:
    """Whether a word is a character of Han or Hiragana, with which no letter merges."""
    return characters.is_in(word[0], "ideograph")


def ends_in_kana(word: str) -> bool:
    """Whether a word ends in Katakana."""
    return characters.is_in(word[-1], "katakana")


def begins_in_kana(word: str) -> bool:
    """Whether a word begins with Katakana."""
    return characters.is_in(word[0], "katakana")


def are_unspaced(word: str, following: str) -> bool:
    """Whether no blank is written between two words, as in Han and kana, where they do not merge."""
    if not word or following.isascii():
        return False
    if is_ideograph(following):
        return is_ideograph(word) or ends_in_kana(word)
    return is_ideograph(word) and begins_in_kana(following)


@lru_cache
def _word_pattern(reach: int) -> re.Pattern[str]:
    return re.compile(characters.word(reach, "letter", BLANK))


@lru_cache
def _character_pattern(reach: int) -> re.Pattern[str]:
    return re.compile(rf" |{characters.cluster(reach, ' ')}|\S")
