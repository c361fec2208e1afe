"""A text file → memory-mapped word ids and a dictionary, on disk as `data/prepared/`.

- `ids.npy`: the text as word ids, uint16 or uint32, shape `(words,)`.
- `dictionary.json`: the words in id order.
- `text.json`: how the text was split, and the SHA-256 of its file.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import files, texts
from nextword.dictionary import Dictionary
from nextword.errors import CorpusError
from nextword.training.params import PrepareParams

PREPARED = Path("data/prepared")


@dataclass(frozen=True)
class Corpus:
    """A prepared text.

    - `ids`: word ids in the order of the text, shape `(words,)`, mapped from disk.
    - `dictionary`: its words, by descending frequency.
    - `split_by`, `lowercase`: how it was split.
    - `sha256`: of the text file.
    """

    ids: NDArray[Any]
    dictionary: Dictionary
    split_by: str
    lowercase: bool
    sha256: str


def prepare(params: PrepareParams, directory: Path = PREPARED) -> Corpus:
    """Splits a text into words and writes them as ids.

    The text is read piece by piece and twice, so that memory is bounded by the dictionary and the
    ids, not by the text.

    **Raises:** `CorpusError` for a text that is missing, empty or not UTF-8.
    """
    path = Path(params.text)

    def words() -> Iterator[str]:
        return texts.read_words(path, params.split_by, params.lowercase)

    try:
        dictionary = Dictionary.count(words())
    except CorpusError as error:
        raise CorpusError(f"prepare.text: {error}") from None
    if not len(dictionary):
        raise CorpusError(f"{path} has no words; set prepare.text to a text that has some")
    id_type = np.uint16 if len(dictionary) <= np.iinfo(np.uint16).max + 1 else np.uint32
    ids = np.fromiter((id for word in words() for id in dictionary.encode([word])), id_type)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    text = {"split_by": params.split_by, "lowercase": params.lowercase, "sha256": sha256}
    with files.replacing(directory) as temporary:
        temporary.mkdir()
        np.save(temporary / "ids.npy", ids)
        files.write_json(temporary / "dictionary.json", dictionary.words)
        files.write_json(temporary / "text.json", text)
    return load(directory)


def load(directory: Path = PREPARED) -> Corpus:
    """A text that `prepare` has written."""
    return Corpus(
        ids=np.load(directory / "ids.npy", mmap_mode="r"),
        dictionary=Dictionary(json.loads((directory / "dictionary.json").read_text(encoding="utf-8"))),
        **json.loads((directory / "text.json").read_text(encoding="utf-8")),
    )
