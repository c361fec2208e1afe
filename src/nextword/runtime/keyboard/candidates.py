"""What was typed → how far each word of a list is from it: a noisy channel over all words at once.

The cost of a word is −ln P(typed | word) in tenths of a nat, the cheapest way to turn the word into what
was typed (Damerau 1964; Kernighan, Church & Gale 1990). One row of the table of edit distances is
computed a keystroke, for all words side by side; Backspace drops it.
"""

import copy
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.keyboard.layouts import Layout, are_vowels
from nextword.runtime.keyboard.text_field import common_beginning

# Costs in tenths of a nat, fitted on real misspellings.
SUBSTITUTED, SUBSTITUTED_VOWEL, SUBSTITUTED_NEIGHBOUR, OTHER_CASE = 41, 25, 23, 5
EXTRA, EXTRA_NEIGHBOUR, EXTRA_DOUBLED = 35, 31, 27
MISSING, MISSING_DOUBLED = 16, 9
TRANSPOSED = 15
AT_FIRST_LETTER = 11  # added there
MOST = 120  # a word that costs this much is no candidate; twice that and a little more fit into 8 bits

NAT = 10  # the costs of typing are in units of 1 / NAT nats
MODEL = 0.75  # weight of a word's log-probability against the cost of typing it
_FAR, _FOR_WORDS = 7.0, 16  # nats, for each started batch of this many requested words
_SLIPPED = 15  # extra cost of a beginning with any slip in it
_SLIPS_PER_TEN = 12  # weight of slips in a beginning, in tenths
_REST = 3  # cost of a word that goes on, for each letter typed after the third
_SHORT, _SLIPPED_SHORT = 3, 10  # typed letters at which a whole word with slips costs this much more

_REACH = 3  # letters that the typed text may be ahead of a word, or behind it
_WIDTH = 2 * _REACH + 1
_LONGEST = 40  # letters of a word that count
_NO_LETTER = 0  # before and after a word


class Candidates(Protocol):
    """The words that the user may mean."""

    words: Sequence[str]

    def type(self, typed: str) -> None:
        """Looks up what has been typed of a word."""

    def costs(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The cost of each word's best beginning, and of the whole word, `(words,)`; at most `MOST`."""


class WordTable:
    """The candidates of a list of words, each of which is compared.

    Row i of the table, `(width, words)`, holds the cost of the first j letters of each word given the
    first i typed letters, for j from i − 3 to i + 3.

    **Arguments:**

    - `words`: the words, or parts of words.
    - `layout`: of the keys.
    - `at_first_letter`: extra cost of an error in the first letter.
    """

    def __init__(self, words: Sequence[str], layout: Layout, at_first_letter: int = AT_FIRST_LETTER) -> None:
        self.words = words
        self._layout, self._at_first_letter = layout, at_first_letter
        alphabet = sorted({letter for word in words for letter in word[:_LONGEST]})
        self._codes = {letter: code for code, letter in enumerate(alphabet, _NO_LETTER + 1)}
        self._alphabet = ["", *alphabet]
        kind = np.uint8 if len(alphabet) < 255 else np.uint16
        self._longest = max((min(len(word), _LONGEST) for word in words), default=0)
        # Letter j of each word is in row j + the reach, so that each band is one slice.
        self._letters = np.zeros((self._longest + 3 * _REACH + 3, len(words)), kind)
        for number, word in enumerate(words):
            codes = [self._codes[letter] for letter in word[:_LONGEST]]
            self._letters[_REACH + 1 : _REACH + 1 + len(codes), number] = codes
        letters = self._letters
        self._is_last = np.zeros(letters.shape, np.bool_)
        self._is_last[:-1] = (letters[:-1] != _NO_LETTER) & (letters[1:] == _NO_LETTER)
        doubled = (letters[1:] == letters[:-1]) & (letters[1:] != _NO_LETTER)
        self._missing = np.full(letters.shape, MISSING, np.uint8)
        self._missing[1:][doubled] = MISSING_DOUBLED
        self._missing[_REACH + 1] += at_first_letter
        self._missing[letters == _NO_LETTER] = MOST
        self._typed = ""
        self._rows = [self._first_row()]
        self._wholes = [self._whole(0)]
        self._substitutions: dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def type(self, typed: str) -> None:
        """Looks up what has been typed; what it shares with the last call is not computed again."""
        typed = typed[: self._longest + _REACH + 1]  # this many letters are too many for any word
        common = common_beginning(typed, self._typed)
        del self._rows[common + 1 :], self._wholes[common + 1 :]
        self._typed = typed[:common]
        for letter in typed[common:]:
            self._rows.append(self._next_row(letter))
            self._typed += letter
            self._wholes.append(self._whole(len(self._typed)))

    def costs(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The cost of each word's best beginning, and of the whole word, `(words,)`."""
        return self._rows[-1].min(axis=0), self._wholes[-1]

    def whole_costs(self) -> NDArray[np.uint8]:
        """The cost of each whole word for each number of typed letters, none to all, `(…, words)`."""
        return np.stack(self._wholes)

    def another(self) -> "WordTable":
        """A table of the same words with nothing typed yet."""
        other = copy.copy(self)
        other._typed, other._rows, other._wholes = "", self._rows[:1], self._wholes[:1]
        return other

    def _whole(self, i: int) -> NDArray[np.uint8]:
        """The cost of each whole word for the first i letters."""
        found: NDArray[np.uint8] = _only(self._is_last[i : i + _WIDTH], self._rows[i]).min(axis=0)
        return np.minimum(found, MOST, out=found)

    def _first_row(self) -> NDArray[np.uint8]:
        """Nothing typed: all letters of each word's beginning are missing."""
        row = np.full((_WIDTH, len(self.words)), MOST, np.uint8)
        row[_REACH] = 0
        self._add_missing(row, 0)
        return row

    def _next_row(self, letter: str) -> NDArray[np.uint8]:
        before, i = self._rows[-1], len(self._rows)
        instead, extra = self._costs_of(letter)
        if i == 1:
            instead = np.where(instead > OTHER_CASE, instead + self._at_first_letter, instead)
            extra = extra + self._at_first_letter
        letters = self._letters[i : i + _WIDTH + 1]  # letter j of each word, for each j of the band
        row: NDArray[np.uint8] = before + instead.take(letters[:-1])
        # An extra letter is a slip next to the letter before it or after it.
        too_many = extra.take(letters)
        too_many = np.minimum(too_many[:-2], too_many[1:-1])
        np.minimum(row[:-1], before[1:] + too_many, out=row[:-1])
        if i > 1:
            cost = TRANSPOSED + (self._at_first_letter if i == 2 else 0)
            swapped = letters[:-1] == self._code(self._typed[-1])
            swapped &= self._letters[i - 1 : i - 1 + _WIDTH] == self._code(letter)
            np.minimum(row, _only(swapped, self._rows[-2] + np.uint8(cost)), out=row)
        np.minimum(row, MOST, out=row)
        self._add_missing(row, i)
        return row

    def _add_missing(self, row: NDArray[np.uint8], i: int) -> None:
        """Accounts for letters of the word that were not typed."""
        for place in range(1, _WIDTH):
            np.minimum(row[place], row[place - 1] + self._missing[i + place], out=row[place])

    def _code(self, letter: str) -> int:
        """The code of a letter; one that no word has if the words lack the letter."""
        return self._codes.get(letter, len(self._alphabet))

    def _costs_of(self, letter: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The cost of typing a letter instead of each letter of the alphabet, and next to it."""
        if letter not in self._substitutions:
            lower = letter.casefold()
            instead = np.full(len(self._alphabet), SUBSTITUTED, np.uint8)
            extra = np.full(len(self._alphabet), EXTRA, np.uint8)
            for code, other in enumerate(self._alphabet):
                folded = other.casefold()
                if other == letter:
                    instead[code], extra[code] = 0, EXTRA_DOUBLED
                elif folded == lower:
                    instead[code], extra[code] = OTHER_CASE, EXTRA_DOUBLED
                elif self._layout.are_beside(lower, folded):
                    instead[code], extra[code] = SUBSTITUTED_NEIGHBOUR, EXTRA_NEIGHBOUR
                elif are_vowels(lower, folded):
                    instead[code] = SUBSTITUTED_VOWEL
            instead[_NO_LETTER] = MOST
            extra[_NO_LETTER] = EXTRA
            self._substitutions[letter] = instead, extra
        return self._substitutions[letter]


def _only(where: NDArray[np.bool_], costs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The costs at some places, and 255 elsewhere; several times as fast as `numpy.where`."""
    found: NDArray[np.uint8] = costs | (where.view(np.uint8) - np.uint8(1))
    return found


def margin(most: int) -> float:
    """How many nats behind the best of `most` requested words another is not worth running the model for."""
    return _FAR * math.ceil(most / _FOR_WORDS)


def best(
    table: Candidates, scores: NDArray[np.float32], typed: str, most: int, whole: bool
) -> dict[str, int]:
    """The words of a table with the best scores minus the cost of typing them, and that cost."""
    costs = np.zeros(len(scores), np.int16)
    if typed:
        table.type(typed)
        beginnings, wholes = table.costs()
        costs = wholes.astype(np.int16) if whole else either(len(typed), beginnings, wholes)
        scores = scores - costs * np.float32(1 / NAT)
        scores[(wholes if whole else np.minimum(beginnings, wholes)) >= MOST] = -np.inf
    chosen = np.argpartition(-scores, most)[:most] if most < len(scores) else np.arange(len(scores))
    return {table.words[id]: int(costs[id]) for id in chosen if scores[id] > -np.inf}


def either(letters: int, beginnings: NDArray[np.uint8], wholes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The cost of each word if this many of its letters were typed, or if all of it was mistyped.

    While little is typed, a beginning without a slip is likelier than a slip.
    """
    ended = wholes.astype(np.int16)
    if letters == _SHORT:
        ended += (wholes > 0) * np.int16(_SLIPPED_SHORT)
    found: NDArray[np.int16] = np.minimum(begun(letters, beginnings), ended)
    return found


def begun(letters: int, beginnings: NDArray[np.integer]) -> NDArray[np.int16]:
    """The cost of each word of which this many letters were typed."""
    found: NDArray[np.int16] = beginnings * np.int16(_SLIPS_PER_TEN) // np.int16(10)
    found += (beginnings > 0) * np.int16(_SLIPPED) + np.int16(_REST * max(letters - _SHORT, 0))
    return found
