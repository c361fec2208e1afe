"""Nodes that split a prompt into words, in stock string operators.

They do what `nextword.text.words.split` does, but for Unicode's normal forms, which no operator knows. A
string can only be cut at a fixed delimiter, and tested against a regular expression as a whole; so
`words` is built from these two. A piece is a word if it is one as a whole (`don't`, `3.14`); other
pieces are cut at their punctuation, from the outside in. That gives the same words where blanks
stand as people set them; `3.14:don't`, without one, falls into more pieces.

Characters need onnxruntime's own `Tokenizer`, which all its builds have.
"""

import sys
from collections.abc import Iterable
from string import punctuation

import numpy as np
from onnx import TensorProto

from nextword.export.graph import Graph
from nextword.runtime.metadata import Metadata
from nextword.text import words

# What Python's str.split takes as blanks, the space last: it is the one that stands in most texts.
BLANKS = [character for code in range(sys.maxunicode + 1) if (character := chr(code)).isspace()]
BLANKS.sort(key=lambda character: character == " ")

_TYPOGRAPHIC = "“”‘„«»‹›¿¡…–—´`€£₹।॥，。、；：？！「」『』【】《》（）"
_IN_NUMBERS = ".,:"
_IN_WORDS = "-‐’'"
_RUNS = ("...", "--")  # stand between words, though a single mark of them may stand inside one
# The same words as in `words.split`, for RE2: W a letter, mark or digit, D a digit.
_W, _D = r"[\p{L}\p{M}\p{N}_]", r"\p{Nd}"
_NUMBERS = rf"(?:{_W}*{_D}(?:[.,:]{_D}+)+)+{_W}*"
_UNIT = rf"(?:{_NUMBERS}|{_W}+)"
_WORD = rf"{_UNIT}(?:['’‐\-]{_UNIT})*"
_ROUNDS = 2  # of marks around a word that may also stand inside one: ('tis.)
_SENTINEL = "\ue000"  # private use: it stands in no text
LINE_END = "\n"  # what stands for `<eos>` among the words of a prompt


def split(graph: Graph, prompt: str, metadata: Metadata) -> str:
    """The words of a prompt, by the rules of a model; its punctuation marks are cut out.

    **Arguments:**

    - `prompt`: name of a string `(1,)`.

    **Returns:** the name of a string `(n,)`.
    """
    if metadata.split_by == "characters":
        return _characters(graph, prompt, line_ends=metadata.line_ends)
    pieces = _cut(graph, prompt, LINE_END) if metadata.line_ends else prompt
    for blank in BLANKS:
        if metadata.line_ends and blank == LINE_END:
            continue
        # By the space the operator drops empty pieces itself, if it is not named.
        delimiter = {} if blank == " " else {"delimiter": blank}
        parts, _ = graph.nodes_out("StringSplit", [pieces], 2, **delimiter)  # (pieces, parts), padded
        pieces = _flat(graph, parts)
    pieces = _without_empty(graph, pieces)
    if metadata.split_by == "whitespace":
        return pieces
    for mark in (*_RUNS, *_marks(metadata.dictionary)):
        pieces = _cut(graph, pieces, mark)
    for _ in range(_ROUNDS):
        for mark in _IN_NUMBERS + _IN_WORDS:
            pieces = _strip(graph, pieces, mark, at_end=True)
        for mark in _IN_NUMBERS + _IN_WORDS:
            pieces = _strip(graph, pieces, mark, at_end=False)
    for mark in _IN_NUMBERS + _IN_WORDS:
        pieces = _cut(graph, pieces, mark, spare=_WORD)
    return pieces


def _characters(graph: Graph, prompt: str, *, line_ends: bool) -> str:
    """The characters of a prompt with what is tied to them, a space for each run of blanks."""
    blank = regex_class(blank for blank in BLANKS if not (line_ends and blank == LINE_END))
    one = f"[^{regex_class(BLANKS)}][\\p{{M}}\\x{{200d}}]*"
    line_end = f"[{blank}]*\\n[{blank}]*"
    forms = [*([line_end] if line_ends else []), f"[{blank}]+", f"(?:{one}\\x{{200d}}|\\x{{200d}})*{one}"]
    found = graph.node(
        "Tokenizer",
        [prompt],
        domain="com.microsoft",
        mark=0,
        mincharnum=1,
        pad_value="",
        tokenexp="|".join(forms),
    )  # (1, n)
    pieces = _flat(graph, found)
    for form, text in zip(forms[:-1], [LINE_END, " "] if line_ends else [" "], strict=True):
        is_form = graph.node("RegexFullMatch", [pieces], pattern=form)
        pieces = graph.node("Where", [is_form, _text(graph, text), pieces])
    return pieces


def regex_class(characters: Iterable[str]) -> str:
    """What stands between the brackets of a regular expression for these characters."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)


def _marks(dictionary: list[str]) -> list[str]:
    """The words of a dictionary and the usual characters that always are words of their own."""
    known = {word for word in dictionary if len(word) == 1 and len(words.split(f"a{word}a", "words")) == 3}
    return sorted((known | set(punctuation + _TYPOGRAPHIC)) - set(_IN_NUMBERS + _IN_WORDS + "_"))


def _cut(graph: Graph, pieces: str, mark: str, spare: str | None = None) -> str:
    """Cuts pieces wherever a mark stands, which becomes a piece; those that match `spare` stay."""
    empty, whole = _text(graph, ""), ""
    if spare:
        is_spared = graph.node("RegexFullMatch", [pieces], pattern=spare)
        whole = _column(graph, graph.node("Where", [is_spared, pieces, empty]))
        pieces = graph.node("Where", [is_spared, empty, pieces])
    parts, counts = graph.nodes_out("StringSplit", [pieces], 2, delimiter=mark)  # (n, k), (n,)
    one = graph.constant("text_one", np.array([1]))
    last = _column(graph, graph.node("Sub", [counts, one]))
    width = graph.node("Shape", [parts], start=1)
    places = graph.node(
        "Range",
        [
            graph.constant("text_0", np.array(0)),
            graph.node("Squeeze", [width]),
            graph.constant("text_1", np.array(1)),
        ],
    )
    marks = graph.node("Where", [graph.node("Less", [places, last]), _text(graph, mark), empty])  # (n, k)
    second = graph.constant("text_axis_2", np.array([2]))
    pairs = graph.node(
        "Concat", [graph.node("Unsqueeze", [parts, second]), graph.node("Unsqueeze", [marks, second])], axis=2
    )
    if not whole:
        return _without_empty(graph, _flat(graph, pairs))
    rows = graph.node("Flatten", [pairs], axis=1)  # (n, 2 k)
    return _without_empty(graph, _flat(graph, graph.node("Concat", [whole, rows], axis=1)))


def _strip(graph: Graph, pieces: str, mark: str, *, at_end: bool) -> str:
    """Cuts a mark off one side of the pieces that have it there."""
    escaped = f"\\{mark}" if mark in ".-" else mark
    pattern = rf"(?s:.*){escaped}" if at_end else rf"{escaped}(?s:.*)"
    sentinel = _text(graph, _SENTINEL)
    has_mark = graph.node("RegexFullMatch", [pieces], pattern=pattern)
    marks = _column(graph, graph.node("Where", [has_mark, _text(graph, mark), _text(graph, "")]))
    # Beside the sentinel a mark is the last of its piece, or the first.
    marked = graph.node("StringConcat", [pieces, sentinel] if at_end else [sentinel, pieces])
    delimiter = mark + _SENTINEL if at_end else _SENTINEL + mark
    rests, _ = graph.nodes_out("StringSplit", [marked], 2, delimiter=delimiter)  # (n, 1 or 2)
    rows = graph.node("Concat", [rests, marks] if at_end else [marks, rests], axis=1)
    clean, _ = graph.nodes_out("StringSplit", [_flat(graph, rows)], 2, delimiter=_SENTINEL)
    return _without_empty(graph, _flat(graph, clean))


def _without_empty(graph: Graph, pieces: str) -> str:
    is_there = graph.look_up(pieces, {"": 0}, 1)
    return graph.node("Compress", [pieces, graph.node("Cast", [is_there], to=TensorProto.BOOL)])


def _flat(graph: Graph, values: str) -> str:
    return graph.node("Reshape", [values, graph.constant("text_flat", np.array([-1]))])


def _column(graph: Graph, values: str) -> str:
    return graph.node("Unsqueeze", [values, graph.constant("text_axis_1", np.array([1]))])


def _text(graph: Graph, text: str) -> str:
    codes = "_".join(f"{ord(character):x}" for character in text)
    return graph.constant(f"text_string_{codes}", np.array([text]))
