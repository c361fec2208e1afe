"""A .onnx file → generate, stream, suggest, score. Needs numpy and onnxruntime, nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nextword import sampling, words
from nextword.dictionary import Dictionary
from nextword.errors import CountError, PromptError
from nextword.metadata import Metadata
from nextword.model_file import ModelFile, State
from nextword.words import Joiner

MOST_WORDS = 1_000_000

_BATCH = 256  # windows that are scored at once


@dataclass(frozen=True)
class Score:
    """How well a model expects a text.

    - `log_probability`: sum of ln P(word | words before it), in nats.
    - `perplexity`: exp(−log_probability / number of words scored).
    - `per_word`: each word that was scored with its ln P, in nats.
    """

    log_probability: float
    perplexity: float
    per_word: list[tuple[str, float]]


class Generator:
    """Continues texts with a model from one file.

    Where the file's context is a number, the model is fed exactly so many of the last words; a
    prompt that is shorter is fed as it is, from the zero state. The model was trained on full
    contexts only, so the first words after a short prompt are less sure. Where the context is
    `null`, the model has read every word, and its state is carried: a word costs one step however
    long the text is.

    Made by `Generator.load`.
    """

    def __init__(self, model: ModelFile) -> None:
        self._model = model
        self._dictionary = Dictionary(model.metadata.dictionary, model.metadata.unknown)

    @classmethod
    def load(cls, path: str | PathLike[str], threads: int = 1) -> Generator:
        """Loads a model file.

        **Arguments:**

        - `path`: for instance `models/nextword.onnx`.
        - `threads`: threads that compute a word.

        **Raises:** `ModelFileError` for a file that is missing, damaged, foreign or of another
        version; `CountError` for a number of threads that is out of range.
        """
        return cls(ModelFile(Path(path), threads))

    @property
    def info(self) -> Metadata:
        """What the file says of itself: dictionary, context, sizes, params and metrics."""
        return self._model.metadata

    def generate(self, prompt: str, words: int = 32) -> str:
        """Continues a text with the likeliest word, again and again.

        **Arguments:**

        - `prompt`: at least one word.
        - `words`: number of words to add, from 1 to 1,000,000.

        **Returns:** the prompt as it was given, without blanks at its end, and the continuation.

        **Raises:** `PromptError` for a prompt without a word, `UnknownWordError` for a word that is
        not in the dictionary, `CountError` for a number of words that is out of range.
        """
        return prompt.rstrip() + "".join(self.stream(prompt, words))

    def stream(self, prompt: str, words: int = 32) -> Iterator[str]:
        """The continuation that `generate` gives, piece by piece as it comes.

        Arguments and errors are those of `generate`; errors are raised before the first piece.

        **Returns:** an iterator over one piece of text a word, with the blank before it where
        there is one.
        """
        _check_count("words", words, MOST_WORDS)
        tokens, ids = self._read(prompt)
        joiner = Joiner(self.info.split_by)
        for token in tokens:
            joiner.push(token)
        return self._pieces(ids, joiner, words)

    def suggest(self, prompt: str, n: int = 3) -> list[tuple[str, float]]:
        """The likeliest next words.

        **Arguments:**

        - `prompt`: at least one word.
        - `n`: number of suggestions, at most the dictionary's size.

        **Returns:** pairs of word and probability, best first.

        **Raises:** as `generate`.
        """
        _check_count("n", n, len(self._dictionary) - (self.info.unknown is not None))
        _, ids = self._read(prompt)
        logits = sampling.ban(_Reader(self._model).read(ids), self.info.unknown)
        return [(self._dictionary.words[id], p) for id, p in sampling.likeliest(logits, n)]

    def score(self, text: str) -> Score:
        """How likely a text is, word by word.

        Every word is scored that has a full context before it: from the second word on where the
        context is `null`, from the fourth on where it is 3.

        **Arguments:**

        - `text`: at least one word more than the context, and at least two.

        **Raises:** `PromptError` for fewer words, `UnknownWordError` for a word that is not in the
        dictionary.
        """
        tokens, ids = self._read(text)
        context = self.info.context or 1
        if len(ids) <= context:
            raise PromptError(
                f"the text has {len(ids)} words; the model scores a word after {context}, so give at "
                f"least {context + 1}"
            )
        log_probabilities: list[float] = []
        for logits, following in self._after_each_context(ids):
            scored = sampling.log_softmax(logits)[np.arange(len(following)), following]
            log_probabilities.extend(scored.tolist())
        total = math.fsum(log_probabilities)
        return Score(
            log_probability=total,
            perplexity=math.exp(-total / len(log_probabilities)),
            per_word=list(zip(tokens[context:], log_probabilities, strict=True)),
        )

    def _read(self, text: str) -> tuple[list[str], list[int]]:
        """The words of a text and their ids."""
        tokens = words.split(text, self.info.split_by, self.info.lowercase)
        if not tokens:
            raise PromptError("the prompt has no words; give at least one")
        return tokens, self._dictionary.encode(tokens)

    def _pieces(self, ids: list[int], joiner: Joiner, words: int) -> Iterator[str]:
        reader = _Reader(self._model)
        for _ in range(words):
            ids = [sampling.greedy(sampling.ban(reader.read(ids), self.info.unknown))]
            yield joiner.push(self._dictionary.words[ids[0]])

    def _after_each_context(self, ids: list[int]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """The logits after each context of a text, `(batch, dictionary)`, and the ids that follow."""
        context = self.info.context
        text = np.array(ids)
        if context is None:
            reader = _Reader(self._model)
            for id, following in zip(ids, text[1:, None], strict=False):
                yield reader.read([id])[None], following
        else:
            windows = np.lib.stride_tricks.sliding_window_view(text[:-1], context)
            for start in range(0, len(windows), _BATCH):
                batch = windows[start : start + _BATCH]
                logits, _ = self._model.run(batch)
                yield logits, text[context:][start : start + len(batch)]


class _Reader:
    """What a model has read so far: its state, or the last words of a fixed context."""

    def __init__(self, model: ModelFile) -> None:
        self._model = model
        self._last: list[int] = []
        self._state: State | None = None

    def read(self, ids: list[int]) -> NDArray[np.float32]:
        """Reads more words; returns the logits of the next one, shape `(dictionary,)`."""
        context = self._model.metadata.context
        if context is None:
            logits, self._state = self._model.run(np.array([ids]), self._state)
        else:
            self._last = (self._last + ids)[-context:]
            logits, _ = self._model.run(np.array([self._last]))
        last: NDArray[np.float32] = logits[0]
        return last


def _check_count(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise CountError(f"{name} must be from 1 to {most:,}; got {value:,}")
