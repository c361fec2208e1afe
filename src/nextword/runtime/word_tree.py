"""The words that may come next, where a model knows subwords: a tree of beginnings, searched best first.

A node is the beginning of a word, a path of subwords. Its children are the subwords that may go on with it;
the word is finished with the probability that a new word begins after it. Bytes are read but never written,
like `<unk>`, so that no path has one.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.reader import Model, Reader
from nextword.text.marks import byte_of, is_unspaced
from nextword.text.subwords import LINE_END, SubwordDictionary, Surfaces, surface_of
from nextword.text.words import END_OF_LINE

MOST_SUBWORDS = 32  # of a word; one that is longer ends there

_AT_ONCE = 8  # nodes that one run of the model expands, at least
_RUNS = 10  # of the model in one search
_CHILDREN = 64  # of a node that are looked at
_REMEMBERED = 1024  # nodes of which is known what follows

Path = tuple[int, ...]


class Entries:
    """What the subwords of a dictionary add to a text, and what may follow what.

    **Attributes:** `surfaces`, of each entry; `begins`, 1 for those that begin a word and else 0, float32
    `(dictionary,)`; and which may come next: `first`, at the beginning of a word; `later`, in it;
    `after_mark`, where there is only a mark so far.
    """

    def __init__(self, dictionary: SubwordDictionary) -> None:
        self.dictionary = dictionary
        entries, begins = dictionary.words, dictionary.begins
        self.surfaces = [surface_of(entry) for entry in entries]
        self.begins = np.array(begins, np.float32)
        written = [id for id, entry in enumerate(entries) if byte_of(entry) is None]
        later = [id for id in written if not begins[id]]
        self.first = Surfaces(entries, [id for id in written if begins[id]])
        self.later = Surfaces(entries, later)
        self.after_mark = Surfaces(entries, [*later, *(id for id in written if is_unspaced(entries[id]))])

    def is_whole(self, id: int) -> bool:
        """Whether an entry is a word that nothing is added to: one of a script without blanks, or `<eos>`."""
        entry = self.dictionary.words[id]
        return entry == END_OF_LINE or is_unspaced(entry)


class Node(NamedTuple):
    """A beginning of a word.

    - `path`: the ids of its subwords.
    - `surface`: its letters.
    - `log_probability`: of the beginning, in nats.
    - `before`: a reader that has read all but the last subword, and the place of this text in its batch.
    """

    path: Path
    surface: str
    log_probability: float
    before: tuple[Reader, int]


class Continuation(NamedTuple):
    """What follows a beginning of a word.

    - `log_probabilities`: of the next subword, float32 `(dictionary,)`.
    - `end`: ln P(a new word begins).
    - `after`: a reader that has read the beginning, and the place of this text in its batch.
    """

    log_probabilities: NDArray[np.float32]
    end: float
    after: tuple[Reader, int]


class FoundWord(NamedTuple):
    """A word that may come next.

    - `word`: its letters.
    - `path`: the ids of its subwords, where it is likelier with a blank before it or without one.
    - `log_probability`: of the word and of its ending there, with a blank or without, in nats.
    """

    word: str
    path: Path
    log_probability: float


class WordTree:
    """The words that may follow a text.

    **Arguments:**

    - `model`: what reads subwords.
    - `entries`: of its dictionary.
    - `reader`: one that has read the text, and nothing else.
    - `logits`: after it, `(dictionary,)`; log-probabilities will do.
    """

    def __init__(self, model: Model, entries: Entries, reader: Reader, logits: NDArray[np.floating]) -> None:
        self._model, self.entries = model, entries
        log_probabilities = draw.log_softmax(logits).astype(np.float32)
        # The reader is the caller's, and goes on.
        self.root = Continuation(log_probabilities, 0.0, (Reader.gathered(model, [(reader, 0)]), 0))
        self._known: dict[Path, Continuation] = {}

    def search(self, n: int, typed: str = "") -> tuple[list[FoundWord], float]:
        """The likeliest words that begin with `typed`.

        **Arguments:**

        - `n`: how many words.

        **Returns:** the words, best first, fewer if there are no more; and ln P(the next word begins with
        `typed`), as far as it was searched.
        """
        search = _Search(self, n, typed)
        for _ in range(_RUNS):
            nodes = search.best_open(max(_AT_ONCE, n))
            if not nodes:
                break
            for node, continuation in zip(nodes, self.expand(nodes), strict=True):
                search.visit(node, continuation)
        return search.found, search.beginning

    def known(self, path: Path) -> Continuation | None:
        """What follows a beginning, if it was computed before."""
        return self._known.get(path)

    def expand(self, nodes: Sequence[Node]) -> list[Continuation]:
        """What follows some beginnings, computed at once."""
        # Where a fixed context is not yet full, only texts of the same length are read at once.
        groups: dict[int, list[Node]] = defaultdict(list)
        for node in nodes:
            groups[node.before[0].last.shape[1]].append(node)
        if len(self._known) + len(nodes) > _REMEMBERED:
            self._known.clear()
        for group in groups.values():
            reader = Reader.gathered(self._model, [node.before for node in group])
            logits = reader.read(np.array([[node.path[-1]] for node in group])).logits
            logits = logits - logits.max(axis=1, keepdims=True)
            weights = np.exp(logits)
            totals = weights.sum(axis=1, keepdims=True)
            ends = np.log(np.maximum(weights @ self.entries.begins / totals[:, 0], 1e-30)).tolist()
            logits -= np.log(totals)
            for place, node in enumerate(group):
                self._known[node.path] = Continuation(logits[place], ends[place], (reader, place))
        return [self._known[node.path] for node in nodes]


class _Search:
    """The open nodes of a search, and the words that it has found."""

    def __init__(self, tree: WordTree, n: int, typed: str) -> None:
        self._tree, self._n, self._typed = tree, n, typed
        self._entries = tree.entries
        self._open: list[tuple[float, Path, Node]] = []
        self._found: dict[str, FoundWord] = {}
        self._worst = -math.inf  # of the best n words that were found
        self.beginning = -math.inf if typed else 0.0
        self._add_children((), "", 0.0, self._entries.first, tree.root)

    @property
    def found(self) -> list[FoundWord]:
        """The best words, best first."""
        return sorted(self._found.values(), key=lambda one: -one.log_probability)[: self._n]

    def best_open(self, most: int) -> list[Node]:
        """The likeliest nodes of which is not known what follows, if they may lead to a better word."""
        nodes: list[Node] = []
        while self._open and len(nodes) < most and -self._open[0][0] > self._worst:
            _, path, node = heapq.heappop(self._open)
            # Other ways to spell a word have been read nowhere.
            if self._entries.dictionary.is_split(path):
                known = self._tree.known(path)
                if known:
                    self.visit(node, known)
                else:
                    nodes.append(node)
        return nodes

    def visit(self, node: Node, continuation: Continuation) -> None:
        """Adds the word that a node is, and what it may become."""
        path, surface, log_probability, _ = node
        if surface and surface.startswith(self._typed):
            self._add(surface, path, log_probability + continuation.end)
        if len(path) < MOST_SUBWORDS:
            following = self._entries.later if surface else self._entries.after_mark
            self._add_children(path, surface, log_probability, following, continuation)

    def _add_children(
        self,
        path: Path,
        surface: str,
        log_probability: float,
        following: Surfaces,
        continuation: Continuation,
    ) -> None:
        rest = self._typed[len(surface) :]
        covering, shorter = following.agreeing(rest)
        values = continuation.log_probabilities
        if rest and covering:
            mass = math.log(max(float(np.exp(values[covering]).sum()), 1e-38))
            self.beginning = float(np.logaddexp(self.beginning, log_probability + mass))
        ids = np.array(covering + shorter, np.int64)
        own = values[ids] + np.float32(log_probability)
        best = np.flatnonzero(own > self._worst)
        if len(best) > _CHILDREN:
            best = best[np.argpartition(-own[best], _CHILDREN)[:_CHILDREN]]
        for id, value in zip(ids[best].tolist(), own[best].tolist(), strict=True):
            child = (*path, id)
            written = surface + self._entries.surfaces[id]
            if not self._entries.is_whole(id):
                node = Node(child, written, value, continuation.after)
                heapq.heappush(self._open, (-value, child, node))
            elif written.startswith(self._typed):
                self._add(END_OF_LINE if written == LINE_END else written, child, value)

    def _add(self, word: str, path: Path, log_probability: float) -> None:
        before = self._found.get(word)
        if before:
            total = float(np.logaddexp(before.log_probability, log_probability))
            likelier = before.path if before.log_probability >= log_probability else path
            self._found[word] = FoundWord(word, likelier, total)
        else:
            self._found[word] = FoundWord(word, path, log_probability)
        if len(self._found) >= self._n:
            self._worst = sorted((one.log_probability for one in self._found.values()), reverse=True)[
                self._n - 1
            ]
