"""How many keystrokes a keyboard with suggestions saves."""

import numpy as np
from numpy.typing import NDArray

from nextword.dictionary import Dictionary
from nextword.words import Joiner

SUGGESTIONS = 3  # that a user of the keyboard sees


class Keyboard:
    """Counts what a user of a keyboard with three suggestions types (Trnka & McCoy 2008).

    Without suggestions each character costs one keystroke, the blank before a word included. With
    them the user looks before each character whether the word is among the three likeliest that
    begin with what was typed of it, and takes it with one keystroke, blank included, as soon as
    that costs less than typing on.

    **Attributes:** `characters`, what was written, and `keystrokes`, what it took.
    """

    def __init__(self, dictionary: Dictionary, joiner: Joiner) -> None:
        self._dictionary = dictionary
        self._joiner = joiner
        self.characters = self.keystrokes = 0

    @property
    def saved(self) -> float:
        """The share of keystrokes that need not be made."""
        return 1 - self.keystrokes / self.characters

    def show(self, word: str) -> None:
        """A word that stands before the first one that counts."""
        self._joiner.push(word)

    def type(self, word: str, id: int, log_probabilities: NDArray[np.floating]) -> None:
        """The next word.

        **Arguments:**

        - `word`, `id`: what is written, and its id, which may be that of `<unk>`.
        - `log_probabilities`: what the model expects, shape `(dictionary,)`.
        """
        characters = len(self._joiner.push(word))
        self.characters += characters
        self.keystrokes += self._keystrokes(word, id, log_probabilities, characters)

    def type_id(self, id: int, log_probabilities: NDArray[np.floating]) -> None:
        """The next word by its id; `<unk>`, whose letters are not known, counts nothing."""
        word = self._dictionary.words[id]
        if id == self._dictionary.unknown:
            self._joiner.push(word)
        else:
            self.type(word, id, log_probabilities)

    def _keystrokes(
        self, word: str, id: int, log_probabilities: NDArray[np.floating], characters: int
    ) -> int:
        if id == self._dictionary.unknown:
            return characters
        # With one character left to type, a suggestion saves nothing any more.
        for typed in range(characters - 1):
            if self._is_suggested(id, word[:typed], log_probabilities):
                return typed + 1
        return characters

    def _is_suggested(self, id: int, prefix: str, log_probabilities: NDArray[np.floating]) -> bool:
        """Whether a word is among the likeliest that begin with `prefix`."""
        ids = np.array(self._dictionary.starting_with(prefix)) if prefix else None
        found = log_probabilities if ids is None else log_probabilities[ids]
        own = log_probabilities[id]
        likelier = int((found > own).sum())
        if self._dictionary.unknown is not None and not prefix:
            likelier -= int(log_probabilities[self._dictionary.unknown] > own)
        return likelier < SUGGESTIONS
