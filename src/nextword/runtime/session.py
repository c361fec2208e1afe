"""A text that grows a word at a time, as under a keyboard: fed, suggested for, taken back, saved."""

import io
import zipfile
from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import PromptError, SessionError
from nextword.runtime import draw
from nextword.runtime.cache import MOST_FORGOTTEN, CacheSettings, NeuralCache
from nextword.runtime.completion import complete
from nextword.runtime.model_file import ModelFile, State, Step
from nextword.runtime.reader import Reader

_FORMAT = "nextword-session/2"
_STATE = "state."  # begins the names under which the parts of a state are saved


class _Moment(NamedTuple):
    """What is known after a word."""

    word: int
    last: NDArray[np.int64]
    state: State | None
    expected: Step


class Session:
    """Reads a text word by word, and suggests what comes next, in the time of one step.

    Made by `Generator.session` or `Generator.resume`.
    """

    def __init__(self, model: ModelFile, cache: CacheSettings) -> None:
        self._model = model
        self._reader = Reader(model)
        self._cache = NeuralCache(cache, model.features)
        self._past: deque[_Moment | None] = deque(maxlen=MOST_FORGOTTEN)
        self._now: _Moment | None = None

    def feed(self, text: str) -> None:
        """Reads one word or more.

        **Raises:** `UnknownWordError` for a word that is not in the dictionary; then none is read.
        """
        for id in self._model.dictionary.encode(self._model.split(text)):
            if self._now:
                self._cache.remember(self._now.expected.features[0], id)
            self._past.append(self._now)
            expected = self._reader.read(np.array([[id]]))
            self._now = _Moment(id, self._reader.last, self._reader.state, expected)

    def undo(self) -> str:
        """Takes back the last word that was fed: it is as if it had never been.

        **Returns:** the word.

        **Raises:** `SessionError` if no word is left, or none that this session remembers: after 128 in a
        row, or those that were fed before it was saved.
        """
        if not self._now:
            raise SessionError("there is no word to take back")
        if not self._past:
            raise SessionError(
                f"no more words can be taken back; a session remembers the last {MOST_FORGOTTEN} it was fed"
            )
        word = self._model.dictionary.words[self._now.word]
        self._now = self._past.pop()
        if self._now:
            self._cache.forget()
            self._reader.last, self._reader.state = self._now.last, self._now.state
        else:
            self._reader = Reader(self._model)
        return word

    def suggest(self, n: int = 3, prefix: str = "") -> list[tuple[str, float]]:
        """The likeliest next words, as `Generator.suggest` gives them.

        **Arguments:**

        - `n`: number of suggestions; fewer come if fewer words begin with `prefix`.
        - `prefix`: what has been typed of the next word; probabilities are renormalised over the
          words that begin with it.

        **Returns:** pairs of word and probability, best first.

        **Raises:** `PromptError` if no word was fed yet, `UnknownWordError` if no word begins with
        `prefix`, `CountError` for a number that is out of range.
        """
        if not self._now:
            raise PromptError("nothing was read yet; feed at least one word")
        logits, features = self._now.expected.logits[0], self._now.expected.features[0]
        if self._cache.count:
            log_probabilities = self._cache.mix(draw.log_softmax(logits), features)
            logits = log_probabilities.astype(np.float32)
        return complete(self._model.dictionary, logits, n, prefix)

    def save(self) -> bytes:
        """The session as bytes, from which `Generator.resume` goes on elsewhere with the same bits.

        What can be taken back is not saved.

        **Raises:** `PromptError` if no word was fed yet.
        """
        if not self._now:
            raise PromptError("nothing was read yet; feed at least one word")
        moment, settings, cache = self._now, self._cache.settings, self._cache
        arrays: dict[str, Any] = {
            "format": np.array(_FORMAT),
            "model": np.array(self._model.sha256),
            "word": np.array(moment.word),
            "last": moment.last,
            "logits": moment.expected.logits,
            "features": moment.expected.features,
            "cache": np.array([settings.size, settings.weight, settings.flatness]),
            "cache_features": cache.features,
            "cache_words": cache.words,
            "cache_count": np.array(cache.count),
        }
        for name, part in (moment.state or {}).items():
            arrays[f"{_STATE}{name}"] = part
        data = io.BytesIO()
        np.savez(data, **arrays)
        return data.getvalue()

    def restore(self, data: bytes) -> None:
        """Becomes the session that was saved.

        **Raises:** `SessionError` for bytes that are no session, or one of another model file.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as saved:
                arrays = {name: saved[name] for name in saved.files}
            if arrays["format"] != _FORMAT:
                raise SessionError(f"the session has format {arrays['format']}; this version reads {_FORMAT}")
            if arrays["model"] != self._model.sha256:
                raise SessionError("the session was saved with another model file; load that one")
            size, weight, flatness = arrays["cache"].tolist()
            cache = NeuralCache(CacheSettings(int(size), weight, flatness), self._model.features)
            cache.features, cache.words = arrays["cache_features"], arrays["cache_words"]
            cache.count = int(arrays["cache_count"])
            saved_state = {
                name: arrays[f"{_STATE}{name}"] for name in self._model.states if f"{_STATE}{name}" in arrays
            }
            state = saved_state or None
            expected = Step(arrays["logits"], arrays["features"], saved_state)
            moment = _Moment(int(arrays["word"]), arrays["last"], state, expected)
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
            raise SessionError("these bytes are no saved session, or not all of it") from None
        self._cache, self._now = cache, moment
        self._reader.last, self._reader.state = moment.last, moment.state
        self._past.clear()
