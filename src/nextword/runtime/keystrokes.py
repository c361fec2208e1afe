"""How many keystrokes a keyboard with suggestions saves."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.figures import SUGGESTIONS
from nextword.text.dictionary import Dictionary
from nextword.text.words import Joiner

# Whether a word is among the suggestions, given what was typed of it.
IsSuggested = Callable[[str], bool]


class KeystrokeCounter:
    """Counts what a user of a keyboard with three suggestions types (Trnka & McCoy 2008).

    Without suggestions each character costs one keystroke, the blank before a word included. With
    them the user checks before each character whether the word is among the three likeliest that
    begin with what was typed of it, and takes it with one keystroke, blank included, as soon as
    that costs less than typing on. `<unk>` is never suggested; a word that the dictionary lacks is
    typed in full.

    **Attributes:** `characters`, what was written, and `keystrokes`, what it took.
    """

    def __init__(self, joiner: Joiner) -> None:
        self._joiner = joiner
        self.characters = self.keystrokes = 0

    @property
    def saved(self) -> float:
        """The share of keystrokes saved; 0 if nothing was written."""
        return 1 - self.keystrokes / self.characters if self.characters else 0.0

    def show(self, word: str) -> None:
        """Takes a word before the first one that counts."""
        self._joiner.push(word)

    def type(self, word: str, letters: str, is_suggested: IsSuggested) -> None:
        """The next word.

        **Arguments:**

        - `word`: as it is joined; `letters`: as it is suggested.
        """
        characters = len(self._joiner.push(word))
        self.characters += characters
        # With one character left to type, a suggestion no longer saves anything.
        typed = (typed for typed in range(characters - 1) if is_suggested(letters[:typed]))
        self.keystrokes += next(typed, characters - 1) + 1


class Suggester:
    """Says which words of a dictionary a keyboard would suggest."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._beginnings: dict[str, NDArray[np.int64]] = {}

    def of(self, id: int, log_probabilities: NDArray[np.floating]) -> IsSuggested:
        """Whether a word is suggested.

        **Arguments:**

        - `id`: of the word, which may be that of `<unk>`.
        - `log_probabilities`: what the model expects, shape `(dictionary,)`.
        """

        def is_suggested(prefix: str) -> bool:
            return self._is_suggested(id, prefix, log_probabilities)

        return is_suggested if id != self._dictionary.unknown else _never

    def _is_suggested(self, id: int, prefix: str, log_probabilities: NDArray[np.floating]) -> bool:
        """Whether a word is among the likeliest that begin with `prefix`."""
        place, unknown = id, self._dictionary.unknown
        if prefix:
            ids = self._beginning_with(prefix)
            log_probabilities, unknown = log_probabilities[ids], None
            place = int(np.searchsorted(ids, id))
        return bool(figures.ranks(log_probabilities[None], np.array([place]), unknown)[0] < SUGGESTIONS)

    def _beginning_with(self, prefix: str) -> NDArray[np.int64]:
        """The ids of the words that begin with `prefix` and can be suggested, in rising order."""
        if prefix not in self._beginnings:
            ids = self._dictionary.starting_with(prefix)
            self._beginnings[prefix] = np.array(sorted({*ids} - {self._dictionary.unknown}))
        return self._beginnings[prefix]


def _never(_prefix: str) -> bool:
    return False
