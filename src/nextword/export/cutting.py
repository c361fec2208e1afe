"""Nodes that cut marked words into subwords, as `nextword.text.subwords.SubwordDictionary` does.

All words form one string, a blank before each; each character is a place. The longest entry at each place is
found in as many rounds as it has characters; then the places where subwords begin are found by going from
one to the next, twice as far in each round. So the work grows little faster than the prompt, however long
its words are. (RE2, with all entries as one expression, runs out of memory at 16,000.)
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from nextword.export import normalising, splitting, utf8
from nextword.export.graph import Graph
from nextword.runtime.metadata import Metadata
from nextword.text import words
from nextword.text.marks import BYTES, GLUE_MARK, MARKS, byte_of

_UNKNOWN, _BETWEEN = -1, -2  # in the place of an id: no entry, and the blank between two words
_END = np.iinfo(np.int64).max


def cut(graph: Graph, tokens: str, metadata: Metadata) -> str:
    """The ids of the subwords of some words.

    **Arguments:**

    - `tokens`: name of the marked words, a string `(n,)`, as from `splitting.split`.

    **Returns:** the name of an int64 `(m,)`.
    """
    if words.END_OF_LINE not in metadata.dictionary:
        # A line end is read as the letters of its name.
        is_line_end = graph.node("Equal", [tokens, graph.constant("text_lf", np.array(["\n"]))])
        name = graph.constant("text_eos", np.array([words.END_OF_LINE]))
        tokens = graph.node("Where", [is_line_end, name, tokens])
    blank = graph.constant("text_blank", np.array([" "]))
    text = normalising.joined(graph, graph.node("StringConcat", [blank, tokens]))
    characters = splitting.tokens(graph, text, "(?s:.)")
    ids, lengths = _longest_entries(graph, characters, metadata)
    is_beginning = _beginnings(graph, lengths)
    ids, characters = (graph.node("Compress", [values, is_beginning]) for values in (ids, characters))
    return _spelt(graph, ids, characters, metadata)


def _longest_entries(graph: Graph, characters: str, metadata: Metadata) -> tuple[str, str]:
    """The id of the longest entry that begins at each place, and how many places it takes, `(n,)` each."""
    keys = _keys(metadata.dictionary)
    longest = max(map(len, keys))
    size = graph.node("Shape", [characters], "cut_size")  # (1,)
    # Blanks after the end: no entry ends in one.
    behind = graph.constant("cut_behind", np.array([" "] * longest))
    graph.node("Concat", [characters, behind], "cut_padded", axis=0)
    one = graph.constant("text_1", np.array(1))
    nothing = graph.constant("cut_unknown", np.array(_UNKNOWN))
    body = Graph("cut_")
    found = body.look_up("beginnings", keys, _UNKNOWN)
    is_entry = body.node("Not", [body.node("Equal", [found, nothing])])
    length = body.node("Add", ["length", one])
    body.node("Where", [is_entry, found, "ids"], "next_ids")
    body.node("Where", [is_entry, length, "lengths"], "next_lengths")
    start = body.node("Unsqueeze", [length, graph.ints([0])])
    following = body.node("Slice", ["cut_padded", start, body.node("Add", [start, size])])
    body.node("StringConcat", ["beginnings", following], "next_beginnings")
    body.node("Identity", ["going_on"], "next_going_on")
    unknown = graph.node("Expand", [nothing, size])
    carried = {"ids": TensorProto.INT64, "lengths": TensorProto.INT64, "beginnings": TensorProto.STRING}
    rounds = graph.constant("cut_rounds", np.array(longest))
    inputs = [rounds, "", unknown, graph.node("Expand", [one, size]), characters]
    ids, lengths, _ = graph.nodes_out("Loop", inputs, 3, body=_loop(body, "length", carried))
    return ids, lengths


def _keys(dictionary: list[str]) -> dict[str, int]:
    """How each entry appears in the text, where marks are only at the beginning of a word."""
    found = {" ": _BETWEEN}
    for id, entry in enumerate(dictionary):
        if entry == words.END_OF_LINE:
            found[f" {splitting.LINE_END}"] = id
        elif byte_of(entry) is None and " " not in entry:
            found[f" {entry}" if entry[0] in MARKS else entry] = id
    return found


def _beginnings(graph: Graph, lengths: str) -> str:
    """The places reached from the first one by jumping ahead as far as each place says; bool `(n,)`."""
    size = graph.node("Size", [lengths])  # ()
    zero, one = graph.constant("text_0", np.array(0)), graph.constant("text_1", np.array(1))
    places = graph.node("Range", [zero, size, one])
    end = graph.node("Unsqueeze", [size, graph.ints([0])])
    next_places = graph.node("Concat", [graph.node("Add", [places, lengths]), end], axis=0)
    first = graph.node("Equal", [graph.node("Concat", [places, end], axis=0), zero])
    body = Graph("walk_")
    reached = body.node("Compress", ["next_place", "is_reached"])  # from those known so far
    yes = body.node("Expand", [graph.constant("walk_yes", np.array(True)), body.node("Shape", [reached])])
    body.node("ScatterElements", ["is_reached", reached, yes], "next_is_reached", axis=0)
    body.node("Gather", ["next_place", "next_place"], "next_next_place")
    # Until the jump from the first place reaches the end.
    body.node("Less", [body.node("Gather", ["next_place", zero]), size], "next_going_on")
    carried = {"next_place": TensorProto.INT64, "is_reached": TensorProto.BOOL}
    true = graph.constant("text_true", np.array(True))
    loop = _loop(body, "step", carried)
    _, is_reached = graph.nodes_out("Loop", ["", true, next_places, first], 2, body=loop)
    return graph.node("Slice", [is_reached, graph.ints([0]), graph.ints([-1])])


def _spelt(graph: Graph, ids: str, characters: str, metadata: Metadata) -> str:
    """The ids of the words without those between them; a character that no entry has becomes its bytes."""
    of_bytes = np.array([metadata.dictionary.index(byte) for byte in BYTES] + [_UNKNOWN])
    table = graph.constant("cut_bytes", of_bytes)
    nothing = graph.constant("cut_unknown", np.array(_UNKNOWN))
    is_known = graph.node("Not", [graph.node("Equal", [ids, nothing])])
    is_unspaced = graph.node("RegexFullMatch", [characters], pattern=f"[{splitting.listed('unspaced')}]")
    glue = graph.constant("cut_glue", np.array(metadata.dictionary.index(GLUE_MARK)))
    first = graph.node("Where", [is_known, ids, graph.node("Where", [is_unspaced, glue, nothing])])
    columns = [first]
    for byte in utf8.bytes_of(graph, characters):
        found = graph.node("Gather", [table, byte])
        columns.append(graph.node("Where", [is_known, nothing, found]))
    rows = [graph.node("Unsqueeze", [column, graph.ints([1])]) for column in columns]
    flat = graph.node("Reshape", [graph.node("Concat", rows, axis=1), graph.ints([-1])])
    is_id = graph.node("GreaterOrEqual", [flat, graph.constant("text_0", np.array(0))])
    return graph.node("Compress", [flat, is_id])


def _loop(body: Graph, step: str, carried: Mapping[str, int]) -> onnx.GraphProto:
    """The body of a loop that carries vectors, from each name to `next_…`."""
    value = helper.make_tensor_value_info
    return helper.make_graph(
        body.nodes,
        "loop",
        [
            value(step, TensorProto.INT64, []),
            value("going_on", TensorProto.BOOL, []),
            *(value(name, kind, [None]) for name, kind in carried.items()),
        ],
        [
            value("next_going_on", TensorProto.BOOL, []),
            *(value(f"next_{name}", kind, [None]) for name, kind in carried.items()),
        ],
    )
