import numpy as np
import pytest
import torch
from torch import nn

from nextword.training.softmax import SampledSoftmax


def loss_and_gradient(loss: torch.Tensor, features: torch.Tensor) -> tuple[float, torch.Tensor]:
    (gradient,) = torch.autograd.grad(loss, features, retain_graph=True)
    return loss.item(), gradient


def test_the_mean_over_draws_is_near_the_full_softmax() -> None:
    torch.manual_seed(0)
    frequencies = np.arange(1, 401)[::-1].copy()
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


def test_without_the_correction_it_would_not_be() -> None:
    torch.manual_seed(0)
    frequencies = np.geomspace(1e5, 1, 400)
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


def test_a_drawn_word_that_does_follow_counts_once() -> None:
    logits = nn.Linear(2, 3)
    sampled = SampledSoftmax(np.array([1, 1, 1]), 3)  # all words are drawn
    features = torch.randn(5, 2)
    following = torch.tensor([0, 1, 2, 1, 0])
    full = nn.functional.cross_entropy(logits(features), following)
    sampled._corrections.zero_()
    assert sampled(features, following, logits).item() == pytest.approx(full.item(), rel=1e-5)
