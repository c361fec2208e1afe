import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tiny import WORDS, export, make_network, metadata_of, weights_of

from nextword.errors import ParityError
from nextword.evaluate import samples
from nextword.evaluate.predictors import NetworkPredictor
from nextword.evaluate.samples import Whole
from nextword.export import int8, parity, text
from nextword.export.parity import Evidence
from nextword.model.cells import CELLS
from nextword.model.network import Network
from nextword.text import windows
from nextword.text.windows import Windows

IDS = np.random.default_rng(0).integers(0, 12, 400)
WINDOWS = windows.windows(IDS, 3)


def evidence(network: Network | None = None) -> Evidence:
    """All windows, and samples from a network."""
    found = samples.sample(NetworkPredictor(network), Whole(None), WINDOWS, 3, 20) if network else []
    return Evidence(WINDOWS, [(one.prompt, one.continuation) for one in found])


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_an_exported_model_of_any_cell_passes(tmp_path: Path, cell: str, layers: int) -> None:
    for context in (3, None) if CELLS[cell].states else (3,):
        model = make_network(cell=cell, layers=layers, context=context)
        path = export(tmp_path / "m.onnx", model)
        difference = parity.check(path, model, evidence(model), 1e-4)
        assert 0 < difference < 1e-4


def test_one_changed_weight_fails(tmp_path: Path) -> None:
    model = make_network()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] += 1e-3
    with pytest.raises(ParityError, match=r"differ from PyTorch's by 0\.001, more than"):
        parity.check(path, model, evidence(), 1e-4)


def test_a_different_likeliest_word_fails_at_any_tolerance(tmp_path: Path) -> None:
    model = make_network()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] += 10
    with pytest.raises(ParityError, match="predict different words in window"):
        parity.check(path, model, evidence(), 1e3)


def test_a_different_word_in_a_sample_fails(tmp_path: Path) -> None:
    model = make_network()
    path = export(tmp_path / "m.onnx", model)
    found = evidence(model)
    found.samples[0][1][7] = (found.samples[0][1][7] + 1) % 12
    with pytest.raises(ParityError, match="different words at position 7 of a sample"):
        parity.check(path, model, found, 1e-4)


def test_logits_that_are_not_numbers_fail(tmp_path: Path) -> None:
    model = make_network()
    path = export(tmp_path / "m.onnx", model)
    with torch.no_grad():
        model.logits.bias[3] = float("nan")
    with pytest.raises(ParityError, match="differ from PyTorch's by nan"):
        parity.check(path, model, evidence(), 1e-4)


def test_an_int8_file_may_lose_only_limited_accuracy(tmp_path: Path) -> None:
    model = make_network(hidden=32)
    step = export(tmp_path / "step.onnx", model)
    graph = int8.build(weights_of(model), model.architecture, metadata_of(model, WORDS).to_properties())
    onnx.save(graph, tmp_path / "int8.onnx")
    model_says = evidence(model)
    with torch.no_grad():
        likeliest = model(torch.from_numpy(WINDOWS.contexts.astype(np.int64)))[0].argmax(1).numpy()
    # The float file is always right.
    own = dataclasses.replace(model_says, windows=Windows(WINDOWS.contexts, likeliest))
    accuracy = parity.check_int8(tmp_path / "int8.onnx", step, own, 0.5)
    assert 0.5 < accuracy < 1
    with pytest.raises(ParityError, match=r"drops from 100\.000% .* more than export\.max_accuracy_drop"):
        parity.check_int8(tmp_path / "int8.onnx", step, own, 0.0)


def test_a_text_graph_of_another_model_fails(tmp_path: Path) -> None:
    model, other = make_network(seed=1), make_network(seed=2)
    step = export(tmp_path / "step.onnx", model)
    for name, source in (("own", model), ("other", other)):
        graph = onnx.load(export(tmp_path / f"{name}.onnx", source))
        onnx.save(text.build(graph, metadata_of(source, WORDS)), tmp_path / f"{name}.text.onnx")
    parity.check_text(tmp_path / "own.text.onnx", step, evidence(model))
    with pytest.raises(ParityError, match=r"the text graph writes .* the step graph"):
        parity.check_text(tmp_path / "other.text.onnx", step, evidence(model))
