"""How far back a loss reaches."""

import numpy as np
import pytest
import torch
from tiny import make_network

from nextword.evaluate.gradient_flow import gradient_flow
from nextword.model.cells import CELLS
from nextword.model.network import Network
from nextword.text.windows import Windows

IDS = np.array([[1, 4, 2, 5, 7]])
FOLLOWING = 3
SMALL = 1e-5


def loss_after(network: Network, ids: list[int], state: dict[str, torch.Tensor]) -> float:
    logits, _ = network(torch.tensor([ids]), state)
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor([FOLLOWING])))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if cell.states])
def test_it_is_the_effect_of_small_changes_of_the_state_on_the_loss(cell: str, tied: bool) -> None:
    network = make_network(cell=cell, context=5, tied=tied)
    flow = gradient_flow(network, Windows(IDS, np.array([FOLLOWING])))
    for back in range(1, IDS.shape[1]):
        read, rest = IDS[:, :-back], IDS[0, -back:].tolist()
        with torch.no_grad():
            _, state = network(torch.from_numpy(read))
            for name in state:
                slopes = []
                for place in np.ndindex(*state[name].shape):
                    losses = []
                    for change in (SMALL, -SMALL):
                        moved = {part: values.clone() for part, values in state.items()}
                        moved[name][place] += change
                        losses.append(loss_after(network, rest, moved))
                    slopes.append((losses[0] - losses[1]) / (2 * SMALL))
                assert flow[name][back] == pytest.approx(np.linalg.norm(slopes), rel=1e-4, abs=1e-8)


def test_nothing_is_carried_without_a_state() -> None:
    network = make_network(cell="feedforward", context=5)
    flow = gradient_flow(network, Windows(IDS, np.array([FOLLOWING])))
    assert list(flow) == ["hidden"]
    assert flow["hidden"][0] > 0
    assert not flow["hidden"][1:].any()
