import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.errors import CorpusError
from nextword.text import windows


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.data())
def test_every_window_is_a_context_and_the_word_after_it(ids: list[int], data: st.DataObject) -> None:
    context = data.draw(st.integers(1, len(ids) - 1))
    found = windows.windows(np.array(ids, np.uint16), context)
    contexts, next_words = found.take(slice(None))
    assert contexts.dtype == next_words.dtype == np.int64
    expected = [(ids[i : i + context], ids[i + context]) for i in range(len(ids) - context)]
    assert list(zip(contexts.tolist(), next_words.tolist(), strict=True)) == expected
    assert len(found) == len(expected)


def test_a_text_shorter_than_the_context_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"3 words, but train\.context is 3"):
        windows.windows(np.array([1, 2, 3]), 3)
    assert len(windows.windows(np.array([1, 2, 3, 4]), 3)) == 1


def test_some_windows_are_evenly_spaced() -> None:
    found = windows.windows(np.arange(100), 3)
    assert found.some(5).next_words.tolist() == [3, 27, 51, 75, 99]
    assert found.some(5).contexts[1].tolist() == [24, 25, 26]
    assert len(found.some(1000)) == len(found)


@given(st.integers(0, 60), st.integers(1, 60))
def test_slices_in_order_cover_each_window_once(count: int, batch: int) -> None:
    parts = [list(range(count))[part] for part in windows.in_order(count, batch)]
    assert list(itertools.chain(*parts)) == list(range(count))
    assert all(0 < len(part) <= batch for part in parts)
