"""A .onnx file → something that can be run: onnxruntime's session and the file's metadata."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nextword.errors import ModelFileError, PromptError
from nextword.runtime import arguments
from nextword.runtime.inspection import inspect
from nextword.text import words
from nextword.text.subwords import SubwordDictionary, dictionary_of
from nextword.text.word_filter import WordFilter

if TYPE_CHECKING:
    from nextword.runtime.entries import Entries

State = Mapping[str, NDArray[Any]]

MOST_THREADS = 8  # or as many as the machine has
_MOST_BYTES = 2**31 - 1  # of a protocol buffer
# What onnxruntime says about an operator that it does not know.
_LACKING = re.compile(
    r"implementation for (\w+)|(\w+)\(-?\d+\) is not a registered function/op|No Op registered for (\w+)"
)
# What it says about a version of ONNX's format or operators that it does not know.
_NEWER = re.compile(r"Unsupported model IR version|Opset \d+ is under development")


class Step(NamedTuple):
    """What a model outputs after the last word.

    - `logits`: of the next word, shape `(batch, dictionary)`.
    - `features`: what they are computed from, shape `(batch, features)`; none if the file does not output
      them.
    - `state`: its parts by name.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    state: State


class Session(Protocol):
    """What runs a step graph, as onnxruntime's `InferenceSession` does."""

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> Any:
        """The values of the outputs."""


class ModelFile:
    """A step graph that is ready to run.

    **Arguments:**

    - `path`: a file written by the export stage.
    - `threads`: threads of one run; one is best for a word at a time.

    **Raises:** `ModelFileError` for a file that is missing, damaged, foreign or of another version;
    `CountError` for a number of threads out of range.

    **Attributes:** `path`; `metadata`, and the `dictionary` in it; `states`, the parts of the state by name;
    `features`, how many values the logits are computed from, or 0 if the file does not output them.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        arguments.count("threads", threads, max(MOST_THREADS, os.cpu_count() or 1))
        self.path = path
        data = bytes_of(path)
        try:
            self.metadata, self.states, outputs = inspect(data)
            self._session: Session = session_of(data, threads)
        except ModelFileError as error:
            raise ModelFileError(f"{path} {error}") from None
        size = (outputs.get("features") or [None])[-1]
        self._gives_features = isinstance(size, int)
        features = ["features"] if self._gives_features else []
        self._outputs = ["logits", *(f"next_{name}" for name in self.states), *features]
        self._zero = self._zero_state(1)
        # In older files the state `hidden` serves instead, if it is one of layers.
        hidden = outputs.get("next_hidden", ())
        is_of_layers = len(hidden) == 3 and hidden[::2] == (self.metadata.layers, self.metadata.hidden)
        self.features = size or (self.metadata.hidden if is_of_layers else 0)
        about = self.metadata
        self.dictionary = dictionary_of(about.dictionary, about.unknown, about.split_by)
        self.run(np.zeros((1, 1), np.int64))  # whether it can be run at all

    @property
    def context(self) -> int | None:
        """How many words it reads; `None` if it carries a state."""
        return self.metadata.context

    @cached_property
    def axes(self) -> Mapping[str, int]:
        """The batch axis of each part of the state."""
        return {name: part.axis for name, part in self.states.items()}

    @cached_property
    def entries(self) -> Entries:
        """What the entries add to a text; only for a dictionary of subwords."""
        from nextword.runtime.entries import Entries

        training_words = WordFilter.from_text(self.metadata.training_words)
        return Entries(cast("SubwordDictionary", self.dictionary), training_words)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file."""
        import hashlib

        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def run_by(self, session: Session) -> ModelFile:
        """The same model, run by another session."""
        found = copy.copy(self)
        found._session = session
        return found

    def split(self, text: str) -> list[str]:
        """The words of a text, by the file's rules.

        **Raises:** `PromptError` if there are none, or for anything but text.
        """
        metadata = self.metadata
        tokens = words.split(arguments.text(text), metadata.split_by, metadata.lowercase, metadata.line_ends)
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
        """The state before the first word of a batch of texts."""
        return {name: part.zero(batch) for name, part in self.states.items()}

    def _one_by_one(self, ids: NDArray[np.int64], state: State) -> Step:
        """Reads each text by itself.

        Activations are quantised with one scale for everything read at once, so the figures of a text
        would otherwise depend on the texts beside it.
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
        try:
            logits, *found = self._session.run(self._outputs, {"ids": ids, **state})
        except Exception:  # onnxruntime's errors have no base class of their own
            raise self._broken("cannot be run by onnxruntime") from None
        after = dict(zip(self.states, found, strict=False))  # what is left are the features
        if self._gives_features:
            features = found[-1]
        elif self.features:
            # In older files the logits are computed from the last layer's hidden state, or from a projection.
            features = after["hidden"][-1]
        else:
            features = np.zeros((len(ids), 0), np.float32)
        step = Step(logits, features, after)
        self._check(step, len(ids))
        return step

    def _check(self, step: Step, batch: int) -> None:
        """Refuses outputs that are not as the graph declares, or not numbers.

        **Raises:** `ModelFileError`.
        """
        shapes: dict[str, tuple[int, ...]] = {
            "logits": (batch, len(self.dictionary)),
            "features": (batch, self.features),
        }
        shapes |= {name: part.of_batch(batch) for name, part in self.states.items()}
        for name, value in (("logits", step.logits), ("features", step.features), *step.state.items()):
            if value.shape != shapes[name]:
                raise self._broken(f"outputs {name} in a shape other than declared")
        if not np.isfinite(step.logits).all():
            raise self._broken("outputs logits that are not finite numbers")

    def _broken(self, what: str) -> ModelFileError:
        return ModelFileError(f"{self.path} {what}; train and export it again")


def bytes_of(path: Path) -> bytes:
    """A file's content.

    **Raises:** `ModelFileError` for a file that cannot be read, or is larger than any model.
    """
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path} is not a regular file; specify a model file")
        size = path.stat().st_size
        if size == 0:
            raise ModelFileError(f"{path} is empty; copy or export it again")
        if size > _MOST_BYTES:
            raise ModelFileError(
                f"{path} is larger than 2 GB, the limit for ONNX models; specify another file"
            )
        return path.read_bytes()
    except FileNotFoundError:
        message = f"{path}: no such model file; specify another, with --model on the command line"
        raise ModelFileError(message) from None
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror}; specify a model file that can be read") from None


def session_of(data: bytes, threads: int) -> onnxruntime.InferenceSession:
    """What runs a file that has been checked.

    **Raises:** `ModelFileError`, whose message continues after the name of the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised, and need not be logged too
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        # No fallback: it would print a page about it.
        session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's errors have no base class of their own
        raise ModelFileError(_unloadable(str(error))) from None
    session._model_bytes = None  # it would keep the file in memory, for a fallback
    return session


def _unloadable(error: str) -> str:
    """What is wrong with a file that onnxruntime does not load, from what it says."""
    version = f"onnxruntime {onnxruntime.__version__}"
    if lacking := _LACKING.search(error):
        operator = lacking[lacking.lastindex or 0]
        return f"needs the operator {operator}, which {version} lacks; install a newer onnxruntime"
    if _NEWER.search(error):
        return f"has a newer version of ONNX than {version} knows; install a newer onnxruntime"
    return f"cannot be loaded by {version}: damaged, or not a supported model; copy or export it again"
