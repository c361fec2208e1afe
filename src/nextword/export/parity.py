"""onnxruntime against PyTorch: a check that exported files compute what the model computes."""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from nextword import figures, outputs
from nextword.errors import ParityError, StageError
from nextword.model.network import Network
from nextword.model.predictions import BATCH
from nextword.runtime import draw
from nextword.runtime.continuation import continuation
from nextword.runtime.drafts import drafts
from nextword.runtime.learning.training_file import Step, TrainingFile
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.runtime.sampling import Sampling
from nextword.text import windows, words
from nextword.text.windows import Windows
from nextword.tracking import track

# Settings to try a text graph with, besides the likeliest words.
_KNOBS = [
    Sampling(temperature=1.0, seed=1),
    Sampling(temperature=2.0, top_k=5, seed=2),
    Sampling(temperature=0.7, top_p=0.9, seed=3),
]
# Windows, steps and settings to try a training graph with, and tolerances.
_LEARNT, _STEPS, _RATE, _DECAY, _CLIP = 16, 3, 1e-3, 0.01, 1.0
_EXACT, _EXACT_STEPS, _ROUGH = 1e-12, 1e-11, 5e-6


@dataclass(frozen=True)
class Evidence:
    """What is compared.

    - `windows`: of the text; logits and likeliest word are compared after each, and how often the
      likeliest word is the one that follows.
    - `samples`: pairs of a prompt's ids and those of its greedy continuation by the model; the file
      must continue with the same words.
    """

    windows: Windows
    samples: Sequence[tuple[list[int], list[int]]]


def read_samples(path: Path, dictionary: int) -> list[tuple[list[int], list[int]]]:
    """Samples written by the evaluate stage.

    **Arguments:**

    - `dictionary`: number of words.

    **Raises:** `StageError` if the file is missing or damaged.
    """
    known = range(dictionary)
    try:
        pairs = [(one["prompt"], one["continuation"]) for one in outputs.read_json(path, list)]
        is_whole = all(ids and all(type(id) is int and id in known for id in ids) for ids in chain(*pairs))
    except (TypeError, KeyError):
        is_whole = False
    if not is_whole:
        raise StageError(f"{path} is damaged; run `dvc repro` to recreate it")
    return pairs


def check(path: Path, network: Network, evidence: Evidence, tolerance: float) -> float:
    """Compares a step graph with the network that it was exported from.

    **Arguments:**

    - `path`: the file.
    - `network`: the published network.
    - `tolerance`: the largest difference allowed between two logits.

    **Returns:** the largest difference found between two logits.

    **Raises:** `ParityError` if the two differ.
    """
    file = ModelFile(path)
    largest = 0.0
    for part in _in_order(evidence, path):
        ids, _ = evidence.windows.take(part)
        with torch.no_grad():
            expected = network(torch.from_numpy(ids))[0].numpy()
        found = file.run(ids).logits
        largest = float(np.maximum(largest, np.abs(found - expected).max()))  # max() would lose a NaN
        if not largest < tolerance:
            raise ParityError(
                f"the exported file's logits differ from PyTorch's by {largest:.2g}, more than "
                f"export.tolerance {tolerance:g}"
            )
        differing = np.flatnonzero(found.argmax(axis=1) != expected.argmax(axis=1))
        if len(differing):
            raise ParityError(
                f"the exported file and PyTorch predict different words in window {part.start + differing[0]}"
            )
    for prompt, written in evidence.samples:
        _check_sample(file, prompt, written)
    return largest


def check_int8(path: Path, step: Path, evidence: Evidence, max_accuracy_drop: float) -> float:
    """Compares an int8 file with the float one, as computed on this machine.

    **Arguments:**

    - `path`, `step`: the int8 and the float step graph.
    - `max_accuracy_drop`: how much lower the accuracy of the int8 file may be.

    **Returns:** the accuracy of the int8 file.

    **Raises:** `ParityError` if it is lower than allowed.
    """
    exact, found = (_accuracy(file, evidence) for file in (step, path))
    if exact - found > max_accuracy_drop:
        raise ParityError(
            f"in int8 the accuracy drops from {exact:.3%} to {found:.3%}, more than "
            f"export.max_accuracy_drop {max_accuracy_drop:g} allows"
        )
    return found


def check_training(path: Path, network: Network, evidence: Evidence) -> float:
    """Compares a training graph with PyTorch's autograd and AdamW, on some of the text.

    **Returns:** the largest difference found in a weight's first gradient.

    **Raises:** `ParityError` if this or the weights after some steps differ too much.
    """
    file, trained = TrainingFile(path), copy.deepcopy(network)
    contexts, next_words = evidence.windows.some(_LEARNT).take(slice(None))
    is_fixed = network.architecture.context is not None
    ids, following = (contexts, next_words[:, None]) if is_fixed else (contexts[:, :-1], contexts[:, 1:])
    state = file.zero_state(len(ids))
    weights = dict(trained.named_parameters())
    values = file.begin({name: weight.detach().numpy() for name, weight in weights.items()})
    groups: list[dict[str, Any]] = [
        {"params": [one for one in weights.values() if one.ndim > 1], "weight_decay": _DECAY},
        {"params": [one for one in weights.values() if one.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, _RATE)
    is_exact = network.architecture.precision == "float64"
    largest = 0.0
    for number in range(1, _STEPS + 1):
        features, _ = trained.read(torch.from_numpy(ids))
        logits = trained.logits(features[-following.shape[1] :].flatten(0, 1))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(following).T.flatten())
        optimizer.zero_grad()
        loss.backward()
        if number == 1:  # from a step of gradient descent at rate 1
            whole = Step(1, learning_rate=1.0, clip=math.inf, adamw=False)
            moved = file.step(ids, following, state, values, whole).values
            for name, weight in weights.items():
                gradient = values[name].numpy() - moved[name].numpy()
                assert weight.grad is not None
                largest = float(np.maximum(largest, np.abs(gradient - weight.grad.numpy()).max()))
            allowed = _EXACT if is_exact else _ROUGH
            if not largest < allowed:
                raise ParityError(
                    f"the training graph's gradients differ from PyTorch's by {largest:.2g}, more than "
                    f"{allowed:g}"
                )
        torch.nn.utils.clip_grad_norm_(weights.values(), _CLIP)
        optimizer.step()
        values = file.step(ids, following, state, values, Step(number, _RATE, _DECAY, _CLIP)).values
    apart = max(
        float(np.abs(values[name].numpy() - weight.detach().numpy()).max())
        for name, weight in weights.items()
    )
    # In float32 AdamW takes full-length steps even for gradients that are only rounding errors.
    allowed = _EXACT_STEPS if is_exact else 2 * _STEPS * _RATE
    if not apart < allowed:
        raise ParityError(
            f"after {_STEPS} steps the training graph's weights differ from PyTorch's by {apart:.2g}, more "
            f"than {allowed:g}"
        )
    return largest


def check_text(path: Path, step: Path, evidence: Evidence) -> None:
    """Compares a text graph with the step graph that it wraps, word by word.

    Each sample's prompt is continued with the likeliest words, and by draws.

    **Raises:** `ParityError` if the two write different texts.
    """
    file = ModelFile(step)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised, too
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    for ids, written in evidence.samples:
        metadata = file.metadata
        prompt = words.join(file.dictionary.decode(ids), metadata.split_by, metadata.line_ends)
        for knobs in (Sampling(), *_KNOBS):
            if knobs.top_k > len(file.dictionary):
                continue
            pieces = continuation(file, prompt, len(written), knobs, 1)
            expected = prompt + "".join(piece[0] for piece in pieces)
            found, _ = session.run(
                ["text", "unknown"],
                {
                    "prompt": np.array([prompt], object),
                    "max_words": np.array(len(written)),
                    "temperature": np.array(knobs.temperature, np.float32),
                    "top_k": np.array(knobs.top_k),
                    "top_p": np.array(knobs.top_p, np.float32),
                    "seed": np.array(knobs.seed or 0),
                },
            )
            if found[0] != expected:
                raise ParityError(f"the text graph writes {found[0]!r}, the step graph {expected!r}")


def _check_sample(file: ModelFile, prompt: list[int], expected: list[int]) -> None:
    reader, (draft,) = Reader(file), drafts(file, prompt, Sampling(), 1)
    read = prompt
    for place, word in enumerate(expected):
        logits = reader.read(np.array([read])).logits[0].copy()
        logits[draft.ruled_out()] = -np.inf
        written = draw.greedy(logits)
        if written != word:
            raise ParityError(
                f"the exported file and PyTorch write different {file.dictionary.unit} at position {place} "
                "of a sample"
            )
        draft.take(written)
        read = [written]


def _in_order(evidence: Evidence, path: Path) -> Iterator[slice]:
    """The windows, some at a time; reports progress."""
    count = len(evidence.windows)
    parts = windows.in_order(count, BATCH)
    return track(parts, f"checking {path.name}", count, lambda part: part.stop - part.start, "windows")


def _accuracy(path: Path, evidence: Evidence) -> float:
    file, right = ModelFile(path), 0
    for part in _in_order(evidence, path):
        contexts, next_words = evidence.windows.take(part)
        logits = file.run(contexts).logits
        right += int((figures.ranks(logits, next_words, file.dictionary.unknown) == 0).sum())
    return right / len(evidence.windows)
