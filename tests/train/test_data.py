from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from runs import train_params

from nextword.errors import CorpusError
from nextword.model.network import NO_WORD
from nextword.model.predictions import best_possible, lowest_loss
from nextword.text.corpus import Corpus
from nextword.text.dictionary import Dictionary
from nextword.text.subwords import REQUIRED, SubwordDictionary
from nextword.text.windows import Windows, windows
from nextword.train.data import ShuffledWindows, Streams, make_data

COUNTS = st.integers(1, 60)
MANY_STEPS = 10**9


def numbered(words: int, validation: int = 0, test: int = 0) -> Corpus:
    """A text in which the id of each word is its position."""
    whole = words + validation + test
    return Corpus(
        ids=np.arange(whole, dtype=np.uint16),
        ends=[words, words + validation, whole],
        characters=[words, validation, test],
        dictionary=Dictionary([str(id) for id in range(whole)]),
        frequencies=np.ones(whole, np.int64),
        spellings=[],
        learnt_spellings=0,
        unknown=np.zeros(0, np.uint32),
        unknown_ends=[0, 0, 0],
        split_by="whitespace",
        lowercase=False,
        line_ends=False,
        sha256="0" * 64,
    )


def shuffled(count: int, batch: int, seed: int = 7, rank: int = 0, processes: int = 1) -> ShuffledWindows:
    """`count` windows of two words; the next word of a window is its number plus two."""
    params = train_params(context=2, batch=batch, seed=seed)
    return ShuffledWindows(numbered(count + 2), params, 2, rank, processes)


def streams(
    words: int, batch: int, words_per_step: int, seed: int = 1, rank: int = 0, processes: int = 1
) -> Streams:
    sizes = {"batch": batch, "words_per_step": words_per_step, "seed": seed, "max_steps": MANY_STEPS}
    return Streams(numbered(words), train_params(context=None, **sizes), rank, processes)


@given(COUNTS, COUNTS)
def test_an_epoch_takes_each_window_once(count: int, batch: int) -> None:
    data = shuffled(count, batch)
    batches = [data.batch(step) for step in range(data.interval)]
    following = np.concatenate([one.following.numpy() for one in batches])
    contexts = np.concatenate([one.ids.numpy() for one in batches])
    assert sorted(following.flatten().tolist()) == list(range(2, count + 2))
    assert (contexts == following - [2, 1]).all()
    assert max(len(one.ids) for one in batches) == data.words <= batch
    assert all(one.begins and one.share == 1 for one in batches)


@given(COUNTS, COUNTS, st.integers(0, 40))
def test_a_resumed_run_sees_the_same_windows(count: int, batch: int, start: int) -> None:
    whole, resumed = shuffled(count, batch), shuffled(count, batch)
    seen = [whole.batch(step).following.tolist() for step in range(start + 5)]
    assert [resumed.batch(step).following.tolist() for step in range(start, start + 5)] == seen[start:]


def test_the_order_depends_on_seed_and_epoch() -> None:
    first, second = (shuffled(50, 50, 1).batch(step).following.tolist() for step in range(2))
    other = shuffled(50, 50, 2).batch(0).following.tolist()
    assert first != second
    assert first != other


@given(COUNTS, COUNTS, st.integers(2, 4))
def test_processes_divide_a_batch_and_the_mean_of_their_losses_is_that_of_the_batch(
    count: int, batch: int, processes: int
) -> None:
    alone = shuffled(count, batch)
    ranks = [shuffled(count, batch, 7, rank, processes) for rank in range(processes)]
    for step in range(alone.interval):
        whole = alone.batch(step).following.double()
        parts = [data.batch(step) for data in ranks]
        counting = [word for one in parts if one.share for word in one.following.flatten().tolist()]
        assert sorted(counting) == sorted(whole.flatten().tolist())
        losses = [one.share * one.following.double().mean().item() for one in parts]
        assert np.mean(losses) == pytest.approx(whole.mean().item())
        assert {data.interval for data in ranks} == {alone.interval}
        assert {data.words for data in ranks} == {alone.words}


def test_windows_are_measured_on_the_training_part_whose_ceiling_is_known() -> None:
    data = make_data(numbered(20, 9, 9), train_params(context=3), 0, 1)
    assert not data.is_carried
    assert isinstance(data.measured, Windows)
    assert data.measured.next_words.tolist() == list(range(3, 20))
    assert data.sample is data.measured
    assert data.best == best_possible(windows(np.arange(20), 3), None)
    assert data.sample_floor == data.best.loss


def test_during_training_a_fixed_sample_of_a_long_texts_windows_is_measured() -> None:
    text = numbered(9000, 9, 9)
    data, again = (make_data(text, train_params(context=1), 0, 1) for _ in range(2))
    assert isinstance(data.sample, Windows)
    assert isinstance(again.sample, Windows)
    chosen = data.sample.next_words.tolist()
    assert len(data.measured) == 8999
    assert (len(set(chosen)), again.sample.next_words.tolist()) == (5000, chosen)
    assert data.sample_floor == 0  # each word occurs once


@given(st.lists(st.integers(0, 3), min_size=5, max_size=40))
def test_the_floor_of_all_windows_is_that_of_the_best_predictions(ids: list[int]) -> None:
    text = windows(np.array(ids), 2)
    assert lowest_loss(text, np.arange(len(text))) == pytest.approx(best_possible(text, None).loss)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 30), st.integers(0, 9))
def test_streams_are_read_in_order_step_by_step(
    batch: int, words_per_step: int, extra: int, seed: int
) -> None:
    words = batch * (3 * words_per_step + 1) + extra
    data, length = streams(words, batch, words_per_step, seed), words // batch
    epoch = data.interval
    assert data.is_carried
    assert data.words == batch * words_per_step
    assert length - 2 * words_per_step < epoch * words_per_step < length  # almost all of the text
    previous = None
    for step in range(2 * epoch):
        found = data.batch(step)
        read, following = found.ids.numpy(), found.following.numpy()
        assert read.shape == following.shape == (batch, words_per_step)
        assert (following == read + 1).all()
        for part in (read, following):  # each row is a separate stream
            assert (part // length == np.arange(batch)[:, None]).all()
        assert found.begins == (step % epoch == 0)
        if not found.begins:
            assert (read[:, 0] == previous).all()
        previous = following[:, -1]


def test_each_epoch_of_streams_begins_at_a_different_word() -> None:
    data = streams(1000, 2, 30, seed=5)
    starts = {int(data.batch(step * data.interval).ids[0, 0]) for step in range(20)}
    assert len(starts) > 5
    assert max(starts) < 30


def test_resumed_streams_continue_where_they_were() -> None:
    whole, resumed = streams(1000, 2, 30, seed=5), streams(1000, 2, 30, seed=5)
    seen = [whole.batch(step).ids.tolist() for step in range(50)]
    assert [resumed.batch(step).ids.tolist() for step in range(45, 50)] == seen[45:]
    assert streams(1000, 2, 30, seed=6).batch(0).ids.tolist() != seen[0]


def test_processes_divide_the_streams() -> None:
    whole = streams(200, 4, 5)
    for rank in range(2):
        own = streams(200, 4, 5, rank=rank, processes=2)
        assert (own.interval, own.words) == (whole.interval, whole.words)
        for step in range(12):
            found, expected = own.batch(step), whole.batch(step)
            assert found.ids.tolist() == expected.ids[rank::2].tolist()
            assert found.following.tolist() == expected.following[rank::2].tolist()
            assert (found.begins, found.share) == (expected.begins, 1)


def test_a_text_too_short_for_its_streams_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"43 words, too few for 4 streams of 5 words a step; lower"):
        streams(43, 4, 5)
    assert streams(44, 4, 5).batch(0).ids.shape == (4, 5)
    text = replace(numbered(1), dictionary=SubwordDictionary(REQUIRED))
    with pytest.raises(
        CorpusError, match=r"has 1 subword, too few for 4 streams of 5 subwords a step; lower"
    ):
        Streams(text, train_params(context=None, batch=4, words_per_step=5))
    with pytest.raises(CorpusError, match=r"has 1 subword, but .* one more subword has to follow"):
        ShuffledWindows(text, train_params(context=2), 2)


@pytest.mark.parametrize(("max_steps", "interval"), [(3, 1), (20, 4), (44, 8), (45, 9), (1000, 9)])
def test_streams_are_measured_each_epoch_and_at_least_five_times_per_run(
    max_steps: int, interval: int
) -> None:
    params = train_params(context=None, batch=2, words_per_step=5, max_steps=max_steps)
    assert Streams(numbered(100), params).interval == interval


def test_streams_are_measured_on_the_validation_part_or_else_on_the_training_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nextword.train.data._MEASURED", 70)
    params = train_params(context=None, batch=2, words_per_step=5)
    for text, expected in ((numbered(100, 9, 8), range(100, 109)), (numbered(100), range(70))):
        data = make_data(text, params, 0, 1)
        assert np.asarray(data.measured).tolist() == list(expected)
        assert data.sample is data.measured


@pytest.mark.parametrize("context", [None, 3])
def test_a_held_out_part_that_leaves_nothing_to_predict_is_an_error(context: int | None) -> None:
    params, least = train_params(context=context, batch=2, words_per_step=5), context or 1
    has = "1 word" if least == 1 else f"{least} words"
    with pytest.raises(CorpusError, match=rf"the test part has {has}, .* after the first {least};"):
        make_data(numbered(100, 9, least), params, 0, 1)
    make_data(numbered(100, 9, least + 1), params, 0, 1)


def test_a_cell_without_a_state_reads_some_windows_in_part() -> None:
    text, settings = numbered(400), train_params(context=4, batch=64, cell="feedforward")
    data = ShuffledWindows(text, settings, 4)
    whole = ShuffledWindows(text, settings.model_copy(update={"cell": "lstm"}), 4)
    missing: list[int] = []
    for step in range(60):
        read, full = data.batch(step), whole.batch(step)
        assert torch.equal(read.following, full.following)
        left_out = read.ids == NO_WORD
        assert torch.equal(read.ids[~left_out], full.ids[~left_out])
        # Words are left out at the beginning, and never the last one.
        assert (left_out.int().diff(dim=1) <= 0).all()
        missing += left_out.sum(dim=1).tolist()
    assert set(missing) == {0, 1, 2, 3}
    assert 1 / 12 < np.mean(np.array(missing) > 0) < 1 / 6
    assert torch.equal(data.batch(2).ids, ShuffledWindows(text, settings, 4).batch(2).ids)
    halves = [ShuffledWindows(text, settings, 4, rank, 2).batch(2).ids for rank in range(2)]
    assert torch.equal(torch.stack(halves, dim=1).flatten(0, 1), data.batch(2).ids)
