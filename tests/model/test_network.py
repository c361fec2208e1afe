import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiny import make_network

from nextword.errors import TrainingError
from nextword.model import network
from nextword.model.cells import CELLS
from nextword.model.dropout import Dropout
from nextword.model.network import NO_WORD, Architecture, Network

Array = NDArray[np.floating]

SMALL = Architecture(
    dictionary=11, cell="lstm", embedding=5, hidden=7, layers=2, context=3, tied=False, precision="float64"
)
SIZES = st.integers(1, 6)


def by_the_equations(
    network: Network, ids: list[int], states: Sequence[Mapping[str, Array]]
) -> tuple[Array, list[Mapping[str, Array]]]:
    """The logits after a text and the state of each layer, straight from the equations of the cell."""
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    cell = CELLS[network.architecture.cell]
    inputs, after = [weights["embedding.weight"][id] for id in ids], []
    if not cell.states:  # three words side by side, padded with zero vectors in front
        padded = [np.zeros_like(inputs[0])] * 2 + inputs
        inputs = [np.concatenate(padded[place : place + 3]) for place in range(len(ids))]
    for layer, before in enumerate(states):
        own = [weight for name, weight in weights.items() if name.startswith(f"layers.{layer}.")]
        state, outputs = before, []
        for x in inputs:
            output, state = cell.equations(x, state, *own)
            outputs.append(output)
        inputs = outputs
        after.append(state)
    features = inputs[-1]
    if "projection.weight" in weights:
        features = weights["projection.weight"] @ features
    logits: Array = weights["logits.weight"] @ features + weights["logits.bias"]
    return logits, after


@pytest.mark.parametrize("cell", CELLS)
@given(
    layers=st.integers(1, 4),
    embedding=SIZES,
    hidden=SIZES,
    tied=st.booleans(),
    texts=st.lists(st.lists(st.integers(0, 10), min_size=4, max_size=4), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_the_network_computes_the_equations_of_its_cell(
    cell: str, layers: int, embedding: int, hidden: int, tied: bool, texts: list[list[int]], seed: int
) -> None:
    sizes: dict[str, Any] = {
        "cell": cell,
        "layers": layers,
        "embedding": embedding,
        "hidden": hidden,
        "tied": tied,
    }
    network = Network(dataclasses.replace(SMALL, **sizes), seed).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(2)  # away from the range where all functions are almost linear
    random, names = np.random.default_rng(seed), CELLS[cell].states
    before = {name: random.standard_normal((layers, len(texts), hidden)) for name in names}
    with torch.no_grad():
        fresh, _ = network(torch.tensor(texts))
        found, after = network(torch.tensor(texts), {name: torch.from_numpy(before[name]) for name in names})
    assert list(after) == list(names)
    assert all(part.shape == (layers, len(texts), hidden) for part in after.values())
    for row, text in enumerate(texts):
        zero = [dict.fromkeys(names, np.zeros(hidden)) for _ in range(layers)]
        assert np.allclose(fresh[row].numpy(), by_the_equations(network, text, zero)[0], atol=1e-12)
        given_state = [{name: before[name][layer, row] for name in names} for layer in range(layers)]
        expected, states = by_the_equations(network, text, given_state)
        assert np.allclose(found[row].numpy(), expected, atol=1e-12)
        for layer, state in enumerate(states):
            for name in names:
                assert np.allclose(after[name][layer, row].numpy(), state[name], atol=1e-12)


def test_the_lstm_computed_by_hand() -> None:
    # One unit; the gates in PyTorch's order: input, forget, candidate, output.
    x, state = np.array([0.5]), {"hidden": np.array([-0.25]), "cell": np.array([2.0])}
    w, u, b = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[4.0], [3.0], [2.0], [1.0]]), np.ones(4)
    output, found = CELLS["lstm"].equations(x, state, w, u, b, np.zeros(4))
    i, f, g, o = (0.5 * own - 0.25 * recurrent + 1 for own, recurrent in ((1, 4), (2, 3), (3, 2), (4, 1)))
    cell = 2.0 / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
    assert found["cell"].item() == pytest.approx(cell, abs=1e-15)
    assert found["hidden"].item() == pytest.approx(np.tanh(cell) / (1 + np.exp(-o)), abs=1e-15)
    assert output is found["hidden"]


def test_the_gru_applies_its_reset_gate_after_the_product() -> None:
    x, state = np.array([0.5]), {"hidden": np.array([-0.25])}
    w, u = np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [2.0], [1.0]])  # reset, update, candidate
    a, b = np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5, 0.6])
    output, _ = CELLS["gru"].equations(x, state, w, u, a, b)
    reset, update = (1 / (1 + np.exp(-(0.5 * i - 0.25 * h + c))) for i, h, c in ((1, 3, 0.5), (2, 2, 0.7)))
    candidate = np.tanh(0.5 * 3 + 0.3 + reset * (-0.25 * 1 + 0.6))
    assert output.item() == pytest.approx((1 - update) * candidate + update * -0.25, abs=1e-15)


def test_gates_are_reordered_for_the_onnx_operator() -> None:
    lstm, gru = CELLS["lstm"].operator, CELLS["gru"].operator
    assert lstm
    assert gru
    weight = np.array([["i0"], ["i1"], ["f0"], ["f1"], ["g0"], ["g1"], ["o0"], ["o1"]])
    found = lstm.ordered(weight)[:, 0].tolist()
    assert found == ["i0", "i1", "o0", "o1", "f0", "f1", "g0", "g1"]  # ONNX: i, o, f, c
    assert gru.ordered(np.array(["r", "z", "n"])).tolist() == ["z", "r", "n"]  # ONNX: z, r, h


def test_a_feedforward_network_reads_zero_vectors_before_a_short_text() -> None:
    network = Network(dataclasses.replace(SMALL, cell="feedforward"), seed=2)
    with torch.no_grad():
        short, _ = network(torch.tensor([[4, 7]]))
        padded, _ = network(torch.tensor([[NO_WORD, 4, 7]]))
        longer, _ = network(torch.tensor([[9, 1, 4, 7]]))
        last, _ = network(torch.tensor([[1, 4, 7]]))
    assert torch.allclose(short, padded, atol=1e-12)
    assert torch.allclose(longer, last, atol=1e-12)
    assert not torch.allclose(short, last, atol=1e-3)


def test_a_carried_state_gives_the_same_as_reading_the_whole_text() -> None:
    network = Network(SMALL)
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    with torch.no_grad():
        whole, _ = network(ids)
        _, state = network(ids[:, :2])
        carried, _ = network(ids[:, 2:], state)
    assert torch.allclose(whole, carried, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("last", [1, 3, 6])
def test_after_the_last_words_alone_it_computes_the_same(cell: str, last: int) -> None:
    network = make_network(cell=cell, context=4, tied=True, embedding=5)
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]])
    with torch.no_grad():
        features, state = network.read(ids, last=last)
        expected, expected_state = network.read(ids)
    assert torch.allclose(features, expected[-last:], atol=1e-12)
    assert all(torch.equal(state[name], part) for name, part in expected_state.items())


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = Network(SMALL, seed=5).state_dict()
    torch.manual_seed(2)
    same, other = Network(SMALL, seed=5).state_dict(), Network(SMALL, seed=6).state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_a_published_network_is_rounded(tmp_path: Path) -> None:
    trained = Network(SMALL)
    network.publish(trained, 17, tmp_path / "trained")
    loaded = network.load(tmp_path / "trained")
    assert loaded.architecture == SMALL
    assert not loaded.training
    assert network.trained_steps(tmp_path / "trained") == 17
    for name, weight in trained.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == torch.float64
        assert torch.equal(found, weight.half().double())
        assert torch.equal(found, network.rounded(trained).state_dict()[name])


def test_a_weight_beyond_float16_is_an_error_and_nothing_is_published(tmp_path: Path) -> None:
    trained = Network(SMALL)
    with torch.no_grad():
        trained.logits.bias[0] = 1e6
    with pytest.raises(TrainingError, match=r"weight of logits\.bias cannot be stored in float16"):
        network.publish(trained, 1, tmp_path / "trained")
    assert not list(tmp_path.iterdir())


def test_the_architecture_is_plain_json(tmp_path: Path) -> None:
    network.publish(Network(SMALL), 1, tmp_path / "trained")
    description = json.loads((tmp_path / "trained" / "architecture.json").read_text())
    assert description == {
        "dictionary": 11,
        "cell": "lstm",
        "embedding": 5,
        "hidden": 7,
        "layers": 2,
        "context": 3,
        "tied": False,
        "precision": "float64",
    }


def test_tied_models_have_one_matrix_for_embedding_and_logits(tmp_path: Path) -> None:
    sizes = dataclasses.replace(SMALL, hidden=5, tied=True)
    trained = Network(sizes)
    assert trained.embedding.weight is trained.logits.weight
    assert trained.size == 11 * 5 + 11 + 2 * (8 * 5 * 5 + 8 * 5)
    network.publish(trained, 1, tmp_path / "trained")
    loaded = network.load(tmp_path / "trained")
    assert loaded.size == trained.size
    ids = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        assert torch.equal(loaded(ids)[0], network.rounded(trained)(ids)[0])


def test_expected_frequencies_are_the_first_predictions() -> None:
    network = Network(SMALL)
    frequencies = np.arange(1, 12) / 66
    network.expect(frequencies)
    with torch.no_grad():
        network.logits.weight.zero_()
        found = torch.softmax(network(torch.tensor([[1]]))[0][0], 0)
    assert found.numpy() == pytest.approx(frequencies, abs=1e-12)


def test_dropout_is_only_for_training() -> None:
    ids = torch.tensor([[1, 2, 3]])
    plain = Network(SMALL)
    for dropout in (
        Dropout(values=0.5),
        Dropout(output=0.5),
        Dropout(locked=0.5),
        Dropout(embedding=0.5),
        Dropout(weights=0.5),
    ):
        network = Network(SMALL, dropout=dropout)
        with torch.no_grad():
            assert not torch.equal(network(ids)[0], network(ids)[0])
            network.eval()
            assert torch.equal(network(ids)[0], plain(ids)[0])


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_dropout_leaves_out_its_share_and_scales_up_the_rest(share: float) -> None:
    torch.manual_seed(0)
    values = torch.full((50, 20, 101), 2.0, dtype=torch.float64)
    left = Dropout(values=share).of_values(values)
    assert torch.equal(left[left > 0], torch.full_like(left[left > 0], 2 / (1 - share)))
    # Of 101,000 values; each of four adjacent places has about the same share.
    assert (left == 0).double().mean().item() == pytest.approx(share, abs=0.01)
    for place in range(4):
        assert (left.flatten()[place::4] == 0).double().mean().item() == pytest.approx(share, abs=0.02)


def test_locked_dropout_leaves_out_the_same_values_throughout_and_embedding_dropout_whole_words() -> None:
    values = torch.ones(50, 3, 40, dtype=torch.float64)
    found = Dropout(locked=0.5).of_values(values)
    assert torch.equal(found, found[:1].expand_as(found))
    assert set(found.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(found[:, 0], found[:, 1])  # different values for each text of a batch
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


def test_output_dropout_does_not_affect_the_state() -> None:
    ids = torch.tensor([[1, 2, 3]])
    network = Network(SMALL, dropout=Dropout(output=0.9))
    with torch.no_grad():
        _, state = network(ids)
        _, expected = Network(SMALL)(ids)
    assert list(state) == ["hidden", "cell"]
    assert all(torch.equal(state[name], expected[name]) for name in expected)


def test_weight_dropout_does_not_affect_the_input_weights() -> None:
    network = Network(SMALL, dropout=Dropout(weights=0.9))
    ids = torch.tensor([[1], [2]])  # a single word after the zero state involves no recurrent weights
    with torch.no_grad():
        assert torch.allclose(network(ids)[0], Network(SMALL)(ids)[0], atol=1e-12)


def test_a_tied_model_with_different_sizes_has_a_projection() -> None:
    sizes = dataclasses.replace(SMALL, tied=True)
    network = Network(sizes)
    assert network.projection is not None
    assert network.projection.weight.shape == (5, 7)
    ids = torch.tensor([[1, 2]])
    with torch.no_grad():
        features, _ = network.read(ids)
        top = network.layers[1](network.layers[0](network.embedding(ids.T))[0])[0]
        expected = network.embedding.weight @ (network.projection.weight @ top[-1, 0]) + network.logits.bias
        assert features.shape == (2, 1, 5)
        assert torch.allclose(network(ids)[0][0], expected, atol=1e-12)
