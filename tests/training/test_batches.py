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
