import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextword.errors import TrainingError
from nextword.training import model
from nextword.training.dropout import Dropout
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
        w, u = weights[f"layers.{layer}.weight_ih_l0"], weights[f"layers.{layer}.weight_hh_l0"]
        b = weights[f"layers.{layer}.bias_ih_l0"] + weights[f"layers.{layer}.bias_hh_l0"]
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
    ids = torch.tensor([[1, 2, 3]])
    plain = NextWordModel(SMALL)
    for dropout in (
        Dropout(values=0.5),
        Dropout(output=0.5),
        Dropout(locked=0.5),
        Dropout(embedding=0.5),
        Dropout(weights=0.5),
    ):
        network = NextWordModel(SMALL, dropout=dropout)
        with torch.no_grad():
            assert not torch.equal(network(ids)[0], network(ids)[0])
            network.eval()
            assert torch.equal(network(ids)[0], plain(ids)[0])


def test_locked_dropout_leaves_out_the_same_values_throughout_and_embedding_dropout_whole_words() -> None:
    values = torch.ones(50, 3, 40, dtype=torch.float64)
    found = Dropout(locked=0.5).of_values(values)
    assert torch.equal(found, found[:1].expand_as(found))
    assert set(found.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(found[:, 0], found[:, 1])  # each text of a batch has values of its own
    fresh = Dropout(values=0.5).of_values(values)
    assert not torch.equal(fresh[0], fresh[1])

    ids = torch.arange(120).reshape(40, 3) % 30
    vectors = Dropout(embedding=0.5).of_words(torch.ones(40, 3, 5), ids, 30)
    by_word = {
        int(id): vector.unique().tolist()
        for id, vector in zip(ids.flatten(), vectors.flatten(0, 1), strict=True)
    }
    assert {tuple(one) for one in by_word.values()} == {(0.0,), (2.0,)}
    for id, vector in zip(ids.flatten().tolist(), vectors.flatten(0, 1), strict=True):
        assert vector.unique().tolist() == by_word[id]


def test_output_dropout_leaves_the_state_alone() -> None:
    ids = torch.tensor([[1, 2, 3]])
    network = NextWordModel(SMALL, dropout=Dropout(output=0.9))
    with torch.no_grad():
        _, (hidden, cell) = network(ids)
        _, expected = NextWordModel(SMALL)(ids)
    assert torch.equal(hidden, expected[0])
    assert torch.equal(cell, expected[1])


def test_weight_dropout_leaves_the_weights_from_below_alone() -> None:
    network = NextWordModel(SMALL, dropout=Dropout(weights=0.9))
    ids = torch.tensor([[1], [2]])  # from the zero state, one word meets no recurrent weight
    with torch.no_grad():
        assert torch.allclose(network(ids)[0], NextWordModel(SMALL)(ids)[0], atol=1e-12)


def test_a_tied_model_whose_sizes_differ_has_a_projection() -> None:
    sizes = dataclasses.replace(SMALL, tied=True)
    network = NextWordModel(sizes)
    assert network.projection is not None
    assert network.projection.weight.shape == (5, 7)
    ids = torch.tensor([[1, 2]])
    with torch.no_grad():
        features, _ = network.read(ids)
        top = network.layers[1](network.layers[0](network.embedding(ids.T))[0])[0]
        expected = network.embedding.weight @ (network.projection.weight @ top[-1, 0]) + network.logits.bias
        assert features.shape == (2, 1, 5)
        assert torch.allclose(network(ids)[0][0], expected, atol=1e-12)
