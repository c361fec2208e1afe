"""What a model expects next, and what has been typed so far → whole words with their probabilities."""

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.errors import PromptError, UnknownWordError, quoted
from nextword.runtime import arguments, draw
from nextword.runtime.cache import NeuralCache
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.text.dictionary import Dictionary
from nextword.text.marks import is_unspaced
from nextword.text.subwords import surface_of

if TYPE_CHECKING:
    from nextword.runtime.word_tree import WordTree


class NextWord(Protocol):
    """The words that may come next at one place in a text."""

    def best(self, n: int, prefix: str) -> list[tuple[str, float]]:
        """The likeliest words that begin with `prefix`, each with its share of the probability.

        **Arguments:**

        - `n`: from 1 to the number of entries that can be suggested.

        **Raises:** `CountError`, `PromptError` for a prefix that is not a string, `UnknownWordError` if
        the dictionary has no such word.
        """


def after(
    model: ModelFile, reader: Reader, logits: NDArray[np.floating], cache: NeuralCache | None = None
) -> NextWord:
    """The words that may follow a text.

    **Arguments:**

    - `reader`: has read the text and nothing else.
    - `logits`: after the text, `(dictionary,)`; log-probabilities will do.
    - `cache`: as of `WordTree`.
    """
    if model.metadata.split_by != "subwords":
        return _WholeWords(model.dictionary, logits)
    from nextword.runtime.word_tree import WordTree

    return _SpeltWords(WordTree(model, model.entries, reader, logits, cache))


class _WholeWords:
    """Words that are single entries of the dictionary."""

    def __init__(self, dictionary: Dictionary, logits: NDArray[np.floating]) -> None:
        self._dictionary, self._logits = dictionary, logits

    def best(self, n: int, prefix: str) -> list[tuple[str, float]]:
        dictionary, logits = self._dictionary, self._logits
        arguments.count("n", n, len(dictionary) - (dictionary.unknown is not None))
        if not arguments.text(prefix, "prefix"):
            likeliest = draw.likeliest(draw.ban(logits, dictionary.unknown), n)
            return [(dictionary.words[id], p) for id, p in likeliest]
        ids = [id for id in sorted(dictionary.starting_with(prefix)) if id != dictionary.unknown]
        if not ids:
            raise UnknownWordError(prefix, dictionary.neighbours(prefix))
        likeliest = draw.likeliest(logits[np.array(ids)], min(n, len(ids)))
        return [(dictionary.words[ids[place]], p) for place, p in likeliest]


class _SpeltWords:
    """Words spelt by several entries."""

    def __init__(self, tree: "WordTree") -> None:
        self._tree = tree

    def best(self, n: int, prefix: str) -> list[tuple[str, float]]:
        arguments.count("n", n, len(self._tree.entries.dictionary))
        found, beginning = self._tree.search(n, arguments.text(prefix, "prefix"))
        return [(one.word, math.exp(one.log_probability - beginning)) for one in found]


def suggest(model: ModelFile, prompt: str, n: int) -> list[tuple[str, float]]:
    """What may follow a text, or complete its last word; arguments and errors are `Generator.suggest`'s."""
    tokens = model.split(prompt)
    is_open = not prompt[-1].isspace()
    if is_open and model.metadata.split_by == "subwords":
        return _suggest_spelt(model, tokens, n)
    prefix = tokens.pop() if is_open and model.dictionary.is_half_typed(tokens[-1]) else ""
    if not tokens:
        raise _alone(prefix)
    reader = Reader(model)
    expected = reader.read(np.array([model.dictionary.shortened(model.dictionary.encode(tokens))]))
    return after(model, reader, expected.logits[0]).best(n, prefix)


def _suggest_spelt(model: ModelFile, tokens: list[str], n: int) -> list[tuple[str, float]]:
    """What may follow a text.

    Its last word is half typed if the model expects it to go on, or if the training text lacks it and has a
    likely word that begins so.
    """
    from nextword.runtime.keyboard.text_field import is_word

    def read(reader: Reader, tokens: list[str]) -> NDArray[np.float32]:
        ids = dictionary.shortened(dictionary.encode(tokens))
        logits: NDArray[np.float32] = reader.read(np.array([ids])).logits[0]
        return logits

    dictionary, reader = model.dictionary, Reader(model)
    expected = read(reader, tokens[:-1]) if len(tokens) > 1 else None
    whole = Reader.gathered(model, [(reader, 0)])
    logits = read(whole, tokens[-1:])
    typed, is_seen = surface_of(tokens[-1]), model.entries.is_seen
    goes_on = np.exp(draw.log_softmax(logits))[model.entries.beginning].sum() < 1 / 2
    if is_word(typed) and not is_unspaced(tokens[-1]) and (goes_on or not is_seen(typed)):
        if expected is not None:
            found = after(model, reader, expected).best(n, typed)
            if goes_on or (found and is_seen(found[0][0])):
                return found
        elif goes_on:
            raise _alone(typed)
    return after(model, whole, logits).best(n, "")


def _alone(prefix: str) -> PromptError:
    return PromptError(f"{quoted(prefix)} is a half-typed word; give at least one whole word before it")
