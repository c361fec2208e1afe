"""How good predictions are, and how good they could be at best."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nextword import sampling
from nextword.keyboard import Keyboard
from nextword.training import batches
from nextword.training.batches import Windows
from nextword.training.model import NextWordModel
from nextword.training.numbers import significant

_BATCH = 256  # windows that are evaluated at once


@dataclass(frozen=True)
class Quality:
    """What predictions are worth over all windows.

    - `accuracy`: share of windows whose next word is the likeliest.
    - `top_3_accuracy`: share whose next word is among the three likeliest.
    - `loss`: mean of −ln P(next word), in nats.
    - `perplexity`: exp(loss): the number of equally likely words that would be as hard to guess.
    """

    accuracy: float
    top_3_accuracy: float
    loss: float
    perplexity: float

    def rounded(self) -> dict[str, float]:
        """For a report: rounded to what is the same on every machine."""
        return {name: significant(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Predictions:
    """What was predicted for each window, every array of shape `(windows,)`.

    - `log_probability`: ln P of the word that really follows.
    - `rank`: how many words were held likelier than it; equals count by id.
    - `likeliest`: id of the word held likeliest.
    - `likeliest_log_probability`: ln P of that word.
    """

    log_probability: NDArray[np.float64]
    rank: NDArray[np.int64]
    likeliest: NDArray[np.int64]
    likeliest_log_probability: NDArray[np.float64]

    @property
    def quality(self) -> Quality:
        """The four figures of these predictions."""
        loss = float(-self.log_probability.mean())
        with np.errstate(over="ignore"):
            perplexity = float(np.exp(loss))
        return Quality(
            accuracy=float((self.rank == 0).mean()),
            top_3_accuracy=float((self.rank < 3).mean()),
            loss=loss,
            perplexity=perplexity,
        )


Part = tuple[NDArray[np.floating], NDArray[np.int64]]
Parts = Iterable[Part]


def typed(parts: Parts, keyboard: Keyboard) -> Iterator[Part]:
    """Lets a user type the words that follow, as `judge` reads them; `<unk>` costs and saves nothing."""
    for log_probabilities, next_words in parts:
        for row, id in zip(log_probabilities, next_words.tolist(), strict=True):
            keyboard.type_id(id, row)
        yield log_probabilities, next_words


def judge(parts: Parts) -> Predictions:
    """Compares predicted distributions with what follows.

    **Arguments:**

    - `parts`: pairs of log-probabilities, `(batch, dictionary)`, and next words, `(batch,)`.
    """
    return Predictions(*map(np.concatenate, zip(*(_judge(*part) for part in parts), strict=True)))


def predict(model: NextWordModel, windows: Windows, keyboard: Keyboard | None = None) -> Predictions:
    """What a model predicts for each window, computed in the precision of its weights.

    **Arguments:**

    - `keyboard`: counts the keystrokes that the words take.
    """
    parts = _log_probabilities(model, windows)
    return judge(typed(parts, keyboard) if keyboard else parts)


def predict_text(model: NextWordModel, ids: NDArray[Any], keyboard: Keyboard | None = None) -> Predictions:
    """What a model predicts for each word of a text but the first, its state carried from the start.

    Arguments are those of `predict`.
    """
    parts = _along_text(model, ids)
    return judge(typed(parts, keyboard) if keyboard else parts)


def best_possible(windows: Windows) -> Quality:
    """The ceiling of accuracy and the floor of loss and perplexity for this text and context.

    Where the same words are followed by different words, no predictor that sees only those words
    can be right each time: at best it gives each follower its relative frequency.
    """
    _, context_ids = np.unique(windows.contexts, axis=0, return_inverse=True)
    pairs = np.column_stack([context_ids, windows.next_words])
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    contexts = distinct[:, 0]
    totals = np.bincount(contexts, weights=counts)[contexts]
    # Followers of a context by falling count, so that a follower's rank is its distance from
    # the context's first row.
    order = np.lexsort((-counts, contexts))
    starts = np.searchsorted(contexts, contexts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - starts[order]
    loss = float(-(counts * np.log(counts / totals)).sum() / counts.sum())
    return Quality(
        accuracy=float(counts[rank == 0].sum() / counts.sum()),
        top_3_accuracy=float(counts[rank < 3].sum() / counts.sum()),
        loss=loss,
        perplexity=float(np.exp(loss)),
    )


@dataclass(frozen=True)
class Sample:
    """A prompt from the text, continued greedily.

    - `prompt`, `truth`: word ids of the prompt and of what the text has after it, which is
      shorter than the continuation near the text's end.
    - `continuation`: word ids that the model gives.
    - `right`: for each of them, whether the text has it somewhere after the words before it.
    """

    prompt: list[int]
    truth: list[int]
    continuation: list[int]
    right: list[bool]


def sample(
    model: NextWordModel,
    windows: Windows,
    samples: int,
    words: int,
    unknown: int | None = None,
    *,
    carried: bool = False,
    temperature: float = 0.0,
) -> list[Sample]:
    """Continues prompts of one context each, taken at equal distances from the text.

    **Arguments:**

    - `samples`: number of prompts.
    - `words`: number of words that each is continued by.
    - `unknown`: id of `<unk>`, which is never written.
    - `carried`: whether the model's state is carried, or its last words are read again each time.
    - `temperature`: 0 takes the likeliest word each time; above, words are drawn, by the number of
      the prompt as a seed.
    """
    last = max(1, len(windows) - words + 1)  # the last start that has so many words after it
    starts = sorted({round(index * (last - 1) / max(1, samples - 1)) for index in range(samples)})
    draws = [_Draw(temperature, seed) for seed in range(len(starts))]
    return [
        _continue(model, windows, start, words, unknown, draw, carried=carried)
        for start, draw in zip(starts, draws, strict=True)
    ]


@dataclass(frozen=True)
class _Draw:
    temperature: float
    seed: int

    def pick(self, logits: NDArray[Any], step: int) -> int:
        if not self.temperature:
            return sampling.greedy(logits)
        return sampling.draw(logits.astype(np.float32), sampling.uniform(self.seed, step), self.temperature)


def _continue(
    model: NextWordModel,
    windows: Windows,
    start: int,
    words: int,
    unknown: int | None,
    draw: _Draw,
    *,
    carried: bool,
) -> Sample:
    prompt = windows.contexts[start].tolist()
    written, right = list(prompt), []
    read, state = written, None
    for step in range(words):
        with torch.no_grad():
            logits, next_state = model(torch.tensor([read]), state)
        context = np.array(written[-len(prompt) :])
        written.append(draw.pick(sampling.ban(logits[0].numpy(), unknown), step))
        read, state = (written[-1:], next_state) if carried else (written[-len(prompt) :], None)
        followers = windows.next_words[(windows.contexts == context).all(axis=1)]
        right.append(bool((followers == written[-1]).any()))
    truth = windows.next_words[start : start + words].tolist()
    return Sample(prompt, truth, written[len(prompt) :], right)


def _log_probabilities(model: NextWordModel, windows: Windows) -> Iterator[Part]:
    device = model.logits.weight.device
    for part in batches.in_order(len(windows), _BATCH):
        contexts, next_words = windows.take(part)
        with torch.no_grad():
            logits, _ = model(torch.from_numpy(contexts).to(device))
        yield torch.log_softmax(logits, 1).cpu().numpy(), next_words


def _along_text(model: NextWordModel, ids: NDArray[Any]) -> Iterator[Part]:
    state, device = None, model.logits.weight.device
    for start in range(0, len(ids) - 1, _BATCH):
        part = ids[start : start + _BATCH + 1].astype(np.int64)
        with torch.no_grad():
            logits, state = model.after_each_word(torch.from_numpy(part[None, :-1]).to(device), state)
        yield torch.log_softmax(logits[:, 0], 1).cpu().numpy(), part[1:]


def _judge(
    log_probabilities: NDArray[np.floating], next_words: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    rows = np.arange(len(next_words))
    true = log_probabilities[rows, next_words]
    rank = (log_probabilities > true[:, None]).sum(axis=1)
    not_below = (log_probabilities >= true[:, None]).sum(axis=1)
    for row in np.flatnonzero(not_below > rank + 1):  # some are equal to the true word
        rank[row] += (log_probabilities[row, : next_words[row]] == true[row]).sum()
    likeliest = log_probabilities.argmax(axis=1)
    of_likeliest = log_probabilities[rows, likeliest]
    return true.astype(np.float64), rank, likeliest, of_likeliest.astype(np.float64)
