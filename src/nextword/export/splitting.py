"""Nodes that split a prompt into words, as `nextword.text.words.split` does.

onnxruntime's own `Tokenizer`, which all its builds have, cuts a text by a regular expression. It takes the
longest match at each place, in RE2's notation, which has no lookaround; the classes of characters are those
of the library, whatever version of Unicode onnxruntime uses.
"""

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from nextword.export.graph import Graph
from nextword.runtime.metadata import Metadata
from nextword.text import characters
from nextword.text.marks import BLANK_MARK, GLUE_MARK

LINE_END = "\n"  # represents `<eos>` among the words of a prompt
BLANK = re.sub(r"\\u(\w{4})", r"\\x{\1}", characters.BLANK)
_BLANK_IN_LINE = BLANK.replace(r"\t-\r", r"\t\v\f")
_LINE_END = rf"[{_BLANK_IN_LINE}]*(?:\r\n?|\n)[{_BLANK_IN_LINE}]*"
_NON_JOINER = "\u200c"
_SURROGATES = range(0xD800, 0xE000)  # in no text
_END = np.iinfo(np.int64).max


def split(graph: Graph, prompt: str, metadata: Metadata) -> str:
    """The words of a prompt, by the rules of a model.

    **Arguments:**

    - `prompt`: name of a string `(1,)` in normal form.

    **Returns:** the name of a string `(n,)`, with a line feed for each `<eos>`; marked words if
    `split_by` is `subwords`.
    """
    pieces = _pieces(graph, prompt, metadata)
    return _marked(graph, pieces) if metadata.split_by == "subwords" else pieces


def _pieces(graph: Graph, prompt: str, metadata: Metadata) -> str:
    """The words of a prompt, and its blanks where they count."""
    blank = _BLANK_IN_LINE if metadata.line_ends else BLANK
    forms = {LINE_END: _LINE_END} if metadata.line_ends else {}
    if metadata.split_by in ("characters", "subwords"):
        forms[" "] = f"[{blank}]+"
    word = {
        "whitespace": f"[^{BLANK}]+",
        "words": _word(),
        "characters": _character(),
        "subwords": f"{_unspaced_run()}|{_word('spaced_letter', ('unspaced',))}",
    }[metadata.split_by]
    pieces = tokens(graph, prompt, "|".join([*forms.values(), word]))
    for text, form in forms.items():
        is_form = graph.node("RegexFullMatch", [pieces], pattern=form)
        name = f"text_string_{ord(text):x}"
        pieces = graph.node("Where", [is_form, graph.constant(name, np.array([text])), pieces])
    return pieces


def _marked(graph: Graph, pieces: str) -> str:
    """Words with their marks, as of `nextword.text.marks`, from words and single blanks.

    At the beginning of the text and of a line a blank is implied. A blank is a word of its own before a
    letter of a script without blanks, which has no mark.
    """

    def string(text: str) -> str:
        return graph.constant(f"text_mark_{'_'.join(f'{ord(one):x}' for one in text)}", np.array([text]))

    def is_one(text: str) -> str:
        return graph.node("Equal", [pieces, string(text)])

    zero, one, end = graph.ints([0]), graph.ints([1]), graph.ints([_END])
    is_blank, is_line_end = is_one(" "), is_one(LINE_END)
    is_unspaced = graph.node("RegexFullMatch", [pieces], pattern=f"[{listed('unspaced')}](?s:.*)")
    yes, no = (graph.constant(f"text_{value}s", np.array([value])) for value in (True, False))
    # For the piece before each, and the one after it.
    parts = graph.node("Or", [is_blank, is_line_end])
    is_begun = graph.node("Slice", [graph.node("Concat", [yes, parts], axis=0), zero, graph.ints([-1])])
    is_before = graph.node("Slice", [graph.node("Concat", [is_unspaced, no], axis=0), one, end])
    mark = graph.node("Where", [is_begun, string(BLANK_MARK), string(GLUE_MARK)])
    mark = graph.node("Where", [graph.node("Or", [is_unspaced, is_line_end]), string(""), mark])
    marked = graph.node("StringConcat", [mark, pieces])
    words = graph.node("Where", [is_blank, string(BLANK_MARK), marked])
    is_word = graph.node("Or", [graph.node("Not", [is_blank]), is_before])
    return graph.node("Compress", [words, is_word])


def tokens(graph: Graph, text: str, form: str) -> str:
    """The pieces of a string `(1,)` that match `form`; returns the name of a string `(n,)`."""
    found = graph.node(
        "Tokenizer", [text], domain="com.microsoft", mark=0, mincharnum=1, pad_value="", tokenexp=form
    )  # (1, n)
    return graph.node("Reshape", [found, graph.constant("text_flat", np.array([-1]))])


@lru_cache
def listed(*names: str, without: tuple[str, ...] = ()) -> str:
    """The contents of a regular expression's brackets, for some classes minus others."""
    codes = sorted(_codes(names) - _codes(without) - set(_SURROGATES))
    runs = itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ends = [[code for _, code in run] for _, run in runs]
    return characters.listed(tuple((run[0], run[-1]) for run in ends))


def _codes(names: Iterable[str]) -> set[int]:
    runs = characters.ranges(*names) if names else ()
    return {code for first, last in runs for code in range(first, last + 1)}


def _unspaced_run() -> str:
    """A run of letters of scripts without blanks."""
    return f"[{listed('unspaced')}][{listed('unspaced', *characters.EXTENDING)}]*"


def _word(letter: str = "letter", without: tuple[str, ...] = ()) -> str:
    """A run of letters of a class, or a cluster that does not begin with a letter of any class."""
    digit = f"[{listed('digit', without=without)}]"
    unit = f"(?:[{listed(letter)}]|{digit}(?:[.,:]{digit}+)+)"
    tail = listed(*characters.EXTENDING, without=(letter,))
    other = f"[^{listed('control', 'letter', *without)}{BLANK}]"
    cluster = f"(?:{'|'.join([*_pictures(), other])})[{listed(*characters.TIED)}]*"
    return rf"{unit}(?:['’‐\-]?{unit}|[{tail}])*|{cluster}|[^{BLANK}]"


def _character() -> str:
    """A grapheme cluster."""
    extending, tied = listed(*characters.EXTENDING), listed(*characters.TIED)
    consonant, linker = f"[{listed('consonant')}]", f"[{listed('linker')}]"
    # A conjunct has no zero-width non-joiner.
    conjoined = extending.replace(_NON_JOINER, "")
    before_linker = listed(*characters.EXTENDING, without=("linker",)).replace(_NON_JOINER, "")
    leading, vowel, trailing = (f"[{listed(name)}]" for name in ("leading", "vowel", "trailing"))
    open_syllable, closed_syllable = f"[{listed('open_syllable')}]", f"[{listed('closed_syllable')}]"
    cores = [
        *_pictures(),
        f"{consonant}(?:[{before_linker}]*{linker}[{conjoined}]*{consonant})*",
        f"{leading}*(?:{open_syllable}{vowel}*|{closed_syllable}|{vowel}+){trailing}*",
        f"{leading}+",
        f"{trailing}+",
        f"[^{listed('control')}{BLANK}]",
    ]
    return f"[{listed('prepend')}]*(?:{'|'.join(cores)})[{tied}]*|[^{BLANK}]"


def _pictures() -> list[str]:
    """Flags, and sequences tied together by joiners."""
    picture, extend = f"[{listed('pictograph')}]", listed("extend")
    return [
        f"{characters.NATIONAL}{{2}}",
        f"{picture}(?:[{extend}]*{characters.ZERO_WIDTH_JOINER}{picture})*",
    ]
