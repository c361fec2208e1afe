"""A search for the likeliest words in a tree of beginnings, best first."""

import functools
import heapq
import math
from typing import TYPE_CHECKING, NamedTuple

from nextword.runtime.entries import MOST_SUBWORDS
from nextword.runtime.reader import Reader
from nextword.runtime.word_nodes import Continuation, FoundWord, Node, Path
from nextword.text.subwords import LINE_END, Surfaces
from nextword.text.words import END_OF_LINE

if TYPE_CHECKING:
    from nextword.runtime.word_tree import WordTree

_NEGLIGIBLE = math.log(0.01)  # share of a word's probability


class _Siblings(NamedTuple):
    """The children of a node that a search has not reached yet: those from some place onwards."""

    parent: Node
    children: list[tuple[int, float]]
    after: tuple[Reader, int]


class Search:
    """The open nodes of a search, and the words found so far."""

    def __init__(self, tree: "WordTree", n: int, typed: str) -> None:
        self._tree, self._n, self._typed = tree, n, typed
        self._entries = tree.entries
        # By falling probability, each with its siblings; it is the likeliest of those not yet visited.
        self._open: list[tuple[float, Path, int, _Siblings]] = []
        self._found: dict[str, FoundWord] = {}
        self._counted: set[Path] = set()  # how they were spelt
        self._best: dict[str, float] = {}  # the best n words found: ln P less their handicap
        self._worst = -math.inf  # of these, once there are n
        self._beginning = -math.inf if typed else 0.0
        root = Node((), "", 0.0, tree.root.after)
        self._add_children(root, self._entries.first, tree.root)

    @property
    def found(self) -> list[FoundWord]:
        """The best words, best first."""
        best = [self._found[word] for word in self._best]
        return sorted(best, key=lambda one: (-self._best[one.word], one.path))

    @property
    def beginning(self) -> float:
        """The ln of P(the next word begins with what was typed), as far as it was searched."""
        # Words may have been found other than through opened nodes.
        found = (self._found[word].log_probability for word in self._best)
        return max(self._beginning, functools.reduce(_log_add, found, -math.inf))

    def best_open(self, most: int) -> list[Node]:
        """The likeliest unexpanded nodes that may lead to a better word."""
        nodes: list[Node] = []
        while self._open and len(nodes) < most and -self._open[0][0] > self._worst:
            negative, path, place, siblings = heapq.heappop(self._open)
            self._push(siblings, place + 1)
            # No reader has read other spellings of a word.
            if self._entries.dictionary.is_split(path):
                surface = siblings.parent.surface + self._entries.surfaces[path[-1]]
                node = Node(path, surface, -negative, siblings.after)
                known = self._tree.known(path)
                if known:
                    self.visit(node, known)
                else:
                    nodes.append(node)
        return nodes

    def visit(self, node: Node, continuation: Continuation) -> None:
        """Adds the word that a node spells, and the nodes that may follow."""
        if node.surface and node.surface.startswith(self._typed):
            self._add(node.surface, node.path, node.log_probability + continuation.end)
        if len(node.path) < MOST_SUBWORDS:
            following = self._entries.later if node.surface else self._entries.after_mark
            self._add_children(node, following, continuation)

    def other_spellings(self) -> list[Node]:
        """Adds the best words as spelt with another mark, unless that is much less likely.

        **Returns:** the nodes to expand before all can be added.
        """
        nodes = []
        for word in list(self._best):
            least = self._found[word].log_probability + _NEGLIGIBLE
            for path in self._entries.spellings(word):
                if path not in self._counted:
                    node = self._along(path, word, least)
                    nodes += [node] if node else []
        return nodes

    def _along(self, path: Path, word: str, least: float) -> Node | None:
        """Follows a path and adds the word at its end, unless that is less likely than `least`.

        **Returns:** the first node that has yet to be expanded.
        """
        log_probability, continuation = 0.0, self._tree.root
        for length, id in enumerate(path, 1):
            log_probability += float(continuation.log_probabilities[id])
            if log_probability < least:
                return None
            if length == len(path) and self._entries.is_whole[id]:
                self._add(word, path, log_probability)
                return None
            known = self._tree.known(path[:length])
            if not known:
                return Node(path[:length], "", log_probability, continuation.after)
            continuation = known
        self._add(word, path, log_probability + continuation.end)
        return None

    def _add_children(self, node: Node, following: Surfaces, continuation: Continuation) -> None:
        rest = self._typed[len(node.surface) :]
        children = self._tree.children(node.path, following, rest, continuation.log_probabilities)
        if rest:
            self._beginning = _log_add(self._beginning, node.log_probability + children.typed)
        for id, value in children.whole:
            word = node.surface + self._entries.surfaces[id]
            if word.startswith(self._typed):
                word = END_OF_LINE if word == LINE_END else word
                self._add(word, (*node.path, id), node.log_probability + value)
        self._push(_Siblings(node, children.open, continuation.after), 0)

    def _push(self, siblings: _Siblings, place: int) -> None:
        """Opens the child at this place, if it may lead to a better word."""
        if place < len(siblings.children):
            id, value = siblings.children[place]
            value += siblings.parent.log_probability
            if value > self._worst:
                heapq.heappush(self._open, (-value, (*siblings.parent.path, id), place, siblings))

    def _add(self, word: str, path: Path, log_probability: float) -> None:
        self._counted.add(path)
        before = self._found.get(word)
        total = log_probability
        if before:
            total = _log_add(before.log_probability, log_probability)
            if before.log_probability >= log_probability:
                path = before.path
        self._found[word] = FoundWord(word, path, total)
        value = total - self._entries.handicap(word)
        if value > self._worst or word in self._best:
            self._best[word] = value
            if len(self._best) > self._n:
                del self._best[min(self._best, key=lambda one: self._best[one])]
            if len(self._best) == self._n:
                self._worst = min(self._best.values())


def _log_add(one: float, other: float) -> float:
    """ln(exp(one) + exp(other))."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
