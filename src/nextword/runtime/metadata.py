"""What an exported file says about itself: the `metadata_props` of its ONNX graph.

| key | value |
|---|---|
| `format` | `nextword/2`; files of `nextword/1`, which do not output features, can be read too |
| `dictionary` | JSON list of words in id order, or of subwords |
| `split_by` | `whitespace`, `words`, `characters` or `subwords` |
| `lowercase` | `true` or `false` |
| `line_ends` | `true` or `false`: whether each line end is the word `<eos>` |
| `unicode` | version of Unicode that defines what a letter is, such as `17.0`; older files lack it |
| `context` | words that the model reads, or `null` if it carries its state without bound |
| `cell` | the cell's name, for people; no runtime needs it |
| `layers`, `hidden` | whole numbers, for people too |
| `weights` | `float16`, also if missing, or `int8`, where activations are quantised too |
| `unknown` | id of `<unk>`, or `null` |
| `training_words` | of a dictionary of subwords, the words of the training part: a filter in Base64 |
| `params`, `metrics` | JSON: what the model was made with, and how good it is |
| `corpus_sha256` | SHA-256 of the text file |
"""

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from nextword.errors import ModelFileError
from nextword.text import subwords, words
from nextword.text.unicode import VERSION
from nextword.text.word_filter import WordFilter

FORMAT = "nextword/2"

# By key, the values that this version can read.
_READABLE = {"format": ("nextword/1", FORMAT), "split_by": words.SPLIT_BY, "weights": ("float16", "int8")}

_MOST = 2**31 - 1  # of counts
_DEEPEST = 100  # levels of params and metrics

# All others are JSON.
_STRINGS = frozenset({"split_by", "cell", "corpus_sha256", "weights", "unicode", "training_words"})


@dataclass(frozen=True)
class Metadata:
    """The keys of the table above, except `format`, as Python values."""

    dictionary: list[str]
    split_by: str
    lowercase: bool
    line_ends: bool
    context: int | None
    cell: str
    layers: int
    hidden: int
    unknown: int | None
    params: dict[str, Any]
    metrics: dict[str, Any]
    corpus_sha256: str
    weights: str = "float16"
    unicode: str = ""
    training_words: str = ""

    @property
    def least_context(self) -> int:
        """How many words must come before the first one that the model predicts as it was trained."""
        return self.context or 1

    def to_properties(self) -> dict[str, str]:
        """As strings, the way a file holds them."""
        return {"format": FORMAT} | {
            key: value if key in _STRINGS else json.dumps(value, ensure_ascii=False, allow_nan=False)
            for key, value in vars(self).items()
            if key != "training_words" or value
        }

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, bytes]]) -> Self:
        """From the pairs of a file.

        **Raises:** `ModelFileError` unless they are those of a file that this version can run; its
        message continues after the name of the file.
        """
        properties: dict[str, str] = {}
        for key, value in pairs:
            if key in properties:
                raise _damaged(f"{key[:40]} occurs twice")
            try:
                properties[key] = value.decode()
            except UnicodeDecodeError:
                raise _damaged(f"{key[:40]} is not UTF-8") from None
        return cls.from_properties(properties)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Self:
        """From the strings of a file.

        **Raises:** as `from_pairs`.
        """
        format = properties.get("format", "")
        if not format.startswith("nextword/"):
            raise ModelFileError("is not a nextword model; create one with `dvc repro`")
        for name, readable in _READABLE.items():
            value = properties.get(name, "float16" if name == "weights" else "")
            if value not in readable:
                kind = value if name == "format" else f"{name} {value}"
                raise ModelFileError(
                    f"has {kind[:40]}, which this version cannot read; install a newer nextword"
                )
        _check_unicode(properties.get("unicode", ""))
        metadata = cls(
            **{
                field.name: _value(field.name, properties)
                for field in dataclasses.fields(cls)
                if field.name in properties or field.default is dataclasses.MISSING
            }
        )
        for name, is_good in metadata._checks().items():
            if not is_good:
                raise _damaged(f"{name} cannot be {properties[name][:40]}")
        return metadata

    def _checks(self) -> dict[str, bool]:
        """Whether each value is allowed."""
        is_dictionary = _is_dictionary(self.dictionary)
        return {
            "dictionary": is_dictionary
            and (self.split_by != "subwords" or subwords.is_inventory(self.dictionary)),
            "lowercase": isinstance(self.lowercase, bool),
            "line_ends": isinstance(self.line_ends, bool),
            "context": self.context is None or _is_count(self.context),
            "cell": bool(self.cell),
            "layers": _is_count(self.layers),
            "hidden": _is_count(self.hidden),
            "unknown": self.unknown is None
            or (
                type(self.unknown) is int
                and is_dictionary
                and 0 <= self.unknown < len(self.dictionary)
                and self.split_by != "subwords"
            ),
            "params": _is_object(self.params),
            "metrics": _is_object(self.metrics),
            "training_words": not self.training_words or bool(WordFilter.from_text(self.training_words)),
        }


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(f"has damaged metadata ({what}); export it again")


def _value(name: str, properties: Mapping[str, str]) -> Any:
    """The value of a key, from its string."""
    if name not in properties:
        raise _damaged(f"{name} is missing")
    if name in _STRINGS:
        return properties[name]
    try:
        return json.loads(properties[name], parse_constant=_refuse, parse_float=_finite)
    except ValueError:
        raise _damaged(f"{name} is not JSON") from None
    except RecursionError:
        raise _damaged(f"{name} is nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)  # JSON has no NaN and no infinities


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _MOST


def _is_dictionary(value: Any) -> bool:
    if not (isinstance(value, list) and value and all(isinstance(word, str) and word for word in value)):
        return False
    try:
        "".join(value).encode()
    except UnicodeEncodeError:  # half a character
        return False
    return len(set(value)) == len(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and _depth(value) <= _DEEPEST


def _depth(value: Any) -> int:
    """How deep objects and lists are nested, counted to one more than is allowed."""
    depth, layer = 0, [value]
    while layer and depth <= _DEEPEST:
        depth += 1
        layer = [
            one
            for part in layer
            for one in (part.values() if isinstance(part, dict) else part)
            if isinstance(one, dict | list)
        ]
    return depth


def _check_unicode(version: str) -> None:
    """Refuses a file whose text was split by a later Unicode; earlier versions are a subset of ours."""
    if not re.fullmatch(r"([0-9]{1,3}\.[0-9]{1,3})?", version):
        raise ModelFileError(f"has damaged metadata (unicode cannot be {version[:40]}); export it again")
    if version and tuple(map(int, version.split("."))) > tuple(map(int, VERSION.split("."))):
        raise ModelFileError(
            f"has Unicode {version}, which this version cannot read; install a newer nextword"
        )
