"""A .onnx file → something that can be run: onnxruntime's session and the file's metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nextword.errors import CountError, ModelFileError, PromptError
from nextword.runtime.metadata import Metadata
from nextword.text import words
from nextword.text.dictionary import Dictionary

State = Mapping[str, NDArray[Any]]

_NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_MOST_THREADS = 1024
# What onnxruntime says of an operator that it does not know.
_LACKING = re.compile(r"implementation for (\w+)|(\w+)\(-?\d+\) is not a registered function/op")


class Step(NamedTuple):
    """What a model gives after the last word.

    - `logits`: of the next word, shape `(batch, dictionary)`.
    - `features`: what they are computed from, shape `(batch, features)`; none if the file does not give
      it.
    - `state`: its parts by name.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    state: State


class StatePart(NamedTuple):
    """A part of a model's state.

    - `kind`: the type of its numbers.
    - `shape`: with a 0 for the axis of the batch.
    - `axis`: which one that is.
    """

    kind: Any
    shape: tuple[int, ...]
    axis: int

    @classmethod
    def of(cls, put: Any) -> StatePart | None:
        """A part from an input or output of a graph; `None` if a part cannot be such."""
        axes = [place for place, size in enumerate(put.shape) if not isinstance(size, int)]
        if len(axes) != 1 or put.type not in _NUMBERS:
            return None
        shape = tuple(size if isinstance(size, int) else 0 for size in put.shape)
        return cls(_NUMBERS[put.type], shape, axes[0])

    def zero(self, batch: int) -> NDArray[Any]:
        """What stands before the first word of so many texts."""
        return np.zeros([*self.shape[: self.axis], batch, *self.shape[self.axis + 1 :]], self.kind)


class ModelFile:
    """A step graph that is ready to run.

    **Arguments:**

    - `path`: a file that the export stage has written.
    - `threads`: threads of one run. One is best for a word at a time.

    **Raises:** `ModelFileError` for a file that is missing, damaged, foreign or of another version;
    `CountError` for a number of threads that is out of range.

    **Attributes:** `metadata`, and `dictionary`, which is in it; `states`, the parts of the state by name;
    `features`, how many values the logits are computed from, or 0 if the file does not give them.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        if not 1 <= threads <= _MOST_THREADS:
            raise CountError(f"threads must be from 1 to {_MOST_THREADS}; got {threads}")
        self._path = path
        self._session = _session(path, threads)
        if any(put.name == "prompt" for put in self._session.get_inputs()):
            raise ModelFileError(
                f"{path} is a text graph, which onnxruntime runs by itself; load the step graph, "
                "models/nextword.onnx, or see examples/python/text_graph.py"
            )
        try:
            self.metadata = Metadata.from_properties(self._session.get_modelmeta().custom_metadata_map)
        except ModelFileError as error:
            raise ModelFileError(f"{path} {error}") from None
        self.states = self._state_parts(path)
        outputs = {put.name: put.shape for put in self._session.get_outputs()}
        size = (outputs.get("features") or [None])[-1]
        self._gives_features = isinstance(size, int)
        features = ["features"] if self._gives_features else []
        self._outputs = ["logits", *(f"next_{name}" for name in self.states), *features]
        self._zero = self._zero_state(1)
        # In older files the state `hidden` serves, if it is one of layers.
        hidden = outputs.get("next_hidden", [])
        is_of_layers = len(hidden) == 3 and hidden[::2] == [self.metadata.layers, self.metadata.hidden]
        self.features: int = size if self._gives_features else self.metadata.hidden if is_of_layers else 0
        self.dictionary = Dictionary(self.metadata.dictionary, self.metadata.unknown)

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        import hashlib

        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def split(self, text: str) -> list[str]:
        """The words of a text, by the file's rules.

        **Raises:** `PromptError` if there are none.
        """
        metadata = self.metadata
        tokens = words.split(text, metadata.split_by, metadata.lowercase, metadata.line_ends)
        if not tokens:
            raise PromptError("the text has no words; give at least one")
        return tokens

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> Step:
        """Reads words.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `state`: before the first word, its parts by name; zero if left out.
        """
        if state is None:
            state = self._zero if len(ids) == 1 else self._zero_state(len(ids))
        if self.metadata.weights == "int8" and len(ids) > 1:
            return self._one_by_one(ids, state)
        return self._run(ids, state)

    def _zero_state(self, batch: int) -> State:
        """What stands before the first word of so many texts."""
        return {name: part.zero(batch) for name, part in self.states.items()}

    def _one_by_one(self, ids: NDArray[np.int64], state: State) -> Step:
        """Reads each text by itself.

        Activations are quantised with one scale for all that is read at once, so that the figures of a
        text would turn on the texts beside it.
        """
        found = [
            self._run(
                ids[text : text + 1],
                {name: part.take([text], self.states[name].axis) for name, part in state.items()},
            )
            for text in range(len(ids))
        ]
        return Step(
            np.concatenate([one.logits for one in found]),
            np.concatenate([one.features for one in found]),
            {
                name: np.concatenate([one.state[name] for one in found], axis=part.axis)
                for name, part in self.states.items()
            },
        )

    def _run(self, ids: NDArray[np.int64], state: State) -> Step:
        logits, *found = self._session.run(self._outputs, {"ids": ids, **state})
        after = dict(zip(self.states, found, strict=False))  # what is left are the features
        if self._gives_features:
            return Step(logits, found[-1], after)
        # In older files the logits are computed from the last layer's hidden state, or from a projection.
        features = after["hidden"][-1] if self.features else np.zeros((len(ids), 0), np.float32)
        return Step(logits, features, after)

    def _state_parts(self, path: Path) -> dict[str, StatePart]:
        """The parts of the state, by name: what the graph reads beside words, and gives out again."""
        inputs = {put.name: put for put in self._session.get_inputs()}
        outputs = {put.name: put for put in self._session.get_outputs()}
        ids, logits = inputs.pop("ids", None), outputs.get("logits")
        parts = {name: StatePart.of(put) for name, put in inputs.items()}
        fits = (
            ids is not None
            and (ids.type, len(ids.shape)) == ("tensor(int64)", 2)
            and logits is not None
            and (logits.type, logits.shape[1:]) == ("tensor(float)", [len(self.metadata.dictionary)])
            and all(
                part is not None
                and f"next_{name}" in outputs
                and StatePart.of(outputs[f"next_{name}"]) == part
                for name, part in parts.items()
            )
        )
        if not fits:
            raise ModelFileError(f"{path} has a graph that does not fit its metadata; export it again")
        return {name: part for name, part in parts.items() if part}


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise ModelFileError(f"{path}: no such model file; `dvc repro` makes models/nextword.onnx")
    if path.stat().st_size == 0:
        raise ModelFileError(f"{path} is empty; copy or export it again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    with path.open("rb"):
        pass  # onnxruntime does not say that a file may not be read; this does
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no base class of their own
        lacking = _LACKING.search(str(error))
        if lacking:
            raise ModelFileError(
                f"{path} needs the operator {lacking[1] or lacking[2]}, which onnxruntime "
                f"{onnxruntime.__version__} lacks; install a newer onnxruntime"
            ) from None
        raise ModelFileError(
            f"{path} is not an ONNX model that onnxruntime {onnxruntime.__version__} can load: "
            "damaged, cut short, or something else; copy or export it again"
        ) from None
