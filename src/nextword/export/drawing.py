"""Nodes that draw a word, as `nextword.runtime.draw` defines it.

They read by name what all steps share: `text_kept` (how many words are ranked, `(1,)`),
`text_temperature` and `text_top_p` (float64), `text_seed`; and `step`, the loop's counter.
"""

import numpy as np
from onnx import TensorProto

from nextword.export.graph import Graph
from nextword.runtime import draw


def draw_word(graph: Graph, logits: str) -> str:
    """The id of the next word, `(1,)`, as `draw.draw` defines it."""
    ranked, order = graph.nodes_out("TopK", [logits, "text_kept"], 2, axis=1)  # (1, kept)
    kept = graph.node("Cast", [ranked], to=TensorProto.DOUBLE)
    likeliest = graph.node("ReduceMax", [kept], keepdims=1)
    warmed = graph.node("Div", [graph.node("Sub", [kept, likeliest]), "text_temperature"])
    weights = graph.node("Exp", [warmed])
    axis = graph.constant("word_axis", np.array(1))
    cumulated = graph.node("CumSum", [weights, axis])
    before = graph.node("CumSum", [weights, axis], exclusive=1)
    last = graph.ints([-1])
    whole = graph.node("Gather", [cumulated, last], axis=1)  # (1, 1)
    in_nucleus = graph.node("Less", [before, graph.node("Mul", [whole, "text_top_p"])])
    one = graph.constant("word_one", np.array(1))
    nucleus = graph.node("ReduceSum", [graph.node("Cast", [in_nucleus], to=TensorProto.INT64)], keepdims=0)
    count = graph.node("Max", [nucleus, one])  # (): the likeliest word is always kept
    final = graph.node("Sub", [count, one])
    reached = graph.node("Gather", [cumulated, final], axis=1)  # (1,)
    target = graph.node("Mul", [reached, _uniform(graph)])
    passed = graph.node("LessOrEqual", [cumulated, target])
    place = graph.node(
        "Min",
        [graph.node("ReduceSum", [graph.node("Cast", [passed], to=TensorProto.INT64)], keepdims=0), final],
    )
    # For the likeliest word only one is kept, which is drawn whatever the number.
    return graph.node("Gather", [order, place], axis=1)


def _uniform(graph: Graph) -> str:
    """A number from (0, 1), `()`, as `draw.uniform` defines it."""
    prime, square, linear, constant = (
        graph.constant(f"word_{name}", np.array(value))
        for name, value in (
            ("prime", draw.PRIME),
            ("square", draw.SQUARE),
            ("linear", draw.LINEAR),
            ("constant", draw.CONSTANT),
        )
    )

    def one_round(value: str) -> str:
        squared = graph.node("Mod", [graph.node("Mul", [value, value]), prime])
        terms = [graph.node("Mul", [square, squared]), graph.node("Mul", [linear, value])]
        total = graph.node("Add", [graph.node("Add", terms), constant])
        return graph.node("Mod", [total, prime])

    value = one_round("text_seed")
    value = one_round(graph.node("Mod", [graph.node("Add", [value, "step"]), prime]))
    value = graph.node("Cast", [one_round(value)], to=TensorProto.DOUBLE)
    half = graph.constant("word_half", np.array(0.5))
    return graph.node(
        "Div",
        [
            graph.node("Add", [value, half]),
            graph.constant("word_prime_double", np.array(float(draw.PRIME))),
        ],
    )
