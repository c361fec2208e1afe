"""What a network predicts for the words of a text, and how good predictions could possibly be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nextword import figures
from nextword.figures import SUGGESTIONS, Quality
from nextword.model.network import Network
from nextword.text import windows
from nextword.text.windows import Windows

BATCH = 256  # words predicted at once

# Log-probabilities, `(batch, dictionary)`, and the words that follow, `(batch,)`.
Part = tuple[NDArray[np.floating], NDArray[np.int64]]
Text = NDArray[Any] | Windows


@dataclass(frozen=True)
class Predictions:
    """What was predicted for each word, every array of shape `(words,)`.

    - `log_probability`: ln P of the actual next word.
    - `rank`: how many words were predicted to be likelier, as counted by `figures.ranks`.
    - `likeliest`: id of the likeliest word.
    - `likeliest_log_probability`: ln P of that word.
    """

    log_probability: NDArray[np.float64]
    rank: NDArray[np.int64]
    likeliest: NDArray[np.int64]
    likeliest_log_probability: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rank)

    def last(self, count: int) -> "Predictions":
        """The predictions for the last `count` words."""
        return Predictions(*(values[len(self) - count :] for values in vars(self).values()))

    @property
    def quality(self) -> Quality:
        """The four figures of these predictions."""
        loss = float(-self.log_probability.mean())
        return Quality(
            accuracy=float((self.rank == 0).mean()),
            top_3_accuracy=float((self.rank < SUGGESTIONS).mean()),
            loss=loss,
            perplexity=figures.perplexity(loss),
        )


def predict(network: Network, text: Text, unknown: int | None) -> Predictions:
    """What a network predicts for a text, computed in the precision of its weights.

    **Arguments:**

    - `text`: as for `log_probabilities`.
    - `unknown`: id of `<unk>`, which is never an answer.
    """
    return judge(log_probabilities(network, text), unknown)


def log_probabilities(network: Network, text: Text) -> Iterator[Part]:
    """The distributions that a network predicts for the words of a text.

    With a context of n words, these are the words from number n onwards (counted from 0), each after its
    window; with an unbounded context, all words but the first, with the state carried from the start.

    **Arguments:**

    - `text`: word ids, shape `(words,)`, or, with a fixed context, windows of a text.
    """
    context = network.architecture.context
    if isinstance(text, Windows):
        parts = _by_windows(network, text)
    elif context is None:
        parts = _along(network, text)
    else:
        parts = _by_windows(network, windows.windows(text, context))
    for logits, next_words in parts:
        yield torch.log_softmax(logits, 1).cpu().numpy(), next_words


def judge(parts: Iterable[Part], unknown: int | None) -> Predictions:
    """Compares predicted distributions with the actual next words.

    **Arguments:**

    - `unknown`: id of `<unk>`, which is never an answer.
    """
    return Predictions(*map(np.concatenate, zip(*(_judge(*part, unknown) for part in parts), strict=True)))


def best_possible(text: Windows, unknown: int | None) -> Quality:
    """The ceiling of accuracy and the floor of loss and perplexity for some windows.

    Where the same context is followed by different words, no predictor that sees only the context
    can always be right: at best it gives each of these words its relative frequency.

    **Arguments:**

    - `unknown`: id of `<unk>`, which is never an answer.
    """
    _, context_ids = np.unique(text.contexts, axis=0, return_inverse=True)
    pairs = np.column_stack([context_ids, text.next_words])
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    contexts, followers = distinct.T
    totals = np.bincount(contexts, weights=counts)[contexts]
    # Next words of a context by descending count, so that the rank of each is its distance from
    # the first row of the context. Words that are never an answer come last.
    is_answer = np.full(len(followers), True) if unknown is None else followers != unknown
    order = np.lexsort((-counts * is_answer, contexts))
    starts = np.searchsorted(contexts, contexts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - starts[order]
    loss = float(-(counts * np.log(counts / totals)).sum() / counts.sum())
    return Quality(
        accuracy=float(counts[is_answer & (rank == 0)].sum() / counts.sum()),
        top_3_accuracy=float(counts[is_answer & (rank < SUGGESTIONS)].sum() / counts.sum()),
        loss=loss,
        perplexity=figures.perplexity(loss),
    )


def lowest_loss(text: Windows, chosen: NDArray[np.int64]) -> float:
    """The floor of the loss, as in `best_possible`, for some of the windows.

    **Arguments:**

    - `chosen`: their indices, shape `(windows,)`.
    """
    _, context_ids, totals = np.unique(text.contexts, axis=0, return_inverse=True, return_counts=True)
    pairs = np.column_stack([context_ids, text.next_words])
    _, pair_ids, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    return float(-np.log(counts[pair_ids[chosen]] / totals[context_ids[chosen]]).mean())


def _by_windows(network: Network, text: Windows) -> Iterator[tuple[torch.Tensor, NDArray[np.int64]]]:
    device = network.logits.weight.device
    for part in windows.in_order(len(text), BATCH):
        contexts, next_words = text.take(part)
        with torch.no_grad():
            logits, _ = network(torch.from_numpy(contexts).to(device))
        yield logits, next_words


def _along(network: Network, ids: NDArray[Any]) -> Iterator[tuple[torch.Tensor, NDArray[np.int64]]]:
    state, device = None, network.logits.weight.device
    for start in range(0, len(ids) - 1, BATCH):
        part = ids[start : start + BATCH + 1].astype(np.int64)
        with torch.no_grad():
            logits, state = network.after_each_word(torch.from_numpy(part[None, :-1]).to(device), state)
        yield logits[:, 0], part[1:]


def _judge(
    log_probabilities: NDArray[np.floating], next_words: NDArray[np.int64], unknown: int | None
) -> tuple[NDArray[Any], ...]:
    rows = np.arange(len(next_words))
    likeliest = figures.likeliest(log_probabilities, unknown)
    return (
        log_probabilities[rows, next_words].astype(np.float64),
        figures.ranks(log_probabilities, next_words, unknown),
        likeliest,
        log_probabilities[rows, likeliest].astype(np.float64),
    )
