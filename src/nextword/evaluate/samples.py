"""Samples: prompts from the text, continued by the network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nextword.model.network import Network
from nextword.runtime import draw
from nextword.text.windows import Windows
from nextword.tracking import track

# Takes the logits `(dictionary,)` and the number of words that were written before; gives an id.
Pick = Callable[[NDArray[Any], int], int]


@dataclass(frozen=True)
class Sample:
    """A prompt from the text, continued.

    - `prompt`, `truth`: word ids of the prompt and of what the text has after it, which is
      shorter than the continuation near the text's end.
    - `continuation`: word ids that the network gives.
    - `right`: for each of them, whether the text has it somewhere after the words before it.
    """

    prompt: list[int]
    truth: list[int]
    continuation: list[int]
    right: list[bool]


def sample(
    network: Network,
    windows: Windows,
    samples: int,
    words: int,
    unknown: int | None = None,
    temperature: float = 0.0,
) -> list[Sample]:
    """Continues prompts of one context each, taken at equal distances from the text.

    **Arguments:**

    - `samples`: number of prompts.
    - `words`: number of words that each is continued by.
    - `unknown`: id of `<unk>`, which is never written.
    - `temperature`: 0 takes the likeliest word each time; above, words are drawn, by the number of
      the prompt as a seed.
    """
    last = max(1, len(windows) - words + 1)  # the last start that has so many words after it
    starts = sorted({round(index * (last - 1) / max(1, samples - 1)) for index in range(samples)})
    return [
        _continue(network, windows, start, words, _pick(unknown, temperature, seed))
        for seed, start in track(enumerate(starts), "continuing prompts", len(starts), unit="prompts")
    ]


def _pick(unknown: int | None, temperature: float, seed: int) -> Pick:
    def pick(logits: NDArray[Any], step: int) -> int:
        allowed = draw.ban(logits, unknown)
        if not temperature:
            return draw.greedy(allowed)
        return draw.draw(allowed.astype(np.float32), draw.uniform(seed, step), temperature)

    return pick


def _continue(network: Network, windows: Windows, start: int, words: int, pick: Pick) -> Sample:
    prompt = windows.contexts[start].tolist()
    is_carried = network.architecture.context is None
    written, right = list(prompt), []
    read, state = written, None
    for step in range(words):
        with torch.no_grad():
            logits, after = network(torch.tensor([read]), state)
        context = np.array(written[-len(prompt) :])
        written.append(pick(logits[0].numpy(), step))
        read, state = (written[-1:], after) if is_carried else (written[-len(prompt) :], None)
        followers = windows.next_words[(windows.contexts == context).all(axis=1)]
        right.append(bool((followers == written[-1]).any()))
    truth = windows.next_words[start : start + words].tolist()
    return Sample(prompt, truth, written[len(prompt) :], right)
