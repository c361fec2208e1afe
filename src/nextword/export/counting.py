"""Nodes that count words where a model knows subwords, and tell which subwords may come next.

What is known about the word being written is carried through the loop, int64 `(1,)` each:

- `begun`: how many words have begun;
- `length`: how many subwords the last one has;
- `place`: which of the three masks applies to the next subword.

A subword that begins one word too many ends the loop and is not written.
"""

import numpy as np
from numpy.typing import NDArray

from nextword.export.graph import Graph
from nextword.runtime.entries import MOST_SUBWORDS, Entries
from nextword.runtime.metadata import Metadata
from nextword.text.marks import BLANK_MARK, BYTES
from nextword.text.subwords import SubwordDictionary

_FIRST, _AFTER_MARK, _LATER = range(3)


def carried(metadata: Metadata) -> list[str]:
    """The names of the numbers that the loop carries."""
    return ["begun", "length", "place"] if metadata.split_by == "subwords" else []


def first(graph: Graph, metadata: Metadata) -> list[str]:
    """These numbers after the prompt, whose last word counts as whole."""
    return [graph.constant("text_none", np.array([0])) for _ in carried(metadata)]


def allowed(graph: Graph, logits: str, metadata: Metadata) -> str:
    """The logits, −∞ for what may not come next."""
    entries = Entries(SubwordDictionary(metadata.dictionary))
    mark, letters = (metadata.dictionary.index(entry) for entry in (BLANK_MARK, BYTES[0]))
    masks = np.ones((3, len(metadata.dictionary)), bool)
    for place, word in ((_FIRST, []), (_AFTER_MARK, [mark]), (_LATER, [letters])):
        masks[place, entries.ruled_out(word)] = False
    mask = graph.node("Gather", [graph.constant("word_masks", masks), "place"])  # (1, dictionary)
    never = graph.constant("word_never", np.array(-np.inf, np.float32))
    return graph.node("Where", [mask, logits, never])


def count(graph: Graph, id: str, metadata: Metadata) -> str:
    """Counts a subword and sets the numbers after it, `next_…`.

    **Arguments:**

    - `id`: name of the subword's id, `(1,)`.

    **Returns:** the name of a bool `()`: whether it is written.
    """
    entries = Entries(SubwordDictionary(metadata.dictionary))

    def of_entry(name: str, values: NDArray[np.int64]) -> str:
        return graph.node("Gather", [graph.constant(f"word_{name}", values), id])  # (1,)

    one = graph.constant("word_one", np.array(1))
    is_after_mark = graph.node("Equal", ["place", graph.constant("word_after_mark", np.array(_AFTER_MARK))])
    none = graph.constant("word_none", np.array([0]))
    # A bare mark belongs to what follows it.
    begins = graph.node("Where", [is_after_mark, none, of_entry("begins", entries.begins.astype(np.int64))])
    begun = graph.node("Add", ["begun", begins], "next_begun")
    is_beginning = graph.node("Equal", [begins, one])
    longer = graph.node("Add", ["length", one])
    length = graph.node("Where", [is_beginning, one, longer], "next_length")
    is_full = graph.node("GreaterOrEqual", [length, graph.constant("word_most", np.array(MOST_SUBWORDS))])
    are_marks = np.array([entries.is_mark(id) for id in range(len(metadata.dictionary))])
    after = of_entry("after", np.where(are_marks, _AFTER_MARK, _LATER))
    graph.node("Where", [is_full, graph.constant("word_first", np.array(_FIRST)), after], "next_place")
    written = graph.node("LessOrEqual", [begun, "text_words"])
    return graph.node("Squeeze", [written, graph.ints([0])])
