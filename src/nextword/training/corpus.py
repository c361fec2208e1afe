"""A prepared text: memory-mapped word ids and a dictionary, on disk as `data/prepared/`.

- `ids.npy`: the text as word ids, uint16 or uint32, shape `(words,)`: the training part, then the
  held-out parts for validation and test.
- `dictionary.json`, `frequencies.npy`: the words in id order, and how often each stands in the training
  part, int64.
- `text.json`: how the text was split, where the parts end, and the SHA-256 of its files.
- `report.json` and `ranks.csv`: the text at a glance (`overview`).
"""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import words
from nextword.dictionary import Dictionary

PREPARED = Path("data/prepared")
PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Corpus:
    """A prepared text.

    - `ids`: word ids in the order of the text, shape `(words,)`, mapped from disk.
    - `ends`: where the training, validation and test part end in `ids`; the last two are empty
      where nothing is held out.
    - `dictionary`: the words of the training part, by descending frequency.
    - `frequencies`: how often each stands there, shape `(dictionary,)`.
    - `characters`: of each part as it stands in the files, blanks included.
    - `split_by`, `lowercase`, `line_ends`: how the text was split.
    - `sha256`: of the text files.
    """

    ids: NDArray[Any]
    ends: list[int]
    characters: list[int]
    dictionary: Dictionary
    frequencies: NDArray[np.int64]
    split_by: str
    lowercase: bool
    line_ends: bool
    sha256: str

    @property
    def training(self) -> NDArray[Any]:
        """The ids of the part that the model learns from."""
        return self.ids[: self.ends[0]]

    @property
    def held_out(self) -> dict[str, NDArray[Any]]:
        """The ids of the other parts by name, without those that are empty."""
        parts = zip(PARTS[1:], itertools.pairwise(self.ends), strict=True)
        return {name: self.ids[start:end] for name, (start, end) in parts if start < end}

    @property
    def characters_per_word(self) -> dict[str, float]:
        """Of each part that is not empty."""
        lengths = np.diff([0, *self.ends])
        return {
            name: count / length
            for name, count, length in zip(PARTS, self.characters, lengths.tolist(), strict=True)
            if length
        }

    def join(self, ids: Iterable[int]) -> str:
        """Ids as text."""
        return words.join(self.dictionary.decode(ids), self.split_by, self.line_ends)


def load(directory: Path = PREPARED) -> Corpus:
    """A text that `preparation.prepare` has written."""
    text = json.loads((directory / "text.json").read_text(encoding="utf-8"))
    known = json.loads((directory / "dictionary.json").read_text(encoding="utf-8"))
    return Corpus(
        ids=np.load(directory / "ids.npy", mmap_mode="r"),
        dictionary=Dictionary(known, text.pop("unknown")),
        frequencies=np.load(directory / "frequencies.npy"),
        **text,
    )
