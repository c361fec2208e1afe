import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.errors import CorpusError
from nextword.training import batches

COUNTS = st.integers(1, 60)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.data())
def test_every_window_is_a_context_and_the_word_after_it(ids: list[int], data: st.DataObject) -> None:
    context = data.draw(st.integers(1, len(ids) - 1))
    windows = batches.windows(np.array(ids, np.uint16), context)
    contexts, next_words = windows.take(slice(None))
    expected = [(ids[i : i + context], ids[i + context]) for i in range(len(ids) - context)]
    assert list(zip(contexts.tolist(), next_words.tolist(), strict=True)) == expected
    assert len(windows) == len(expected)


def test_a_text_shorter_than_the_context_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"3 words, but train\.context is 3"):
        batches.windows(np.array([1, 2, 3]), 3)


@given(COUNTS, COUNTS)
def test_an_epoch_takes_each_window_once(count: int, batch: int) -> None:
    epoch = itertools.islice(batches.shuffled(count, batch, 7), batches.per_epoch(count, batch))
    parts = list(epoch)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert max(map(len, parts)) <= batch


@given(COUNTS, COUNTS, st.integers(0, 40))
def test_a_run_taken_up_again_sees_the_same_batches(count: int, batch: int, start: int) -> None:
    whole = itertools.islice(batches.shuffled(count, batch, 7), start, start + 5)
    resumed = itertools.islice(batches.shuffled(count, batch, 7, start), 5)
    for one, other in zip(whole, resumed, strict=True):
        assert one.tolist() == other.tolist()


def test_order_turns_on_seed_and_epoch() -> None:
    first, second = itertools.islice(batches.shuffled(50, 50, 1), 2)
    other = next(batches.shuffled(50, 50, 2))
    assert first.tolist() != second.tolist()
    assert first.tolist() != other.tolist()


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 30), st.integers(0, 9))
def test_streams_are_read_in_order_a_step_after_the_other(
    batch: int, words_per_step: int, extra: int, seed: int
) -> None:
    ids = np.arange(batch * (3 * words_per_step + 1) + extra)
    text = batches.streams(ids, batch, words_per_step)
    assert text.tolist() == [ids[row * text.shape[1] :][: text.shape[1]].tolist() for row in range(batch)]
    epoch = batches.steps_per_epoch(text, words_per_step)
    previous = None
    for step in range(2 * epoch):
        read, following, anew = batches.stream_step(text, words_per_step, seed, step)
        assert read.shape == following.shape == (batch, words_per_step)
        assert (following == read + 1).all()
        assert anew == (step % epoch == 0)
        if not anew:
            assert (read[:, 0] == previous).all()
        previous = following[:, -1]


def test_each_epoch_of_streams_begins_at_a_word_of_its_own() -> None:
    text = batches.streams(np.arange(1000), 2, 30)
    epoch = batches.steps_per_epoch(text, 30)
    starts = {int(batches.stream_step(text, 30, 5, step * epoch)[0][0, 0]) for step in range(20)}
    assert len(starts) > 5
    assert max(starts) < 30


def test_a_text_too_short_for_its_streams_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"too few for 4 streams of 5 words a step; lower train\.batch"):
        batches.streams(np.arange(43), 4, 5)
    assert batches.streams(np.arange(44), 4, 5).shape == (4, 11)


def test_some_windows_are_taken_at_equal_distances() -> None:
    windows = batches.windows(np.arange(100), 3)
    assert windows.some(5).next_words.tolist() == [3, 27, 51, 75, 99]
    assert len(windows.some(1000)) == len(windows)
