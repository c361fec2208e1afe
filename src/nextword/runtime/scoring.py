"""How likely texts are, word by word."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.errors import PromptError
from nextword.runtime import draw
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.text.dictionary import amount

_BATCH = 256  # windows, or texts, that are read at once

Word = tuple[str, tuple[int, ...]]  # as it is shown, and its ids


@dataclass(frozen=True)
class Score:
    """How well a model expects a text.

    - `log_probability`: sum of ln P(word | words before it), in nats.
    - `perplexity`: exp(−log_probability / number of words scored).
    - `per_word`: each scored word with its ln P, in nats.
    """

    log_probability: float
    perplexity: float
    per_word: list[tuple[str, float]]

    @classmethod
    def of(cls, words: list[str], log_probabilities: list[float]) -> "Score":
        """The score of some words, at least one."""
        total = math.fsum(log_probabilities)
        return cls(
            log_probability=total,
            perplexity=figures.perplexity(-total / len(log_probabilities)),
            per_word=list(zip(words, log_probabilities, strict=True)),
        )


def scores(model: ModelFile, texts: Sequence[str]) -> list[Score]:
    """The scores of some texts; errors are those of `Generator.score`."""
    words = [model.dictionary.spelt(model.split(text)) for text in texts]
    scored = [_scored(model, one) for one in words]
    found = log_probabilities(model, [[id for _, ids in one for id in ids] for one in words])
    return [_score(*one) for one in zip(scored, found, strict=True)]


def _scored(model: ModelFile, words: list[Word]) -> list[Word]:
    """The words of a text that have a full context before them.

    **Raises:** `PromptError` if there are none.
    """
    context = model.metadata.least_context
    starts = list(itertools.accumulate((len(ids) for _, ids in words), initial=0))
    scored = [word for word, start in zip(words, starts, strict=False) if start >= context]
    if not scored:
        raise PromptError(_too_short(model, len(words)))
    return scored


def _too_short(model: ModelFile, words: int) -> str:
    context, unit = model.metadata.least_context, model.dictionary.unit
    is_in_subwords = context > 1 and unit == "subwords"
    after = " subwords, so give more" if is_in_subwords else f", so give at least {context + 1}"
    return f"the text has {amount(words, 'words')}; the model scores a word after {context}{after}"


def _score(words: list[Word], log_probabilities: list[float]) -> Score:
    """The score of the last words of a text."""
    values = iter(log_probabilities[-sum(len(ids) for _, ids in words) :])
    return Score.of(
        [word for word, _ in words], [math.fsum(itertools.islice(values, len(ids))) for _, ids in words]
    )


def log_probabilities(model: ModelFile, texts: list[list[int]]) -> list[list[float]]:
    """The log-probability in nats of each entry that has a full context before it, for each text.

    **Arguments:**

    - `texts`: ids, each text longer than the context, and of at least two.
    """
    context = model.metadata.context
    found = []
    for start in range(0, len(texts), _BATCH):
        part = [np.array(ids) for ids in texts[start : start + _BATCH]]
        found += _by_state(model, part) if context is None else _by_windows(model, part, context)
    return found


def _by_windows(model: ModelFile, texts: list[NDArray[np.int64]], context: int) -> list[list[float]]:
    """All windows of all texts in batches."""
    windows = np.concatenate([np.lib.stride_tricks.sliding_window_view(ids[:-1], context) for ids in texts])
    following = np.concatenate([ids[context:] for ids in texts])
    scored = [
        _of_following(model.run(windows[part]).logits, following[part])
        for part in (slice(start, start + _BATCH) for start in range(0, len(windows), _BATCH))
    ]
    ends = np.cumsum([len(ids) - context for ids in texts])[:-1]
    return [part.tolist() for part in np.split(np.concatenate(scored), ends)]


def _by_state(model: ModelFile, texts: list[NDArray[np.int64]]) -> list[list[float]]:
    """All texts in step, one word at a time."""
    order = sorted(range(len(texts)), key=lambda text: -len(texts[text]))
    lengths = np.array([len(texts[text]) for text in order])
    found: list[list[float]] = [[] for _ in texts]
    reader = Reader(model, len(texts))
    for place in range(1, int(lengths[0])):
        going_on = order[: int((lengths > place).sum())]
        reader.select(np.arange(len(going_on)))
        logits = reader.read(np.array([[texts[text][place - 1]] for text in going_on])).logits
        following = np.array([texts[text][place] for text in going_on])
        for text, value in zip(going_on, _of_following(logits, following), strict=True):
            found[text].append(float(value))
    return found


def _of_following(logits: NDArray[np.float32], following: NDArray[np.int64]) -> NDArray[np.float64]:
    return draw.log_softmax(logits)[np.arange(len(following)), following]
