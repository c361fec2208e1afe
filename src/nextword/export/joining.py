"""Nodes that write words one after the other, as `nextword.text.words.Joiner` does.

What a joiner remembers between two words is carried through the loop as flags, each `(1,)`:

- `begins`: a blank comes before the next word: the prompt's last, or a line end;
- `glued`: the next word is glued to the last one;
- `ideograph`, `kana`: the last word is Han or Hiragana, or ends in Katakana, if the dictionary has such
  words;
- `open_0`, `open_1`: whether a straight quote of either kind is open.

The marks of subwords tell where the blanks are. `blank` is whether one was read and must be written before
the next letters.
"""

import numpy as np
from onnx import TensorProto

from nextword.export.graph import Graph
from nextword.export.splitting import BLANK, LINE_END, listed
from nextword.runtime.metadata import Metadata
from nextword.text import words
from nextword.text.marks import BLANK_MARK
from nextword.text.subwords import surface_of

_QUOTES = tuple(sorted(words.STRAIGHT_QUOTES))
_SPACES = {"nothing": "", "blank": " "}
_OPENS = 1
_FIRST_QUOTE = 2


def carried(metadata: Metadata) -> list[str]:
    """The names of the flags that the loop carries."""
    if metadata.split_by == "characters":
        return []
    if metadata.split_by == "whitespace":
        return ["begins"]
    if metadata.split_by == "subwords":
        return ["begins", "blank"]
    unspaced = ["ideograph", "kana"] if _has_unspaced(metadata) else []
    return ["begins", "glued", *unspaced, "open_0", "open_1"]


def _has_unspaced(metadata: Metadata) -> bool:
    """Whether the dictionary has words written without blanks around them."""
    return any(words.is_ideograph(word) or words.begins_in_kana(word) for word in metadata.dictionary)


def first(graph: Graph, prompt: str, tokens: str, metadata: Metadata) -> list[str]:
    """The flags after the prompt.

    **Arguments:**

    - `prompt`: name of the string `(1,)`.
    - `tokens`: name of its words `(n,)`.
    """
    if metadata.split_by == "characters":
        return []
    begins = graph.node("RegexFullMatch", [prompt], pattern=f"(?s:.*)[{BLANK}]")
    if metadata.split_by == "whitespace":
        return [begins]
    if metadata.split_by == "subwords":
        return [begins, graph.constant("text_no_blank", np.array([False]))]
    # Each word's kind as a number, 0 for no word.
    # Sorted, since the order of a set depends on the process, and the file's bytes must not.
    kinds = dict.fromkeys(sorted(words.OPENING | words.FULL_WIDTH), _OPENS)
    kinds |= {word: _FIRST_QUOTE + number for number, word in enumerate(_QUOTES)}
    kind = graph.look_up(tokens, kinds, 0)
    nothing = graph.constant("text_no_kind", np.array([0]))
    last = graph.node(
        "Gather",
        [graph.node("Concat", [nothing, kind], axis=0), graph.constant("text_last", np.array([-1]))],
    )  # (1,)

    def is_kind(values: str, number: int) -> str:
        return graph.node("Equal", [values, graph.constant(f"text_kind_{number}", np.array(number))])

    glued, opened = is_kind(last, _OPENS), []
    for number in range(len(_QUOTES)):
        are_quotes = graph.node("Cast", [is_kind(kind, _FIRST_QUOTE + number)], to=TensorProto.INT64)
        count = graph.node("ReduceSum", [are_quotes])  # (1,)
        odd = graph.node("Mod", [count, graph.constant("text_two", np.array(2))])
        opened.append(graph.node("Cast", [odd], to=TensorProto.BOOL))
        opens_last = graph.node("And", [is_kind(last, _FIRST_QUOTE + number), opened[-1]])
        glued = graph.node("Or", [glued, opens_last])
    if not _has_unspaced(metadata):
        return [begins, glued, *opened]
    none = graph.constant("text_nothing", np.array([""]))
    last = graph.node(
        "Gather",
        [graph.node("Concat", [none, tokens], axis=0), graph.constant("text_last", np.array([-1]))],
    )  # (1,)
    ideograph = graph.node("RegexFullMatch", [last], pattern=f"[{listed('ideograph')}](?s:.*)")
    kana = graph.node("RegexFullMatch", [last], pattern=f"(?s:.*)[{listed('katakana')}]")
    return [begins, glued, ideograph, kana, *opened]


def piece(graph: Graph, id: str, metadata: Metadata) -> str:
    """The text that the next word adds; also sets the flags after it, `next_…`.

    **Arguments:**

    - `id`: name of the word's id, `(1,)`.

    **Returns:** the name of a string `(1,)`.
    """
    if metadata.split_by == "subwords":
        return _subword(graph, id, metadata)
    is_line_end = [metadata.line_ends and word == words.END_OF_LINE for word in metadata.dictionary]
    texts = [LINE_END if ends else word for word, ends in zip(metadata.dictionary, is_line_end, strict=True)]
    word = graph.node("Gather", [graph.constant("word_words", np.array(texts)), id])
    if metadata.split_by == "characters":
        return word
    glued = "begins"
    if metadata.split_by == "words":
        glued = graph.node("Or", ["begins", _is_glued(graph, id, metadata)])
    if metadata.line_ends:
        ends = graph.node(
            "Gather", [graph.constant("word_is_line_end", np.array(is_line_end)), id], "next_begins"
        )
        glued = graph.node("Or", [glued, ends])
    else:
        graph.node("Identity", [graph.constant("word_false", np.array([False]))], "next_begins")
    return _spaced(graph, word, glued)


def _spaced(graph: Graph, word: str, glued: str) -> str:
    """A word with a blank before it, unless it is glued."""
    strings = [graph.constant(f"word_{name}", np.array([text])) for name, text in _SPACES.items()]
    return graph.node("StringConcat", [graph.node("Where", [glued, *strings]), word])


def _subword(graph: Graph, id: str, metadata: Metadata) -> str:
    """The text that the next subword adds, as `nextword.text.marks.Unmarker` writes it."""

    def of_entry(name: str, values: list[bool] | list[str]) -> str:
        return graph.node("Gather", [graph.constant(f"word_{name}", np.array(values)), id])  # (1,)

    known = metadata.dictionary
    is_line_end = [metadata.line_ends and entry == words.END_OF_LINE for entry in known]
    is_name = [entry == words.END_OF_LINE and not metadata.line_ends for entry in known]
    letters = [entry if named else surface_of(entry) for entry, named in zip(known, is_name, strict=True)]
    ends = of_entry("is_line_end", is_line_end)
    adds = of_entry("adds", [text != "" for text in letters])
    blank = graph.node("Or", ["blank", of_entry("has_blank", [entry[0] == BLANK_MARK for entry in known])])
    adds_none = graph.node("Not", [adds])
    graph.node("And", [blank, adds_none], "next_blank")  # kept until letters come
    glued = graph.node("Or", [graph.node("Not", [blank]), graph.node("Or", [adds_none, ends])])
    graph.node("Or", [ends, graph.node("And", ["begins", adds_none])], "next_begins")
    return _spaced(graph, of_entry("letters", letters), graph.node("Or", [glued, "begins"]))


def _is_glued(graph: Graph, id: str, metadata: Metadata) -> str:
    """Whether a word is glued to the one before it; also sets the flags after it."""

    def has(name: str, flags: list[bool]) -> str:
        return graph.node("Gather", [graph.constant(f"word_{name}", np.array(flags)), id])  # (1,)

    known = metadata.dictionary
    closes = has("closes", [word in words.CLOSING or word in words.FULL_WIDTH for word in known])
    opens = has("opens", [word in words.OPENING or word in words.FULL_WIDTH for word in known])
    for number, quote in enumerate(_QUOTES):
        is_quote, is_open = has(f"quote_{number}", [word == quote for word in known]), f"open_{number}"
        closes = graph.node("Or", [closes, graph.node("And", [is_quote, is_open])])
        opens = graph.node("Or", [opens, graph.node("And", [is_quote, graph.node("Not", [is_open])])])
        graph.node("Xor", [is_quote, is_open], f"next_{is_open}")
    graph.node("Identity", [opens], "next_glued")
    is_glued = graph.node("Or", ["glued", closes])
    if _has_unspaced(metadata):
        ideograph = has("is_ideograph", [words.is_ideograph(word) for word in known])
        begins_in_kana = has("begins_in_kana", [words.begins_in_kana(word) for word in known])
        graph.node("Identity", [ideograph], "next_ideograph")
        graph.node(
            "Identity", [has("ends_in_kana", [words.ends_in_kana(word) for word in known])], "next_kana"
        )
        after_ideograph = graph.node("And", ["ideograph", graph.node("Or", [ideograph, begins_in_kana])])
        after_kana = graph.node("And", ["kana", ideograph])
        is_glued = graph.node("Or", [is_glued, graph.node("Or", [after_ideograph, after_kana])])
    begins_apart = has("begins_apart", [words.begins_apart(word) for word in known])
    return graph.node("And", [is_glued, graph.node("Not", [begins_apart])])
