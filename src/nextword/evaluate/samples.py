"""Samples: prompts from the text, continued by the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.reader import Model, Reader
from nextword.text.windows import Windows
from nextword.tracking import track

# Takes the logits `(dictionary,)` and the number of ids written so far; returns an id.
Pick = Callable[[NDArray[Any], int], int]


@dataclass(frozen=True)
class Sample:
    """A prompt from the text, continued.

    - `prompt`, `truth`: the words of the prompt, and those that follow it in the text, fewer than in the
      continuation near the end of the text.
    - `continuation`: the words that the network writes.
    - `right`: for each of them, whether it follows the words before it anywhere in the text.
    - `read`, `written`: prompt and continuation as the ids of the dictionary, which may be parts of words.
    """

    prompt: list[int]
    truth: list[int]
    continuation: list[int]
    right: list[bool]
    read: list[int]
    written: list[int]


class Spelling(Protocol):
    """How words are written as ids of the dictionary."""

    def ids_of(self, words: Sequence[int]) -> list[int]:
        """The ids that spell some words."""

    def begins_after(self, before: int, id: int) -> bool:
        """Whether an id begins a word after the id `before`."""

    def ruled_out(self, path: Sequence[int]) -> Any:
        """The ids that may not be written after the beginning of a word."""

    def word_of(self, path: Sequence[int]) -> int:
        """The word that some ids spell."""


class Whole:
    """A spelling where each id is a word.

    **Arguments:**

    - `unknown`: id of `<unk>`, which is never written.
    """

    def __init__(self, unknown: int | None) -> None:
        self._ruled_out = [] if unknown is None else [unknown]

    def ids_of(self, words: Sequence[int]) -> list[int]:
        """The words themselves."""
        return [*words]

    def begins_after(self, before: int, id: int) -> bool:  # noqa: ARG002
        """Always true."""
        return True

    def ruled_out(self, path: Sequence[int]) -> list[int]:  # noqa: ARG002
        """`<unk>`, if there is one."""
        return self._ruled_out

    def word_of(self, path: Sequence[int]) -> int:
        """The only id."""
        return path[0]


def sample(
    model: Model, spelling: Spelling, windows: Windows, samples: int, words: int, temperature: float = 0.0
) -> list[Sample]:
    """Continues prompts of one context each, evenly spaced in the text.

    **Arguments:**

    - `windows`: of words.
    - `samples`: number of prompts.
    - `words`: number of words to continue each with.
    - `temperature`: 0 takes the likeliest id each time; above 0, ids are drawn, with the number of the
      prompt as the seed.
    """
    last = max(1, len(windows) - words + 1)  # the number of starts followed by enough words
    starts = sorted({round(index * (last - 1) / max(1, samples - 1)) for index in range(samples)})
    return [
        _continue(model, spelling, windows, start, words, _pick(temperature, seed))
        for seed, start in track(enumerate(starts), "continuing prompts", len(starts), unit="prompts")
    ]


def _pick(temperature: float, seed: int) -> Pick:
    def pick(logits: NDArray[Any], step: int) -> int:
        if not temperature:
            return draw.greedy(logits)
        return draw.draw(logits.astype(np.float32), draw.uniform(seed, step), temperature)

    return pick


def _continue(
    model: Model, spelling: Spelling, windows: Windows, start: int, words: int, pick: Pick
) -> Sample:
    prompt = windows.contexts[start].tolist()
    read = spelling.ids_of(prompt)
    written, continuation = _write(model, spelling, read, words, pick)
    whole, right = [*prompt, *continuation], []
    for place, word in enumerate(continuation):
        context = np.array(whole[place : place + len(prompt)])
        followers = windows.next_words[(windows.contexts == context).all(axis=1)]
        right.append(bool((followers == word).any()))
    truth = windows.next_words[start : start + words].tolist()
    return Sample(prompt, truth, continuation, right, read, written)


def _write(
    model: Model, spelling: Spelling, read: list[int], words: int, pick: Pick
) -> tuple[list[int], list[int]]:
    """The ids of the next `words` words after a text, and these words."""
    reader = Reader(model)
    written: list[int] = []
    continuation: list[int] = []
    path: list[int] = []  # of the unfinished word
    while True:
        logits = reader.read(np.array([read])).logits[0].copy()
        logits[spelling.ruled_out(path)] = -np.inf
        id = pick(logits, len(written))
        if path and spelling.begins_after(path[-1], id):
            continuation.append(spelling.word_of(path))
            path = []
            if len(continuation) == words:
                return written, continuation
        path.append(id)
        written.append(id)
        read = [id]
