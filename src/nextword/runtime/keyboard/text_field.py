"""The text before a cursor → finished words, the one being typed, and what to insert where."""

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from nextword.text import characters, words
from nextword.text.characters import BLANK, normalise
from nextword.text.marks import is_unspaced
from nextword.text.subwords import SubwordDictionary, in_words, surface_of
from nextword.text.words import END_OF_LINE, Joiner

_INSIDE_WORDS = frozenset("'’-‐")  # a word may go on after these: don', well-
_SENTENCE_ENDS = (".", "!", "?", "…", "।", "。", "！", "？")
_GLANCE = 100  # words to look back for open quotes


class TextField:
    """Follows a text as it is typed, deleted and pasted into; only what changed is split again.

    **Arguments:**

    - `split_by`, `lowercase`, `line_ends`: as for `words.split`.
    - `subwords`: the dictionary, where a model knows subwords; `split_by` is then `words`. In a script
      without blanks each subword is a finished word.

    **Attributes:** `text` before the cursor; `words`, the finished ones as a model reads them, and
    `surfaces`, the same as the user wrote them; `typed`, the unfinished one as written, or "". With
    `subwords`, `words` are marked; those of a script without blanks have a mark if there is a blank before
    them.
    """

    def __init__(
        self, split_by: str, lowercase: bool, line_ends: bool, subwords: SubwordDictionary | None = None
    ) -> None:
        self._split_by, self._lowercase, self._line_ends = split_by, lowercase, line_ends
        self._subwords = subwords
        line_end = rf"{words.BESIDE_LINE_END.pattern}|" if line_ends else ""
        blanks = rf"[{BLANK}]+|" if split_by == "characters" else rf"[{BLANK}]?" if subwords else ""
        self._run = re.compile(rf"{line_end}{blanks}[^{BLANK}]+")
        # Where each run of the text that can be split by itself begins, and how many words come before it.
        self._runs: list[tuple[int, int]] = []
        self.text = self.typed = ""
        self.words: list[str] = []
        self.surfaces: list[str] = []
        self._joiner: Joiner | None = None  # after the finished words

    def update(self, text: str) -> tuple[list[str], list[str]]:
        """Takes the text now before the cursor.

        **Returns:** the finished words removed from the end, and those added there.
        """
        common = common_beginning(text, self.text)
        start = kept = 0
        while self._runs:
            begins, before = self._runs.pop()
            if begins < common:  # it may go on now
                start, kept = begins, before
                break
        old = self.words[kept:]
        del self.words[kept:], self.surfaces[kept:]
        self.text, self.typed = text, ""
        for run in self._run.finditer(text, start):
            self._runs.append((run.start(), len(self.words)))
            self._add(run[0], is_last=run.end() == len(text))
        same = 0
        for one, other in zip(old, self.words[kept:], strict=False):
            if one != other:
                break
            same += 1
        gone, new = old[same:], self.words[kept + same :]
        if gone or new:
            self._joiner = None
        return gone, new

    def after(self, number: int) -> tuple[str, str] | None:
        """A finished word with the text from it to the cursor, and what comes after the word.

        `None` if the word cannot be found as it was written, since Unicode has another form for it.
        """
        start, place = next(run for run in reversed(self._runs) if run[1] <= number)
        for token in self.surfaces[place : number + 1]:
            found = self.text.find(token, start)
            if found < 0:
                return None
            start = found + len(token)
        return self.text[start - len(self.surfaces[number]) :], self.text[start:]

    def is_name(self, number: int) -> bool:
        """Whether a word was written with a capital that only a name needs.

        **Arguments:**

        - `number`: of a finished word; that of the unfinished one is `len(words)`.
        """
        if self._lowercase:
            return False
        written = self.surfaces[number] if number < len(self.surfaces) else self.typed
        return _is_capital_of_name(written, self.surfaces[:number])

    def insertion(self, word: str) -> tuple[int, str]:
        """What to insert where so that `word` becomes the next word, or replaces the one being typed.

        **Returns:** how many characters before the cursor to remove, and the text to put in their place,
        with the blanks that belong there, so that the next word can follow.
        """
        if self._subwords and is_unspaced(word):
            return 0, word
        if self._joiner is None:
            self._joiner = Joiner(self._split_by, self._line_ends)
            for before in self.surfaces[-_GLANCE:]:
                self._joiner.push(before)
        joiner = self._joiner.copy()
        piece = joiner.push(word)
        after = " " if joiner.push("a").startswith(" ") else ""
        if self.typed:
            length = self._typed_length()
            blank = " " if self._would_melt(word, length) else ""
            return length, blank + word + after
        if piece.startswith(" "):
            return 0, (piece if self.text[-1:].strip() else word) + after
        blanks = len(self.text) - len(self.text.rstrip(" "))
        return blanks if self._split_by != "characters" else 0, piece + after

    def _would_melt(self, word: str, length: int) -> bool:
        """Whether a word in place of the last characters would merge with the word before them."""
        before = self.surfaces[-1:]
        is_glued = bool(self.text[: len(self.text) - length][-1:].strip())
        return is_glued and words.split("".join([*before, word]), self._split_by) != [*before, word]

    def _typed_length(self) -> int:
        """How many characters before the cursor the unfinished word has, however Unicode writes them."""
        run = self.text[self._runs[-1][0] :]
        length = len(self.typed)
        # Usually it is as long; decomposed letters are longer, and a few composed ones shorter.
        for size in itertools.chain(range(length, len(run) + 1), range(length - 1, 0, -1)):
            if normalise(run[-size:]) == self.typed:
                return size
        return min(length, len(run))

    def _add(self, run: str, is_last: bool) -> None:
        if self._line_ends and words.BESIDE_LINE_END.fullmatch(run):
            self.surfaces.append(END_OF_LINE)
            self.words.append(END_OF_LINE)
            return
        if self._subwords:
            marks, tokens = self._split_marked(run, self._subwords)
        else:
            tokens = words.split(run, self._split_by)
            marks = [""] * len(tokens)
        if is_last:
            self.typed = self._take_unfinished(tokens)
        self.surfaces += tokens
        finished = zip(marks, tokens, strict=False)
        self.words += [mark + normalise(token, self._lowercase) for mark, token in finished]

    def _split_marked(self, run: str, subwords: SubwordDictionary) -> tuple[list[str], list[str]]:
        """The mark of each word of a run, and the word without it."""
        found = [marked for marked, _ in in_words(subwords, words.split(run, "subwords"))]
        tokens = [surface_of(marked) for marked in found]
        return [marked.removesuffix(token) for marked, token in zip(found, tokens, strict=True)], tokens

    def _take_unfinished(self, tokens: list[str]) -> str:
        """Removes the last word if more letters may follow it."""
        if self._split_by == "whitespace":
            return tokens.pop()
        if self._split_by == "characters":
            return ""
        inside = tokens.pop() if tokens[-1] in _INSIDE_WORDS and len(tokens) > 1 else ""
        if is_word(tokens[-1]) and not (self._subwords and is_unspaced(tokens[-1])):
            return tokens.pop() + inside
        if inside:
            tokens.append(inside)
        return ""


def is_word(token: str) -> bool:
    """Whether a token is a word or a number, not punctuation."""
    return token != END_OF_LINE and bool(_letter(characters.reach_of(token)).search(token))


@lru_cache
def _letter(reach: int) -> re.Pattern[str]:
    return re.compile(characters.one(reach, "letter", "ideograph"))


def begins_sentence(before: Sequence[str]) -> bool:
    """Whether the word after these begins a sentence."""
    return not before or before[-1] == END_OF_LINE or before[-1].endswith(_SENTENCE_ENDS)


def _is_capital_of_name(typed: str, before: Sequence[str]) -> bool:
    """Whether what was typed after these has a capital that only a name needs.

    Words written in capitals throughout, and what follows punctuation other than a comma, have other reasons.
    """
    alone = typed[:1].isupper() and not (len(typed) > 1 and typed.isupper())
    return alone and bool(before) and (is_word(before[-1]) or before[-1] == ",")


def common_beginning(one: str, other: str) -> int:
    """The length of the common beginning of two strings."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:  # the first `low` are the same, the first `high` are not
        middle = (low + high) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle
    return low
