import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nextword import sampling

LOGITS = arrays(np.float32, st.integers(1, 40), elements=st.floats(-50, 50, width=32))


@given(LOGITS)
def test_probabilities_sum_to_one_and_keep_the_order_of_logits(logits: np.ndarray) -> None:
    log_probabilities = sampling.log_softmax(logits)
    assert np.isclose(np.exp(log_probabilities).sum(), 1, rtol=1e-12)
    assert np.allclose(np.diff(log_probabilities), np.diff(logits.astype(float)), atol=1e-9)


@given(LOGITS, st.data())
def test_likeliest_are_the_best_of_a_full_sort(logits: np.ndarray, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(logits)))
    found = sampling.likeliest(logits, n)
    probabilities = np.exp(sampling.log_softmax(logits))
    assert [p for _, p in found] == sorted(probabilities.tolist(), reverse=True)[:n]
    assert all(p == probabilities[id] for id, p in found)
    assert found[0][1] == probabilities[sampling.greedy(logits)]


def test_log_softmax_holds_for_large_logits() -> None:
    assert np.allclose(np.exp(sampling.log_softmax(np.array([1e4, 1e4], np.float32))), 0.5)


def test_a_banned_word_is_never_the_likeliest() -> None:
    logits = np.array([1.0, 9.0, 2.0], np.float32)
    assert sampling.greedy(sampling.ban(logits, 1)) == 2
    assert sampling.greedy(sampling.ban(logits, None)) == 1
    assert logits[1] == 9
