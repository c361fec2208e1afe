"""Text files → word ids and a dictionary, in memory that grows with the distinct words, not with the text."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import outputs
from nextword.errors import CorpusError, UnknownWordError
from nextword.params import PrepareParams
from nextword.prepare import byte_pairs, statistics
from nextword.text import corpus, reading, words
from nextword.text.corpus import PARTS, Corpus
from nextword.text.dictionary import Dictionary, amount
from nextword.text.subwords import SubwordDictionary
from nextword.tracking import track

_MANY_UNKNOWN = 0.05  # share of the held-out words
_ENOUGH = 0.9  # of the subwords that were asked for


def prepare(params: PrepareParams, directory: Path) -> Corpus:
    """Splits a text into words and writes them as ids.

    The text is read piece by piece, and ids are written as they are produced, so that memory grows with
    the number of distinct words and not with the text.

    **Arguments:**

    - `directory`: the folder to write, for `text.corpus.load`.

    **Raises:** `CorpusError` for a text that is missing, empty or not UTF-8, and for held-out words
    that the dictionary lacks.
    """
    try:
        sources = _sources(params)
        stamps = _stamps(sources)
        last_lines = _last_lines(sources[0], params)
        counts: list[Counter[str]] = [Counter() for _ in PARTS]
        characters = [0 for _ in PARTS]
        for part, tokens, length in _parts(sources, params, last_lines, "counting words"):
            counts[part].update(tokens)
            characters[part] += length
    except CorpusError as error:
        raise CorpusError(f"prepare.text: {error}") from None
    _check_parts(params, counts)
    if params.split_by == "subwords":
        dictionary: Dictionary = byte_pairs.learn(counts[0], params.max_words)
    else:
        dictionary = Dictionary.count(counts[0], params.max_words, params.min_count)
        _check_dictionary(params, counts, dictionary)
    spellings = list(dict.fromkeys(word for count in counts for word in count if dictionary.is_unknown(word)))
    lengths = [_length(count, dictionary) for count in counts]
    unknown_counts = [sum(n for word, n in one.items() if dictionary.is_unknown(word)) for one in counts]
    text = {
        "split_by": params.split_by,
        "lowercase": params.lowercase,
        "line_ends": params.line_ends,
        "ends": np.cumsum(lengths).tolist(),
        "characters": characters,
        "unknown": dictionary.unknown,
        "learnt_spellings": sum(word in counts[0] for word in spellings),
        "unknown_ends": np.cumsum(unknown_counts).tolist(),
        "sha256": _sha256(list(itertools.chain(*sources))),
    }
    with outputs.replacing(directory) as temporary:
        temporary.mkdir()
        try:
            parts = _parts(sources, params, last_lines, "writing ids")
            _write_ids(temporary, text, dictionary, spellings, parts)
        except UnknownWordError:
            is_same = False
        else:
            is_same = stamps == _stamps(sources)
        if not is_same:
            raise CorpusError(
                f"{params.text} changed while it was read; run again once nothing is writing to it"
            )
        outputs.write_json(temporary / "dictionary.json", dictionary.words)
        outputs.write_json(temporary / "spellings.json", spellings)
        np.save(temporary / "frequencies.npy", _frequencies(counts[0], dictionary))
        outputs.write_json(temporary / "text.json", text)
        seen = [statistics.as_seen(count, dictionary) for count in counts]
        report = statistics.statistics(seen, dictionary, lengths)
        outputs.write_json(temporary / "report.json", outputs.plain(report))
        statistics.write_ranks(temporary / "ranks.csv", seen)
    return corpus.load(directory)


def summary(prepared: Corpus, params: PrepareParams) -> Iterator[str]:
    """What was prepared, as lines for the user, with any advice."""
    known, unit = len(prepared.dictionary), prepared.dictionary.unit
    yield f"{amount(len(prepared.ids), unit)}, a dictionary of {known:,}"
    for name, ids in prepared.held_out.items():
        yield f"held out for {name}: {amount(len(ids), unit)}"
    if params.split_by == "subwords" and known < params.max_words * _ENOUGH:
        yield f"prepare.max_words is {params.max_words:,}, but the text yields only {known:,} subwords"
    unknown = prepared.held_out_unknown_share
    if unknown > _MANY_UNKNOWN and params.split_by in ("whitespace", "words"):
        yield (
            f"the dictionary lacks {unknown:.1%} of the held-out words; with prepare.split_by subwords it "
            "lacks none (see experiments/forms.yaml)"
        )


def _check_parts(params: PrepareParams, counts: list[Counter[str]]) -> None:
    """Checks that no part of the text is empty."""
    if not counts[0]:
        raise CorpusError(f"{params.text} has no words to learn from; set prepare.text to another text")
    if params.held_out and not all(counts):
        raise CorpusError(
            f"prepare.held_out {params.held_out:g} leaves a part without words; hold out more lines, or none"
        )
    for name, count in zip(PARTS[1:], counts[1:], strict=True):
        if getattr(params, name) and not count:
            raise CorpusError(f"prepare.{name} has no words; specify another file, or null")


def _check_dictionary(params: PrepareParams, counts: list[Counter[str]], dictionary: Dictionary) -> None:
    """Checks that some words are known, and that all have an id."""
    if not any(not dictionary.is_unknown(word) for word in dictionary.words):
        raise CorpusError(
            f"no word occurs {params.min_count} times in the training part, so all would be <unk>; "
            "lower prepare.min_count"
        )
    new = next((word for count in counts[1:] for word in count if word not in dictionary), None)
    if new is not None and dictionary.unknown is None:
        raise CorpusError(
            f"the held-out word {new!r} is not in the training part; set prepare.min_count to 2, or "
            "prepare.max_words, so that it is read as <unk>"
        )


def _length(counts: Counter[str], dictionary: Dictionary) -> int:
    """The number of ids in a part."""
    if isinstance(dictionary, SubwordDictionary):
        return byte_pairs.frequencies(counts, dictionary).total()
    return counts.total()


def _sources(params: PrepareParams) -> list[list[Path]]:
    """The files of the training part, followed by separate files for validation and test, if any."""
    folder = Path(params.text)
    if not (params.validation or params.test):
        return [reading.files_of(folder)]
    if not folder.is_dir():
        raise CorpusError(
            f"{folder} is not a folder; prepare.validation and prepare.test name files inside it"
        )
    held_out = [reading.files_of(folder / name) if name else [] for name in (params.validation, params.test)]
    taken = set(itertools.chain(*held_out))
    return [[path for path in reading.files_of(folder) if path not in taken], *held_out]


def _stamps(sources: list[list[Path]]) -> list[tuple[int, int]]:
    """The size and modification time of each file: a text is read twice, and must not change in between."""
    found = [path.stat() for path in itertools.chain(*sources) if path.exists()]
    return [(stat.st_size, stat.st_mtime_ns) for stat in found]


def _pieces(sources: list[list[Path]], split_by: str, what: str) -> Iterator[tuple[int, str]]:
    """The text of all files, piece by piece, with the number of its source; shows progress."""
    numbered = ((number, path) for number, paths in enumerate(sources) for path in paths)
    pieces = ((number, text) for number, path in numbered for text in reading.blocks(path, split_by))
    files = [path for path in itertools.chain(*sources) if path.exists()]
    is_packed = any(path.suffix == ".gz" for path in files)
    size = None if is_packed else sum(path.stat().st_size for path in files)
    return track(pieces, what, size, lambda piece: len(piece[1].encode()), "bytes")


def _last_lines(paths: list[Path], params: PrepareParams) -> list[int]:
    """The lines after which the training and validation parts end; none if nothing is held out."""
    if not params.held_out:
        return []
    lines = sum(text.count("\n") for _, text in _pieces([paths], params.split_by, "counting lines"))
    return [round(lines * (1 - params.held_out)), round(lines * (1 - params.held_out / 2))]


def _parts(
    sources: list[list[Path]], params: PrepareParams, last_lines: list[int], what: str
) -> Iterator[tuple[int, list[str], int]]:
    """The words of the text, piece by piece, with the number of their part and the length of the piece."""

    def split(part: int, text: str) -> tuple[int, list[str], int]:
        return part, words.split(text, params.split_by, params.lowercase, params.line_ends), len(text)

    line = part = 0
    for source, piece in _pieces(sources, params.split_by, what):
        text = piece
        while part < len(last_lines) and line + text.count("\n") >= last_lines[part]:
            place = 0
            for _ in range(last_lines[part] - line):
                place = text.index("\n", place) + 1
            yield split(part, text[:place])
            text, line, part = text[place:], last_lines[part], part + 1
        yield split(source or part, text)  # lines are held out only if there is one source
        line += text.count("\n")


def _write_ids(
    directory: Path,
    text: Mapping[str, Any],
    dictionary: Dictionary,
    spellings: list[str],
    parts: Iterator[tuple[int, list[str], int]],
) -> None:
    """Writes the ids of the words, and those of the spellings of unknown words, as they are produced."""
    id_type = np.uint16 if len(dictionary) <= np.iinfo(np.uint16).max + 1 else np.uint32
    places = {word: place for place, word in enumerate(spellings)}
    with (
        _array(directory / "ids.npy", np.dtype(id_type), text["ends"][-1]) as ids,
        _array(directory / "unknown.npy", np.dtype(np.uint32), text["unknown_ends"][-1]) as unknown,
    ):
        for _, tokens, _ in parts:
            ids(dictionary.encode(tokens))
            unknown([places[word] for word in tokens if word in places])


@contextmanager
def _array(path: Path, dtype: np.dtype[Any], count: int) -> Iterator[Callable[[list[int]], None]]:
    """A function that appends numbers to a file in numpy's format, whose header declares `count` of them."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)

        def append(values: list[int]) -> None:
            file.write(np.array(values, dtype).tobytes())

        yield append


def _frequencies(counts: Counter[str], dictionary: Dictionary) -> NDArray[np.int64]:
    """How often each entry occurs in the training part; `<unk>` gets the remainder."""
    if isinstance(dictionary, SubwordDictionary):
        counts = byte_pairs.frequencies(counts, dictionary)
    found = np.array([counts[word] for word in dictionary.words])
    if dictionary.unknown is not None:
        found[dictionary.unknown] = 0
        found[dictionary.unknown] = counts.total() - found.sum()
    return found


def _sha256(paths: list[Path]) -> str:
    """The hash of a single file, or of the list of the names and hashes of several files."""
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if len(paths) == 1:
        return digests[0]
    listed = "".join(f"{digest}  {path.name}\n" for digest, path in zip(digests, paths, strict=True))
    return hashlib.sha256(listed.encode()).hexdigest()
