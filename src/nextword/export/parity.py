"""onnxruntime against PyTorch: proof that an exported file computes what the model computes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nextword import sampling
from nextword.errors import ParityError
from nextword.model_file import ModelFile
from nextword.training.model import NextWordModel

_BATCH = 256  # windows that are compared at once


def check(
    path: Path,
    model: NextWordModel,
    contexts: NDArray[Any],
    samples: Sequence[tuple[list[int], list[int]]],
    tolerance: float,
) -> float:
    """Compares a file with the model that it was exported from.

    **Arguments:**

    - `path`: the file.
    - `model`: the published model.
    - `contexts`: word ids, shape `(windows, context)`; logits and likeliest word are compared
      after each.
    - `samples`: pairs of a prompt's ids and those of its greedy continuation by the model; the
      file has to continue with the same words.
    - `tolerance`: largest difference allowed between two logits.

    **Returns:** the largest difference found between two logits.

    **Raises:** `ParityError` where the two differ.
    """
    file = ModelFile(path)
    largest = 0.0
    for start in range(0, len(contexts), _BATCH):
        ids = contexts[start : start + _BATCH].astype(np.int64)
        with torch.no_grad():
            expected = model(torch.from_numpy(ids))[0].numpy()
        found, _ = file.run(ids)
        largest = float(np.maximum(largest, np.abs(found - expected).max()))  # max() would lose a NaN
        if not largest < tolerance:
            raise ParityError(
                f"the exported file's logits differ from PyTorch's by {largest:.2g}, more than "
                f"export.tolerance {tolerance:g}"
            )
        differing = np.flatnonzero(found.argmax(axis=1) != expected.argmax(axis=1))
        if len(differing):
            raise ParityError(
                f"the exported file and PyTorch predict different words in window {start + differing[0]}"
            )
    for prompt, continuation in samples:
        _check_sample(file, prompt, continuation)
    return largest


def _check_sample(file: ModelFile, prompt: list[int], continuation: list[int]) -> None:
    written = list(prompt)
    for place, word in enumerate(continuation):
        logits, _ = file.run(np.array([written[-len(prompt) :]]))
        written.append(sampling.greedy(logits[0]))
        if written[-1] != word:
            raise ParityError(
                f"the exported file and PyTorch write different words at word {place} of a sample"
            )
