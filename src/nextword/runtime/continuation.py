"""The words that a model adds to a text, several samples side by side."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nextword.errors import SamplingError, UnknownWordError, quoted
from nextword.runtime import arguments
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.runtime.sampling import Sampler, Sampling
from nextword.text.words import Joiner


def continuation(
    model: ModelFile, prompt: str, words: int, sampling: Sampling, samples: int
) -> Iterator[list[str]]:
    """Continues a text; arguments and errors are those of `Generator.samples`.

    Whatever is wrong with them is raised at once, before the first piece is asked for.

    **Returns:** an iterator over the next piece of text of each sample.
    """
    if not isinstance(sampling, Sampling):
        raise SamplingError(f"sampling must be a Sampling; got {arguments.kind(sampling)}")
    tokens = model.split(prompt)
    ids = model.dictionary.encode(tokens)
    if sampling.top_k > len(model.dictionary):
        raise SamplingError(
            f"top_k {sampling.top_k} has no effect with {len(model.dictionary)} words; leave it out"
        )
    sampler = Sampler(sampling, _ruled_out(model, sampling.banned), ids, samples)
    writers = [_Writer(model, prompt, tokens, sampling) for _ in range(samples)]
    return _pieces(model, ids, words, sampler, writers)


def _pieces(
    model: ModelFile, ids: list[int], words: int, sampler: Sampler, writers: list["_Writer"]
) -> Iterator[list[str]]:
    reader = Reader(model)
    logits = reader.read(np.array([ids])).logits.repeat(len(writers), axis=0)
    reader.select(np.zeros(len(writers), np.int64))
    for left in range(words - 1, -1, -1):
        picked = sampler.pick(logits, [writer.finished for writer in writers])
        yield [writer.write(id) for writer, id in zip(writers, picked.tolist(), strict=True)]
        if all(writer.finished for writer in writers):
            return
        if left:
            logits = reader.read(picked[:, None]).logits
    if any(rests := [writer.rest() for writer in writers]):
        yield rests


class _Writer:
    """Writes the words of one sample, up to a stop string."""

    def __init__(self, model: ModelFile, prompt: str, tokens: list[str], sampling: Sampling) -> None:
        self._dictionary = model.dictionary
        self._joiner = Joiner(model.metadata.split_by, model.metadata.line_ends)
        for token in tokens:
            self._joiner.push(token)
        if prompt[-1].isspace():
            self._joiner.after_blank()
        self._stop = StopStrings(tuple(sampling.stop))
        self._min_words = sampling.min_words
        self._words = 0

    @property
    def finished(self) -> bool:
        return self._stop.found

    def write(self, id: int) -> str:
        """The text that can be shown once the next word is known."""
        if self.finished:
            return ""
        piece = self._joiner.push(self._dictionary.words[id])
        self._words += 1
        return self._stop.push(piece, self._words > self._min_words)

    def rest(self) -> str:
        """The text that waited for a stop string to be completed."""
        return self._stop.rest()


def _ruled_out(model: ModelFile, banned: Iterable[str]) -> set[int]:
    """The ids of words that are never written."""
    ids = set() if model.dictionary.unknown is None else {model.dictionary.unknown}
    for word in banned:
        tokens = model.split(word)
        if len(tokens) > 1:
            raise SamplingError(f"{quoted(word)} is {len(tokens)} words; ban one at a time")
        if tokens[0] not in model.dictionary:
            raise UnknownWordError(tokens[0], model.dictionary.neighbours(tokens[0]))
        ids.update(model.dictionary.encode(tokens))
    return ids


class StopStrings:
    """Finds the first of some strings in a text that comes piece by piece.

    **Arguments:**

    - `strings`: what to find; none is empty.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = strings
        self._held = ""
        self.found = False

    def push(self, piece: str, counts: bool = True) -> str:
        """Takes the next piece.

        **Arguments:**

        - `counts`: whether a string may begin in this piece.

        **Returns:** the text that can be shown: all up to a string that was found, or that may
        still be completed by what comes.
        """
        if not counts:
            return piece
        text = self._held + piece
        ends = [end for end in (text.find(string) for string in self._strings) if end >= 0]
        if ends:
            self.found = True
            self._held = ""
            return text[: min(ends)]
        self._held = text[len(text) - self._may_become(text) :]
        return text[: len(text) - len(self._held)]

    def rest(self) -> str:
        """What was held back, once no more pieces come."""
        held, self._held = self._held, ""
        return held

    def _may_become(self, text: str) -> int:
        """Length of the longest end of a text with which one of the strings begins."""
        longest = min(len(text), max(map(len, self._strings), default=0) - 1)
        for length in range(longest, 0, -1):
            if any(string.startswith(text[-length:]) for string in self._strings):
                return length
        return 0
