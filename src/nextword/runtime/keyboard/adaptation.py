"""What a language has adapted to in what its user writes, apart from the weights of its model."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.cache import CacheSettings, NeuralCache, Remembered
from nextword.runtime.model_file import ModelFile

_CACHE = CacheSettings(size=500, weight=0.1, flatness=0.3)
_NO_CACHE = CacheSettings(size=0, weight=0.0, flatness=0.0)
_RATE, _DECAY = 0.8, 0.0007  # of the bias
_LEAST = 1e-3  # least probability of a word whose bias changes
_LEAST_BIAS = 1e-3  # worth saving
_SEEN = 4.0  # unknown words that count as seen and as expected at the start


class Change(NamedTuple):
    """What an entry overwrote when it was learned: values of the bias, and of the cache if it went there."""

    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    scale: float
    overwritten: Sequence[Remembered | None]


class Earlier(NamedTuple):
    """How many unknown words there had been before a word, and what the word's entries changed."""

    seen: float
    foreseen: float
    changes: Sequence[Change] = ()


class Adaptation:
    """Adapts what a model expects to its user.

    A bias b is added to the logits, and after each entry of the dictionary

        b ← (1 − 0.0007) b + 0.8 (onehot − p)

    where p holds the probabilities of entries of at least 0.1 % (dynamic evaluation of the last layer's
    bias, Krause et al. 2018). A cache of the last 500 entries has a tenth of the probability. The odds of an
    unknown word are multiplied by (seen + 4) / (expected + 4).

    **Arguments:**

    - `model`: the model.
    - `adapts`: whether the bias changes, and there is a cache.

    **Attributes:** `cache`, with features rounded to float16, as they are saved; `seen`, the number of
    unknown words so far, and `foreseen`, how many the model expected.
    """

    def __init__(self, model: ModelFile, adapts: bool) -> None:
        self._dictionary, self._adapts = model.dictionary, adapts
        self._bias = np.zeros(len(model.dictionary))  # without its scale
        self._scale = 1.0
        self.cache = NeuralCache(_CACHE if adapts and model.features else _NO_CACHE, model.features)
        self.seen = self.foreseen = 0.0

    @property
    def bias(self) -> NDArray[np.float64] | None:
        """What is added to the logits, `(dictionary,)`; `None` if nothing is."""
        return self._bias * self._scale if self._adapts else None

    def of_logits(self, logits: NDArray[np.floating]) -> NDArray[np.floating]:
        """The logits of the next entry, with the bias."""
        bias = self.bias
        return logits if bias is None else logits + bias

    def of_probabilities(
        self, log_probabilities: NDArray[np.float64], features: NDArray[np.float32] | None
    ) -> NDArray[np.float64]:
        """The log-probabilities of the next entry, mixed with the cache's.

        **Arguments:**

        - `features`: what the logits are computed from; `None` where the model has not read anything.
        """
        return log_probabilities if features is None else self.cache.mix(log_probabilities, features)

    def of_unknown(self, by_model: float) -> float:
        """The probability of an unknown word, whose probability is `by_model` without adaptation."""
        odds = by_model / (1 - by_model) * (self.seen + _SEEN) / (self.foreseen + _SEEN)
        return odds / (1 + odds)

    def learn(
        self,
        id: int,
        likelihoods: Callable[[], NDArray[np.floating]],
        features: NDArray[np.float32] | None,
        share: float,
    ) -> list[Change]:
        """Adapts to an entry that is about to be read.

        **Arguments:**

        - `likelihoods`: returns the log-probability of each entry there, adapted, `(dictionary,)`.
        - `features`: as for `of_probabilities`.
        - `share`: P(the entry is of this language).

        **Returns:** what changed; nothing where nothing adapts, or for `<unk>`.
        """
        if not self._adapts or id == self._dictionary.unknown:
            return []
        expected = likelihoods()
        likely = expected >= np.float32(math.log(_LEAST))
        likely[id] = True
        ids, rate = np.flatnonzero(likely), _RATE * share
        values, scale = self._bias[ids], self._scale
        self._scale *= 1 - _DECAY
        self._bias[ids] -= rate / self._scale * np.exp(expected[ids].astype(np.float64))
        self._bias[id] += rate / self._scale
        overwritten = []
        if share > 1 / 2 and features is not None:
            overwritten.append(self.cache.remember(_rounded(features), id))
        return [Change(ids, values, scale, overwritten)]

    def undo(self, earlier: Earlier) -> None:
        """Goes back to before the last word."""
        for change in reversed(earlier.changes):
            self._bias[change.ids], self._scale = change.values, change.scale
            for one in change.overwritten:
                self.cache.forget(one)
        self.seen, self.foreseen = earlier.seen, earlier.foreseen

    def keep(self) -> Earlier:
        """Keeps the adaptation so far, whatever is removed later.

        **Returns:** what to go back to from now on.
        """
        self._bias *= self._scale
        self._scale = 1.0
        return Earlier(self.seen, self.foreseen)

    def saved_bias(self) -> dict[str, float]:
        """The bias of each entry where it is worth saving."""
        bias = self._bias * self._scale
        ids = np.flatnonzero(np.abs(bias) >= _LEAST_BIAS)
        return {self._dictionary.words[id]: round(float(bias[id]), 4) for id in ids}

    def restore_bias(self, bias: Mapping[str, float]) -> None:
        """Restores what `saved_bias` returned; entries that the dictionary lacks are left out."""
        for id, entry in enumerate(self._dictionary.words):
            if entry in bias and id != self._dictionary.unknown:
                self._bias[id] = bias[entry]


def _rounded(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features.astype(np.float16).astype(np.float32)
