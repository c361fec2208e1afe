"""How a text is continued: the settings of sampling, and how they pick what comes next."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextword.errors import SamplingError
from nextword.runtime import arguments, draw

if TYPE_CHECKING:
    from nextword.runtime.drafts import Draft

_DEFAULT_WINDOW = 64
_LOWEST_TEMPERATURE = 1e-6  # below this, a float32 is soon 0
_FRACTIONS = frozenset({"temperature", "top_p", "repetition_penalty"})  # all other numbers are whole
_MAY_BE_NONE = frozenset({"seed", "repetition_window"})


@dataclass(frozen=True)
class Sampling:
    """The settings of generation. By default the likeliest word is always taken.

    - `temperature`: 0 takes the likeliest word; above 0, words are drawn: the higher, the more evenly.
    - `top_k`: draws from this many of the likeliest words; 0 draws from all.
    - `top_p`: draws from the fewest words that have this share of the probability (Holtzman et al.
      2020); 1 draws from all.
    - `seed`: of the draws, from 0 to 2³¹ − 2; the same seed gives the same words. `None` picks a random
      one.
    - `repetition_penalty`: above 1 makes the words among the last `repetition_window` words (64 if left
      out), prompt included, less likely (Keskar et al. 2019); 1 is off.
    - `no_repeat_ngram`: never repeats a run of this many words, prompt included; 0 is off.
    - `banned`: words that are never written; a plain string counts as one.
    - `stop`: generation ends before the first of these strings that it would write, even across
      words; a plain string counts as one.
    - `min_words`: this many words are written before a `stop` counts.

    **Raises:** `SamplingError` for a value of another type, out of range, or without effect given the
    others.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    repetition_penalty: float = 1.0
    repetition_window: int | None = None
    no_repeat_ngram: int = 0
    banned: str | Iterable[str] = ()
    stop: str | Iterable[str] = ()
    min_words: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 0, 100),
            ("top_k", 0, 2**31 - 1),
            ("top_p", 1e-6, 1),
            ("seed", 0, draw.PRIME - 1),
            ("repetition_penalty", 0.01, 100),
            ("repetition_window", 1, 1_000_000),
            ("no_repeat_ngram", 0, 1_000),
            ("min_words", 0, 1_000_000),
        ):
            value = getattr(self, name)
            if value is not None or name not in _MAY_BE_NONE:
                arguments.number(SamplingError, name, value, low, high, whole=name not in _FRACTIONS)
        for name in ("banned", "stop"):
            object.__setattr__(self, name, arguments.strings(SamplingError, name, getattr(self, name)))
        if 0 < self.temperature < _LOWEST_TEMPERATURE:
            raise SamplingError(
                f"temperature must be 0, or at least {_LOWEST_TEMPERATURE:g}; got {self.temperature:g}"
            )
        if "" in self.stop:
            raise SamplingError("stop has an empty string; leave it out")
        drawn = ("top_k", "top_p", "seed")
        for knob, needed, is_there in (
            *((name, "a temperature above 0", self.temperature > 0) for name in drawn),
            ("repetition_window", "a repetition_penalty", self.repetition_penalty != 1),
            ("min_words", "a stop", bool(self.stop)),
        ):
            if getattr(self, knob) != _DEFAULTS[knob] and not is_there:
                raise SamplingError(f"{knob} has no effect without {needed}; add one, or leave {knob} out")

    @property
    def window(self) -> int:
        """How many words count as recent."""
        return self.repetition_window or _DEFAULT_WINDOW


_DEFAULTS = {field.name: field.default for field in fields(Sampling)}


class Sampler:
    """Picks the next entries of the dictionary for one or more samples of the same prompt.

    Sample i is drawn with `seed` + i, so it is the one that this seed gives on its own.

    **Arguments:**

    - `knobs`: how to pick.
    - `drafts`: what each sample has written, and what it may still pick.
    """

    def __init__(self, knobs: Sampling, drafts: Sequence["Draft"]) -> None:
        self._knobs, self._drafts = knobs, drafts
        self._seed = int.from_bytes(os.urandom(8)) % draw.PRIME if knobs.seed is None else knobs.seed
        self._step = 0

    def pick(self, logits: NDArray[np.float32], finished: Sequence[bool]) -> NDArray[np.int64]:
        """The next entry of each sample.

        **Arguments:**

        - `logits`: shape `(samples, dictionary)`.
        - `finished`: which samples need no more; they get arbitrary entries.

        **Returns:** ids, shape `(samples,)`.

        **Raises:** `SamplingError` if the settings leave nothing.
        """
        picked = np.array(
            [0 if finished[sample] else self._pick(sample, row) for sample, row in enumerate(logits)]
        )
        self._step += 1
        return picked

    def _pick(self, sample: int, logits: NDArray[np.float32]) -> int:
        knobs, draft = self._knobs, self._drafts[sample]
        ruled_out = draft.ruled_out()
        if len(ruled_out) or knobs.repetition_penalty != 1:
            logits = logits.copy()
            if knobs.repetition_penalty != 1:
                draw.penalise(logits, draft.recent(), knobs.repetition_penalty)
            logits[ruled_out] = -np.inf
            if logits.max() == -np.inf:
                raise SamplingError(
                    f"no word is left after {draft.words} words; ban fewer words or raise no_repeat_ngram"
                )
        if not knobs.temperature:
            return draw.greedy(logits)
        number = draw.uniform((self._seed + sample) % draw.PRIME, self._step)
        return draw.draw(logits, number, knobs.temperature, knobs.top_k, knobs.top_p)
