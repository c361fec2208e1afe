import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tiny import WORDS, make_model, metadata_of, weights_of

from nextword import Generator
from nextword.export import quantize, step_graph
from nextword.model_file import ModelFile
from nextword.training.model import from_weights


def test_int8_weights_are_within_a_step_of_what_they_were() -> None:
    model = make_model(hidden=32, embedding=24)
    weights = weights_of(model)
    graph = quantize.build(weights, 2, {})
    found = quantize.dequantised(graph, weights, 2)
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        assert found[name].shape == weight.shape
        if "bias" in name:
            assert (found[name] == weight).all()
        else:
            step = 2 * np.abs(weight.astype(np.float64)).max() / 126  # 7 bits
            assert np.abs(found[name] - weight.astype(np.float64)).max() <= 1.01 * step
            assert len(np.unique(found[name])) <= 256


def test_an_int8_file_has_the_face_of_the_step_graph(tmp_path: Path) -> None:
    model = make_model(hidden=64, embedding=48, scale=1.5)
    metadata = metadata_of(model, WORDS).to_properties()
    whole = step_graph.build(weights_of(model), 2, metadata)
    graph = quantize.build(weights_of(model), 2, metadata)
    assert {entry.key: entry.value for entry in graph.metadata_props} == metadata
    assert "DynamicQuantizeLSTM" in {node.op_type for node in graph.graph.node}
    assert quantize.size(graph) < 0.6 * quantize.size(whole)
    onnx.save(graph, tmp_path / "int8.onnx")
    onnx.save(whole, tmp_path / "float.onnx")
    ids = np.random.default_rng(0).integers(0, 12, (20, 3))
    exact, near = (ModelFile(tmp_path / f"{name}.onnx").run(ids)[0] for name in ("float", "int8"))
    assert 0 < np.abs(exact - near).max() < 0.1 * np.abs(exact).max()
    assert len(Generator.load(tmp_path / "int8.onnx").generate("the cat", 5).split()) == 7


@pytest.mark.parametrize("embedding", [40, 64], ids=["projected", "equal sizes"])
def test_a_tied_model_has_its_matrix_once_in_int8_too(tmp_path: Path, embedding: int) -> None:
    model = make_model(300, hidden=64, embedding=embedding, scale=1.5, tied=True, precision="float64")
    weights = weights_of(model)
    graph = quantize.build(weights, 2, metadata_of(model, [f"w{id}" for id in range(300)]).to_properties())
    matrices = sum(weight.numel() for weight in model.parameters() if weight.ndim > 1)
    biases = sum(weight.numel() for weight in model.parameters() if weight.ndim == 1)
    assert quantize.size(graph) < matrices + 4 * biases + 200
    onnx.save(graph, tmp_path / "int8.onnx")
    ids = np.random.default_rng(0).integers(0, 300, (20, 5))
    found = ModelFile(tmp_path / "int8.onnx").run(ids)[0]
    rounded = from_weights(model.architecture, quantize.dequantised(graph, weights, 2))
    with torch.no_grad():
        exact, of_weights = (network(torch.from_numpy(ids))[0].numpy() for network in (model, rounded))
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()
    assert np.abs(found - of_weights).max() < 0.1 * np.abs(exact).max()
    assert (exact.argmax(1) == found.argmax(1)).mean() > 0.7


def test_the_same_weights_give_the_same_bytes() -> None:
    weights = weights_of(make_model())
    first, second = (quantize.build(weights, 2, {}).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_the_quantisers_advice_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        quantize.build(weights_of(make_model()), 2, {})
    assert not caplog.records
    assert logging.root.manager.disable == logging.NOTSET
