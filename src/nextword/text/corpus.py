"""A prepared text: memory-mapped word ids and a dictionary, stored in one folder.

- `ids.npy`: the text as the ids of its words or subwords, uint16 or uint32, shape `(words,)`: the training
  part, then the parts held out for validation and test.
- `dictionary.json`, `frequencies.npy`: the words in id order, and how often each occurs in the training
  part, int64.
- `spellings.json`, `unknown.npy`: the words that the dictionary lacks, each once, those of the training
  part first; and, for each `<unk>` in the text, the number of its spelling among them, uint32.
- `text.json`: how the text was split, where its parts end, and the SHA-256 of its files.
- `report.json` and `ranks.csv`: the text at a glance (`prepare.statistics`).
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import outputs
from nextword.errors import StageError
from nextword.text import subwords, words
from nextword.text.dictionary import Dictionary
from nextword.text.word_filter import WordFilter

_BLOCK = 1 << 20  # ids processed at once
PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Corpus:
    """A prepared text.

    - `ids`: of the words in the order of the text, or of their subwords with `split_by: subwords`, shape
      `(words,)`, mapped from disk.
    - `ends`: where the training, validation and test parts end in `ids`; the last two are empty
      if nothing is held out.
    - `dictionary`: the words of the training part, by descending frequency.
    - `frequencies`: how often each of them occurs there, shape `(dictionary,)`.
    - `spellings`: the words that the dictionary lacks, those of the training part first.
    - `learnt_spellings`: how many of these are in the training part.
    - `unknown`: for each `<unk>` in `ids`, its place in `spellings`, shape `(unknown words,)`, mapped from
      disk.
    - `unknown_ends`: where the parts end in `unknown`.
    - `characters`: the length of each part as it is in the files, blanks included.
    - `split_by`, `lowercase`, `line_ends`: how the text was split.
    - `sha256`: of the text files.
    """

    ids: NDArray[Any]
    ends: list[int]
    characters: list[int]
    dictionary: Dictionary
    frequencies: NDArray[np.int64]
    spellings: list[str]
    learnt_spellings: int
    unknown: NDArray[Any]
    unknown_ends: list[int]
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
        """The ids of the other parts by name, except empty ones."""
        parts = zip(PARTS[1:], itertools.pairwise(self.ends), strict=True)
        return {name: self.ids[start:end] for name, (start, end) in parts if start < end}

    @property
    def characters_per_word(self) -> dict[str, float]:
        """The average of each part that is not empty; per subword if the text is split into subwords."""
        lengths = np.diff([0, *self.ends])
        return {
            name: count / length
            for name, count, length in zip(PARTS, self.characters, lengths.tolist(), strict=True)
            if length
        }

    @property
    def words(self) -> int:
        """The number of words in the text."""
        if not isinstance(self.dictionary, subwords.SubwordDictionary):
            return len(self.ids)
        # Each block is read from the last entry of the one before, which is not counted again.
        places = range(0, len(self.ids), _BLOCK)
        blocks = (self.ids[max(0, place - 1) : place + _BLOCK] for place in places)
        return sum(len(self.dictionary.starts(block)) for block in blocks) - len(places) + 1

    @property
    def training_words(self) -> WordFilter | None:
        """The words of the training part as a user sees them; `None` unless it is split into subwords."""
        if not isinstance(self.dictionary, subwords.SubwordDictionary):
            return None
        ids = self.training
        paths: set[tuple[int, ...]] = set()
        last = ids[:0]  # the word that may go on in the next block
        for start in range(0, len(ids), _BLOCK):
            block = np.concatenate([last, ids[start : start + _BLOCK]])
            starts, listed = self.dictionary.starts(block).tolist(), block.tolist()
            paths.update(tuple(listed[start:end]) for start, end in itertools.pairwise(starts))
            last = block[starts[-1] :]
        return WordFilter.of(map(self.dictionary.shown, paths | {tuple(last.tolist())}))

    @property
    def unknown_shares(self) -> dict[str, float]:
        """The share of the words of each part that the dictionary lacks, except of empty parts."""
        lengths, unknown = np.diff([0, *self.ends]).tolist(), np.diff([0, *self.unknown_ends]).tolist()
        return {
            name: count / length
            for name, count, length in zip(PARTS, unknown, lengths, strict=True)
            if length
        }

    @property
    def held_out_unknown_share(self) -> float:
        """The share of all held-out words that the dictionary lacks; 0 if none are held out."""
        length = self.ends[-1] - self.ends[0]
        return (self.unknown_ends[-1] - self.unknown_ends[0]) / length if length else 0.0

    @property
    def expected_frequencies(self) -> NDArray[np.float64]:
        """The share of each word, shape `(dictionary,)`; one that was never seen counts as half a word.

        `<unk>` is one if the dictionary has room for all words.
        """
        seen = np.maximum(self.frequencies, 0.5)
        shares: NDArray[np.float64] = seen / seen.sum()
        return shares

    @property
    def learnt_words(self) -> Iterator[str]:
        """Each distinct word of the training part, except `<eos>` and `<unk>`."""
        known = (word for id, word in enumerate(self.dictionary.words) if id != self.dictionary.unknown)
        spelt = itertools.chain(known, self.spellings[: self.learnt_spellings])
        return (word for word in spelt if not (self.line_ends and word == words.END_OF_LINE))

    def words_of(self, part: str) -> Iterator[str]:
        """The words of a part, in the order of the text."""
        place = PARTS.index(part)
        start, end = [0, *self.ends][place : place + 2]
        first, last = [0, *self.unknown_ends][place : place + 2]
        spellings = (self.spellings[number] for number in self.unknown[first:last])
        unknown, known = self.dictionary.unknown, self.dictionary.words
        return (next(spellings) if id == unknown else known[id] for id in self.ids[start:end])

    def show(self, ids: Iterable[int]) -> list[str]:
        """The word of each id as a user sees it, without its mark."""
        decoded = self.dictionary.decode(ids)
        return [*map(subwords.shown, decoded)] if self.split_by == "subwords" else decoded

    def join(self, ids: Iterable[int]) -> str:
        """The text that ids spell."""
        return words.join(self.dictionary.decode(ids), self.split_by, self.line_ends)


def load(directory: Path) -> Corpus:
    """A text that `prepare.preparation` has written.

    **Raises:** `StageError` where a file is missing, or is not what `prepare` wrote.
    """
    text = outputs.read_json(directory / "text.json", dict)
    known = outputs.read_json(directory / "dictionary.json", list)
    spellings = outputs.read_json(directory / "spellings.json", list)
    try:
        ids, unknown, frequencies = (
            np.load(directory / name, mmap_mode="r") for name in ("ids.npy", "unknown.npy", "frequencies.npy")
        )
        corpus = Corpus(
            ids=ids,
            dictionary=subwords.dictionary_of(known, text.pop("unknown"), text.get("split_by", "")),
            frequencies=np.array(frequencies),
            spellings=spellings,
            unknown=unknown,
            **text,
        )
        is_whole = _is_whole(corpus)
    except FileNotFoundError as error:
        raise StageError(f"{error.filename} not found; run `dvc repro` to create it") from None
    except (ValueError, TypeError, KeyError, IndexError, EOFError, SyntaxError, OverflowError):
        is_whole = False
    if not is_whole:
        raise StageError(
            f"{directory} is damaged: its files are inconsistent; run `dvc repro` to recreate it"
        )
    return corpus


def _is_whole(corpus: Corpus) -> bool:
    """Whether a corpus is consistent: each id has a word, each `<unk>` a spelling, each part its words."""
    size, unknown = len(corpus.dictionary), corpus.dictionary.unknown
    places = [0, *corpus.ends]
    return bool(
        (corpus.ids.ndim, corpus.unknown.ndim, corpus.frequencies.shape) == (1, 1, (size,))
        and {corpus.ids.dtype.kind, corpus.unknown.dtype.kind, corpus.frequencies.dtype.kind} <= {"u", "i"}
        and all(type(word) is str for word in (*corpus.dictionary.words, *corpus.spellings))
        and len({*corpus.dictionary.words}) == size
        and (unknown is None or unknown in range(size))
        and len(places) - 1 == len(corpus.unknown_ends) == len(corpus.characters) == len(PARTS)
        and 0 < places[1] <= places[2] <= places[3] == len(corpus.ids)
        and corpus.ids.max() < size
        and len(corpus.unknown) == corpus.unknown_ends[-1]
        and (not len(corpus.unknown) or corpus.unknown.max() < len(corpus.spellings))
        and corpus.learnt_spellings in range(len(corpus.spellings) + 1)
        # The counts of each part: those of unknown words, of all words, and of characters.
        and [int((corpus.ids[:end] == unknown).sum()) for end in corpus.ends] == corpus.unknown_ends
        and (corpus.frequencies >= 0).all()
        and min(corpus.characters) >= 0
        and corpus.split_by in words.SPLIT_BY
        and (corpus.split_by != "subwords" or subwords.is_inventory(corpus.dictionary.words))
        and [type(corpus.lowercase), type(corpus.line_ends), type(corpus.sha256)] == [bool, bool, str]
    )
