import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextword.runtime.cache import MOST_FORGOTTEN, CacheSettings, NeuralCache


@given(
    size=st.integers(1, 8),
    weight=st.floats(0.01, 0.99),
    flatness=st.floats(0, 3),
    count=st.integers(0, 300),
    seed=st.integers(0, 99),
)
def test_a_mixture_agrees_with_its_definition(
    size: int, weight: float, flatness: float, count: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    cache = NeuralCache(CacheSettings(size, weight, flatness), 4)
    states = random.standard_normal((count, 4)).astype(np.float32)
    words = random.integers(0, 5, count)
    for state, word in zip(states, words, strict=True):
        cache.remember(state, int(word))
    model = random.dirichlet(np.ones(5))
    now = random.standard_normal(4).astype(np.float32)
    found = np.exp(cache.mix(np.log(model), now))
    if not count:
        assert np.allclose(found, model)
        return
    kept = np.exp(flatness * (states[-size:].astype(float) @ now.astype(float)))
    by_word = np.array([kept[words[-size:] == word].sum() for word in range(5)]) / kept.sum()
    assert np.allclose(found, (1 - weight) * model + weight * by_word, atol=1e-5)


@given(
    model=arrays(np.float64, 5, elements=st.floats(-2000, 0)),
    size=st.integers(1, 8),
    weight=st.floats(0.01, 0.99),
    flatness=st.floats(0, 1000),
    count=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_a_word_keeps_its_share_of_the_models_probability_however_small(
    model: np.ndarray, size: int, weight: float, flatness: float, count: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    cache = NeuralCache(CacheSettings(size, weight, flatness), 4)
    words = random.integers(0, 4, count)  # never the last word of the dictionary
    for state, word in zip(random.uniform(-1, 1, (count, 4)).astype(np.float32), words, strict=True):
        cache.remember(state, int(word))
    before = model.copy()
    found = cache.mix(model, random.uniform(-1, 1, 4).astype(np.float32))
    assert np.isfinite(found).all()
    assert (found >= np.log1p(-weight) + model - 1e-9).all()
    assert found[4] == pytest.approx(np.log1p(-weight) + model[4])
    assert (model == before).all()


def test_a_probability_too_small_for_a_float_is_mixed() -> None:
    cache = NeuralCache(CacheSettings(4, 0.25, 0.0), 2)
    for word in (0, 1, 1, 1):
        cache.remember(np.ones(2, np.float32), word)
    found = cache.mix(np.array([-2000.0, 0.0, -2000.0]), np.ones(2, np.float32))
    assert found == pytest.approx([np.log(0.25 / 4), np.log(0.75 + 0.75 * 0.25), np.log(0.75) - 2000])


@given(size=st.integers(1, 5), kept=st.integers(0, 200), undone=st.integers(0, MOST_FORGOTTEN))
def test_forgotten_words_leave_no_trace(size: int, kept: int, undone: int) -> None:
    random = np.random.default_rng(0)
    states = random.standard_normal((kept + undone, 3)).astype(np.float32)
    cache, never = (NeuralCache(CacheSettings(size, 0.5, 1.0), 3) for _ in range(2))
    for number, state in enumerate(states):
        cache.remember(state, number % 4)
        if number < kept:
            never.remember(state, number % 4)
    for _ in range(undone):
        cache.forget()
    model, now = np.log(np.full(4, 0.25)), states.sum(axis=0)
    assert np.exp(cache.mix(model, now)) == pytest.approx(np.exp(never.mix(model, now)))
