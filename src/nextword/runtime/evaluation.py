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
from nextword.runtime.keystrokes import KeystrokeCounter, Suggester
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import after_each_context
from nextword.runtime.word_reader import WordReader, is_suggested_by, rank_of
from nextword.text.subwords import SubwordDictionary, in_words, shown
from nextword.text.words import Joiner


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a text, over every word that has a full context before it.

    The figures are those of the evaluate stage, by the same rules (`nextword.figures`).

    - `words`: number of those words.
    - `unknown_share`: share of them that the dictionary lacks. Perplexities can only be compared
      where it is the same.
    - `perplexity`: exp of the mean of −ln P(word). `<unk>` counts as a word; the probability of a word of
      several subwords is their product.
    - `accuracy`, `top_3_accuracy`: share of words that were the likeliest of those that can be
      written, or among the three likeliest. Where a model knows subwords, words must be searched for:
      these and the next figure then cover the first 2,000 words.
    - `keystrokes_saved`: share of keystrokes that a keyboard with three suggestions saves its user, as
      `keystrokes.KeystrokeCounter` counts them.
    """

    words: int
    unknown_share: float
    perplexity: float
    accuracy: float
    top_3_accuracy: float
    keystrokes_saved: float


def evaluate(
    model: ModelFile,
    words: Iterable[str],
    cache: CacheSettings,
    dynamic: DynamicEvaluation | None = None,
) -> Evaluation:
    """Evaluates a model on one text, in memory that does not grow with it.

    **Arguments:**

    - `words`: the text, as split by `words.split`.
    - `cache`: settings of the neural cache; a size of 0 is off.
    - `dynamic`: what changes the model's weights, if anything.

    **Raises:** `PromptError` for a text without a single word to evaluate, `UnknownWordError`.
    """
    joiner = Joiner(model.metadata.split_by, model.metadata.line_ends)
    memory = NeuralCache(cache, model.features)
    model = dynamic.model if dynamic else model
    if isinstance(model.dictionary, SubwordDictionary):
        tally = _in_words(model, model.dictionary, words, joiner, memory, dynamic)
    else:
        tally = _each_id(model, words, joiner, memory, dynamic)
    if not tally.words:
        raise PromptError(
            f"the text has too few words to evaluate; give at least {model.metadata.least_context + 1}"
        )
    return Evaluation(
        words=tally.words,
        unknown_share=tally.unknown / tally.words,
        perplexity=figures.perplexity(tally.loss / tally.words),
        accuracy=tally.right / tally.ranked,
        top_3_accuracy=tally.right_3 / tally.ranked,
        keystrokes_saved=tally.keystrokes.saved,
    )


@dataclass
class _Tally:
    """The counts so far; `ranked` is how many words were also looked for among the likeliest."""

    keystrokes: KeystrokeCounter
    words: int = 0
    unknown: int = 0
    loss: float = 0.0
    ranked: int = 0
    right: int = 0
    right_3: int = 0

    def rank(self, rank: int) -> None:
        """Counts the rank of a word among the likeliest, from 0."""
        self.ranked += 1
        self.right += rank == 0
        self.right_3 += rank < SUGGESTIONS


def _each_id(
    model: ModelFile,
    words: Iterable[str],
    joiner: Joiner,
    memory: NeuralCache,
    dynamic: DynamicEvaluation | None,
) -> _Tally:
    """Evaluates a model whose entries are words."""
    tally, dictionary = _Tally(KeystrokeCounter(joiner)), model.dictionary
    suggester = Suggester(dictionary)
    words = iter(words)
    first = list(islice(words, model.metadata.least_context))
    for word in first:
        tally.keystrokes.show(word)
    waiting: deque[str] = deque()  # words read but not yet evaluated

    def ids() -> Iterator[int]:
        yield from dictionary.encode(first)
        for word in words:
            waiting.append(word)
            yield from dictionary.encode([word])

    for log_probabilities, id in _predictions(model, ids(), memory, dynamic):
        tally.words += 1
        tally.unknown += id == dictionary.unknown
        tally.loss -= float(log_probabilities[id])
        tally.rank(int(figures.ranks(log_probabilities[None], np.array([id]), dictionary.unknown)[0]))
        word = waiting.popleft()
        tally.keystrokes.type(word, word, suggester.of(id, log_probabilities))
    return tally


def _in_words(
    model: ModelFile,
    dictionary: SubwordDictionary,
    words: Iterable[str],
    joiner: Joiner,
    memory: NeuralCache,
    dynamic: DynamicEvaluation | None,
) -> _Tally:
    """Evaluates a model whose entries may be parts of words."""
    tally = _Tally(KeystrokeCounter(joiner))
    reader = WordReader(model, model.entries, model.metadata.least_context, memory, dynamic)
    for word, path in in_words(dictionary, words):
        if not reader.is_ready:
            tally.keystrokes.show(word)
            reader.read(path)
            continue
        if tally.ranked < figures.SEARCHED:
            tree, letters = reader.tree(), shown(word)
            tally.rank(rank_of(letters, tree.search(SUGGESTIONS)[0]))
            tally.keystrokes.type(word, letters, is_suggested_by(tree, letters))
        tally.words += 1
        tally.loss -= reader.read(path)
    return tally


def _predictions(
    model: ModelFile, ids: Iterator[int], memory: NeuralCache, dynamic: DynamicEvaluation | None
) -> Iterator[tuple[NDArray[np.float64], int]]:
    """The log-probabilities `(dictionary,)` before each word that has a full context, and its id."""
    for expected, following in after_each_context(model, ids, dynamic.note if dynamic else None):
        for log_probabilities, features, id in zip(
            draw.log_softmax(expected.logits), expected.features, following.tolist(), strict=True
        ):
            yield memory.mix(log_probabilities, features), id
            memory.remember(features, id)
