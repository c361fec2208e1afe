"""The words that a model adds to a text, several samples side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from nextword.errors import SamplingError
from nextword.runtime import arguments
from nextword.runtime.drafts import Draft, drafts
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.runtime.sampling import Sampler, Sampling
from nextword.text.words import Joiner


def continuation(
    model: ModelFile, prompt: str, words: int, sampling: Sampling, samples: int
) -> Iterator[list[str]]:
    """Continues a text; arguments and errors are those of `Generator.samples`.

    Errors are raised at once, before the first piece is requested.

    **Returns:** an iterator over the next piece of text of each sample.
    """
    if not isinstance(sampling, Sampling):
        raise SamplingError(f"sampling must be a Sampling; got {arguments.kind(sampling)}")
    tokens = model.split(prompt)
    ids = model.dictionary.encode(tokens)
    if sampling.top_k > len(model.dictionary):
        size = f"{len(model.dictionary)} {model.dictionary.unit}"
        raise SamplingError(f"top_k {sampling.top_k} has no effect with {size}; leave it out")
    written = drafts(model, ids, sampling, samples)
    writers = [_Writer(model, prompt, tokens, words, sampling, draft) for draft in written]
    return _pieces(model, model.dictionary.shortened(ids), Sampler(sampling, written), writers)


def _pieces(
    model: ModelFile, ids: Sequence[int], sampler: Sampler, writers: list["_Writer"]
) -> Iterator[list[str]]:
    reader = Reader(model)
    logits = reader.read(np.array([ids])).logits.repeat(len(writers), axis=0)
    reader.select(np.zeros(len(writers), np.int64))
    while True:
        picked = sampler.pick(logits, [writer.finished for writer in writers])
        pieces = [writer.write(id) for writer, id in zip(writers, picked.tolist(), strict=True)]
        if any(piece is not None for piece in pieces):
            yield [piece or "" for piece in pieces]
        if all(writer.finished for writer in writers):
            break
        logits = reader.read(picked[:, None]).logits
    if any(rests := [writer.rest() for writer in writers]):
        yield rests


class _Writer:
    """Writes the words of one sample, up to a stop string."""

    def __init__(
        self, model: ModelFile, prompt: str, tokens: list[str], words: int, sampling: Sampling, draft: Draft
    ) -> None:
        self._dictionary = model.dictionary
        self._joiner = Joiner(model.metadata.split_by, model.metadata.line_ends)
        for token in tokens:
            self._joiner.push(token)
        if prompt[-1].isspace():
            self._joiner.after_blank()
        self._stop = StopStrings(tuple(sampling.stop))
        self._words, self._min_words = words, sampling.min_words
        self._draft = draft

    @property
    def finished(self) -> bool:
        return self._stop.found or self._draft.words == self._words

    def write(self, id: int) -> str | None:
        """Takes the next entry.

        **Returns:** the text that can be shown if this finishes a word, else `None`.
        """
        word = None if self.finished else self._draft.take(id)
        if word is None:
            return None
        piece = "".join([self._joiner.push(self._dictionary.words[part]) for part in word])
        return self._stop.push(piece, self._draft.words > self._min_words)

    def rest(self) -> str:
        """The text held back in case it would become a stop string."""
        return self._stop.rest()


class StopStrings:
    """Finds the first of several strings in a text that arrives piece by piece.

    **Arguments:**

    - `strings`: the strings to find, not empty.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = strings
        self._held = ""
        self.found = False

    def push(self, piece: str, counts: bool = True) -> str:
        """Takes the next piece.

        **Arguments:**

        - `counts`: whether a string may begin in this piece.

        **Returns:** the text that can be shown: everything before a string that was found or may
        still be completed.
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
        """The length of the longest end of a text that one of the strings begins with."""
        longest = min(len(text), max(map(len, self._strings), default=0) - 1)
        for length in range(longest, 0, -1):
            if any(string.startswith(text[-length:]) for string in self._strings):
                return length
        return 0
