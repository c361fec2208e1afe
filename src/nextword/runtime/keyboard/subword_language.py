"""A model of subwords behind a keyboard: what it expects, and which words the user may mean."""

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.entries import MOST_SUBWORDS
from nextword.runtime.keyboard.candidates import NAT, WordTable, either
from nextword.runtime.keyboard.entry_costs import EntryCosts
from nextword.runtime.keyboard.language import SHARE, Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.subword_search import SubwordSearch
from nextword.runtime.keyboard.text_field import is_word
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile
from nextword.runtime.word_nodes import Node, Path
from nextword.runtime.word_tree import WordTree
from nextword.text.marks import BLANK_MARK, GLUE_MARK, is_unspaced
from nextword.text.subwords import MOST_READ, shown
from nextword.text.words import END_OF_LINE

_NEGLIGIBLE = math.log(1e-3)  # a share of a word's probability too small for another spelling to matter


class SubwordLanguage(Language):
    """A language whose words are spelt by the entries of its dictionary, so that it knows every word.

    Words that are not single entries are still learned, since a word written once is likely to be written
    again: they get a share of the probability, like new words where a model has no `<unk>`.

    **Arguments:**

    - `model`, `adapts`, `dynamic`: as for `Language`.
    - `layout`: of the keys.
    - `punctuation`: whether punctuation marks and line ends are candidates.
    """

    is_marked = True

    def __init__(
        self,
        model: ModelFile,
        adapts: bool,
        layout: Layout,
        punctuation: bool,
        dynamic: DynamicEvaluation | None = None,
    ) -> None:
        super().__init__(model, adapts, dynamic)
        self.layout, self.punctuation = layout, punctuation
        self.entries = model.entries
        self.costs = EntryCosts(self.entries, layout)

    def has(self, word: str) -> bool:
        """Whether a word is a single entry, or of a script without blanks."""
        return any(len(path) == 1 for path in self.spellings(word)) or is_unspaced(word)

    def can_write(self, word: str) -> bool:
        """Whether a word can be spelt without bytes."""
        return bool(self.entries.spellings(word))

    def spellings(self, word: str) -> list[Path]:
        """The subwords of a word, bytes included, with and without a blank before it; none if too many."""
        if len(word) > MOST_SUBWORDS * self.entries.longest:
            return []
        is_alone = word == END_OF_LINE or is_unspaced(word)
        spelt = [word] if is_alone else [BLANK_MARK + word, GLUE_MARK + word]
        paths = [self.entries.dictionary.split(one) for one in spelt]
        return [path for path in paths if len(path) <= MOST_SUBWORDS]

    def _is_new(self, word: str) -> bool:
        return not self.has(shown(word))

    def _ids(self, word: str) -> Sequence[int]:
        split = self.model.entries.dictionary.split
        if word[0] == BLANK_MARK and len(word) > 1 and is_unspaced(word[1:]):
            return (*split(BLANK_MARK), *split(word[1:]))
        return split(word)[-MOST_READ:]

    def _likelihoods(self) -> NDArray[np.float64]:
        return draw.log_softmax(self.adaptation.of_logits(self._logits))

    def _expectation(self) -> "_Expected":
        adaptation = self.adaptation
        bias = None if adaptation.bias is None else adaptation.bias.astype(np.float32)
        log_probabilities = adaptation.of_probabilities(self._likelihoods(), self._features)
        tree = WordTree(self.model, self.model.entries, self._reader, log_probabilities, bias=bias)
        return _Expected(self, tree, adaptation.of_unknown(SHARE), self._logits)


class _Expected:
    """What a language of subwords expects next.

    P(word) = (1 − unknown) P(its subwords, then a new word), with or without a blank before it.
    """

    by_model = SHARE

    def __init__(
        self, language: SubwordLanguage, tree: WordTree, unknown: float, logits: NDArray[np.floating]
    ) -> None:
        self._language, self._tree = language, tree
        self.unknown, self.logits = unknown, logits

    def known(self, words: Sequence[str], least: Mapping[str, float]) -> list[tuple[float, float]]:
        self._prepare(words, least)
        spellings = [self.spelling(word, least.get(word, 0.0)) for word in words]
        return [((1 - self.unknown) * spelling, self.unknown) for spelling in spellings]

    def spelling(self, word: str, least: float = 0.0) -> float:
        found = self._log_probability(word, least)
        while isinstance(found, Node):
            self._tree.expand([found])
            found = self._log_probability(word, least)
        return math.exp(found)

    def candidates(self, typed: str, most: int, whole: bool) -> dict[str, int]:
        if typed and is_unspaced(typed):  # no letters to slip on
            return {}
        language = self._language
        fits = is_word if typed or not language.punctuation else _any
        search = SubwordSearch(self._tree, language.costs, most, typed, whole, fits)
        words = search.run(functools.partial(self._missing, [typed] if typed else [], {}))
        if not typed:
            return dict.fromkeys(words, 0)
        table = WordTable(words, language.layout)
        table.type(typed)
        beginnings, wholes = table.costs()
        costs = wholes if whole else either(len(typed), beginnings, wholes)
        handicaps = (round(NAT * language.entries.handicap(word)) for word in words)
        return {
            word: cost + handicap
            for word, cost, handicap in zip(words, costs.tolist(), handicaps, strict=True)
        }

    def _prepare(self, words: Sequence[str], least: Mapping[str, float]) -> None:
        """Computes what the probabilities of some words need, in batches."""
        for _ in range(2 * MOST_SUBWORDS):
            missing = self._missing(words, least)
            if not missing:
                break
            self._tree.expand(missing)

    def _missing(self, words: Sequence[str], least: Mapping[str, float]) -> list[Node]:
        """For some words, the next nodes to expand."""
        found = (self._log_probability(word, least.get(word, 0.0)) for word in words)
        return list({node.path: node for node in found if isinstance(node, Node)}.values())

    def _log_probability(self, word: str, least: float) -> float | Node:
        """The ln of P(word), or the first node on the way to it that has yet to be expanded.

        **Arguments:**

        - `least`: of P; a spelling that is less likely does not count.
        """
        at_least = math.log(least) if least else -math.inf
        paths = self._language.spellings(word)
        root = self._tree.root.log_probabilities
        total = -math.inf
        for path in sorted(paths, key=lambda path: -root[path[0]]):
            found = self._along(path, max(total + _NEGLIGIBLE, at_least))
            if isinstance(found, Node):
                return found
            total = float(np.logaddexp(total, found))
        return total

    def _along(self, path: Path, least: float) -> float | Node:
        """The same for one spelling; −inf if it is less likely than `least`."""
        total, continuation = 0.0, self._tree.root
        for length, id in enumerate(path, 1):
            total += float(continuation.log_probabilities[id])
            if total < least:
                return -math.inf
            if length == len(path) and self._tree.entries.is_whole[id]:
                return total
            known = self._tree.known(path[:length])
            if not known:
                return Node(path[:length], "", total, continuation.after)
            continuation = known
        return total + continuation.end


def _any(_word: str) -> bool:
    return True
