"""The step graph → the text graph: text in, text out, in one call and without any code of ours.

| name | type | shape | |
|---|---|---|---|
| `prompt` | string | `(1,)` | at least one word |
| `max_words` | int64 | `()` | words to add |
| `temperature` | float32 | `()` | 0 takes the likeliest word each time |
| `top_k` | int64 | `()` | 0 is off |
| `top_p` | float32 | `()` | 1 is off |
| `seed` | int64 | `()` | from 0 to 2³¹ − 2 |
| `text` | string | `(1,)` | the prompt and its continuation |
| `unknown` | string | `(n,)` | words of the prompt that are not in the dictionary |

A graph cannot raise: where a word is unknown and the dictionary has no `<unk>`, or the prompt has no
word, the text is the prompt. Otherwise the words are those of `Generator.generate` with the same
settings; `nextword.runtime.draw` defines the draw.

docs/text-graph.md lists the differences from the library.
"""

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper

from nextword.export import counting, cutting, drawing, joining, normalising, splitting
from nextword.export.graph import IR_VERSION, Graph
from nextword.runtime import draw
from nextword.runtime.metadata import Metadata
from nextword.text import words

_ML_OPSET = 4
_END = np.iinfo(np.int64).max


def build(step: onnx.ModelProto, metadata: Metadata) -> onnx.ModelProto:
    """Wraps a step graph, of float or int8 weights.

    **Arguments:**

    - `step`: the result of `step.build` or `int8.build`.
    - `metadata`: of the same model.

    **Returns:** a model that has passed ONNX's checker.
    """
    outer = Graph("text_")
    constants, body_nodes = _parted(step)
    outer.nodes.extend(constants)
    outer.initializers.extend(step.graph.initializer)
    tokens = splitting.split(outer, normalising.normalise(outer, "prompt", metadata), metadata)
    ids, unknown = _ids(outer, tokens, metadata)
    _scalars(outer, metadata)
    trips = _trips(outer, ids, unknown, metadata)
    if metadata.context is not None:
        ids = outer.node("Slice", [ids, outer.ints([-metadata.context]), outer.ints([_END])])
    first_ids = outer.node("Unsqueeze", [ids, outer.ints([0])])  # (1, time)
    states = _states(step)
    zeros = [
        outer.constant(f"text_zero_{name}", np.zeros([size or 1 for size in shape], np.float32))
        for name, shape in states.items()
    ]
    going_on = outer.constant("text_true", np.array(True))
    empty = outer.constant("text_empty", np.array([""]))
    writing = joining.first(outer, "prompt", tokens, metadata)
    counts = counting.first(outer, metadata)
    if counts:
        # How many subwords this takes is only known once they are drawn.
        outer.node("Identity", [trips], "text_words")
        going_on = outer.node("Greater", [trips, outer.constant("text_0", np.array(0))])
        trips = ""
    outputs = outer.nodes_out(
        "Loop",
        [trips, going_on, first_ids, *zeros, empty, *writing, *counts],
        2 + len(zeros) + len(writing) + len(counts),
        body=_body(body_nodes, states, metadata),
    )
    outer.node("StringConcat", ["prompt", outputs[1 + len(zeros)]], "text")
    outer.node("Identity", [unknown], "unknown")
    scalar = [
        helper.make_tensor_value_info(name, kind, [])
        for name, kind in (
            ("max_words", TensorProto.INT64),
            ("temperature", TensorProto.FLOAT),
            ("top_k", TensorProto.INT64),
            ("top_p", TensorProto.FLOAT),
            ("seed", TensorProto.INT64),
        )
    ]
    domains = {opset.domain: opset.version for opset in step.opset_import} | {"ai.onnx.ml": _ML_OPSET}
    if any(node.domain == "com.microsoft" for node in outer.nodes):
        domains["com.microsoft"] = 1
    model = helper.make_model(
        helper.make_graph(
            outer.nodes,
            "nextword_text",
            [helper.make_tensor_value_info("prompt", TensorProto.STRING, [1]), *scalar],
            [
                helper.make_tensor_value_info("text", TensorProto.STRING, [1]),
                helper.make_tensor_value_info("unknown", TensorProto.STRING, ["n"]),
            ],
            outer.initializers,
        ),
        producer_name="nextword",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in domains.items()],
    )
    helper.set_model_props(model, replace(metadata, training_words="").to_properties())
    onnx.checker.check_model(model)
    return model


def _states(step: onnx.ModelProto) -> dict[str, list[int]]:
    """The shape of each part of the state by name; the batch axis is 0."""
    return {
        put.name: [axis.dim_value for axis in put.type.tensor_type.shape.dim]
        for put in step.graph.input
        if put.name != "ids"
    }


def _parted(step: onnx.ModelProto) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """The step graph's nodes that compute constants, which onnxruntime folds once, and the others."""
    known = {tensor.name for tensor in step.graph.initializer}
    constants, others = [], []
    for node in step.graph.node:
        if all(name in known or not name for name in node.input):
            constants.append(node)
            known.update(node.output)
        else:
            others.append(node)
    return constants, others


def _ids(graph: Graph, tokens: str, metadata: Metadata) -> tuple[str, str]:
    """The ids of the words `(n,)`, −1 for none, and the words without one."""
    if metadata.split_by == "subwords":
        return cutting.cut(graph, tokens, metadata), graph.constant("text_known", np.array([], object))
    spellings: dict[str, int] = {}
    if metadata.line_ends and words.END_OF_LINE in metadata.dictionary:
        spellings[splitting.LINE_END] = metadata.dictionary.index(words.END_OF_LINE)
    spellings |= {word: id for id, word in enumerate(metadata.dictionary) if word not in spellings}
    if metadata.lowercase:
        # The library writes a different sigma at the end of a word than inside; a graph reads both as one.
        for id, word in enumerate(metadata.dictionary):
            spellings.setdefault(word.replace("ς", "σ"), id)
    ids = graph.look_up(tokens, spellings, -1)
    missing = graph.node("Less", [ids, graph.constant("text_0", np.array(0))])
    unknown = graph.node("Compress", [tokens, missing])
    if metadata.unknown is not None:
        ids = graph.node(
            "Where", [missing, graph.constant("text_unknown_id", np.array(metadata.unknown)), ids]
        )
    return ids, unknown


def _trips(graph: Graph, ids: str, unknown: str, metadata: Metadata) -> str:
    """How many words are added: none if the prompt cannot be read."""
    zero = graph.constant("text_0", np.array(0))
    can = graph.node("Greater", [graph.node("Size", [ids]), zero])
    if metadata.unknown is None:
        can = graph.node("And", [can, graph.node("Equal", [graph.node("Size", [unknown]), zero])])
    return graph.node("Where", [can, graph.node("Max", ["max_words", zero]), zero])


def _scalars(graph: Graph, metadata: Metadata) -> None:
    """What all steps share, under the names that the body uses."""
    zero = graph.constant("text_0", np.array(0))
    size = graph.constant("text_size", np.array(len(metadata.dictionary)))
    is_greedy = graph.node(
        "LessOrEqual", ["temperature", graph.constant("text_0f", np.array(0, np.float32))], "text_is_greedy"
    )
    has_top_k = graph.node(
        "And", [graph.node("Greater", ["top_k", zero]), graph.node("Less", ["top_k", size])]
    )
    drawn_from = graph.node("Where", [has_top_k, "top_k", size])
    one = graph.constant("text_1", np.array(1))
    kept = graph.node("Where", [is_greedy, one, drawn_from])
    graph.node("Unsqueeze", [kept, graph.ints([0])], "text_kept")  # (1,), for TopK
    warmth = graph.node(
        "Where", [is_greedy, graph.constant("text_1f", np.array(1, np.float32)), "temperature"]
    )
    graph.node("Cast", [warmth], "text_temperature", to=TensorProto.DOUBLE)
    graph.node("Cast", ["top_p"], "text_top_p", to=TensorProto.DOUBLE)
    graph.node("Mod", ["seed", graph.constant("text_prime", np.array(draw.PRIME))], "text_seed")


def _body(step: list[onnx.NodeProto], states: dict[str, list[int]], metadata: Metadata) -> onnx.GraphProto:
    """One word or subword: the step graph, a draw, and the text that it adds."""
    graph = Graph("word_")
    graph.nodes.extend(step)
    logits = "logits"
    if metadata.unknown is not None:
        never = np.zeros((1, len(metadata.dictionary)), np.float32)
        never[0, metadata.unknown] = -np.inf
        logits = graph.node("Add", [logits, graph.constant("word_never", never)])
    counts = counting.carried(metadata)
    if counts:
        logits = counting.allowed(graph, logits, metadata)
    id = drawing.draw_word(graph, logits)  # (1,)
    if metadata.context is None:
        graph.node("Unsqueeze", [id, graph.ints([0])], "next_ids")
        carried = [f"next_{name}" for name in states]
    else:
        read = graph.node("Concat", ["ids", graph.node("Unsqueeze", [id, graph.ints([0])])], axis=1)
        graph.node(
            "Slice",
            [read, graph.ints([-metadata.context]), graph.ints([_END]), graph.ints([1])],
            "next_ids",
        )
        # Each window is read from the zero state.
        carried = [graph.node("Identity", [name]) for name in states]
    piece = joining.piece(graph, id, metadata)
    if counts:
        is_written = graph.node("Identity", [counting.count(graph, id, metadata)], "next_going_on")
        piece = graph.node("Where", [is_written, piece, "text_empty"])
    else:
        graph.node("Identity", ["going_on"], "next_going_on")
    graph.node("StringConcat", ["written", piece], "next_written")
    writing = joining.carried(metadata)
    value = helper.make_tensor_value_info

    def parts(names: list[str]) -> list[onnx.ValueInfoProto]:
        return [
            value(name, TensorProto.FLOAT, [size or 1 for size in shape])
            for name, shape in zip(names, states.values(), strict=True)
        ]

    return helper.make_graph(
        graph.nodes,
        "word",
        [
            value("step", TensorProto.INT64, []),
            value("going_on", TensorProto.BOOL, []),
            value("ids", TensorProto.INT64, [1, None]),
            *parts(list(states)),
            value("written", TensorProto.STRING, [1]),
            *(value(name, TensorProto.BOOL, [1]) for name in writing),
            *(value(name, TensorProto.INT64, [1]) for name in counts),
        ],
        [
            value("next_going_on", TensorProto.BOOL, []),
            value("next_ids", TensorProto.INT64, [1, None]),
            *parts(carried),
            value("next_written", TensorProto.STRING, [1]),
            *(value(f"next_{name}", TensorProto.BOOL, [1]) for name in writing),
            *(value(f"next_{name}", TensorProto.INT64, [1]) for name in counts),
        ],
        graph.initializers,
    )
