from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import export, make_model

from nextword.errors import ParityError
from nextword.export import parity
from nextword.training import batches, evaluation
from nextword.training.model import NextWordModel

IDS = np.random.default_rng(0).integers(0, 12, 400)
WINDOWS = batches.windows(IDS, 3)


def samples_of(model: NextWordModel) -> list[tuple[list[int], list[int]]]:
    return [(one.prompt, one.continuation) for one in evaluation.sample(model, WINDOWS, 3, 20)]


def test_an_exported_model_passes(tmp_path: Path) -> None:
    model = make_model()
    path = export(tmp_path / "m.onnx", model)
    difference = parity.check(path, model, WINDOWS.contexts, samples_of(model), 1e-4)
    assert 0 < difference < 1e-4


def test_one_changed_weight_fails(tmp_path: Path) -> None:
    model = make_model()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] += 1e-3
    with pytest.raises(ParityError, match=r"differ from PyTorch's by 0\.001, more than"):
        parity.check(path, model, WINDOWS.contexts, [], 1e-4)


def test_another_likeliest_word_fails_within_any_tolerance(tmp_path: Path) -> None:
    model = make_model()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] += 10
    with pytest.raises(ParityError, match="predict different words in window"):
        parity.check(path, model, WINDOWS.contexts, [], 1e3)


def test_another_word_in_a_sample_fails(tmp_path: Path) -> None:
    model = make_model()
    path = export(tmp_path / "m.onnx", model)
    prompt, continuation = samples_of(model)[0]
    continuation[7] = (continuation[7] + 1) % 12
    with pytest.raises(ParityError, match="different words at word 7 of a sample"):
        parity.check(path, model, WINDOWS.contexts, [(prompt, continuation)], 1e-4)


def test_logits_that_are_no_numbers_fail(tmp_path: Path) -> None:
    model = make_model()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] = float("nan")
    with pytest.raises(ParityError, match="differ from PyTorch's by nan"):
        parity.check(path, model, WINDOWS.contexts, [], 1e-4)
