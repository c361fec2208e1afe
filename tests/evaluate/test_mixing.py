import numpy as np
import pytest

from nextword.evaluate.kneser_ney import KneserNey
from nextword.evaluate.mixing import best_weight, mixture
from nextword.evaluate.predictors import FrequencyPredictor
from nextword.model.predictions import Predictions, judge


def shares(text: np.ndarray) -> np.ndarray:
    return np.bincount(text) / len(text)


def most_frequent_word(text: np.ndarray, unknown: int | None = None) -> Predictions:
    return judge(FrequencyPredictor(shares(text)).parts(text, 1), unknown)


def test_a_mixture_is_a_mean_of_probabilities_with_the_best_weight() -> None:
    text = np.random.default_rng(0).integers(0, 4, 60)
    one = KneserNey(text[:30], 2, 4).predict(text, 1, None)
    other = most_frequent_word(text)
    by_hand = -np.log(0.3 * np.exp(one.log_probability) + 0.7 * np.exp(other.log_probability)).mean()
    assert mixture(one, other, 0.3) == pytest.approx(by_hand)
    best = best_weight(one, other)
    assert all(mixture(one, other, best) <= mixture(one, other, weight) for weight in (0.05, 0.5, 0.95))


def test_most_frequent_word_predicts_frequencies_everywhere() -> None:
    text = np.array([0, 0, 0, 1, 0, 2, 0, 1])
    quality = most_frequent_word(text).quality
    assert quality.accuracy == pytest.approx(4 / 7)  # the zeros among the next words
    expected = -(4 * np.log(5 / 8) + 2 * np.log(2 / 8) + np.log(1 / 8)) / 7
    assert quality.loss == pytest.approx(expected)


def test_the_most_frequent_word_is_not_the_unknown_one() -> None:
    text = np.array([0, 0, 0, 1, 0, 2, 0, 1])
    quality = most_frequent_word(text, 0).quality
    assert quality.accuracy == pytest.approx(2 / 7)  # the ones; the zeros are `<unk>`
    assert quality.top_3_accuracy == pytest.approx(3 / 7)
