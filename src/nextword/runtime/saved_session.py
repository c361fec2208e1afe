"""A session ⇄ bytes: what is saved, and the checks on loading it, perhaps from an untrusted source.

The bytes are those of `numpy.savez`, an uncompressed zip file of arrays:

| array | type | shape |
|---|---|---|
| `format`, `model` | text | `()`: `nextword-session/2`, and the SHA-256 of the model's file |
| `word` | int64 | `()`, the last word, or the last of its subwords |
| `subwords` | int64 | `(subwords,)`, those of the last word, if it has several; older files lack it |
| `last` | int64 | `(1, words)`, what a fixed context reads again |
| `logits`, `features` | float32 | `(1, dictionary)` and `(1, features)`, after the last word |
| `state.` and a name | as in the model | the part of the state after the last word, where it is carried |
| `cache` | float64 | `(3,)`: size, weight and flatness of the cache |
| `cache_features` | float32 | `(places, features)`, the cache's ring |
| `cache_words` | int64 | `(places,)` |
| `cache_count` | int64 | `()` |

For a session that learns (`dynamic_evaluation`), `format` is `nextword-session/3`, and there are also:

| array | type | shape |
|---|---|---|
| `training_graph` | text | `()`, the SHA-256 of the training graph's file |
| `learning_rate` | float64 | `()` |
| `learned.` and the name of a weight | float32 | `(rows, 4)` for a matrix, else that of the weight |
| `block` | int64 | `(words,)`, those since the last step, preceded by those that predicted the first |
| `block_state.` and a name | as in the model | the part of the state before them, where it is carried |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import NextwordError, SessionError
from nextword.runtime import arguments, saved_arrays
from nextword.runtime.cache import CacheSettings, NeuralCache
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation, Learned
from nextword.runtime.model_file import ModelFile, State, Step
from nextword.runtime.saved_arrays import SavedArrays

_FORMAT, _LEARNING = "nextword-session/2", "nextword-session/3"
_STATE, _LEARNED, _BLOCK_STATE = "state.", "learned.", "block_state."


class SavedSession(NamedTuple):
    """What is saved of a session: its last word, what was read, expected and learned, and its cache."""

    word: tuple[int, ...]
    last: NDArray[np.int64]
    state: State | None
    expected: Step
    cache: NeuralCache
    learned: Learned | None = None


def save(model: ModelFile, dynamic: DynamicEvaluation | None, session: SavedSession) -> bytes:
    """A session as bytes."""
    cache, settings = session.cache, session.cache.settings
    features, words = cache.whole()
    arrays: dict[str, Any] = {
        "format": np.array(_LEARNING if session.learned else _FORMAT),
        "model": np.array(model.sha256),
        "word": np.array(session.word[-1]),
        "last": session.last,
        "logits": session.expected.logits,
        "features": session.expected.features,
        "cache": np.array([settings.size, settings.weight, settings.flatness]),
        "cache_features": features,
        "cache_words": words,
        "cache_count": np.array(cache.count),
    }
    if len(session.word) > 1:
        arrays["subwords"] = np.array(session.word)
    arrays |= {f"{_STATE}{name}": part for name, part in (session.state or {}).items()}
    if dynamic and session.learned:
        learned = session.learned
        arrays |= {
            "training_graph": np.array(dynamic.sha256),
            "learning_rate": np.array(float(dynamic.learning_rate)),
            "block": np.array(learned.ids),
        }
        arrays |= {f"{_LEARNED}{name}": value for name, value in learned.values.items()}
        arrays |= {f"{_BLOCK_STATE}{name}": part for name, part in (learned.state or {}).items()}
    return saved_arrays.save(arrays)


def load(model: ModelFile, dynamic: DynamicEvaluation | None, data: Any) -> SavedSession:
    """A session from bytes.

    **Raises:** `SessionError` for bytes that are not a session, or belong to other files.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise SessionError(f"a saved session must be bytes; got {arguments.kind(data)}")
    with _whatever_is_wrong():
        saved = SavedArrays(bytes(data))
        format = saved.text("format")
    if format not in (_FORMAT, _LEARNING):
        raise SessionError(
            f"the session has format {format[:40]}; this version reads {_FORMAT} and {_LEARNING}"
        )
    with _whatever_is_wrong():
        owner = saved.text("model")
    if owner != model.sha256:
        raise SessionError("the session was saved with another model file; load that one")
    if format == _FORMAT:
        with _whatever_is_wrong():
            return _session(model, saved)
    if not dynamic:
        raise SessionError("the session was learning while it read; give its training_graph")
    with _whatever_is_wrong():
        graph, rate = saved.text("training_graph"), float(saved.array("learning_rate", np.float64, ()))
    if graph != dynamic.sha256:
        raise SessionError("the session was saved with another training graph; give that one")
    if rate != dynamic.learning_rate:
        raise SessionError(f"the session was saved with a learning_rate of {rate:g}; give the same")
    with _whatever_is_wrong():
        return _session(model, saved)._replace(learned=_learned(model, dynamic, saved))


def _session(model: ModelFile, saved: SavedArrays) -> SavedSession:
    size, weight, flatness = saved.array("cache", np.float64, (3,)).tolist()
    cache = NeuralCache(CacheSettings(int(size), weight, flatness).check(), model.features)
    cache.features = saved.array("cache_features", np.float32, (cache.places, model.features))
    cache.words = saved.array("cache_words", np.int64, (cache.places,))
    cache.count = int(saved.array("cache_count", np.int64, ()))
    context, dictionary = model.metadata.context, len(model.dictionary)
    read = 0 if context is None else saved.length("last")
    last = saved.array("last", np.int64, (1, read))
    word = saved.array("word", np.int64, ()).reshape(1)
    if "subwords" in saved:
        word = saved.array("subwords", np.int64, (saved.length("subwords"),))
    state = {
        name: saved.array(f"{_STATE}{name}", part.kind, part.of_batch(1))
        for name, part in model.states.items()
        if context is None
    }
    fits = (
        all(((ids >= 0) & (ids < dictionary)).all() for ids in (word, last, cache.words))
        and len(word) > 0
        and (context is None or 1 <= read <= context)
        and (cache.count == 0 or (cache.places > 0 and 0 < cache.count < 2**53))
    )
    if not fits:
        raise ValueError("out of range")
    expected = Step(
        saved.array("logits", np.float32, (1, dictionary)),
        saved.array("features", np.float32, (1, model.features)),
        state,
    )
    return SavedSession(tuple(word.tolist()), last, state or None, expected, cache)


def _learned(model: ModelFile, dynamic: DynamicEvaluation, saved: SavedArrays) -> Learned:
    values = {
        name: saved.array(f"{_LEARNED}{name}", np.float32, value.shape)
        for name, value in dynamic.nothing.values.items()
    }
    block = saved.array("block", np.int64, (saved.length("block"),))
    if not ((block >= 0) & (block < len(model.dictionary))).all() or not 0 < len(block) <= dynamic.most:
        raise ValueError("out of range")
    names = saved.beginning(_BLOCK_STATE)
    if names and names != {*model.states}:
        raise ValueError("another state")
    state = {
        name: saved.array(f"{_BLOCK_STATE}{name}", model.states[name].kind, model.states[name].of_batch(1))
        for name in names
    }
    return Learned(values, tuple(block.tolist()), state or None)


@contextmanager
def _whatever_is_wrong() -> Iterator[None]:
    """Turns any error caused by a damaged or foreign file into one line."""
    try:
        yield
    except (Exception, NextwordError):
        raise SessionError("these bytes are not a saved session, or only part of one") from None
