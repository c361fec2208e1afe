"""What a keyboard has learned ⇄ bytes: JSON in UTF-8, the same in Python and JavaScript."""

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.errors import KeyboardError
from nextword.runtime.keyboard.language import Language
from nextword.runtime.keyboard.mixture import Mixture
from nextword.runtime.keyboard.personal import LONGEST, MOST_WORDS
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation, Learned
from nextword.runtime.model_file import ModelFile
from nextword.text.characters import well_formed

_FORMAT = "nextword-keyboard/1"
_DAMAGED = KeyboardError("these bytes are not a saved keyboard, or only part of one")
_MOST_BYTES = 64_000_000
_MOST_BIAS = 1000.0
_MOST_COUNT = 2**31 - 1
_MOST_SEEN = 1e9  # words


def save(mixture: Mixture) -> bytes:
    """What was learned, and the last 500 words in the cache, but not the text otherwise.

    It holds words, not ids, so it outlives a model file, except for the cache and what weights have learned.
    """
    personal = mixture.personal
    kept = {
        "format": _FORMAT,
        "learned": dict(personal.learned),
        "blocked": personal.blocked,
        "kept": list(personal.kept),
        "recent": personal.recent,
        "languages": [
            {
                "weight": round(weight, 9),
                "seen": one.adaptation.seen,
                "expected": one.adaptation.foreseen,
                "bias": one.adaptation.saved_bias(),
                **_cache(one),
                **_weights(one),
            }
            for one, weight in zip(mixture.languages, mixture.weights, strict=True)
        ],
    }
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def restore(data: bytes, mixture: Mixture) -> None:
    """Restores what `save` has written into a new keyboard.

    **Raises:** `KeyboardError` for bytes that `save` did not write, or for another number of languages;
    nothing changes then.
    """
    saved = _parse(data)
    known, languages, personal = saved["languages"], mixture.languages, mixture.personal
    if len(known) != len(languages):
        raise KeyboardError(
            f"this was saved by a keyboard of {len(known)} languages; this one has {len(languages)}"
        )
    try:
        learned = [
            _learned(language, one.get("learned_weights"))
            for language, one in zip(languages, known, strict=True)
        ]
        cached = [_cached(language, one.get("cache")) for language, one in zip(languages, known, strict=True)]
    except (ValueError, TypeError, KeyError):
        raise _DAMAGED from None
    for word in saved["blocked"]:
        personal.block(word)
    # A newer file's dictionary may have words that an older one lacked.
    personal.remember({word: count for word, count in saved["learned"].items() if not mixture.has(word)})
    personal.recall(saved.get("recent", []))
    for typed in saved["kept"]:
        personal.keep(typed)
    for language, one, weights, pairs in zip(languages, known, learned, cached, strict=True):
        for features, id in pairs:
            language.adaptation.cache.remember(features, id)
        language.adaptation.seen, language.adaptation.foreseen = float(one["seen"]), float(one["expected"])
        language.adaptation.restore_bias(one["bias"])
        if language.dynamic and weights:
            language.dynamic.learned = weights
    total = sum(one["weight"] for one in known)
    mixture.start([one["weight"] / total for one in known])


def _cache(language: Language) -> dict[str, Any]:
    """What the cache holds, if anything."""
    features, ids = language.adaptation.cache.last
    if not len(ids):
        return {}
    values = base64.b64encode(features.astype("<f2").tobytes()).decode()
    return {"cache": {"file": language.model.sha256, "entries": ids.tolist(), "features": values}}


def _cached(language: Language, saved: Any) -> list[tuple[NDArray[np.float32], int]]:
    """The features and ids that `_cache` returned, if they belong to the same file.

    **Raises:** `ValueError` for damaged values.
    """
    cache = language.adaptation.cache
    if not cache.places or not saved or saved.get("file") != language.model.sha256:
        return []
    ids, data = saved["entries"], base64.b64decode(saved["features"], validate=True)
    are_ids = isinstance(ids, list) and all(
        type(id) is int and 0 <= id < len(language.dictionary) for id in ids
    )
    if not are_ids or len(ids) > cache.settings.size:
        raise ValueError("entries")
    features = np.frombuffer(data, "<f2").reshape(len(ids), cache.features.shape[1]).astype(np.float32)
    if not np.isfinite(features).all():
        raise ValueError("features")
    return list(zip(features, ids, strict=True))


def _weights(language: Language) -> dict[str, Any]:
    """What the weights of a model have learned, if they learn; words not yet learned from are left out."""
    dynamic = language.dynamic
    if not dynamic:
        return {}
    values = {
        name: base64.b64encode(value.astype("<f4").tobytes()).decode()
        for name, value in dynamic.learned.values.items()
    }
    return {"learned_weights": {"files": _files(language.model, dynamic), "values": values}}


def _learned(language: Language, saved: Any) -> Learned | None:
    """What `_weights` returned, if it belongs to the same files.

    **Raises:** `ValueError` for damaged values.
    """
    dynamic = language.dynamic
    if not dynamic or saved is None or saved["files"] != _files(language.model, dynamic):
        return None
    found = {}
    for name, value in dynamic.nothing.values.items():
        data = base64.b64decode(saved["values"][name], validate=True)
        found[name] = np.frombuffer(data, "<f4").reshape(value.shape)
        if not (np.abs(found[name]) <= _MOST_BIAS).all():
            raise ValueError(name)
    return Learned(found)


def _files(model: ModelFile, dynamic: DynamicEvaluation) -> list[str]:
    """The SHA-256 of the files that the learned weights belong to."""
    return [model.sha256, dynamic.sha256]


def _parse(data: bytes) -> Any:
    if not isinstance(data, bytes | bytearray) or len(data) > _MOST_BYTES:
        raise _DAMAGED
    try:
        saved = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise _DAMAGED from None
    if isinstance(saved, dict) and saved.get("format") != _FORMAT:
        if str(saved.get("format")).startswith("nextword-keyboard/"):
            raise KeyboardError(
                f"this was saved as {saved['format']!r:.40}, which this version cannot read; install a newer "
                "nextword"
            )
        raise _DAMAGED
    fits = (
        isinstance(saved, dict)
        and _are_counts(saved.get("learned"))
        and all(_are_words(saved.get(name)) for name in ("blocked", "kept"))
        and _are_words(saved.get("recent", []))  # which older keyboards did not save
        and isinstance(saved.get("languages"), list)
        and saved["languages"]
        and all(_is_language(one) for one in saved["languages"])
    )
    if not fits:
        raise _DAMAGED
    return saved


def _is_word(word: object) -> bool:
    return isinstance(word, str) and 0 < len(word) <= LONGEST and word == well_formed(word)


def _are_words(words: object) -> bool:
    return isinstance(words, list) and len(words) <= MOST_WORDS and all(map(_is_word, words))


def _are_counts(words: object) -> bool:
    return (
        isinstance(words, dict)
        and _are_words(list(words))
        and all(type(count) is int and 0 < count <= _MOST_COUNT for count in words.values())
    )


def _is_language(language: object) -> bool:
    return (
        isinstance(language, dict)
        and _is_between(language.get("weight"), 1e-9, 1)
        and _is_between(language.get("seen"), 0, _MOST_SEEN)
        and _is_between(language.get("expected"), 0, _MOST_SEEN)
        and isinstance(language.get("bias"), dict)
        and isinstance(language.get("cache", {}), dict)
        and all(_is_between(value, -_MOST_BIAS, _MOST_BIAS) for value in language["bias"].values())
    )


def _is_between(value: object, least: float, most: float) -> bool:
    """Whether a value is a number in this finite range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
