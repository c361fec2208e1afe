import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextword.errors import TrainingError
from nextword.training import model
from nextword.training.model import Architecture, NextWordModel

Array = NDArray[np.float64]

SMALL = Architecture(dictionary=11, embedding=5, hidden=7, layers=2, context=3, precision="float64")


def sigmoid(x: Array) -> Array:
    gate: Array = 1 / (1 + np.exp(-x))
    return gate


def by_the_equations(weights: dict[str, Array], ids: list[int], layers: int) -> Array:
    """The equations at the head of model.py, written out for one text."""
    inputs = [weights["embedding.weight"][id] for id in ids]
    for layer in range(layers):
        w, u = weights[f"lstm.weight_ih_l{layer}"], weights[f"lstm.weight_hh_l{layer}"]
        b = weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]
        h = c = np.zeros(u.shape[1])
        outputs = []
        for x in inputs:
            i, f, g, o = np.split(w @ x + u @ h + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        inputs = outputs
    logits: Array = weights["logits.weight"] @ inputs[-1] + weights["logits.bias"]
    return logits


def test_the_model_computes_its_equations() -> None:
    network = NextWordModel(SMALL, seed=3)
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    ids = [4, 0, 10, 4]
    with torch.no_grad():
        logits, (hidden, cell) = network(torch.tensor([ids]))
    assert np.allclose(logits[0].numpy(), by_the_equations(weights, ids, SMALL.layers), atol=1e-12)
    assert hidden.shape == cell.shape == (2, 1, 7)


def test_carried_state_is_as_good_as_reading_it_all() -> None:
    network = NextWordModel(SMALL)
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    with torch.no_grad():
        whole, _ = network(ids)
        _, state = network(ids[:, :2])
        carried, _ = network(ids[:, 2:], state)
    assert torch.allclose(whole, carried, atol=1e-12)


def test_initial_weights_turn_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = NextWordModel(SMALL, seed=5).state_dict()
    torch.manual_seed(2)
    same, other = NextWordModel(SMALL, seed=5).state_dict(), NextWordModel(SMALL, seed=6).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_a_published_model_is_the_rounded_one(tmp_path: Path) -> None:
    network = NextWordModel(SMALL)
    model.publish(network, SMALL, tmp_path / "trained")
    architecture, loaded = model.load(tmp_path / "trained")
    assert architecture == SMALL
    for name, weight in network.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == torch.float64
        assert torch.equal(found, weight.half().double())
        assert torch.equal(found, model.rounded(network).state_dict()[name])


def test_a_weight_beyond_float16_is_an_error_and_nothing_is_published(tmp_path: Path) -> None:
    network = NextWordModel(SMALL)
    with torch.no_grad():
        network.logits.bias[0] = 1e6
    with pytest.raises(TrainingError, match=r"weight of logits\.bias is no number that float16 can hold"):
        model.publish(network, SMALL, tmp_path / "trained")
    assert not list(tmp_path.iterdir())


def test_the_architecture_is_plain_json(tmp_path: Path) -> None:
    model.publish(NextWordModel(SMALL), SMALL, tmp_path)
    description = json.loads((tmp_path / "architecture.json").read_text())
    assert description["hidden"] == 7
    assert description["precision"] == "float64"


def test_tied_models_have_one_matrix_for_embedding_and_logits(tmp_path: Path) -> None:
    sizes = dataclasses.replace(SMALL, hidden=5, tied=True)
    network = NextWordModel(sizes)
    assert network.embedding.weight is network.logits.weight
    assert sum(weight.numel() for weight in network.parameters()) == 11 * 5 + 11 + 2 * (8 * 5 * 5 + 8 * 5)
    model.publish(network, sizes, tmp_path / "trained")
    _, loaded = model.load(tmp_path / "trained")
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert torch.equal(loaded(ids)[0], model.rounded(network)(ids)[0])


def test_expected_frequencies_are_the_first_predictions() -> None:
    network = NextWordModel(SMALL)
    frequencies = np.arange(11) * 100
    network.expect(frequencies)
    with torch.no_grad():
        network.logits.weight.zero_()
        found = torch.softmax(network(torch.tensor([[1]]))[0][0], 0)
    assert found.numpy() == pytest.approx(frequencies / frequencies.sum(), abs=1e-4)


def test_dropout_is_for_training_alone() -> None:
    network = NextWordModel(SMALL, dropout=0.5)
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert not torch.equal(network(ids)[0], network(ids)[0])
        network.eval()
        assert torch.equal(network(ids)[0], NextWordModel(SMALL).eval()(ids)[0])
