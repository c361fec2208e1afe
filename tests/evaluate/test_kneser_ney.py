from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.evaluate.kneser_ney import KneserNey

TEXTS = st.lists(st.integers(0, 3), min_size=6, max_size=40)
# A few words of uneven frequency: n₁ … n₄ are all above 0, so that the discounts come from the text.
LONG = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed).geometric(0.25, 300).clip(1, 9) - 1)


def by_definition(text: list[int], order: int, dictionary: int, history: tuple[int, ...], word: int) -> float:
    """P(word | history) straight from the definition of Chen & Goodman, sharing no code."""

    def grams(k: int) -> dict[tuple[int, ...], set[int]]:
        places = defaultdict(set)
        for start in range(len(text) - k + 1):
            places[tuple(text[start : start + k])].add(start)
        return places

    def count(k: int) -> dict[tuple[int, ...], int]:
        if k == order:
            return {gram: len(places) for gram, places in grams(k).items()}
        before = defaultdict(set)
        for first, *rest in grams(k + 1):
            before[tuple(rest)].add(first)
        return {gram: len(words) for gram, words in before.items()}

    def probability(k: int, history: tuple[int, ...]) -> float:
        if k == 0:
            return 1 / dictionary
        counts = count(k)
        n = [sum(c == size for c in counts.values()) for size in range(5)]
        discounts = [0, 0.5, 1, 1.5]
        if all(n[1:]):
            y = n[1] / (n[1] + 2 * n[2])
            found = [0, 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
            discounts = found if min(found[1:]) > 0 else discounts
        lower = probability(k - 1, history[1:])
        after = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == history}
        if not after:
            return lower
        total = sum(after.values())
        left = sum(discounts[min(c, 3)] for c in after.values()) / total
        own = after.get(word, 0)
        return (own - discounts[min(own, 3)]) / total + left * lower

    return probability(order, history)


@settings(max_examples=30)
@given(TEXTS, st.integers(1, 4), st.data())
def test_kneser_ney_agrees_with_its_definition(text: list[int], order: int, data: st.DataObject) -> None:
    history = data.draw(st.lists(st.integers(0, 4), min_size=order - 1, max_size=order - 1))
    found = KneserNey(np.array(text), order, 5).probabilities(np.array([history], int).reshape(1, -1))[0]
    for word in range(5):
        assert found[word] == pytest.approx(by_definition(text, order, 5, tuple(history), word), abs=1e-12)


@given(TEXTS, st.integers(1, 4), st.data())
def test_kneser_ney_sums_to_one_after_any_history(text: list[int], order: int, data: st.DataObject) -> None:
    histories = data.draw(
        st.lists(st.lists(st.integers(0, 4), min_size=order - 1, max_size=order - 1), min_size=1, max_size=5)
    )
    found = KneserNey(np.array(text), order, 5).probabilities(
        np.array(histories, int).reshape(len(histories), order - 1)
    )
    assert np.allclose(found.sum(axis=1), 1, atol=1e-12)
    assert (found >= 0).all()


@settings(max_examples=10, deadline=None)
@given(LONG, st.integers(2, 5), st.data())
def test_discounts_from_the_text_agree_with_the_definition(
    text: np.ndarray, order: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, 300 - order))
    history = text[start : start + order - 1]
    found = KneserNey(text, order, 9).probabilities(history[None])[0]
    for word in (0, 4):
        expected = by_definition(text.tolist(), order, 9, tuple(history.tolist()), word)
        assert found[word] == pytest.approx(expected, abs=1e-12)


def test_a_bigram_computed_by_hand() -> None:
    # a b a b a c: the bigrams are ab 2, ba 2, ac 1; one word precedes a (b), one b, and one c.
    text = np.array([0, 1, 0, 1, 0, 2])
    # n₃ = n₄ = 0, so that the discounts are 0.5 for a count of 1, and 1 for 2.
    # Unigrams: c(a) = c(b) = c(c) = 1 of 3, each minus 0.5: 0.5/3 + (3 · 0.5)/3 · 1/3 = 1/3.
    # After a: P(b) = (2 − 1)/3 + (1 + 0.5)/3 · 1/3 = 1/2; P(c) = 0.5/3 + 1/6 = 1/3; P(a) = 1/6.
    assert KneserNey(text, 2, 3).probabilities(np.array([[0]]))[0] == pytest.approx([1 / 6, 1 / 2, 1 / 3])


def test_a_text_can_be_predicted_from_its_second_word_on() -> None:
    text = np.array([0, 1, 0, 1, 0, 2, 1, 0, 1, 1, 0])
    counted = KneserNey(text, 4, 3)
    found = counted.predict(text, 1, None).log_probability
    whole = counted.predict(text, 3, None).log_probability
    assert len(found) == 10
    assert found[2:] == pytest.approx(whole)
    # After a single word, the lower order is left, as after an unseen word before it.
    assert np.exp(found[0]) == pytest.approx(by_definition(text.tolist(), 4, 3, (7, 8, 0), 1))
    assert np.exp(found[1]) == pytest.approx(by_definition(text.tolist(), 4, 3, (7, 0, 1), 0))


@settings(max_examples=30)
@given(LONG, st.integers(1, 4), st.data())
def test_each_word_is_predicted_from_the_words_before_it(
    text: np.ndarray, order: int, data: st.DataObject
) -> None:
    text, first = text[:40], data.draw(st.integers(max(1, order - 1), 6))
    counted = KneserNey(text, order, 9)
    found = np.exp(counted.predict(text, first, None).log_probability)
    assert len(found) == 40 - first
    for place in (first, first + 1, 39):
        history = tuple(text[place - order + 1 : place].tolist())
        expected = by_definition(text.tolist(), order, 9, history, int(text[place]))
        assert found[place - first] == pytest.approx(expected, abs=1e-12)


def test_kneser_ney_knows_san_francisco() -> None:
    # "francisco" (3) is as frequent as "cat" (2), but follows only "san" (1).
    text = np.array([1, 3, 4, 2, 1, 3, 5, 2, 1, 3, 6, 2, 1, 3, 7, 2])
    after_unseen = KneserNey(text, 2, 9).probabilities(np.array([[8]]))[0]
    assert after_unseen[2] > 2 * after_unseen[3]
