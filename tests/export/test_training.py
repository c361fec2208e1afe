"""The training graph compared with PyTorch's autograd and optimisers."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from nextword.export import training
from nextword.model.cells import CELLS, Cell
from nextword.model.network import NO_WORD, Architecture, Network
from nextword.train.loss import Loss

DICTIONARY, BATCH, TIME, HIDDEN = 11, 4, 3, 6
RATE, DECAY, CLIP = 0.05, 0.1, 0.5
SHAPES = {"untied": (5, False), "tied": (HIDDEN, True), "projected": (5, True)}
CASES = [
    (cell, layers, shape, context)
    for cell, layers, shape, context in itertools.product(CELLS, (1, 2), SHAPES, (TIME, None))
    if CELLS[cell].states or context
]

Arrays = dict[str, NDArray[Any]]


def make(cell: str, layers: int, shape: str, context: int | None, precision: str = "float64") -> Network:
    embedding, tied = SHAPES[shape]
    return Network(
        Architecture(
            dictionary=DICTIONARY,
            cell=cell,
            embedding=embedding,
            hidden=HIDDEN,
            layers=layers,
            context=context,
            tied=tied,
            precision=precision,
        ),
        seed=1,
    )


def batches(network: Network, count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Words, some of them repeated, and the next words; a cell without a state gets a missing word."""
    random = np.random.default_rng(0)
    context = network.architecture.context
    for _ in range(count):
        ids = random.integers(0, DICTIONARY, (BATCH, TIME))
        if not CELLS[network.architecture.cell].states:
            ids[0, 0] = NO_WORD
        yield ids, random.integers(0, DICTIONARY, (BATCH, 1 if context else TIME))


class Graph:
    """A training graph with the arrays that it changes."""

    def __init__(self, network: Network, *, adamw: bool = True, learnt: list[str] | None = None) -> None:
        graph = training.build(network, {}, learnt, gives_gradients=True)
        self.session = onnxruntime.InferenceSession(graph.SerializeToString())
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.values: Arrays = {
            name: weight.detach().numpy().copy() for name, weight in network.named_parameters()
        }
        moments = [name for name in self.inputs if "moment." in name]
        self.values |= {name: np.zeros_like(self.values[name.partition(".")[2]]) for name in moments}
        self.scalars: Arrays = {
            "learning_rate": np.array(RATE),
            "weight_decay": np.array(DECAY),
            "clip": np.array(CLIP),
            "adamw": np.array(adamw),
        }

    def step(self, number: int, ids: NDArray[Any], following: NDArray[Any], state: Arrays) -> Arrays:
        data = {"ids": ids, "following": following, "step": np.array(number)}
        found = self.session.run(None, {**data, **state, **self.scalars, **self.values})
        outputs = dict(zip(self.outputs, found, strict=True))
        self.values |= {name: outputs[f"next_{name}"] for name in self.values if f"next_{name}" in outputs}
        return outputs


def zero_state(network: Network) -> Arrays:
    size = network.architecture
    shape = (size.layers, BATCH, size.hidden)
    return {name: np.zeros(shape, size.precision) for name in CELLS[size.cell].states}


def torch_step(
    network: Network, optimiser: Optimizer, ids: NDArray[Any], following: NDArray[Any], state: Arrays
) -> tuple[float, float, dict[str, Tensor]]:
    before = {name: torch.from_numpy(part) for name, part in state.items()} or None
    loss, after = Loss(network)(torch.from_numpy(ids), torch.from_numpy(following), before)
    optimiser.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1e9)
    gradients = [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    optimiser.step()
    names = [name for name, _ in network.named_parameters()]
    found = dict(zip(names, gradients, strict=True))
    return loss.item(), norm.item(), found | {f"next_{name}": part.detach() for name, part in after.items()}


def adamw_of(network: Network) -> AdamW:
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    biases = [weight for weight in network.parameters() if weight.ndim == 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]
    return AdamW(groups, RATE, weight_decay=DECAY)


def far(one: NDArray[Any], other: Tensor) -> float:
    return float(np.abs(one - other.detach().numpy()).max())


def check_twenty_steps(network: Network) -> None:
    """Compares gradients, states and weights with PyTorch's."""
    context = network.architecture.context
    graph, optimiser, state = Graph(network), adamw_of(network), zero_state(network)
    for number, (ids, following) in enumerate(batches(network, 20), 1):
        found = graph.step(number, ids, following, state)
        loss, norm, expected = torch_step(network, optimiser, ids, following, state)
        assert abs(found["loss"] - loss) < 1e-12
        assert abs(found["gradient_norm"] - norm) < 1e-12
        if number == 1:
            assert (
                max(
                    far(found[f"gradient.{name}"], expected[name])
                    for name in dict(network.named_parameters())
                )
                < 1e-12
            )
        for name in state:
            assert far(found[f"next_{name}"], expected[f"next_{name}"]) < 1e-11
            if context is None:
                state[name] = found[f"next_{name}"]
    for name, weight in network.named_parameters():
        assert far(graph.values[name], weight) < 1e-11, name


@pytest.mark.parametrize(("cell", "layers", "shape", "context"), CASES)
def test_gradients_and_twenty_steps_agree_with_pytorch(
    cell: str, layers: int, shape: str, context: int | None
) -> None:
    check_twenty_steps(make(cell, layers, shape, context))


def _rectified(x: Any, state: Any, W: Any, U: Any, a: Any, b: Any) -> Any:  # noqa: N803
    hidden = np.maximum(W @ x + a + U @ state["hidden"] + b, 0)
    return hidden, {"hidden": hidden}


@pytest.mark.parametrize("context", [TIME, None])
def test_a_cell_with_a_maximum_agrees_with_pytorch(
    context: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(states=("hidden",), equations=_rectified, module="RNN", function="rnn_relu")
    monkeypatch.setitem(CELLS, "rectified", cell)
    check_twenty_steps(make("rectified", 2, "untied", context))


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_in_float32_agree_with_pytorch(cell: str) -> None:
    network = make(cell, 2, "projected", TIME if cell == "feedforward" else None, "float32")
    graph, state = Graph(network), zero_state(network)
    ids, following = next(batches(network, 1))
    found = graph.step(1, ids, following, state)
    _, _, expected = torch_step(network, adamw_of(network), ids, following, state)
    for name, _ in network.named_parameters():
        assert found[f"gradient.{name}"].dtype == np.float32
        assert far(found[f"gradient.{name}"], expected[name]) < 5e-6


def test_plain_gradient_descent_agrees_with_pytorch_and_leaves_the_moments_alone() -> None:
    network = make("gru", 2, "untied", None)
    graph, optimiser, state = (
        Graph(network, adamw=False),
        SGD(network.parameters(), RATE),
        zero_state(network),
    )
    for number, (ids, following) in enumerate(batches(network, 20), 1):
        graph.step(number, ids, following, state)
        torch_step(network, optimiser, ids, following, state)
    for name, weight in network.named_parameters():
        assert far(graph.values[name], weight) < 1e-11
        assert not graph.values[f"first_moment.{name}"].any()


def test_only_the_named_weights_learn() -> None:
    network = make("lstm", 2, "untied", None)
    learnt = ["layers.1.weight_hh_l0", "logits.bias"]
    graph, state = Graph(network, learnt=learnt), zero_state(network)
    ids, following = next(batches(network, 1))
    found = graph.step(1, ids, following, state)
    _, _, expected = torch_step(network, adamw_of(network), ids, following, state)
    assert [name for name in found if name.startswith("gradient.")] == [f"gradient.{name}" for name in learnt]
    assert all(far(found[f"gradient.{name}"], expected[name]) < 1e-12 for name in learnt)
    assert "next_embedding.weight" not in found


def test_a_dictionary_of_another_size_learns_with_the_same_graph() -> None:
    network = make("lstm", 1, "tied", None)
    graph = Graph(network)
    larger = Network(Architecture(**{**vars(network.architecture), "dictionary": 50}), seed=2)
    for name, weight in larger.named_parameters():
        graph.values[name] = weight.detach().numpy().copy()
        for moment in ("first_moment.", "second_moment."):
            graph.values[moment + name] = np.zeros_like(graph.values[name])
    ids = np.array([[49, 3, 49]] * BATCH)
    found = graph.step(1, ids, ids, zero_state(larger))
    _, _, expected = torch_step(larger, adamw_of(larger), ids, ids, zero_state(larger))
    assert far(found["gradient.embedding.weight"], expected["embedding.weight"]) < 1e-12


def test_it_has_only_standard_operators_no_weights_and_is_small() -> None:
    graph = training.build(make("lstm", 2, "untied", None), {})
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 20)]
    assert all(np.prod(tensor.dims) < 8 for tensor in graph.graph.initializer)
    assert len(graph.SerializeToString()) < 25_000
