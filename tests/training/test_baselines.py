from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.training import batches
from nextword.training.baselines import KneserNey, most_frequent_word

TEXTS = st.lists(st.integers(0, 3), min_size=6, max_size=40)


def by_definition(text: list[int], order: int, dictionary: int, history: tuple[int, ...], word: int) -> float:
    """P(word | history) straight from the definition of Chen & Goodman, with nothing shared."""

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
        n1 = sum(c == 1 for c in counts.values())
        n2 = sum(c == 2 for c in counts.values())
        discount = n1 / (n1 + 2 * n2) if n1 and n2 else 0.5
        lower = probability(k - 1, history[1:])
        after = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == history}
        if not after:
            return lower
        total = sum(after.values())
        return max(after.get(word, 0) - discount, 0) / total + discount * len(after) / total * lower

    return probability(order, history)


@settings(max_examples=30)
@given(TEXTS, st.integers(1, 4), st.data())
def test_kneser_ney_is_its_definition(text: list[int], order: int, data: st.DataObject) -> None:
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


def test_kneser_ney_knows_san_francisco() -> None:
    # "francisco" (3) is as frequent as "cat" (2), but it only ever follows "san" (1).
    text = np.array([1, 3, 4, 2, 1, 3, 5, 2, 1, 3, 6, 2, 1, 3, 7, 2])
    after_unseen = KneserNey(text, 2, 9).probabilities(np.array([[8]]))[0]
    assert after_unseen[2] > 2 * after_unseen[3]


def test_most_frequent_word_predicts_frequencies_everywhere() -> None:
    text = np.array([0, 0, 0, 1, 0, 2, 0, 1])
    quality = most_frequent_word(text, 3, batches.windows(text, 1)).quality
    assert quality.accuracy == pytest.approx(4 / 7)  # the zeros among the words that follow
    expected = -(4 * np.log(5 / 8) + 2 * np.log(2 / 8) + np.log(1 / 8)) / 7
    assert quality.loss == pytest.approx(expected)
