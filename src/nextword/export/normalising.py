"""Nodes that bring a prompt into the normal form of the dictionary.

No stock operator normalises Unicode, and none changes case on every machine. So the other spellings of the
dictionary's own characters are listed: decomposed ones, marks in another order, characters that NFC replaces,
and, where the model reads lower case, capitals. Characters that the dictionary lacks stay as they are: no
word with them is known anyway.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from string import ascii_lowercase

import numpy as np
from onnx import TensorProto, helper

from nextword.export import splitting
from nextword.export.graph import Graph
from nextword.runtime.metadata import Metadata
from nextword.text import characters

_MOST_MARKS = 4  # on a character; one with more is only known composed or decomposed
_FIRST_PLANES = "".join(map(chr, range(0x30000)))  # beyond, every character is its own normal form
_END = np.iinfo(np.int64).max


def normalise(graph: Graph, prompt: str, metadata: Metadata) -> str:
    """A prompt with the dictionary's characters spelt as in the dictionary.

    **Arguments:**

    - `prompt`: name of a string `(1,)`.

    **Returns:** the name of a string `(1,)`.
    """
    spellings = {
        spelling: character
        for character in _characters_of(metadata)
        for spelling in _spellings(character, metadata.lowercase)
        if spelling != character
    }
    if not spellings:
        return prompt
    tied = sorted({ord(mark) for spelling in spellings for mark in spelling[1:]})
    marks = f"[{characters.listed(tuple((code, code) for code in tied))}]*" if tied else ""
    pieces = splitting.tokens(graph, prompt, f"(?s:.){marks}")
    normal = list(dict.fromkeys(spellings.values()))
    places = {character: place for place, character in enumerate(normal)}
    place = graph.look_up(pieces, {spelling: places[one] for spelling, one in spellings.items()}, -1)
    zero = graph.constant("text_0", np.array(0))
    is_other = graph.node("GreaterOrEqual", [place, zero])
    replaced = graph.node(
        "Gather", [graph.constant("text_normal", np.array(normal)), graph.node("Max", [place, zero])]
    )
    return joined(graph, graph.node("Where", [is_other, replaced, pieces]))


def joined(graph: Graph, pieces: str) -> str:
    """All strings `(n,)` as one, `(1,)`: neighbours are joined until one is left."""
    body = Graph("join_")
    nothing, one, two = (
        graph.constant("text_nothing", np.array([""])),
        graph.constant("text_one", np.array([1])),
        graph.constant("text_two_1", np.array([2])),
    )
    zero, end = graph.ints([0]), graph.ints([_END])
    even = body.node("Slice", ["pieces", zero, end, zero, two])
    padded = body.node("Concat", ["pieces", nothing], axis=0)
    odd = body.node("Slice", [padded, one, end, zero, two])
    # If their number is odd, the last one is joined with the empty string, else that is left over.
    body.node("StringConcat", [even, odd], "next_pieces")
    body.node("Greater", [body.node("Size", ["next_pieces"]), "text_1"], "next_going_on")
    value = helper.make_tensor_value_info
    kinds = {"going_on": (TensorProto.BOOL, []), "pieces": (TensorProto.STRING, [None])}
    step = value("step", TensorProto.INT64, [])
    graph.constant("text_1", np.array(1))
    loop = helper.make_graph(
        body.nodes,
        "join",
        [step, *(value(name, *kind) for name, kind in kinds.items())],
        [value(f"next_{name}", *kind) for name, kind in kinds.items()],
    )
    some = graph.node("Concat", [pieces, nothing], axis=0)  # an empty prompt has no pieces
    going_on = graph.node("Greater", [graph.node("Size", [some]), "text_1"])
    return graph.node("Loop", ["", going_on, some], body=loop)


def _characters_of(metadata: Metadata) -> list[str]:
    """The characters of a dictionary with the marks that may combine with them."""
    found = dict.fromkeys(ascii_lowercase if metadata.lowercase else "")
    for word in metadata.dictionary:
        start = 0
        for place in range(1, len(word) + 1):
            if place == len(word) or not _is_tied(word[place]):
                found[word[start:place]] = None
                start = place
    # A capital sigma is always read as the one inside words.
    return list(found | dict.fromkeys("σ" if metadata.lowercase and "ς" in found else ""))


def _spellings(character: str, lowercase: bool) -> Iterator[str]:
    """All spellings whose normal form is this character with its marks."""
    target = unicodedata.normalize("NFD", character)
    if len(target) > 1 + _MOST_MARKS:
        yield target
        return
    known = _by_first(lowercase)

    def extended(spelling: str, left: str) -> Iterator[str]:
        if not left:
            if characters.normalise(spelling, lowercase) == character:
                yield spelling
            return
        for first in left if spelling else left[0]:
            for one, form in [(first, first), *known.get(first, [])]:
                rest = left
                for mark in form:
                    if mark not in rest:
                        break
                    rest = rest.replace(mark, "", 1)
                else:
                    yield from extended(spelling + one, rest)

    yield from dict.fromkeys(extended("", target))


@lru_cache
def _by_first(lowercase: bool) -> dict[str, list[tuple[str, str]]]:
    """Each character that is not its own normal form, and that form, by the form's first character."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in _FIRST_PLANES:
        form = unicodedata.normalize("NFD", one.lower() if lowercase else one)
        if form != one and not characters.is_in(one, "barrier"):
            found[form[0]].append((one, form))
    return found


@lru_cache
def _seconds() -> frozenset[str]:
    """The characters that compose with the one before them and are not marks."""
    forms = (unicodedata.decomposition(one).split() for one in _FIRST_PLANES)
    hangul = (
        chr(code) for first, last in characters.ranges("vowel", "trailing") for code in range(first, last + 1)
    )
    composed = (chr(int(form[1], 16)) for form in forms if len(form) == 2 and not form[0].startswith("<"))
    return frozenset([*composed, *hangul])


def _is_tied(character: str) -> bool:
    return unicodedata.combining(character) > 0 or character in _seconds()
