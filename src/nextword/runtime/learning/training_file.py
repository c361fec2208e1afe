"""A training graph that is ready to run: one step of the optimiser at a time, in stock onnxruntime.

Unlike a model file, whose operators are all checked, a training graph is trusted with the machine's time and
memory: only use one from the source of the model.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from nextword.errors import ModelFileError
from nextword.runtime import model_file
from nextword.runtime.learning.stored import Stored
from nextword.runtime.onnx_file import OnnxFile
from nextword.runtime.protobuf import ProtobufError

FORMAT = "nextword-training/1"

MOMENTS = ("first_moment.", "second_moment.")  # prefixes of the names of a weight's moments

Arrays = Mapping[str, NDArray[Any]]


class Step(NamedTuple):
    """What a step takes besides words, a state and weights.

    - `number`: from 1.
    - `learning_rate`.
    - `weight_decay`: of AdamW, on matrices.
    - `clip`: the largest L2 norm of all gradients together; longer ones are scaled down to it.
    - `adamw`: whether it is a step of AdamW, else of plain gradient descent.
    """

    number: int
    learning_rate: float
    weight_decay: float = 0.0
    clip: float = 1.0
    adamw: bool = True


class Stepped(NamedTuple):
    """The results of a step.

    - `loss`: in nats per word, before the step.
    - `gradient_norm`: before clipping.
    - `state`: after the last word, by its parts.
    - `values`: weights and moments after the step.
    """

    loss: float
    gradient_norm: float
    state: dict[str, NDArray[Any]]
    values: dict[str, OrtValue]


class TrainingFile:
    """A training graph.

    **Arguments:**

    - `path`: a file written by the export stage.
    - `threads`: threads of one step.

    **Raises:** `ModelFileError` for a file that is missing, damaged or of another kind or version.

    **Attributes:** `sha256` of the file; `properties`, its metadata as strings; `context`, words that it
    reads, or `None`; `kind`, the type of its numbers; `states`, the shape of each part of the state, with 0
    for the batch; `weights`, the shape of each weight, with 0 for the size of the dictionary; `stored`, how
    the step graph stores them; `initial`, the bound of each weight's first values, or `None`.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        data = model_file.bytes_of(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            file = OnnxFile(data)
            self.properties = {name: text.decode() for name, text in file.properties()}
            inputs = {
                name: (value.type, tuple(size or 0 for size in value.shape))
                for name, value in file.inputs().items()
            }
            outputs = file.outputs()
        except (ProtobufError, UnicodeDecodeError):
            raise ModelFileError(f"{path} is not an ONNX model; copy or export it again") from None
        found = self.properties.get("format", "")
        if not found.startswith("nextword-training/"):
            raise ModelFileError(f"{path} is not a training graph; specify one, such as nextword.train.onnx")
        if found != FORMAT:
            raise ModelFileError(
                f"{path} has {found[:40]}, which this version cannot read; install a newer nextword"
            )
        try:
            self.context: int | None = json.loads(self.properties["context"])
            stored = json.loads(self.properties["stored"])
            self.stored = {name: Stored(*map(_tuple, one)) for name, one in stored.items()}
            self.initial: dict[str, float | None] = json.loads(self.properties["initial"])
            self.weights = {name: inputs[name][1] for name in self.initial}
            self.kind = inputs[next(iter(self.initial))][0]
            self.states = {
                name: inputs[name][1]
                for name in inputs
                if name not in self.weights and f"next_{name}" in outputs and not name.startswith(MOMENTS)
            }
        except (KeyError, ValueError, TypeError, StopIteration):
            raise ModelFileError(f"{path} has damaged metadata; export it again") from None
        try:
            self._session = model_file.session_of(data, threads)
        except ModelFileError as error:
            raise ModelFileError(f"{path} {error}") from None
        changed = [start + name for name in self.weights for start in ("", *MOMENTS)]
        self._changed = [name for name in changed if f"next_{name}" in outputs]
        self._outputs = [
            "loss",
            "gradient_norm",
            *(f"next_{name}" for name in (*self.states, *self._changed)),
        ]

    def stored_in(self, data: bytes, path: Path) -> dict[str, NDArray[Any]]:
        """The weights that a step graph stores in float16.

        **Arguments:**

        - `data`: a file that has been checked.
        - `path`: where it comes from.

        **Raises:** `ModelFileError` for a file of another network than the training graph.
        """
        tensors, found = OnnxFile(data).tensors(), dict[str, NDArray[Any]]()
        # Each weight is in float16, and everything in float16 is a weight.
        is_float = {name for name in tensors if tensors[name].dtype == np.float16} == {*self.stored}
        for name, stored in self.stored.items() if is_float else ():
            try:
                found |= stored.part(tensors[name])
            except ValueError:  # of other shapes
                break
        shapes = {name: weight.shape for name, weight in found.items()}
        words = shapes.get("logits.bias", (0,))[0]
        expected = {name: tuple(size or words for size in shape) for name, shape in self.weights.items()}
        if shapes != expected:
            raise ModelFileError(
                f"{path} and the training graph belong to different networks; use nextword.onnx and "
                "nextword.train.onnx from the same `dvc repro`"
            )
        return found

    def begin(self, weights: Arrays) -> dict[str, OrtValue]:
        """Weights and moments before the first step.

        **Arguments:**

        - `weights`: by name, in any type of floats.
        """
        arrays = {name: np.array(weights[name], self.kind, order="C") for name in self.weights}
        moments = [name for name in self._changed if name.startswith(MOMENTS)]
        arrays |= {name: np.zeros_like(arrays[name.partition(".")[2]]) for name in moments}
        return self.values(arrays)

    def values(self, arrays: Arrays) -> dict[str, OrtValue]:
        """Arrays as onnxruntime holds them."""
        return {name: OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}

    def zero_state(self, batch: int) -> dict[str, NDArray[Any]]:
        """The state before the first word of a batch of texts."""
        return {
            name: np.zeros([size or batch for size in shape], self.kind)
            for name, shape in self.states.items()
        }

    def step(
        self,
        ids: NDArray[np.int64],
        following: NDArray[np.int64],
        state: Arrays,
        values: Mapping[str, OrtValue],
        step: Step,
    ) -> Stepped:
        """A step of the optimiser; its arguments are not changed.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `following`: the words that follow the last of them, shape `(batch, words)`.
        - `state`: before the first word, by its parts.
        - `values`: weights and moments.
        """
        scalars = {
            "step": np.array(step.number),
            "adamw": np.array(step.adamw),
            **{name: np.array(getattr(step, name), np.float64) for name in _RATES},
        }
        own = self.values({"ids": ids, "following": following, **state, **scalars})
        found = self._session.run_with_ort_values(self._outputs, {**own, **values})
        loss, norm = (float(value.numpy()) for value in found[:2])
        last = 2 + len(self.states)
        after = {name: value.numpy() for name, value in zip(self.states, found[2:last], strict=True)}
        changed = dict(zip(self._changed, found[last:], strict=True))
        return Stepped(loss, norm, after, {**values, **changed})


_RATES = ("learning_rate", "weight_decay", "clip")


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
