import numpy as np
import pytest

from nextword.evaluate import breakdown
from nextword.model.predictions import Predictions


def predictions(confidence: list[float], right: list[bool], probability: list[float]) -> Predictions:
    return Predictions(
        log_probability=np.log(probability),
        rank=np.where(right, 0, 1),
        likeliest=np.zeros(len(right), np.int64),
        likeliest_log_probability=np.log(confidence),
    )


def test_the_calibration_error_is_the_mean_gap_between_accuracy_and_confidence() -> None:
    # Four predictions of 0.3, one of them right; two of 0.95, both right.
    found = predictions([0.3, 0.3, 0.3, 0.3, 0.95, 0.95], [True, False, False, False, True, True], [0.3] * 6)
    sure, surer = breakdown.by_confidence(found)
    assert tuple(sure) == pytest.approx((0.3, 0.25, 4))
    assert tuple(surer) == pytest.approx((0.95, 1.0, 2))
    assert breakdown.calibration_error(found) == pytest.approx((0.05 * 4 + 0.05 * 2) / 6)


def test_confident_and_right_predictions_are_calibrated() -> None:
    found = predictions([1.0, 1.0], [True, True], [1.0, 1.0])
    assert breakdown.calibration_error(found) == 0
    assert breakdown.by_confidence(found)[0].words == 2


def test_words_are_grouped_by_their_frequency_in_the_training_part() -> None:
    found = predictions([0.5] * 4, [True] * 4, [0.5, 0.25, 0.125, 0.5])
    groups = breakdown.by_frequency(found, np.array([0, 1, 1, 2]), np.array([150, 10, 0]))
    assert [(group.name, group.words) for group in groups] == [("0", 1), ("10–99", 2), ("100–999", 1)]
    assert [group.perplexity for group in groups] == pytest.approx([2, np.sqrt(4 * 8), 2])


def test_places_count_from_each_line_or_from_the_beginning() -> None:
    ids = np.array([5, 6, 0, 0, 7, 0])
    assert breakdown.places_in_lines(ids, 0).tolist() == [1, 2, 3, 1, 1, 2]
    assert breakdown.places_in_lines(ids, None).tolist() == [1, 2, 3, 4, 5, 6]
