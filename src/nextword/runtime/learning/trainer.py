"""A training graph, a model file and a text → a model file that has learned the text."""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from nextword import outputs
from nextword.errors import ModelFileError, OutputError, PromptError, TrainingError
from nextword.runtime import arguments, model_file, saved_arrays
from nextword.runtime.learning.batches import batches, in_order
from nextword.runtime.learning.rewriting import rewritten
from nextword.runtime.learning.training_file import Step, TrainingFile
from nextword.runtime.model_file import MOST_THREADS, ModelFile
from nextword.runtime.saved_arrays import SavedArrays
from nextword.text.dictionary import Dictionary
from nextword.text.word_filter import WordFilter

_MEASURED = 64  # windows, or words of a stream, whose loss is computed at once
_FORMAT = "nextword-checkpoint/1"
_VALUE, _STATE = "value.", "state."  # prefixes of the names of saved weights, moments and states
_DAMAGED = TrainingError("these bytes are not a checkpoint, or only part of one")
_EXPLODED = 50  # nats per word: no network that learns is ever this wrong
_WORSE = 1.0  # nats per word above the first loss; what is worse may have begun to diverge


# The least and the most value, and whether it must be a whole number; JavaScript has the same.
_RANGES = {
    "seed": (0, 2**32 - 1, True),
    "learning_rate": (0, 10, False),
    "weight_decay": (0, 10, False),
    "clip": (1e-6, 1e6, False),
    "batch": (1, 65536, True),
    "words_per_step": (1, 65536, True),
    "threads": (1, max(MOST_THREADS, os.cpu_count() or 1), True),
}


@dataclass(frozen=True)
class Settings:
    """How a text is learned; the names are those of `params.yaml`.

    - `learning_rate`, `weight_decay`, `clip`: of AdamW.
    - `batch`: windows of a step, or streams where the model carries its state.
    - `words_per_step`: words of each stream in a step.
    - `seed`: of the order of the text, and of drawn weights.
    - `threads`: threads of one step.

    **Raises:** `TrainingError` for a value of another type or out of range.
    """

    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    batch: int = 256
    words_per_step: int = 35
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        for name, (low, high, whole) in _RANGES.items():
            arguments.number(TrainingError, name, getattr(self, name), low, high, whole=whole)


class Learned(NamedTuple):
    """A step: the mean loss before it, in nats per word, and the norm of the gradients before clipping."""

    loss: float
    gradient_norm: float


class _Position(NamedTuple):
    """Where learning stands: steps taken, weights and moments by name, and the state, where it is carried."""

    step: int
    values: Mapping[str, OrtValue]
    state: Mapping[str, NDArray[Any]]


class Trainer:
    """Learns a text with AdamW, step by step, using only numpy and onnxruntime.

    A loss that no network has that learns means that training has diverged, perhaps over several steps.
    Learning then goes back to the last step whose loss was at most one nat per word above the first loss.

    **Arguments:**

    - `graph`: a training graph, `nextword.train.onnx`.
    - `model`: a step graph of the same network in float16, `nextword.onnx`. The text is split by its rules,
      and learning starts from its words and weights.
    - `text`: the text to learn.
    - `settings`: how to learn it.
    - `from_nothing`: whether to use the words of the text instead, and draw the weights as the train stage
      does.

    **Raises:** `ModelFileError` for files that cannot be read or do not belong together; `PromptError` for a
    text without words, or without words that the model knows; `UnknownWordError` where it has no `<unk>`;
    `TrainingError` for a text that is too short.

    **Attributes:** `interval`, the steps of an epoch; `dictionary`.
    """

    def __init__(
        self,
        graph: str | Path,
        model: str | Path,
        text: str,
        settings: Settings = Settings(),
        *,
        from_nothing: bool = False,
    ) -> None:
        graph, model = (arguments.path(ModelFileError, path) for path in (graph, model))
        self._graph, self._settings = TrainingFile(graph, settings.threads), settings
        self._file, self._base = model_file.bytes_of(model), ModelFile(model)
        stored = self._graph.stored_in(self._file, model)
        tokens = self._base.split(text)
        self._properties = {"metrics": "{}", "corpus_sha256": hashlib.sha256(text.encode()).hexdigest()}
        self.dictionary = self._base.dictionary
        if from_nothing:
            if self._base.metadata.split_by == "subwords":
                raise ModelFileError(
                    f"{model} uses subwords, which only `dvc repro` can learn; use a model of whole words"
                )
            self.dictionary = Dictionary.count(Counter(tokens))
            spelt = json.dumps(self.dictionary.words, ensure_ascii=False)
            self._properties |= {"dictionary": spelt, "unknown": "null"}
        elif known := WordFilter.from_text(self._base.metadata.training_words):
            known.add(word for word, _ in self._base.dictionary.spelt(tokens))
            self._properties |= {"training_words": known.text}
        ids = np.array(self.dictionary.encode(tokens))
        if (ids == self.dictionary.unknown).all():
            raise PromptError(f"{model} knows no word of the text; use a model of the text's language")
        # A cell without a state must learn what zero vectors before a short text mean.
        is_padded, read = not self._graph.states, settings.words_per_step
        about = (
            self._graph.sha256,
            hashlib.sha256(self._file).hexdigest(),
            self._properties["corpus_sha256"],
            *map(str, (int(from_nothing), settings.batch, read, settings.seed)),
        )
        self._identity = hashlib.sha256(" ".join(about).encode()).hexdigest()
        self._batches = batches(
            ids, self._graph.context, settings.batch, read, settings.seed, is_padded=is_padded
        )
        self.interval = self._batches.interval
        self._begin(0, self._graph.begin(self._drawn(ids) if from_nothing else stored), {})

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self._now.step

    def _begin(self, step: int, values: Mapping[str, OrtValue], state: Mapping[str, NDArray[Any]]) -> None:
        """Sets where learning stands; it never goes back to before that."""
        self._now = self._sound = _Position(step, values, state)
        self._first_loss: float | None = None

    def learn(self) -> Learned:
        """Takes a step.

        **Raises:** `TrainingError` if training has diverged; weights and `step` then are those that learning
        went back to.
        """
        now, settings = self._now, self._settings
        ids, following, begins = self._batches.batch(now.step)
        state = self._graph.zero_state(len(ids)) if begins else now.state
        step = Step(now.step + 1, settings.learning_rate, settings.weight_decay, settings.clip)
        found = self._graph.step(ids, following, state, now.values, step)
        if not (found.loss < _EXPLODED and math.isfinite(found.gradient_norm)):
            self._now = self._sound
            raise TrainingError(
                f"training has diverged at step {now.step + 1}: loss {found.loss:.4g}, gradient norm "
                f"{found.gradient_norm:.4g}; lower the learning rate"
            )
        if self._first_loss is None:
            self._first_loss = found.loss
        if found.loss <= self._first_loss + _WORSE:
            self._sound = now
        self._now = _Position(now.step + 1, found.values, found.state)
        return Learned(found.loss, found.gradient_norm)

    def loss(self, text: str) -> float:
        """The mean loss on another text, in nats per word, with the current weights.

        **Raises:** as the trainer itself.
        """
        ids = np.array(self.dictionary.encode(self._base.split(text)))
        total, count, state = 0.0, 0, self._graph.zero_state(1)
        for own, following, begins in in_order(ids, self._graph.context, _MEASURED):
            before = self._graph.zero_state(len(own)) if begins else state
            found = self._graph.step(own, following, before, self._now.values, Step(1, 0.0, adamw=False))
            total, count, state = total + found.loss * following.size, count + following.size, found.state
        return total / count

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights by the names of the network's parameters."""
        return {name: self._now.values[name].numpy() for name in self._graph.weights}

    def save(self, path: str | Path) -> None:
        """Writes a step graph for `Generator.load`, with weights rounded to float16.

        **Raises:** `TrainingError` for a weight that float16 cannot hold; `OutputError` for a path that is
        not that of a file; `OSError` if it cannot be written.
        """
        path, weights = arguments.path(OutputError, path), self.weights
        with np.errstate(over="ignore"):
            tensors = {
                name: stored.join(weights).astype(np.float32).astype(np.float16)
                for name, stored in self._graph.stored.items()
            }
        if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
            raise TrainingError("a weight is larger than float16 can hold; lower the learning rate")
        with outputs.replacing(path) as temporary:
            temporary.write_bytes(rewritten(self._file, tensors, self._properties, len(self.dictionary)))

    def checkpoint(self) -> bytes:
        """The state of learning, from which `resume` continues in a new trainer."""
        arrays = {
            "format": np.array(_FORMAT),
            "trainer": np.array(self._identity),
            "step": np.array(self.step),
        }
        arrays |= {f"{_VALUE}{name}": value.numpy() for name, value in self._now.values.items()}
        if self._graph.context is None:
            arrays |= {f"{_STATE}{name}": part for name, part in self._now.state.items()}
        return saved_arrays.save(arrays)

    def resume(self, data: bytes) -> None:
        """Continues from a checkpoint, bit for bit.

        The trainer must have been made with the same files, text, `batch`, `words_per_step` and `seed`.

        **Raises:** `TrainingError` for bytes that are not a checkpoint, or not one of this trainer; then
        everything stays as it was.
        """
        try:
            saved = SavedArrays(bytes(data))
            found, identity = saved.text("format"), saved.text("trainer")
        except Exception:
            raise _DAMAGED from None
        if found != _FORMAT:
            raise TrainingError(f"the checkpoint has format {found[:40]}; this version reads {_FORMAT}")
        if identity != self._identity:
            raise TrainingError(
                "the checkpoint belongs to other files, another text or other settings; give the trainer "
                "the same ones"
            )
        try:
            step = int(saved.array("step", np.int64, ()))
            values = {
                name: saved.array(f"{_VALUE}{name}", self._graph.kind, tuple(value.shape()))
                for name, value in self._now.values.items()
            }
            state = {
                name: saved.array(f"{_STATE}{name}", self._graph.kind, part.shape)
                for name, part in self._graph.zero_state(self._settings.batch).items()
                if step and self._graph.context is None
            }
        except Exception:
            raise _DAMAGED from None
        if step < 0:
            raise _DAMAGED
        self._begin(step, self._graph.values(values), state)

    def keep(self) -> dict[str, OrtValue]:
        """The current weights and moments, for `restore`."""
        return dict(self._now.values)

    def restore(self, kept: Mapping[str, OrtValue]) -> None:
        """Goes back to kept weights and moments."""
        self._begin(self.step, dict(kept), self._now.state)

    def _drawn(self, ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Weights as the train stage draws them before the first step."""
        random, size = np.random.default_rng(self._settings.seed), len(self.dictionary)
        found = {}
        for name, bound in self._graph.initial.items():
            shape = [axis or size for axis in self._graph.weights[name]]
            found[name] = (
                random.standard_normal(shape) if bound is None else random.uniform(-bound, bound, shape)
            )
        if self._graph.context is None:  # each word is expected as often as it occurs
            found["logits.bias"] = np.log(np.bincount(ids, minlength=size) / len(ids))
        return found
