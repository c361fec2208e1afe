"""What an exported file says of itself: the `metadata_props` of its ONNX graph.

| key | value |
|---|---|
| `format` | `nextword/2`; files of `nextword/1`, which give out no features, can be read too |
| `dictionary` | JSON list of words in id order |
| `split_by` | `whitespace`, `words` or `characters` |
| `lowercase` | `true` or `false` |
| `line_ends` | `true` or `false`: whether each line end is the word `<eos>` |
| `unicode` | version of Unicode that says what a letter is, such as `17.0`; older files do not say |
| `context` | words that the model reads, or `null` if it carries its state without bound |
| `cell` | the cell's name, for people; no runtime needs it |
| `layers`, `hidden` | whole numbers, for people too |
| `weights` | `float16`, the same as none, or `int8`, whose activations are quantised too |
| `unknown` | id of `<unk>`, or `null` |
| `params`, `metrics` | JSON: what the model was made with, and how good it is |
| `corpus_sha256` | SHA-256 of the text file |
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from nextword.errors import ModelFileError
from nextword.text import words
from nextword.text.unicode import VERSION

FORMAT = "nextword/2"

_READABLE = ("nextword/1", FORMAT)

_STRINGS = frozenset({"split_by", "cell", "corpus_sha256", "weights", "unicode"})  # all others are JSON


@dataclass(frozen=True)
class Metadata:
    """The keys of the table above, `format` excepted, as Python values."""

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

    @property
    def least_context(self) -> int:
        """How many words have to stand before the first one that the model predicts as it was trained."""
        return self.context or 1

    def to_properties(self) -> dict[str, str]:
        """As strings, the way a file holds them."""
        return {"format": FORMAT} | {
            key: value if key in _STRINGS else json.dumps(value, ensure_ascii=False, allow_nan=False)
            for key, value in vars(self).items()
        }

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Self:
        """From the strings of a file.

        **Raises:** `ModelFileError` where they are not those of a file that this version can run.
        """
        format = properties.get("format", "")
        if not format.startswith("nextword/"):
            raise ModelFileError("is not a nextword model; `dvc repro` makes one")
        split_by = properties.get("split_by", "")
        if format not in _READABLE or split_by not in words.SPLIT_BY:
            kind = format if format not in _READABLE else f"split_by {split_by}"
            raise ModelFileError(f"has {kind[:40]}, which this version cannot read; install a newer nextword")
        _check_unicode(properties.get("unicode", ""))
        try:
            values: dict[str, Any] = {
                field.name: properties[field.name]
                if field.name in _STRINGS
                else json.loads(properties[field.name])
                for field in dataclasses.fields(cls)
                if field.name in properties or field.default is dataclasses.MISSING
            }
            metadata = cls(**values)
            metadata._check()
        except (KeyError, ValueError, TypeError) as error:
            raise ModelFileError(f"has damaged metadata ({error}); export it again") from None
        return metadata

    def _check(self) -> None:
        for name, is_good in {
            "dictionary": isinstance(self.dictionary, list)
            and len(self.dictionary) > 0
            and all(isinstance(word, str) and word for word in self.dictionary)
            and len(set(self.dictionary)) == len(self.dictionary),
            "lowercase": isinstance(self.lowercase, bool),
            "line_ends": isinstance(self.line_ends, bool),
            "context": self.context is None or _is_count(self.context),
            "cell": bool(self.cell),
            "layers": _is_count(self.layers),
            "hidden": _is_count(self.hidden),
            "unknown": self.unknown is None
            or (_is_count(self.unknown + 1) and self.unknown < len(self.dictionary)),
        }.items():
            if not is_good:
                raise ValueError(f"{name} cannot be {str(getattr(self, name))[:40]}")


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _check_unicode(version: str) -> None:
    """Raises where a file was split by a later Unicode; an earlier one knows less, and the same of that."""
    if not re.fullmatch(r"([0-9]{1,3}\.[0-9]{1,3})?", version):
        raise ModelFileError(f"has damaged metadata (unicode cannot be {version[:40]}); export it again")
    if version and tuple(map(int, version.split("."))) > tuple(map(int, VERSION.split("."))):
        raise ModelFileError(
            f"has Unicode {version}, which this version cannot read; install a newer nextword"
        )
