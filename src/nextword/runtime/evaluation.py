"""How good a model is on a text of any length, without the workshop: the `evaluate` command."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.errors import PromptError
from nextword.figures import SUGGESTIONS
from nextword.runtime import draw
from nextword.runtime.cache import CacheSettings, NeuralCache
from nextword.runtime.keystrokes import KeystrokeCounter
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import after_each_context
from nextword.text.words import Joiner


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on a text, over every word that has a full context before it.

    The figures are those of the evaluate stage, by the same rules (`nextword.figures`).

    - `words`: number of those words.
    - `unknown_share`: share of them that the dictionary lacks. Perplexities can only be compared
      where it is the same.
    - `perplexity`: exp of the mean of −ln P(word), `<unk>` counting as a word.
    - `accuracy`, `top_3_accuracy`: share of words that were held likeliest of those that can be
      written, or among the three likeliest.
    - `keystrokes_saved`: share of the keystrokes that a user of a keyboard with three suggestions
      need not make, as `keystrokes.KeystrokeCounter` counts them.
    """

    words: int
    unknown_share: float
    perplexity: float
    accuracy: float
    top_3_accuracy: float
    keystrokes_saved: float


def evaluate(model: ModelFile, words: Iterable[str], cache: CacheSettings) -> Evaluation:
    """Evaluates a model on one text, in memory that does not grow with it.

    **Arguments:**

    - `words`: the text.
    - `cache`: of the neural cache; a size of 0 is none.

    **Raises:** `PromptError` for a text without a single word to evaluate, `UnknownWordError`.
    """
    dictionary = model.dictionary
    counter = KeystrokeCounter(dictionary, Joiner(model.metadata.split_by, model.metadata.line_ends))
    words = iter(words)
    first = list(islice(words, model.metadata.least_context))
    for word in first:
        counter.show(word)
    waiting: deque[str] = deque()  # words that were read and not yet evaluated

    def ids() -> Iterator[int]:
        yield from dictionary.encode(first)
        for word in words:
            waiting.append(word)
            yield from dictionary.encode([word])

    count = unknown = right = right_3 = 0
    loss = 0.0
    for log_probabilities, id in _predictions(model, ids(), NeuralCache(cache, model.features)):
        rank = figures.ranks(log_probabilities[None], np.array([id]), dictionary.unknown)[0]
        count += 1
        unknown += id == dictionary.unknown
        loss -= float(log_probabilities[id])
        right += int(rank == 0)
        right_3 += int(rank < SUGGESTIONS)
        counter.type(waiting.popleft(), id, log_probabilities)
    if not count:
        raise PromptError(f"the text has too few words to evaluate; give at least {len(first) + 1}")
    return Evaluation(
        words=count,
        unknown_share=unknown / count,
        perplexity=figures.perplexity(loss / count),
        accuracy=right / count,
        top_3_accuracy=right_3 / count,
        keystrokes_saved=counter.saved,
    )


def _predictions(
    model: ModelFile, ids: Iterator[int], memory: NeuralCache
) -> Iterator[tuple[NDArray[np.float64], int]]:
    """The log-probabilities `(dictionary,)` before each word that has a full context, and its id."""
    for expected, following in after_each_context(model, ids):
        for log_probabilities, features, id in zip(
            draw.log_softmax(expected.logits), expected.features, following.tolist(), strict=True
        ):
            yield memory.mix(log_probabilities, features), id
            memory.remember(features, id)
