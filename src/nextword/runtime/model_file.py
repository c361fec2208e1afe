"""A .onnx file → something that can be run: onnxruntime's session and the file's metadata."""

import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nextword.errors import CountError, ModelFileError, PromptError
from nextword.runtime.metadata import Metadata
from nextword.text import words
from nextword.text.dictionary import Dictionary

State = tuple[NDArray[np.float32], NDArray[np.float32]]

_MOST_THREADS = 1024
# What onnxruntime says of an operator that it does not know.
_LACKING = re.compile(r"implementation for (\w+)|(\w+)\(-?\d+\) is not a registered function/op")


class ModelFile:
    """A step graph that is ready to run.

    **Arguments:**

    - `path`: a file that the export stage has written.
    - `threads`: threads of one run. One is best for a word at a time.

    **Raises:** `ModelFileError` for a file that is missing, damaged, foreign or of another version;
    `CountError` for a number of threads that is out of range.

    **Attributes:** `metadata`, and `dictionary`, which is in it.
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
        self._check(path)
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

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> tuple[NDArray[np.float32], State]:
        """Reads words.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `state`: hidden and cell state before the first word, each of shape
          `(layers, batch, hidden)`; zero if left out.

        **Returns:** the logits of the word after the last one, `(batch, dictionary)`, and the
        state after the last word.
        """
        if state is None:
            zero = np.zeros((self.metadata.layers, len(ids), self.metadata.hidden), np.float32)
            state = zero, zero
        logits, hidden, cell = self._session.run(
            ("logits", "next_hidden", "next_cell"), {"ids": ids, "hidden": state[0], "cell": state[1]}
        )
        return logits, (hidden, cell)

    def _check(self, path: Path) -> None:
        """Makes sure that the graph is the one that its metadata speak of."""
        found = {put.name: put.shape for put in (*self._session.get_inputs(), *self._session.get_outputs())}
        state = [self.metadata.layers, "batch", self.metadata.hidden]
        expected: dict[str, list[Any]] = {
            "ids": ["batch", "time"],
            "logits": ["batch", len(self.metadata.dictionary)],
            **dict.fromkeys(("hidden", "cell", "next_hidden", "next_cell"), state),
        }
        if found != expected:
            raise ModelFileError(f"{path} has a graph that does not fit its metadata; export it again")


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
