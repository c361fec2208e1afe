"""The words that the user may mean, where a model knows subwords: searched best first.

Like `nextword.runtime.word_search`, except that a beginning need not agree with what was typed: it costs
what the slips between the two cost.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nextword.runtime.entries import MOST_SUBWORDS
from nextword.runtime.keyboard.candidates import MODEL, MOST, NAT, begun, margin
from nextword.runtime.keyboard.entry_costs import Covered, EntryCosts
from nextword.runtime.reader import Reader
from nextword.runtime.word_nodes import Continuation, Node, Path
from nextword.runtime.word_tree import WordTree
from nextword.text.subwords import LINE_END
from nextword.text.words import END_OF_LINE

_AT_ONCE = 4  # nodes visited in one round
_ROUNDS = 2  # of one search
_FOR_A_ROUND = 16  # requested words per additional round
_MOST_CHILDREN = 16  # of a node that are considered


class _Child(NamedTuple):
    """An entry that may follow a node: its score, id, and place among those that may."""

    score: float
    id: int
    place: int
    log_probability: float


class _Siblings(NamedTuple):
    """The children of a node, best first, all with the same reader."""

    parent: Path
    surface: str
    covered: Covered
    children: Sequence[_Child]
    after: tuple[Reader, int]


class SubwordSearch:
    """A search for the words with the best scores.

    score = 0.75 ln P(word) − cost of typing it, or ln P(word) if nothing was typed

    Neither the number of nodes visited nor the result depends on what earlier searches left in memory.

    **Arguments:**

    - `tree`: the words that may come next.
    - `costs`: of the entries, for what was typed.
    - `n`: how many words.
    - `typed`: "" for any next word; `whole`: whether it is a whole word.
    - `fits`: whether a word can be a candidate.
    """

    def __init__(
        self,
        tree: WordTree,
        costs: EntryCosts,
        n: int,
        typed: str,
        whole: bool,
        fits: Callable[[str], bool],
    ) -> None:
        self._tree, self._costs, self._n = tree, costs, n
        self._typed, self._whole, self._fits = typed, whole, fits
        self._weight, self._margin = MODEL if typed else 1.0, margin(n)
        self._open: list[tuple[float, Path, int, _Siblings]] = []
        self._scores: dict[str, float] = {}
        self._worst = -math.inf
        self._best: list[float] = []  # a heap of the scores of the best n words
        costs.type(typed)

    def run(self, missing: Callable[[], list[Node]]) -> list[str]:
        """The words found, best first.

        **Arguments:**

        - `missing`: returns nodes that will be needed anyway, and are expanded along the way.
        """
        self._add_children((), "", 0.0, Covered(((0, 0),), MOST if self._typed else 0), self._tree.root)
        for _ in range(_ROUNDS + self._n // _FOR_A_ROUND):
            nodes = self._best_open()
            if not nodes:
                break
            found = {node.path: self._tree.known(node.path) for node, _ in nodes}
            unknown = {node.path: node for node, _ in nodes if not found[node.path]}
            if unknown:
                unknown |= {node.path: node for node in missing()}
                expanded = self._tree.expand(list(unknown.values()))
                found |= dict(zip(unknown, expanded, strict=True))
            for node, covered in nodes:
                continuation = found[node.path]
                assert continuation
                self._visit(node, covered, continuation)
        near = [word for word, score in self._scores.items() if score >= self._worst]
        return sorted(near, key=lambda word: (-self._scores[word], word))[: self._n]

    def _best_open(self) -> list[tuple[Node, Covered]]:
        nodes: list[tuple[Node, Covered]] = []
        while self._open and len(nodes) < _AT_ONCE and -self._open[0][0] > self._worst:
            _, path, number, siblings = heapq.heappop(self._open)
            self._push(siblings, number + 1)
            if not self._tree.entries.dictionary.is_split(path):
                continue
            child = siblings.children[number]
            surface = siblings.surface + self._tree.entries.surfaces[child.id]
            covered = (
                self._costs.covered(siblings.parent, child.place, siblings.covered, self._whole)
                if (self._typed)
                else siblings.covered
            )
            nodes.append((Node(path, surface, child.log_probability, siblings.after), covered))
        return nodes

    def _visit(self, node: Node, covered: Covered, continuation: Continuation) -> None:
        if node.surface:
            self._add(node.surface, node.log_probability + continuation.end, covered)
        if len(node.path) < MOST_SUBWORDS:
            self._add_children(node.path, node.surface, node.log_probability, covered, continuation)

    def _add(self, word: str, log_probability: float, covered: Covered) -> None:
        letters = len(self._typed)
        cost = begun_cost(letters, covered.beyond)
        for end, own in covered.ends:
            if end == letters:
                cost = min(cost, own)
        score = self._weight * log_probability - cost / NAT
        before = self._scores.get(word, -math.inf)
        if cost >= MOST or score <= before or not self._fits(word):
            return
        self._scores[word] = score
        self._worst = max(self._worst, score - self._margin)
        if before == -math.inf:
            heapq.heappush(self._best, score)
            if len(self._best) > self._n:
                heapq.heappop(self._best)
            if len(self._best) == self._n:
                self._worst = max(self._worst, self._best[0])

    def _add_children(
        self, path: Path, surface: str, log_probability: float, covered: Covered, continuation: Continuation
    ) -> None:
        """Opens the nodes that may follow a node, and adds the words that end there."""
        entries = self._tree.entries
        if self._typed:
            ids, costs = self._costs.after(path, covered, self._whole)
        else:
            following = entries.first if not path else entries.later if surface else entries.after_mark
            ids = following.agreeing("")[0]
            costs = np.zeros(len(ids), np.int16)
        values = continuation.log_probabilities[ids] + np.float32(log_probability)
        scores = np.float32(self._weight) * values - costs * np.float32(1 / NAT)
        scores[costs >= MOST] = -np.inf
        best = (
            np.argpartition(-scores, _MOST_CHILDREN)[:_MOST_CHILDREN]
            if len(ids) > _MOST_CHILDREN
            else (np.arange(len(ids)))
        )
        best = best[scores[best] > self._worst]
        order = best[np.lexsort((ids[best], -scores[best]))]
        columns = (scores[order], ids[order], order, values[order])
        children = [_Child(*child) for child in zip(*(column.tolist() for column in columns), strict=True)]
        for child in children:
            if entries.is_whole[child.id]:
                word = surface + entries.surfaces[child.id]
                word = END_OF_LINE if word == LINE_END else word
                self._add(word, child.log_probability, covered)
        open_ones = [child for child in children if not entries.is_whole[child.id]]
        self._push(_Siblings(path, surface, covered, open_ones, continuation.after), 0)

    def _push(self, siblings: _Siblings, number: int) -> None:
        if number < len(siblings.children):
            child = siblings.children[number]
            if child.score > self._worst:
                heapq.heappush(self._open, (-child.score, (*siblings.parent, child.id), number, siblings))


def begun_cost(letters: int, beyond: int) -> int:
    """The cost of one word of which this many letters were typed."""
    return int(begun(letters, np.array(beyond, np.int16))) if beyond < MOST else MOST
