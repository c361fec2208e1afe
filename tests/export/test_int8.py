import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from tiny import make_network, metadata_of, weights_of

from nextword.export import int8 as int8_graph
from nextword.export import step
from nextword.model import int8
from nextword.model.network import Network, from_weights

DICTIONARY = 300
KINDS = {"untied": (48, False), "projected": (48, True), "tied": (64, True)}  # embedding, tied


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest) -> Network:
    """A network whose rows differ tenfold in size, so that a misplaced scale is noticed."""
    embedding, tied = KINDS[request.param]
    network = make_network(DICTIONARY, embedding=embedding, hidden=64, tied=tied, scale=1.0)
    random = np.random.default_rng(0)
    with torch.no_grad():
        for weight in network.parameters():
            factors = 10 ** random.uniform(-0.5, 0.5, (len(weight), *[1] * (weight.ndim - 1)))
            weight.copy_((weight * torch.from_numpy(factors)).half())
    return network


def build(network: Network) -> onnx.ModelProto:
    words = [f"w{id}" for id in range(network.architecture.dictionary)]
    properties = metadata_of(network, words).to_properties()
    return int8_graph.build(weights_of(network), network.architecture, properties)


def initializers(graph: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}


def run(graph: onnx.ModelProto, ids: NDArray[np.int64], output: str = "logits") -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    states = {
        put.name: np.zeros((put.shape[0], len(ids), put.shape[2]), np.float32)
        for put in session.get_inputs()
        if put.name != "ids"
    }
    found: NDArray[np.float32] = session.run([output], {"ids": ids, **states})[0]
    return found


def of_its_weights(network: Network) -> Network:
    """The network with the weights of its int8 graph."""
    return from_weights(network.architecture, int8.dequantised(weights_of(network), network.architecture))


def test_each_row_changes_by_at_most_half_a_step() -> None:
    random = np.random.default_rng(0)
    matrix = (random.standard_normal((50, 30)) * 10.0 ** random.uniform(-4, 4, (50, 1))).astype(np.float16)
    for most in (64, 127):
        quantised = int8.quantise(matrix, most)
        steps = np.abs(matrix.astype(np.float64)).max(axis=1) / most
        assert (np.abs(quantised.matrix - matrix).max(axis=1) <= 0.5001 * steps).all()
        assert (np.abs(quantised.values).max(axis=1) == most).all()


def test_a_row_of_zeros_stays_zero() -> None:
    quantised = int8.quantise(np.zeros((2, 3), np.float16))
    assert (quantised.scales > 0).all()
    assert not quantised.matrix.any()


def test_sums_of_two_products_fit_into_16_bits(network: Network) -> None:
    for name, matrix in int8.quantise_weights(weights_of(network), network.architecture).items():
        most = np.abs(matrix.values.astype(int)).max()
        if name == "embedding.weight" and not network.architecture.tied:
            assert most == 127  # it is not multiplied, so it uses all 8 bits
        else:
            assert 32_767 - 2 * 255 < 2 * 255 * most <= 32_767


def test_the_graph_has_the_weights_given_by_dequantised(network: Network) -> None:
    weights, architecture = weights_of(network), network.architecture
    found, expected = initializers(build(network)), int8.dequantised(weights, architecture)

    def matrix(name: str, *, has_columns: bool) -> NDArray[np.float64]:
        values, scales = found[f"{name}_int8"].astype(np.float64), found[f"{name}_scales"].astype(np.float64)
        product: NDArray[np.float64] = values * scales if has_columns else values * scales[:, None]
        return product.T if has_columns else product

    assert expected.keys() == weights.keys()
    assert (expected["embedding.weight"] == matrix("embedding", has_columns=False)).all()
    if architecture.tied:
        assert (expected["logits.weight"] == expected["embedding.weight"]).all()
    else:
        assert (expected["logits.weight"] == matrix("logits", has_columns=True)).all()
    if "projection.weight" in weights:
        assert (expected["projection.weight"] == matrix("projection", has_columns=True)).all()
    for layer in range(architecture.layers):
        for letter, side in (("W", "ih"), ("R", "hh")):
            values, scales = found[f"{letter}_{layer}_int8"][0], found[f"{letter}_{layer}_scales"][0]
            i, o, f, c = np.split((values * scales.astype(np.float64)).T, 4)
            weight = expected[f"layers.{layer}.weight_{side}_l0"]
            assert (weight == np.concatenate([i, f, c, o])).all()
    for name, weight in weights.items():
        if weight.ndim == 1:
            assert (expected[name] == weight).all()


def test_the_graph_computes_the_same_as_a_network_with_its_weights(network: Network) -> None:
    ids = np.random.default_rng(1).integers(0, DICTIONARY, (20, 5))
    near = of_its_weights(network)
    with torch.no_grad():
        features = near.read(torch.from_numpy(ids))[0][-1]  # the input of the logits
        expected = near.logits(features).numpy()
    # Activations have 8 bits, so each is off by at most half a step. Most of these errors cancel out, which
    # leaves enough room for the errors of the layers before.
    step = float(features.max() - features.min()) / 255
    tolerance = step / 2 * np.abs(near.logits.weight.detach().numpy()).sum(axis=1)  # (dictionary,)
    errors = np.abs(run(build(network), ids) - expected)
    assert (errors <= tolerance).all()
    assert errors.max() > 0


def test_a_tied_matrix_is_stored_once(network: Network) -> None:
    matrices = [value for value in initializers(build(network)).values() if value.ndim == 2]
    of_words = [matrix for matrix in matrices if DICTIONARY in matrix.shape]
    assert len(of_words) == (1 if network.architecture.tied else 2)


def test_size_is_what_the_graph_stores_for_weights(network: Network) -> None:
    stored = initializers(build(network))
    kinds = ("_int8", "_scales", "_float16")
    weights = sum(value.nbytes for name, value in stored.items() if name.endswith(kinds))
    others = sum(value.nbytes for name, value in stored.items() if not name.endswith(kinds))
    assert int8.size(weights_of(network), network.architecture) == weights
    assert others < 64


def test_inputs_outputs_and_metadata_are_those_of_the_step_graph(network: Network) -> None:
    properties = metadata_of(network, [f"w{id}" for id in range(DICTIONARY)]).to_properties()
    whole, graph = step.build(weights_of(network), network.architecture, properties), build(network)
    assert list(graph.graph.input) == list(whole.graph.input)
    assert list(graph.graph.output) == list(whole.graph.output)
    assert list(graph.metadata_props) == list(whole.metadata_props)
    assert sum(node.op_type == "DynamicQuantizeLSTM" for node in graph.graph.node) == 2


def test_a_row_of_zeros_makes_no_logit_unknown(network: Network) -> None:
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 2:
                weight[3] = 0
    logits = run(build(network), np.array([[3, 3], [1, 3]]))
    assert np.isfinite(logits).all()
    assert (logits[:, 3] == network.logits.bias[3].item()).all()


def test_the_same_weights_give_the_same_bytes(network: Network) -> None:
    first, second = (build(network).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_a_cell_without_an_8_bit_operator_multiplies_floats(cell: str) -> None:
    network = make_network(DICTIONARY, embedding=48, hidden=64, cell=cell, scale=1.0)
    graph = build(network)
    assert [node.op_type for node in graph.graph.node].count(cell.upper()) == 2
    stored = initializers(graph)
    for layer in range(2):
        for name in ("W", "R"):
            assert stored[f"{name}_{layer}_int8"].dtype == np.int8
            assert np.abs(stored[f"{name}_{layer}_int8"]).max() == 127
    ids = np.random.default_rng(1).integers(0, DICTIONARY, (20, 5))
    with torch.no_grad():
        _, after = of_its_weights(network)(torch.from_numpy(ids))
    assert np.allclose(run(graph, ids, "next_hidden"), after["hidden"], atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_feedforward_layers_are_products_in_8_bits(time: int, tied: bool) -> None:
    network = make_network(DICTIONARY, embedding=48, hidden=64, cell="feedforward", scale=1.0, tied=tied)
    graph = build(network)
    products = [node for node in graph.graph.node if node.op_type == "DynamicQuantizeMatMul"]
    assert len(products) == 3 + tied  # two layers, the logits, and a projection
    ids = np.random.default_rng(1).integers(0, DICTIONARY, (20, time))
    with torch.no_grad():
        expected = of_its_weights(network)(torch.from_numpy(ids))[0].numpy()
    # Each product rounds its input to 1/255 of its range.
    assert np.abs(run(graph, ids) - expected).max() < 0.05 * np.abs(expected).max()


def test_no_value_that_a_layer_reads_is_beyond_the_extremes_beside_it() -> None:
    hidden = 1000
    network = make_network(DICTIONARY, embedding=48, hidden=hidden, layers=2, context=None, scale=1.0)
    with torch.no_grad():
        # The first layer keeps its cells and outputs their tanh, which onnxruntime may round to above 1.
        for name, weight in network.named_parameters():
            if name.startswith("layers.0."):
                for gate, bias in zip(weight.split(hidden), (-20, 20, 0, 20), strict=True):
                    gate.fill_(bias / 2 if "bias" in name else 0)
    graph = build(network)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    cells = np.zeros((2, 1, hidden), np.float32)
    cells[0] = np.linspace(8.4, 9.2, hidden)
    state = {"hidden": np.zeros_like(cells), "cell": cells}
    outputs = session.run(["next_hidden"], {"ids": np.array([[1]]), **state})[0][0]
    embedding, output = (
        tensor for name, tensor in initializers(graph).items() if name.startswith("extremes_")
    )
    assert np.abs(outputs).max() <= output.max() == -output.min()
    words = int8.quantise_weights(weights_of(network), network.architecture)["embedding.weight"].matrix
    assert np.abs(words).max() == pytest.approx(embedding.max(), rel=1e-6)
    assert embedding.max() == -embedding.min()
