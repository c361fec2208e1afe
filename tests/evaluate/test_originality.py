from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.evaluate import originality

IDS = st.lists(st.integers(0, 3), min_size=1, max_size=30)


def grams(ids: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(ids[start : start + n]) for start in range(len(ids) - n + 1)]


@given(st.lists(IDS, min_size=1, max_size=3), IDS, st.sampled_from([1, 2, 5, 1_000]))
def test_copied_n_grams_are_those_found_in_the_text(
    samples: list[list[int]], training: list[int], block: int
) -> None:
    with patch("nextword.evaluate.originality._BLOCK", block):
        found = originality.examine(samples, np.array(training))
    for n in (4, 7, 12):
        own = [gram for sample in samples for gram in grams(sample, n)]
        known = set(grams(training, n))
        expected = sum(gram in known for gram in own) / len(own) if own else 0
        assert found.copied[n] == pytest.approx(expected)
    longest = max(
        (n for n in range(31) for sample in samples if set(grams(sample, n)) & set(grams(training, n))),
        default=0,
    )
    assert found.longest_copy == longest


@pytest.mark.parametrize(
    ("sample", "loops"),
    [([1, 2, 3, 4, 5, 6], 0), ([1, 2, 7, 7, 7], 1), ([9, 1, 2, 1, 2, 1, 2], 1), ([1, 2, 1, 2, 3], 0)],
)
def test_a_loop_repeats_three_times_in_a_row(sample: list[int], loops: int) -> None:
    assert originality.examine([sample], np.array([0])).loops == loops


def test_distinct_n_falls_with_repetition() -> None:
    found = originality.examine([[1, 2, 1, 2, 1]], np.array([0]))
    assert found.distinct[1] == 2 / 5
    assert found.distinct[2] == 2 / 4
    assert found.longest_copy == 0
