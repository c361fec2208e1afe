"""How good predictions are, and how good they could be at best."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nextword import sampling
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


def judge(parts: Iterable[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> Predictions:
    """Compares predicted distributions with what follows.

    **Arguments:**

    - `parts`: pairs of log-probabilities, `(batch, dictionary)`, and next words, `(batch,)`.
    """
    return Predictions(*map(np.concatenate, zip(*(_judge(*part) for part in parts), strict=True)))


def predict(model: NextWordModel, windows: Windows) -> Predictions:
    """What a model predicts for each window, computed in the precision of its weights."""
    return judge(_log_probabilities(model, windows))


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
    model: NextWordModel, windows: Windows, samples: int, words: int, unknown: int | None = None
) -> list[Sample]:
    """Continues prompts of one context each, taken at equal distances from the text.

    **Arguments:**

    - `samples`: number of prompts.
    - `words`: number of words that each is continued by.
    - `unknown`: id of `<unk>`, which is never written.
    """
    last = max(1, len(windows) - words + 1)  # the last start that has so many words after it
    starts = sorted({round(index * (last - 1) / max(1, samples - 1)) for index in range(samples)})
    return [_continue(model, windows, start, words, unknown) for start in starts]


def _continue(model: NextWordModel, windows: Windows, start: int, words: int, unknown: int | None) -> Sample:
    prompt = windows.contexts[start].tolist()
    written, right = list(prompt), []
    for _ in range(words):
        context = np.array(written[-len(prompt) :])
        with torch.no_grad():
            logits, _ = model(torch.from_numpy(context)[None])
        written.append(sampling.greedy(sampling.ban(logits[0].numpy(), unknown)))
        followers = windows.next_words[(windows.contexts == context).all(axis=1)]
        right.append(bool((followers == written[-1]).any()))
    truth = windows.next_words[start : start + words].tolist()
    return Sample(prompt, truth, written[len(prompt) :], right)


def _log_probabilities(
    model: NextWordModel, windows: Windows
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    for part in batches.in_order(len(windows), _BATCH):
        contexts, next_words = windows.take(part)
        with torch.no_grad():
            logits, _ = model(torch.from_numpy(contexts))
        yield sampling.log_softmax(logits.numpy()), next_words


def _judge(log_probabilities: NDArray[np.float64], next_words: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    rows = np.arange(len(next_words))
    true = log_probabilities[rows, next_words]
    likelier = log_probabilities > true[:, None]
    equal_before = (log_probabilities == true[:, None]) & (
        np.arange(log_probabilities.shape[1]) < next_words[:, None]
    )
    likeliest = log_probabilities.argmax(axis=1)
    return true, (likelier | equal_before).sum(axis=1), likeliest, log_probabilities[rows, likeliest]
