"""How words are spelt: the cost of the letters of a word that the dictionary lacks."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

_START, _END = "\x02", "\x03"  # before and after each word
_CHARACTERS = 0x110000  # code points in Unicode
_DISCOUNT = 0.75


class LetterModel:
    """A letter n-gram with interpolated Kneser-Ney smoothing (Kneser & Ney 1995).

    With D = 0.75, h a history of k − 1 letters, and h′ the same history without its first letter:

        P_k(x | h) = max(c(h x) − D, 0) / c(h ·) + D N(h ·) / c(h ·) · P_{k−1}(x | h′)

    c counts occurrences in the highest order, and the distinct letters before h x in each lower one;
    N(h ·) is the number of distinct letters after h. Below the first order is the uniform
    distribution over all of Unicode, so that the probabilities of all strings add up to 1.

    **Arguments:**

    - `words`: the words to learn from, each once.
    - `order`: the length of the longest n-gram.
    """

    def __init__(self, words: Iterable[str], order: int) -> None:
        self._order = order
        self._followers: dict[str, Counter[str]] = defaultdict(Counter)
        for word in words:
            letters = _START * (order - 1) + word + _END
            for place in range(order - 1, len(letters)):
                self._followers[letters[place - order + 1 : place]][letters[place]] += 1
        longest = list(self._followers)
        for length in range(order - 1, 0, -1):
            shorter = {history[1:]: None for history in longest}
            for history in longest:
                for letter in self._followers[history]:
                    self._followers[history[1:]][letter] += 1
            longest = list(shorter)
            assert not longest or len(longest[0]) == length - 1
        self._totals = {history: followers.total() for history, followers in self._followers.items()}

    def log_probability(self, word: str) -> float:
        """Ln P of the letters of a word and its end, in nats."""
        before = self._order - 1
        letters = _START * before + word + _END
        return sum(
            math.log(self._probability(letters[place], letters[place - before : place]))
            for place in range(before, len(letters))
        )

    def total(self, words: Iterable[str]) -> float:
        """The probability that a word is one of these, each given once."""
        known: dict[tuple[str, str], float] = {}
        before = self._order - 1
        total = 0.0
        for word in words:
            letters = _START * before + word + _END
            found = 1.0
            for place in range(before, len(letters)):
                gram = letters[place], letters[place - before : place]
                if gram not in known:
                    known[gram] = self._probability(*gram)
                found *= known[gram]
            total += found
        return total

    def _probability(self, letter: str, history: str) -> float:
        found = 1 / _CHARACTERS
        for start in range(len(history), -1, -1):
            followers = self._followers.get(history[start:])
            if followers is None:
                break
            total = self._totals[history[start:]]
            given = max(followers[letter] - _DISCOUNT, 0)  # a Counter returns 0 for a missing key
            found = (given + _DISCOUNT * len(followers) * found) / total
        return found
