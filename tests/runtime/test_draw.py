import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextword.runtime import draw

LOGITS = arrays(np.float32, st.integers(1, 40), elements=st.floats(-50, 50, width=32))


@given(LOGITS)
def test_probabilities_sum_to_one_and_keep_the_order_of_logits(logits: np.ndarray) -> None:
    log_probabilities = draw.log_softmax(logits)
    assert np.isclose(np.exp(log_probabilities).sum(), 1, rtol=1e-12)
    assert np.allclose(np.diff(log_probabilities), np.diff(logits.astype(float)), atol=1e-9)


@given(LOGITS, st.data())
def test_likeliest_are_the_best_of_a_full_sort(logits: np.ndarray, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(logits)))
    found = draw.likeliest(logits, n)
    probabilities = np.exp(draw.log_softmax(logits))
    assert [p for _, p in found] == sorted(probabilities.tolist(), reverse=True)[:n]
    assert all(p == probabilities[id] for id, p in found)
    assert found[0][1] == probabilities[draw.greedy(logits)]


def test_log_softmax_holds_for_large_logits() -> None:
    assert np.allclose(np.exp(draw.log_softmax(np.array([1e4, 1e4], np.float32))), 0.5)


def test_a_banned_word_is_never_the_likeliest() -> None:
    logits = np.array([1.0, 9.0, 2.0], np.float32)
    assert draw.greedy(draw.ban(logits, 1)) == 2
    assert draw.greedy(draw.ban(logits, None)) == 1
    assert logits[1] == 9


@given(LOGITS, st.data())
def test_words_are_ranked_by_falling_logit_and_ties_by_rising_id(
    logits: np.ndarray, data: st.DataObject
) -> None:
    logits = np.where(np.abs(logits) < 5, np.float32(-0.0), np.round(logits)).astype(np.float32)
    n = data.draw(st.integers(1, len(logits)))
    expected = sorted(range(len(logits)), key=lambda id: (-float(logits[id]), id))[:n]
    assert draw.ranked(logits, n).tolist() == expected


@given(LOGITS, st.floats(0.001, 0.999), st.floats(0.1, 5), st.integers(0, 50), st.floats(0.01, 1))
def test_a_draw_agrees_with_its_definition(
    logits: np.ndarray, number: float, temperature: float, top_k: int, top_p: float
) -> None:
    order = sorted(range(len(logits)), key=lambda id: (-float(logits[id]), id))[: top_k or None]
    weights = [
        math.exp((float(logits[id]) - float(logits[order[0]])) / float(np.float32(temperature)))
        for id in order
    ]
    kept, reached = 0, 0.0
    while kept < len(order) and (kept == 0 or reached < float(np.float32(top_p)) * sum(weights)):
        reached += weights[kept]
        kept += 1
    bounds = np.cumsum(weights[:kept]) / reached
    drawn = order.index(draw.draw(logits, number, temperature, top_k, top_p))
    assert drawn < kept + (abs(reached - float(np.float32(top_p)) * sum(weights)) < 1e-9 * reached)
    assert number <= bounds[min(drawn, kept - 1)] + 1e-9
    assert drawn == 0 or number >= bounds[drawn - 1] - 1e-9


def test_draws_have_the_frequencies_of_the_probabilities() -> None:
    logits = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    drawn = [draw.draw(logits, draw.uniform(5, step), 1.0) for step in range(20_000)]
    assert np.bincount(drawn) / 20_000 == pytest.approx([0.1, 0.6, 0.3], abs=0.01)


def test_uniform_numbers_are_even_and_independent() -> None:
    numbers = np.array([[draw.uniform(seed, step) for step in range(300)] for seed in range(300)])
    assert 0 < numbers.min() < numbers.max() < 1
    assert len(np.unique(numbers)) > 0.999 * numbers.size
    for one, other in (
        (numbers[:, :-1], numbers[:, 1:]),  # one step later
        (numbers[:-1], numbers[1:]),  # the next seed
        (numbers[1:, :-1], numbers[:-1, 1:]),  # the next seed, one step earlier
    ):
        counts, _, _ = np.histogram2d(one.ravel(), other.ravel(), 10, ((0, 1), (0, 1)))
        expected = one.size / 100
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert chi_squared < 99 + 4 * math.sqrt(2 * 99)


def test_uniform_numbers_are_the_same_in_every_runtime() -> None:
    def by_hand(seed: int, step: int) -> float:
        x = seed
        for added in (0, step, 0):
            x = (x + added) % 2147483647
            x = (1403580543 * x * x + 810728357 * x + 527612351) % 2147483647
        return (x + 0.5) / 2147483647

    for seed, step in [(0, 0), (1, 0), (0, 1), (7, 31), (2**31 - 2, 10**6)]:
        assert draw.uniform(seed, step) == by_hand(seed, step)
