"""What the last finished word of a text should become."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextword.runtime.keyboard.capitals import in_case_of
from nextword.runtime.keyboard.mixture import Candidate, Mixture
from nextword.runtime.keyboard.suggestion import Suggestion
from nextword.runtime.keyboard.text_field import TextField, is_word

POOL = 16  # least number of candidates of each language that are examined closely
_KNOWN = 4.0  # extra nats of evidence needed against a known word
_REMEMBERED = 64  # corrections that may yet be undone


@dataclass
class _Offered:
    """A word as it was typed, as it was to become, and whether it has become that."""

    typed: str
    corrected: str
    taken: bool = False


class Corrections:
    """Corrects the last finished word, if the evidence beats the word as it was typed.

    Once a correction was put into the text and undone, what was typed is never corrected again.

    **Arguments:**

    - `field`: the text.
    - `mixture`: what is expected in it.
    """

    def __init__(self, field: TextField, mixture: Mixture) -> None:
        self._field, self._mixture, self._personal = field, mixture, mixture.personal
        self._last: list[Suggestion | None] = []  # once it is known
        self._offered: dict[int, _Offered] = {}  # by the number of the word

    def last(self) -> Suggestion | None:
        """What the last finished word should become; `None` to leave it as it is."""
        if not self._last:
            self._last.append(self._find())
        return self._last[0]

    def clear(self) -> None:
        """Takes note that what the keyboard knows has changed."""
        self._last.clear()

    def update(self) -> None:
        """Takes note that the text has changed; keeps a string whose correction was undone."""
        self.clear()
        for number, offered in [*self._offered.items()]:
            if number >= len(self._field.surfaces):
                continue
            word = self._field.surfaces[number]
            if word == offered.corrected:
                offered.taken = True
                continue
            if offered.taken and word == offered.typed:
                self._personal.keep(word)
            del self._offered[number]

    def _find(self) -> Suggestion | None:
        field, mixture = self._field, self._mixture
        number = len(field.words) - 1
        while number >= 0 and not is_word(field.surfaces[number]):
            number -= 1
        expected = mixture.expected(len(field.words) - number) if number >= 0 else None
        after = field.after(number) if expected else None
        if not expected or not after:
            return None
        typed = field.surfaces[number]
        personal = self._personal
        if typed in personal.kept or personal.is_blocked(typed) or any(map(str.isdigit, typed)):
            return None
        found = mixture.candidates(typed, expected, POOL, whole=True, is_name=field.is_name(number))
        same = [one for one in found if in_case_of(one.word, typed) == typed]
        others = [one for one in found if one not in same]
        if not others:
            return None
        own = max(
            (one.score + _KNOWN for one in same if self._is_established(one.word)),
            default=mixture.as_typed(typed, expected).score,
        )
        best = others[0]
        if best.score <= own:
            return None
        shown = in_case_of(best.word, typed)
        self._offered.pop(number, None)
        self._offered[number] = _Offered(typed, shown)
        if len(self._offered) > _REMEMBERED:
            del self._offered[next(iter(self._offered))]
        probability = math.exp(best.score) / (math.exp(own) + total_of(others))
        return Suggestion(best.word, probability, "correction", len(after[0]), shown + after[1])

    def _is_established(self, word: str) -> bool:
        """Whether a word is one; a single use does not make it one."""
        return self._personal.is_established(word) or self._mixture.has(word)


def total_of(candidates: Sequence[Candidate]) -> float:
    """The sum of the candidates' exponentiated scores."""
    return math.fsum(math.exp(one.score) for one in candidates)
