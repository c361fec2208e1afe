"""A session ⇄ bytes: what is saved, and the checks when it comes back, perhaps from a stranger.

The bytes are those of `numpy.savez`, an uncompressed zip file of arrays:

| array | type | shape |
|---|---|---|
| `format`, `model` | text | `()`: `nextword-session/2`, and the SHA-256 of the model's file |
| `word` | int64 | `()`, the last word, or the last of its subwords |
| `last` | int64 | `(1, words)`, what a fixed context reads again |
| `logits`, `features` | float32 | `(1, dictionary)` and `(1, features)`, after the last word |
| `state.` and a name | that of the model | the part of the state after the last word, where it is carried |
| `cache` | float64 | `(3,)`: size, weight and flatness of the cache |
| `cache_features` | float32 | `(places, features)`, the cache's ring |
| `cache_words` | int64 | `(places,)` |
| `cache_count` | int64 | `()` |
"""

import io
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import NextwordError, SessionError
from nextword.runtime import arguments
from nextword.runtime.cache import CacheSettings, NeuralCache
from nextword.runtime.model_file import ModelFile, State, Step

_FORMAT = "nextword-session/2"
_STATE = "state."
_MOST_TEXT = 100  # characters

# How numpy begins an array, in the first version of its format.
_MAGIC = b"\x93NUMPY\x01\x00"
_HEAD = re.compile(
    rb"\{'descr': '([<|][A-Za-z]\d+)', 'fortran_order': False, "
    rb"'shape': \((\d{1,12}(?:, \d{1,12})*)?,?\), \} *\n"
)


class SavedSession(NamedTuple):
    """What is saved of a session: its last word, what was read, what is expected, and its cache."""

    word: int
    last: NDArray[np.int64]
    state: State | None
    expected: Step
    cache: NeuralCache


def save(model: ModelFile, session: SavedSession) -> bytes:
    """A session as bytes."""
    cache, settings = session.cache, session.cache.settings
    features, words = cache.whole()
    arrays: dict[str, Any] = {
        "format": np.array(_FORMAT),
        "model": np.array(model.sha256),
        "word": np.array(session.word),
        "last": session.last,
        "logits": session.expected.logits,
        "features": session.expected.features,
        "cache": np.array([settings.size, settings.weight, settings.flatness]),
        "cache_features": features,
        "cache_words": words,
        "cache_count": np.array(cache.count),
    }
    arrays |= {f"{_STATE}{name}": part for name, part in (session.state or {}).items()}
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def load(model: ModelFile, data: Any) -> SavedSession:
    """A session out of bytes.

    **Raises:** `SessionError` for bytes that are not a session, or belong to another model file.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise SessionError(f"a saved session is bytes; got {arguments.kind(data)}")
    with _whatever_is_wrong():
        saved = _Arrays(bytes(data))
        format = saved.text("format")
    if format != _FORMAT:
        raise SessionError(f"the session has format {format[:40]}; this version reads {_FORMAT}")
    with _whatever_is_wrong():
        owner = saved.text("model")
    if owner != model.sha256:
        raise SessionError("the session was saved with another model file; load that one")
    with _whatever_is_wrong():
        return _session(model, saved)


def _session(model: ModelFile, saved: "_Arrays") -> SavedSession:
    size, weight, flatness = saved.array("cache", np.float64, (3,)).tolist()
    cache = NeuralCache(CacheSettings(int(size), weight, flatness).check(), model.features)
    cache.features = saved.array("cache_features", np.float32, (cache.places, model.features))
    cache.words = saved.array("cache_words", np.int64, (cache.places,))
    cache.count = int(saved.array("cache_count", np.int64, ()))
    context, dictionary = model.metadata.context, len(model.dictionary)
    read = 0 if context is None else saved.length("last")
    last = saved.array("last", np.int64, (1, read))
    word = saved.array("word", np.int64, ())
    state = {
        name: saved.array(f"{_STATE}{name}", part.kind, part.of_batch(1))
        for name, part in model.states.items()
        if context is None
    }
    fits = (
        all(((ids >= 0) & (ids < dictionary)).all() for ids in (word, last, cache.words))
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
    return SavedSession(int(word), last, state or None, expected, cache)


@contextmanager
def _whatever_is_wrong() -> Iterator[None]:
    """Turns whatever error a damaged or foreign file causes into one line."""
    try:
        yield
    except (Exception, NextwordError):
        raise SessionError("these bytes are not a saved session, or only part of one") from None


class _Arrays:
    """The arrays of a file, none of which is larger in memory than in the file."""

    def __init__(self, data: bytes) -> None:
        self._file = zipfile.ZipFile(io.BytesIO(data))
        for entry in self._file.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError("compressed")

    def array(self, name: str, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array of this type and shape, all finite."""
        descriptor, found, data = self._open(name)
        if np.dtype(kind).str != descriptor or found != shape:
            raise ValueError(f"{name} is {descriptor}, {found}")
        array = np.frombuffer(data, kind).reshape(shape)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
        return array.copy()  # that can be written to

    def length(self, name: str) -> int:
        """The size of an array's last axis."""
        return self._open(name)[1][-1]

    def text(self, name: str) -> str:
        """An array that is a text."""
        descriptor, _, data = self._open(name)
        if not descriptor.startswith("<U") or len(data) > 4 * _MOST_TEXT:
            raise ValueError(f"{name} is not a text")
        return data.decode("utf-32-le")

    def _open(self, name: str) -> tuple[str, tuple[int, ...], bytes]:
        """The type of an array as numpy writes it, its shape, and its bytes."""
        data = self._file.read(f"{name}.npy")
        start = len(_MAGIC) + 2
        end = start + int.from_bytes(data[start - 2 : start], "little")
        head = _HEAD.fullmatch(data[start:end])
        if not data.startswith(_MAGIC) or not head:
            raise ValueError(f"{name} is not an array")
        shape = tuple(map(int, head[2].split(b", "))) if head[2] else ()
        descriptor = head[1].decode()
        if math.prod(shape) * np.dtype(descriptor).itemsize != len(data) - end:
            raise ValueError(f"{name} is not whole")
        return descriptor, shape, data[end:]
