"""A model that keeps learning from the text that it reads, block by block: dynamic evaluation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import ModelFileError, TrainingError
from nextword.runtime import arguments, model_file
from nextword.runtime.learning.rewriting import with_inputs
from nextword.runtime.learning.training_file import Step, TrainingFile
from nextword.runtime.model_file import ModelFile, Session, State
from nextword.runtime.onnx_file import OnnxFile

_BLOCK = 20  # words that a step learns from
_RANK = 4  # of the change that a matrix learns
_CLIP = 1.0  # the largest norm of the gradients
_MOST_RATE = 100.0
_MOST_BLOCK = 1_000  # subwords of a block, which a long word extends; words that long teach nothing
_SEED = 1

Values = Mapping[str, NDArray[np.float32]]


class Learned(NamedTuple):
    """What has been learned so far, and what will be learned from next. Nothing in it is changed in place.

    - `values`: by the name of a weight, B for a matrix, `(rows, 4)`, and what is added to a vector.
    - `ids`: the words since the last step, preceded by those that predicted the first of them.
    - `state`: before the first of `ids`, where it is carried.
    """

    values: Values
    ids: tuple[int, ...] = ()
    state: State | None = None


class DynamicEvaluation:
    """Changes the weights of a model while a text is read (Krause et al. 2018).

    After each block of 20 words comes one step of gradient descent on their loss. The change that a matrix W
    learns is of rank 4, to take little room: W + B A, where A is fixed, its entries ±1 / √columns at random.
    A step adds to B the full change of the matrix, times Aᵀ. Vectors learn in full.

    **Arguments:**

    - `model`: a model file in float16.
    - `graph`: its training graph.
    - `learning_rate`: of gradient descent.

    **Raises:** `ModelFileError` for a training graph that cannot be used, or that is of another network;
    `TrainingError` for a learning rate out of range.

    **Attributes:** `model`, which reads with the current weights; `learned`, which can be set back, and
    `nothing`, its value before the first word; `most`, the most ids that it holds; `learning_rate`;
    `projections`, the matrix A of each matrix by its name; `sha256` of the training graph.
    """

    def __init__(self, model: ModelFile, graph: Path, learning_rate: float) -> None:
        arguments.number(TrainingError, "learning_rate", learning_rate, 0, _MOST_RATE, whole=False)
        if not learning_rate:
            raise TrainingError("with a learning_rate of 0 nothing is learned; leave the training graph out")
        if model.metadata.weights == "int8":
            raise ModelFileError(f"{model.path} is in int8, which cannot learn; load nextword.onnx instead")
        self.learning_rate = learning_rate
        self._graph, self._context = TrainingFile(graph), model.context
        self._kept = self._context or 1  # words that predict the next one
        self.most = self._kept + _MOST_BLOCK
        self.sha256 = self._graph.sha256
        data = model_file.bytes_of(model.path)
        stored = self._graph.stored_in(data, model.path)
        self._weights = {name: weight.astype(np.float32) for name, weight in stored.items()}
        self._session = _GivenWeights(data, self._graph)
        self.model = model.run_by(self._session)
        random = np.random.default_rng(_SEED)
        self.projections: dict[str, NDArray[np.float32]] = {}
        nothing: dict[str, NDArray[np.float32]] = {}
        for name, weight in self._weights.items():
            shape = weight.shape
            if len(shape) == 2:
                signs = 2 * random.integers(2, size=(_RANK, shape[1])) - 1
                self.projections[name] = (signs / np.sqrt(shape[1])).astype(np.float32)
                shape = (shape[0], _RANK)
            nothing[name] = np.zeros(shape, np.float32)
        # A step projects the weights after it; the fixed part of those before it never changes.
        self._projected = {
            name: self._weights[name] @ projection.T for name, projection in self.projections.items()
        }
        self._moments = self._graph.begin(self._weights)  # not used by gradient descent
        self.nothing = Learned(nothing)
        self._learned = self.nothing
        self._put()

    @property
    def learned(self) -> Learned:
        """What has been learned so far."""
        return self._learned

    @learned.setter
    def learned(self, learned: Learned) -> None:
        is_other = learned.values is not self._learned.values
        self._learned = learned
        if is_other:
            self._put()

    def note(self, id: int, state: State | None, may_learn: bool = True) -> None:
        """Must be called before a word is read; learns from the words before it once they fill a block.

        **Arguments:**

        - `id`: of the word.
        - `state`: of the reader, before it.
        - `may_learn`: false within a word of several subwords, so that the word can be read again.
        """
        values, ids, before = self._learned
        ids = (*ids, id) if ids else (id,)
        if len(ids) == 1:
            before = state
        is_block = may_learn and len(ids) >= self._kept + _BLOCK
        if is_block:
            values = self._step(ids, before)
        if is_block or len(ids) > self.most:
            ids, before = ids[-self._kept :], state
        self.learned = Learned(values, ids, before)

    def learn_rest(self) -> None:
        """Learns from the words since the last step, however few: the text ends here."""
        values, ids, state = self._learned
        if len(ids) > self._kept:
            values = self._step(ids, state)
        self.learned = Learned(values)

    def start_again(self) -> None:
        """Another text begins; what was learned stays."""
        self._learned = Learned(self._learned.values)

    def _step(self, ids: tuple[int, ...], state: State | None) -> Values:
        """One step of gradient descent on words; its result is discarded if it diverges."""
        graph, text, context = self._graph, np.array(ids), self._context
        if context is None:
            read, following = text[None, :-1], text[None, 1:]
        else:
            read = np.lib.stride_tricks.sliding_window_view(text[:-1], context)
            following = text[context:, None]
        before = graph.zero_state(len(read))
        if state:
            before = {name: state[name].astype(graph.kind) for name in before}
        share = min(following.size / _BLOCK, 1)  # fewer words say less
        step = Step(1, self.learning_rate * share, clip=_CLIP, adamw=False)
        found = graph.step(np.ascontiguousarray(read), following, before, self._values, step)
        if not np.isfinite([found.loss, found.gradient_norm]).all():
            return self._learned.values
        learned: dict[str, NDArray[np.float32]] = {}
        for name, own in self._learned.values.items():
            after, projection = found.values[name].numpy(), self.projections.get(name)
            if projection is None:
                learned[name] = own + (after - self._now[name]).astype(np.float32)
            else:
                before_step = self._projected[name] + own @ (projection @ projection.T)
                learned[name] = own + (after @ projection.T - before_step).astype(np.float32)
        return learned

    def _put(self) -> None:
        """Sets the weights according to what was learned."""
        self._now = {
            name: weight + (own @ self.projections[name] if name in self.projections else own)
            for (name, weight), own in zip(self._weights.items(), self._learned.values.values(), strict=True)
        }
        kind = self._graph.kind
        now = {name: weight.astype(kind, copy=False) for name, weight in self._now.items()}
        self._values = {**self._moments, **self._graph.values(now)}
        self._session.give(self._now)


class _GivenWeights:
    """Runs a step graph with given weights."""

    def __init__(self, data: bytes, graph: TrainingFile) -> None:
        casts = {
            node.inputs[0]: node.outputs[0]
            for node in OnnxFile(data).nodes()
            if node.operator == "Cast" and node.inputs[0] in graph.stored
        }
        self._stored = {casts[name]: stored for name, stored in graph.stored.items()}
        self._session: Session = model_file.session_of(with_inputs(data, casts), 1)
        self._weights: dict[str, NDArray[Any]] = {}

    def give(self, weights: Values) -> None:
        """Takes the weights by the names of the network's parameters."""
        self._weights = {
            name: np.ascontiguousarray(stored.join(weights), np.float32)
            for name, stored in self._stored.items()
        }

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> Any:
        """The values of the outputs."""
        return self._session.run(outputs, {**inputs, **self._weights})
