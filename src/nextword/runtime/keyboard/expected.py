"""What a keyboard asks a language about the next word."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Expected(Protocol):
    """What a language expects next: everything that the keyboard asks about it.

    The probabilities of all words that it knows, and `unknown`, the probability of a word that it does not
    know, add up to 1.
    """

    @property
    def unknown(self) -> float:
        """The probability of a word that the language does not know."""

    @property
    def by_model(self) -> float:
        """The same, before adaptation to how many the user writes."""

    @property
    def logits(self) -> NDArray[np.floating]:
        """Those of the model, `(dictionary,)`."""

    def known(self, words: Sequence[str], least: Mapping[str, float]) -> list[tuple[float, float]]:
        """P(word) of each as a known word, and `unknown` if it may be an unknown one.

        **Arguments:**

        - `least`: of some words; a P that would be less may be given as 0.
        """

    def spelling(self, word: str, least: float = 0.0) -> float:
        """P(letters | the language does not know the word); these add up to 1.

        **Arguments:**

        - `least`: a P that would be less may be given as 0.
        """

    def candidates(self, typed: str, most: int, whole: bool) -> dict[str, int]:
        """Words that the user may mean, and the cost of typing them.

        **Arguments:**

        - `most`: how many, about.
        - `whole`: whether what was typed is a whole word.
        """
