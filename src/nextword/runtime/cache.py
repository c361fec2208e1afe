"""A memory of the text so far, for a model that does not learn on the device."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import SamplingError
from nextword.runtime import arguments

MOST_FORGOTTEN = 128

_MOST_WORDS = 1_000_000
_FIRST = 256  # places in a new cache

Remembered = tuple[NDArray[np.float32], int]  # features, and the word that followed


class CacheSettings(NamedTuple):
    """How much a neural cache remembers, and how much it counts.

    - `size`: words remembered; 0 is off.
    - `weight`: its share of the probability, above 0 and below 1.
    - `flatness`: how sharply it prefers words from similar contexts, at least 0.
    """

    size: int
    weight: float
    flatness: float

    def check(self) -> "CacheSettings":
        """Returns these settings.

        **Raises:** `SamplingError` for a value of another type, out of range, or without effect.
        """
        check = partial(arguments.number, SamplingError)
        check("cache_size", self.size, 0, _MOST_WORDS, whole=True, form=",")
        check("cache_weight", self.weight, 0, 1, whole=False, below=True)
        check("cache_flatness", self.flatness, 0, 1000, whole=False)
        if bool(self.size) != bool(self.weight):
            raise SamplingError("cache_size and cache_weight have no effect without each other; give both")
        return self


class NeuralCache:
    """A continuous cache (Grave, Joulin & Usunier 2016, equations 2 and 3).

    It keeps the last features h_i, the input of the logits, and the word w_{i+1} that followed each:

        P_cache(w | h_t) ∝ Σ_i 1{w = w_{i+1}} exp(θ h_t · h_i)
        P(w) = (1 − λ) P_model(w) + λ P_cache(w)

    **Arguments:**

    - `settings`: with λ as `weight` and θ as `flatness`.
    - `features`: how many features there are; 0 if the model file does not output them.

    **Attributes:** `features`, shape `(places, features)`, and `words`, shape `(places,)`, are a ring that
    grows as needed; `places`, its largest size; `count`, the number of words remembered, however long ago.

    **Raises:** `SamplingError` for a model whose file does not output its features.
    """

    def __init__(self, settings: CacheSettings, features: int) -> None:
        if settings.size and not features:
            raise SamplingError(
                "this model has no output for features, which a cache needs; leave cache_size out"
            )
        self.settings = settings
        # A few more places than are used, so that what was forgotten last can be remembered again.
        self.places = settings.size + MOST_FORGOTTEN if settings.size else 0
        self.features = np.zeros((0, features), np.float32)
        self.words = np.zeros(0, np.int64)
        self.count = 0

    def remember(self, features: NDArray[np.float32], word: int) -> Remembered | None:
        """Remembers that `word` followed the features `(features,)`.

        **Returns:** what it overwrote, if anything.
        """
        if not self.places:
            return None
        place = self.count % self.places
        if place >= len(self.words):
            self._grow()
        before = (self.features[place].copy(), int(self.words[place])) if self.count >= self.places else None
        self.features[place], self.words[place] = features, word
        self.count += 1
        return before

    @property
    def last(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The features and words that count, oldest first."""
        there = min(self.count, self.settings.size)
        places = (self.count - there + np.arange(there)) % max(self.places, 1)
        return self.features[places], self.words[places]

    def whole(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The ring with all its places, zero where nothing was remembered."""
        missing = self.places - len(self.words)
        return np.pad(self.features, ((0, missing), (0, 0))), np.pad(self.words, (0, missing))

    def _grow(self) -> None:
        """Doubles the room, so that the cost per word stays small."""
        more = min(max(len(self.words), _FIRST), self.places - len(self.words))
        self.features = np.pad(self.features, ((0, more), (0, 0)))
        self.words = np.pad(self.words, (0, more))

    def forget(self, before: Remembered | None = None) -> None:
        """Undoes the last `remember`.

        **Arguments:**

        - `before`: what it returned; may be left out at most `MOST_FORGOTTEN` times in a row.
        """
        self.count = max(0, self.count - 1)
        if before:
            place = self.count % self.places
            self.features[place], self.words[place] = before

    def mix(
        self, log_probabilities: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The model's log-probabilities `(dictionary,)` mixed with the cache's, after `features`."""
        if not self.count:
            return log_probabilities
        there = min(self.count, self.places)
        age = (self.count - 1 - np.arange(there)) % self.places
        kept = np.flatnonzero(age < min(self.count, self.settings.size))
        exponents = self.settings.flatness * (self.features[:there] @ features)[kept].astype(np.float64)
        weights = np.exp(exponents - exponents.max())
        weights *= self.settings.weight / weights.sum()
        words, places = np.unique(self.words[kept], return_inverse=True)
        # In logarithms, since a probability that a float cannot hold would become 0.
        mixed: NDArray[np.float64] = np.log1p(-self.settings.weight) + log_probabilities
        with np.errstate(divide="ignore"):
            remembered = np.log(np.bincount(places, weights))
        mixed[words] = np.logaddexp(mixed[words], remembered)
        return mixed
