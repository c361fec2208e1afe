import numpy as np
import pytest
import torch
from tiny import make_network
from torch import nn

from nextword.train.loss import Loss, SampledSoftmax


def loss_and_gradient(loss: torch.Tensor, features: torch.Tensor) -> tuple[float, torch.Tensor]:
    (gradient,) = torch.autograd.grad(loss, features, retain_graph=True)
    return loss.item(), gradient


def test_the_mean_over_draws_is_near_the_full_softmax() -> None:
    torch.manual_seed(0)
    frequencies = np.arange(1.0, 401)[::-1] / np.arange(1, 401).sum()
    logits = nn.Linear(8, 400).double()
    features = torch.randn(30, 8, dtype=torch.float64, requires_grad=True)
    following = torch.randint(0, 400, (30,))
    full, expected = loss_and_gradient(nn.functional.cross_entropy(logits(features), following), features)
    errors = []
    for samples in (20, 150):
        sampled = SampledSoftmax(frequencies, samples)
        found = [loss_and_gradient(sampled(features, following, logits), features) for _ in range(200)]
        loss = np.mean([value for value, _ in found])
        gradient = torch.stack([value for _, value in found]).mean(0)
        errors.append((abs(loss - full), float((gradient - expected).norm() / expected.norm())))
    assert errors[1] < errors[0]
    assert errors[1][0] < 0.01
    assert errors[1][1] < 0.05


def test_the_correction_brings_the_loss_nearer_to_the_full_softmax() -> None:
    torch.manual_seed(0)
    frequencies = np.geomspace(0.5, 5e-6, 400)
    logits = nn.Linear(8, 400).double()
    features = torch.randn(300, 8, dtype=torch.float64)
    following = torch.randint(0, 400, (300,))
    full = nn.functional.cross_entropy(logits(features), following).item()
    sampled = SampledSoftmax(frequencies, 60)
    with torch.no_grad():
        found = np.mean([sampled(features, following, logits).item() for _ in range(100)])
        sampled._corrections.zero_()
        naive = np.mean([sampled(features, following, logits).item() for _ in range(100)])
    assert abs(found - full) < 0.1 * abs(naive - full)


def test_a_drawn_word_that_is_the_next_word_counts_once() -> None:
    logits = nn.Linear(2, 3)
    sampled = SampledSoftmax(np.full(3, 1 / 3), 3)  # all words are drawn
    features = torch.randn(5, 2)
    following = torch.tensor([0, 1, 2, 1, 0])
    full = nn.functional.cross_entropy(logits(features), following)
    sampled._corrections.zero_()
    assert sampled(features, following, logits).item() == pytest.approx(full.item(), rel=1e-5)


@pytest.mark.parametrize("words", [1, 4])
def test_the_loss_is_that_of_the_words_after_the_last_ones_read(words: int) -> None:
    network = make_network(seed=3)
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    following = torch.tensor([[2, 3, 4, 11], [6, 7, 8, 0]])[:, -words:]
    with torch.no_grad():
        found, after = Loss(network)(ids, following, None)
        logits, state = network.after_each_word(ids)
    by_word = torch.log_softmax(logits, 2)[-words:]  # (words, batch, dictionary)
    expected = [-by_word[place, text, following[text, place]] for place in range(words) for text in range(2)]
    assert found.item() == pytest.approx(np.mean(expected))
    assert all(torch.equal(after[name], state[name]) for name in state)


def test_the_loss_starts_from_the_carried_state() -> None:
    network = make_network(seed=3)
    ids, following = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[2, 3, 4, 5]])
    loss = Loss(network)
    with torch.no_grad():
        whole, _ = loss(ids, following, None)
        first, state = loss(ids[:, :2], following[:, :2], None)
        second, _ = loss(ids[:, 2:], following[:, 2:], state)
    assert whole.item() == pytest.approx((first.item() + second.item()) / 2)


def test_a_sampled_loss_equals_the_sampled_softmax_of_the_same_features() -> None:
    network = make_network(seed=3, tied=True)  # the features are a projection of the hidden state
    ids, following = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[2, 3, 4], [5, 6, 7]])
    sampled = SampledSoftmax(np.full(12, 1 / 12), 4)
    with torch.no_grad():
        torch.manual_seed(0)
        found, _ = Loss(network, sampled)(ids, following, None)
        features, _ = network.read(ids)
        torch.manual_seed(0)
        expected = sampled(features.flatten(0, 1), following.T.flatten(), network.logits)
    assert found.item() == pytest.approx(expected.item())
