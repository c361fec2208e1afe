"""Architecture → the training graph: words in, weights changed by one step of the optimiser out.

| input | type | shape |
|---|---|---|
| `ids` | int64 | `(batch, time)` |
| `following` | int64 | `(batch, words)`: the words that follow the last of `ids` |
| each part of the state by its name | float32 or float64 | `(layers, batch, hidden)` |
| each weight by the name of `Network`'s parameter | the same | that of the parameter |
| `first_moment.` and `second_moment.` and the name of each weight that learns | the same | as the weight |
| `learning_rate`, `weight_decay`, `clip` | float64 | `()` |
| `step` | int64 | `()`, from 1 |
| `adamw` | bool | `()`: AdamW, or plain gradient descent, which leaves moments and decay alone |

| output | type | shape |
|---|---|---|
| `loss` | float64 | `()`, in nats per word, before the step |
| `gradient_norm` | float64 | `()`, before clipping |
| `next_` and the name of each part of the state, each weight that learns and each moment | | as the input |

The graph contains no weights, and works for any size of dictionary. It uses stock operators only, so any
onnxruntime can learn with it.
"""

import json
from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper

from nextword.export import step
from nextword.export.backward import Backward, OwnRule
from nextword.export.graph import IR_VERSION, OPSET, Graph, shorten
from nextword.export.optimiser import FIRST, SECOND, add_norm, add_step
from nextword.export.recurrence import Layer, add_layer
from nextword.model import beginning
from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Network
from nextword.runtime.learning.training_file import FORMAT
from nextword.runtime.metadata import Metadata

Shape = tuple[int | str, ...]

# Metadata of the step graph that the training graph lacks.
_OF_WEIGHTS = frozenset(
    ["dictionary", "unknown", "metrics", "weights", "params", "corpus_sha256", "cell", "layers", "hidden"]
)
_OF_DICTIONARY = ("embedding.weight", "logits.weight", "logits.bias")  # a row or a value for each word


def shapes_of(network: Network) -> dict[str, Shape]:
    """The shapes of a network's weights, in its order, each shared one once.

    **Returns:** tuples in which `dictionary` stands for the number of words, which may vary.
    """
    shapes = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
    return {
        name: ("dictionary", *shape[1:]) if name in _OF_DICTIONARY else shape
        for name, shape in shapes.items()
    }


def properties(network: Network, metadata: Metadata) -> dict[str, str]:
    """The training graph's `metadata_props`: how texts are read, as in the step graph, and more.

    - `format`: `nextword-training/1`.
    - `stored`: for each tensor of the step graph, the weights that it is made of, in order; the order of
      their gates; and whether it is transposed.
    - `initial`: for each weight, in the order of drawing, the bound of a uniform distribution, or `null` for
      the standard normal one.
    """
    kept = {name: text for name, text in metadata.to_properties().items() if name not in _OF_WEIGHTS}
    size = network.architecture
    initial = dict(beginning.bounds(network, size.hidden, is_tied=size.tied))
    tensors = step.stored_weights(initial, network.architecture)
    stored = {f"{name}_float16": list(one) for name, one in tensors.items()}
    more = {"stored": stored, "initial": initial}
    return kept | {"format": FORMAT} | {name: json.dumps(value) for name, value in more.items()}


def build(
    network: Network,
    metadata: Mapping[str, str],
    learnt: Collection[str] | None = None,
    *,
    gives_gradients: bool = False,
) -> onnx.ModelProto:
    """The training graph of a network, whatever its weights are.

    **Arguments:**

    - `metadata`: the file's `metadata_props`.
    - `learnt`: the names of the weights that learn; by default, all.
    - `gives_gradients`: whether `gradient.` and the name of each weight that learns are outputs too.

    **Returns:** a graph that has passed ONNX's checker and shape inference.
    """
    architecture, shapes = network.architecture, shapes_of(network)
    learns = [name for name in shapes if learnt is None or name in learnt]
    kind: type[np.floating] = np.float64 if architecture.precision == "float64" else np.float32
    graph = Graph()
    vectors = {name for name, shape in shapes.items() if len(shape) == 1}
    own: dict[str, OwnRule] = {}
    layers = [
        Layer(
            prefix=f"layer_{number}_",
            cell=CELLS[architecture.cell],
            kind=kind,
            weights=[name for name in shapes if name.startswith(f"layers.{number}.")],
            vectors=vectors,
            learnt={*learns},
        )
        for number in range(architecture.layers)
    ]
    features, after = _add_network(graph, own, layers, is_projected="projection.weight" in shapes)
    output = "embedding.weight" if architecture.tied else "logits.weight"
    logits = graph.node("Gemm", [features, output, "logits.bias"], transB=1)
    gradient = _add_loss(graph, logits, kind)
    found = Backward(graph, kind, vectors, own).gradients(list(graph.nodes), {logits: gradient}, learns)
    gradients = {name: found[name] for name in learns}
    add_norm(graph, [*gradients.values()])
    add_step(graph, kind, gradients, {*shapes} - vectors)
    outputs = [*after]
    if gives_gradients:
        outputs += [
            graph.node("Identity", [name], f"gradient.{weight}") for weight, name in gradients.items()
        ]
    return _finish(graph, architecture, kind, shapes, learns, outputs, metadata)


def _add_network(
    graph: Graph, own: dict[str, OwnRule], layers: list[Layer], *, is_projected: bool
) -> tuple[str, list[str]]:
    """The names of the features, `(words · batch, features)`, and of the state after."""
    names = layers[0].cell.states
    after: dict[str, list[str]] = {name: [] for name in names}
    if names:
        by_time = graph.node("Transpose", ["ids"], perm=[1, 0])
        sizes = graph.node("Shape", [by_time])
        by_step = graph.node("Concat", [sizes, graph.ints([-1])], axis=0)
        values = _vectors(graph, by_time)  # (time · batch, embedding)
    else:
        by_step = ""
        values = _side_by_side(graph, layers[0].kind)  # (batch, context · embedding)
    for number, layer in enumerate(layers):
        place = graph.constant(f"layer_{number}", np.array(number))
        before = {name: graph.node("Gather", [name, place]) for name in names}  # (batch, hidden)
        values, last = add_layer(graph, own, layer, values, before, by_step)
        for name in names:
            after[name].append(graph.node("Unsqueeze", [last[name], graph.ints([0])]))
    for name, parts in after.items():
        graph.node("Concat", parts, f"next_{name}", axis=0)
    if names:
        values = _last(graph, values)
    if is_projected:
        values = graph.node("Gemm", [values, "projection.weight"], transB=1)
    return values, [f"next_{name}" for name in names]


def _vectors(graph: Graph, ids: str) -> str:
    """The vectors of words, one row each."""
    return graph.node("Gather", ["embedding.weight", graph.node("Reshape", [ids, graph.ints([-1])])])


def _side_by_side(graph: Graph, kind: type[np.floating]) -> str:
    """The vectors of a text's words in one row; zero for no word, whose id is below 0."""
    zero = graph.constant("no_id", np.array(0))
    vectors = _vectors(graph, graph.node("Max", ["ids", zero]))
    is_word = graph.node("GreaterOrEqual", [graph.node("Reshape", ["ids", graph.ints([-1, 1])]), zero])
    weight = graph.node("Cast", [is_word], to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))
    kept = graph.node("Mul", [vectors, weight])
    texts = graph.node("Shape", ["ids"], start=0, end=1)
    return graph.node("Reshape", [kept, graph.node("Concat", [texts, graph.ints([-1])], axis=0)])


def _last(graph: Graph, rows: str) -> str:
    """The last rows, as many as there are words in `following`."""
    first = graph.node("Neg", [graph.node("Size", ["following"])])
    ends = graph.ints([np.iinfo(np.int64).max])
    return graph.node("Slice", [rows, graph.node("Reshape", [first, graph.ints([1])]), ends, graph.ints([0])])


def _add_loss(graph: Graph, logits: str, kind: type[np.floating]) -> str:
    """Adds the mean cross-entropy and its gradient: the probabilities, minus 1 for the word that follows.

    **Returns:** the name of the gradient with respect to the logits.
    """
    type_ = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    by_time = graph.node("Transpose", ["following"], perm=[1, 0])
    words = graph.node("Reshape", [by_time, graph.ints([-1, 1])])  # (words · batch, 1)
    likelihoods = graph.node("LogSoftmax", [logits], axis=1)
    own = graph.node("GatherElements", [likelihoods, words], axis=1)
    wide = graph.node("Cast", [graph.node("ReduceMean", [own], keepdims=0)], to=TensorProto.DOUBLE)
    graph.node("Neg", [wide], "loss")
    share = graph.node("Reciprocal", [graph.node("Cast", [graph.node("Size", [words])], to=type_)])
    shares = graph.node("Mul", [graph.node("Exp", [likelihoods]), share])
    less = graph.node("Expand", [graph.node("Neg", [share]), graph.node("Shape", [words])])
    return graph.node("ScatterElements", [shares, words, less], axis=1, reduction="add")


def _finish(
    graph: Graph,
    architecture: Architecture,
    kind: type[np.floating],
    shapes: Mapping[str, Shape],
    learns: list[str],
    more: list[str],
    metadata: Mapping[str, str],
) -> onnx.ModelProto:
    """The graph with its inputs and outputs, `more` among them, checked."""
    type_ = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    state: Shape = (architecture.layers, "batch", architecture.hidden)
    inputs: dict[str, tuple[int, Shape]] = {
        "ids": (TensorProto.INT64, ("batch", "time")),
        "following": (TensorProto.INT64, ("batch", "words")),
        **dict.fromkeys(CELLS[architecture.cell].states, (type_, state)),
        **{name: (type_, shape) for name, shape in shapes.items()},
        **{
            start + name: (type_, tuple(f"{name}.{axis}" for axis in range(len(shapes[name]))))
            for name in learns
            for start in (FIRST, SECOND)
        },
        **dict.fromkeys(("learning_rate", "weight_decay", "clip"), (TensorProto.DOUBLE, ())),
        "step": (TensorProto.INT64, ()),
        "adamw": (TensorProto.BOOL, ()),
    }
    changed = [name for weight in learns for name in (weight, FIRST + weight, SECOND + weight)]
    outputs: dict[str, tuple[int, Shape | None]] = {
        **dict.fromkeys(("loss", "gradient_norm"), (TensorProto.DOUBLE, ())),
        **{f"next_{name}": inputs[name] for name in CELLS[architecture.cell].states},
        **{f"next_{name}": inputs[name] for name in changed},
        **{name: (type_, shapes[name.partition(".")[2]]) for name in more if name.startswith("gradient.")},
    }
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "nextword.training",
            [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()],
            [helper.make_tensor_value_info(name, *value) for name, value in outputs.items()],
            graph.initializers,
        ),
        producer_name="nextword",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    shorten(model.graph)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model
