"""What a keyboard knows about its user: new words, unwanted words, and strings that are right as they are."""

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from nextword.runtime.keyboard.candidates import WordTable
from nextword.runtime.keyboard.layouts import Layout

MOST_WORDS = 5_000  # learned, blocked or kept
LONGEST = 64  # characters of a learned word

_RECENT = 20.0  # how much more the latest use counts
_FADES = 60.0  # new words until that falls to 1 / e
_REMEMBERED = 512  # uses recent enough to count more


class Personal:
    """A user's own words.

    **Arguments:**

    - `layout`: of the keys.

    **Attributes:** `kept`, strings that are never corrected, in the order in which they came.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._learned: dict[str, int] = {}
        self._here: Counter[str] = Counter()  # in the text that is being written
        self._blocked: dict[str, str] = {}  # by what they are without capitals
        self.kept: dict[str, str] = {}
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)  # the last uses, in order
        self._weights: dict[str, float] = {}
        self._uses = 0
        self._total = 0.0  # of the weights
        self._table: WordTable | None = None

    @property
    def learned(self) -> Mapping[str, int]:
        """How often each word that no dictionary has was sent."""
        return self._learned

    def __contains__(self, word: str) -> bool:
        return word in self._weights

    @property
    def blocked(self) -> list[str]:
        """The words that are never suggested, in the order in which they came."""
        return list(self._blocked.values())

    def is_blocked(self, word: str) -> bool:
        """Whether a word is never suggested; capitals make no difference."""
        return word.casefold() in self._blocked

    def is_established(self, word: str) -> bool:
        """Whether a word was sent, or occurs more than once in the text."""
        return word in self._learned or self._here[word] > 1

    @property
    def weights(self) -> list[float]:
        """How much the uses of each word of `table` count."""
        return list(self._weights.values())

    @property
    def table(self) -> WordTable:
        """The learned words, and those of the text, as candidates."""
        if self._table is None:
            self._table = WordTable(list(self._weights), self._layout)
        return self._table

    def share(self, word: str, spelling: float) -> float:
        """P(word | no dictionary has it) (Witten & Bell 1991, method C).

        With N the sum of all counts and T the number of different words, N / (N + T) goes to the words used
        before, by how often, and T / (N + T) to new ones, by their letters. New words come in bursts: a use
        counts 1 + 20 exp(−age / 60) among the used ones, its age measured in uses of new words.

        **Arguments:**

        - `spelling`: P(letters).
        """
        different = len(self._weights)
        if not different:
            return spelling
        used = self._uses * self._weights.get(word, 0.0) / self._total
        return (used + different * spelling) / (self._uses + different)

    @property
    def recent(self) -> list[str]:
        """The last uses of learned words, in order; unsent ones do not count."""
        return [word for word in self._recent if word in self._learned]

    def recall(self, recent: Iterable[str]) -> None:
        """Restores what `recent` returned."""
        self._recent.extend(recent)
        self._count()

    def use(self, word: str) -> None:
        """A new word was written in the text."""
        if len(word) <= LONGEST and not self.is_blocked(word):
            self._here[word] += 1
            self._recent.append(word)
            self._count()

    def unuse(self, word: str) -> None:
        """A new word was deleted from the text."""
        if self._here[word] > 0:
            self._here[word] -= 1
            if word in self._recent:
                self._recent.reverse()
                self._recent.remove(word)  # the last one
                self._recent.reverse()
            self._count()

    def learn(self) -> None:
        """Learns the new words of the text."""
        self.remember(self._here)
        self._here.clear()
        self._count()

    def remember(self, words: Mapping[str, int]) -> None:
        """Adds to the learned words, unless blocked; if there are too many, the rarest are forgotten."""
        for word, count in words.items():
            if count > 0 and not self.is_blocked(word):
                self._learned[word] = self._learned.get(word, 0) + count
        if len(self._learned) > MOST_WORDS:
            # Among equals, the oldest goes first.
            rarest = sorted(self._learned, key=self._learned.__getitem__)
            for word in rarest[: len(self._learned) - MOST_WORDS]:
                del self._learned[word]
        self._count()

    def forget(self, word: str) -> None:
        """Forgets that a word was ever learned or kept, and, whatever its capitals, blocked."""
        self._blocked.pop(word.casefold(), None)
        self.kept.pop(word, None)
        self._unlearn({word})

    def block(self, word: str) -> None:
        """Never suggests a word again, whatever its capitals; those learned are forgotten.

        **Arguments:**

        - `word`: of 1 to 64 characters.
        """
        _add(self._blocked, word.casefold(), word)
        self._unlearn({one for one in (*self._learned, *self._here) if self.is_blocked(one)})

    def keep(self, typed: str) -> None:
        """Never corrects a string again, unless it is too long to be a word."""
        if len(typed) <= LONGEST:
            _add(self.kept, typed, typed)

    def _unlearn(self, words: set[str]) -> None:
        for word in words:
            self._learned.pop(word, None)
            self._here.pop(word, None)
        self._recent = deque([one for one in self._recent if one not in words], _REMEMBERED)
        self._count()

    def _count(self) -> None:
        places = dict.fromkeys([*self._learned, *+self._here])
        self._weights = {word: float(self._learned.get(word, 0) + self._here[word]) for word in places}
        for age, word in enumerate(reversed(self._recent)):
            if word in self._weights:  # unless it is one of the rarest, which are forgotten
                self._weights[word] += _RECENT * math.exp(-age / _FADES)
        self._uses = sum(self._learned.values()) + self._here.total()
        self._total = math.fsum(self._weights.values())
        self._table = None


def _add(words: dict[str, str], key: str, word: str) -> None:
    words.pop(key, None)  # the latest is last
    words[key] = word
    if len(words) > MOST_WORDS:
        del words[next(iter(words))]
