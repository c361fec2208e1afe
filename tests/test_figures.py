import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nextword import figures

# A few values, so that there are ties, and arbitrary ones.
LOG_PROBABILITIES = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.integers(-2, 0).map(float) | st.floats(-800, 0),
)
UNKNOWN = st.none() | st.integers(0, 6)


def by_hand(row: np.ndarray, unknown: int | None) -> list[int]:
    """The words that can be written, likeliest first, ties by id."""
    ids = [id for id in range(len(row)) if id != unknown]
    return sorted(ids, key=lambda id: (-row[id], id))


@given(LOG_PROBABILITIES, UNKNOWN, st.data())
def test_a_rank_is_the_place_among_the_words_that_can_be_written_with_ties_by_id(
    rows: np.ndarray, unknown: int | None, data: st.DataObject
) -> None:
    words = rows.shape[1]
    unknown = unknown if unknown is None or unknown < words else None
    next_words = np.array([data.draw(st.integers(0, words - 1)) for _ in rows])
    found = figures.ranks(rows, next_words, unknown)
    for row, word, rank in zip(rows, next_words.tolist(), found.tolist(), strict=True):
        assert rank == (figures.NEVER if word == unknown else by_hand(row, unknown).index(word))


@given(LOG_PROBABILITIES, UNKNOWN)
def test_the_likeliest_word_has_rank_0_and_is_never_unknown(rows: np.ndarray, unknown: int | None) -> None:
    words = rows.shape[1]
    unknown = unknown if unknown is not None and unknown < words and words > 1 else None
    found = figures.likeliest(rows, unknown)
    assert found.tolist() == [by_hand(row, unknown)[0] for row in rows]
    assert not figures.ranks(rows, found, unknown).any()
    assert unknown not in found.tolist()


@given(LOG_PROBABILITIES, UNKNOWN)
def test_ranks_and_likeliest_do_not_change_their_arguments(rows: np.ndarray, unknown: int | None) -> None:
    unknown = unknown if unknown is None or unknown < rows.shape[1] else None
    before, next_words = rows.copy(), np.zeros(len(rows), np.int64)
    figures.ranks(rows, next_words, unknown)
    figures.likeliest(rows, unknown)
    assert (rows == before).all()
    assert not next_words.any()


def test_unk_is_no_answer_even_if_the_dictionary_is_smaller_than_the_suggestions() -> None:
    ranks = figures.ranks(np.zeros((2, 2)), np.array([0, 1]), 1)
    assert ranks[0] == 0
    assert ranks[1] > 10**9


@given(st.floats(0, 699.99))
def test_perplexity_is_exp_of_the_loss(loss: float) -> None:
    assert figures.perplexity(loss) == math.exp(loss)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_perplexity_is_finite_and_never_falls_as_the_loss_rises(one: float, other: float) -> None:
    low, high = (figures.perplexity(loss) for loss in sorted((one, other)))
    assert 1 <= low <= high < math.inf


def test_the_perplexity_of_a_huge_loss_is_capped() -> None:
    assert figures.perplexity(1e6) > 1e300
    assert figures.perplexity(math.inf) == pytest.approx(math.exp(700))
