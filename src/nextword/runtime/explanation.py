"""Why a model expects what it expects: which earlier words mattered, and its gates while it reads.

The words that mattered are found by leaving words out, which works with any file. Gates are computed in
numpy from the file's own weights, by the equations of ONNX's operators LSTM, GRU and RNN. They are shown only
if they give the states that the file's graph gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.errors import PromptError
from nextword.runtime import draw
from nextword.runtime.model_file import ModelFile
from nextword.runtime.onnx_file import Node, OnnxFile
from nextword.runtime.reader import Reader
from nextword.runtime.word_nodes import Path as Spelling
from nextword.runtime.word_tree import WordTree
from nextword.text.subwords import SubwordDictionary, in_words, shown

Values = dict[str, NDArray[np.float64]]

_TRIED = 3  # words after which the states are compared with those of the file's graph
# How far a state may be off, as a share of the graph's largest. A graph in int8 also rounds what it computes.
_TOLERANCE, _INT8_TOLERANCE = 1e-3, 0.3

# By operator: the projected input and state, the state's parts → the gates and the parts after the word.
_Equations = Callable[[NDArray[np.float64], NDArray[np.float64], Values], Values]


@dataclass(frozen=True)
class Explanation:
    """Why a model expects a word.

    - `words`: of the text.
    - `next_word`: the likeliest one after the text.
    - `log_probability`: ln P of that word after the whole text, in nats; where a model knows subwords, of its
      likelier spelling, with or without a blank before it.
    - `lost`: for each word, by how many nats ln P(next word) falls when that word alone is left out;
      negative where it rises. It is 0 for a word that the model no longer reads.
    - `read`: how many of the last words the model reads.
    - `has_state`: whether the model carries a state from word to word.
    - `layers`: for each layer the gates and the state after each word read, by name, each of shape
      `(read, hidden)`; none for a file whose layers have no state, or one that this version cannot compute.
    """

    words: list[str]
    next_word: str
    log_probability: float
    lost: list[float]
    read: int
    has_state: bool
    layers: list[Values]


def explain(path: Path, text: str) -> Explanation:
    """Explains what a model expects after a text.

    **Arguments:**

    - `path`: of a model file.
    - `text`: at least two words.

    **Raises:** `ModelFileError`, `PromptError`, `UnknownWordError`.
    """
    model = ModelFile(path)
    words, paths = _words(model, text)
    if len(words) < 2:
        raise PromptError("the text has only one word; give at least two")
    ids = np.concatenate(paths)
    next_word, spelling = _likeliest(model, ids)
    whole = _log_probability(model, ids, spelling)
    parts = [np.concatenate([*paths[:place], *paths[place + 1 :]]) for place in range(len(paths))]
    read = min(len(ids), model.metadata.context or len(ids))
    # A word counts as read if all of its subwords are; gates are those after its last one.
    lengths = np.array([len(path) for path in paths])
    ends = np.cumsum(lengths) - (len(ids) - read)  # among the ids that are read
    ends = ends[ends >= lengths]
    file = OnnxFile(path.read_bytes())
    layers = gates(file, ids[-read:]) if _has_known_gates(model, file) else []
    return Explanation(
        words=words,
        next_word=next_word,
        log_probability=whole,
        lost=[whole - _log_probability(model, one, spelling) for one in parts],
        read=len(ends),
        has_state=bool(model.states),
        layers=[{name: part[ends - 1] for name, part in layer.items()} for layer in layers],
    )


def _words(model: ModelFile, text: str) -> tuple[list[str], list[NDArray[np.int64]]]:
    """The words of a text as a user sees them, and the ids that the model reads for each."""
    words, dictionary = model.split(text), model.dictionary
    if not isinstance(dictionary, SubwordDictionary):
        return words, [np.array(dictionary.encode([word])) for word in words]
    found = list(in_words(dictionary, words))
    return [shown(word) for word, _ in found], [np.array(path) for _, path in found]


def _likeliest(model: ModelFile, ids: NDArray[np.int64]) -> tuple[str, Spelling]:
    """The likeliest next word, and its ids."""
    reader = Reader(model)
    logits = reader.read(ids[None]).logits[0]
    if isinstance(model.dictionary, SubwordDictionary):
        (best,), _ = WordTree(model, model.entries, reader, logits).search(1)
        return best.word, best.path
    id = draw.greedy(draw.ban(logits, model.dictionary.unknown))
    return model.dictionary.words[id], (id,)


def _log_probability(model: ModelFile, ids: NDArray[np.int64], word: Spelling) -> float:
    """Ln P(a word | the words before it), and that it ends there if more entries may follow its last one."""
    reader, total = Reader(model), 0.0
    expected = draw.log_softmax(reader.read(ids[None]).logits[0])
    for place, id in enumerate(word, 1):
        total += float(expected[id])
        if place < len(word) or _may_go_on(model, id):
            expected = draw.log_softmax(reader.read(np.array([[id]])).logits[0])
    if _may_go_on(model, word[-1]):
        total += float(np.log(np.exp(expected)[model.entries.beginning].sum()))
    return total


def _may_go_on(model: ModelFile, id: int) -> bool:
    return isinstance(model.dictionary, SubwordDictionary) and not model.entries.is_whole[id]


def gates(file: OnnxFile, ids: NDArray[np.int64]) -> list[Values]:
    """The gates and the state of each layer after each word, from the zero state.

    **Arguments:**

    - `ids`: shape `(time,)`.

    **Returns:** for each layer its values by name, each of shape `(time, hidden)`.

    **Raises:** `KeyError`, `IndexError` or `ValueError` if the weights are not where the export stage puts
    them.
    """
    nodes = [node for node in file.nodes() if _operator(node) in _EQUATIONS]
    tensors = file.tensors()
    found: list[Values] = []
    values = _matrix(tensors, "embedding", is_transposed=False)[ids]  # (time, embedding)
    for number, node in enumerate(nodes):
        is_transposed = node.operator.startswith("DynamicQuantize")
        of_input, of_state = (_matrix(tensors, f"{name}_{number}", is_transposed) for name in "WR")
        biases = np.split(_matrix(tensors, f"B_{number}", is_transposed=False), 2)
        found.append(_layer(_EQUATIONS[_operator(node)], values, of_input, of_state, biases))
        values = found[-1]["hidden"]
    return found


def _has_known_gates(model: ModelFile, file: OnnxFile) -> bool:
    """Whether `gates`, for a few words, gives the states that the file's graph gives; for any file."""
    ids = np.arange(_TRIED) % len(model.dictionary)
    try:
        layers = gates(file, ids)
    except (KeyError, IndexError, ValueError):
        return False
    after = [np.asarray(part, np.float64) for part in model.run(ids[None]).state.values()]
    share = _INT8_TOLERANCE if model.metadata.weights == "int8" else _TOLERANCE

    def is_in_graph(name: str) -> bool:
        own = np.stack([layer[name][-1] for layer in layers])[:, None]  # (layers, 1, hidden)
        return any(
            part.shape == own.shape and bool((np.abs(part - own) <= share * np.abs(part).max()).all())
            for part in after
        )

    return bool(layers) and all(is_in_graph(name) for name in ("hidden", "cell") if name in layers[0])


def _operator(node: Node) -> str:
    return node.operator.removeprefix("DynamicQuantize")


def _matrix(tensors: Mapping[str, NDArray[Any]], name: str, is_transposed: bool) -> NDArray[np.float64]:
    """A weight as the export stage stores it: in float16, in float32, or in int8 with a scale a row."""
    if f"{name}_int8" in tensors:
        values, scales = (np.squeeze(tensors[f"{name}_{part}"]) for part in ("int8", "scales"))
        rows = values.T if is_transposed else values
        found: NDArray[np.float64] = rows.astype(np.float64) * scales[:, None]
        return found
    stored = tensors[name] if name in tensors else tensors[f"{name}_float16"]
    return (stored[0] if stored.shape[0] == 1 and name != "embedding" else stored).astype(np.float64)


def _layer(
    equations: _Equations,
    inputs: NDArray[np.float64],
    of_input: NDArray[np.float64],
    of_state: NDArray[np.float64],
    biases: list[NDArray[np.float64]],
) -> Values:
    """Runs a layer along time; `inputs`: `(time, input)`."""
    state = {name: np.zeros(of_state.shape[1]) for name in ("hidden", "cell")}
    steps = []
    for x in inputs:
        state = equations(of_input @ x + biases[0], of_state @ state["hidden"] + biases[1], state)
        steps.append(state)
    return {name: np.stack([one[name] for one in steps]) for name in steps[0]}


def _lstm(x: NDArray[np.float64], h: NDArray[np.float64], state: Values) -> Values:
    i, o, f, c = np.split(x + h, 4)  # ONNX's order
    forget, input, output = _sigmoid(f), _sigmoid(i), _sigmoid(o)
    cell = forget * state["cell"] + input * np.tanh(c)
    return {
        "forget": forget,
        "input": input,
        "output": output,
        "cell": cell,
        "hidden": output * np.tanh(cell),
    }


def _gru(x: NDArray[np.float64], h: NDArray[np.float64], state: Values) -> Values:
    (of_z, of_r, of_n), (z, r, n) = np.split(x, 3), np.split(h, 3)
    update, reset = _sigmoid(of_z + z), _sigmoid(of_r + r)
    hidden = (1 - update) * np.tanh(of_n + reset * n) + update * state["hidden"]
    return {"update": update, "reset": reset, "hidden": hidden}


def _rnn(x: NDArray[np.float64], h: NDArray[np.float64], _state: Values) -> Values:
    return {"hidden": np.tanh(x + h)}


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (1 + np.tanh(x / 2)) / 2
    return result


_EQUATIONS: dict[str, _Equations] = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}
