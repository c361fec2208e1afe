import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_model

from nextword.training import batches, evaluation
from nextword.training.numbers import significant

TEXTS = st.lists(st.integers(0, 4), min_size=4, max_size=60)


@given(TEXTS, st.integers(1, 3))
def test_best_possible_is_what_counting_by_hand_gives(text: list[int], context: int) -> None:
    followers: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for start in range(len(text) - context):
        followers[tuple(text[start : start + context])][text[start + context]] += 1
    total = len(text) - context
    best = evaluation.best_possible(batches.windows(np.array(text), context))
    assert best.accuracy == pytest.approx(sum(max(c.values()) for c in followers.values()) / total)
    top = sum(sum(sorted(c.values())[-3:]) for c in followers.values()) / total
    assert best.top_3_accuracy == pytest.approx(top)
    loss = -sum(n * math.log(n / c.total()) for c in followers.values() for n in c.values()) / total
    assert best.loss == pytest.approx(loss, abs=1e-12)
    assert best.perplexity == pytest.approx(math.exp(loss))


@given(st.lists(st.integers(0, 11), min_size=5, max_size=40), st.integers(0, 3))
def test_no_model_beats_the_best_possible(text: list[int], seed: int) -> None:
    windows = batches.windows(np.array(text), 3)
    quality = evaluation.predict(make_model(seed=seed), windows).quality
    best = evaluation.best_possible(windows)
    assert quality.accuracy <= best.accuracy + 1e-12
    assert quality.top_3_accuracy <= best.top_3_accuracy + 1e-12
    assert quality.loss >= best.loss - 1e-12


def test_predictions_are_the_models_window_by_window() -> None:
    model = make_model(seed=2)
    windows = batches.windows(np.arange(300) % 12, 3)  # more windows than one batch
    predictions = evaluation.predict(model, windows)
    contexts, next_words = windows.take(slice(None))
    with torch.no_grad():
        logits = model(torch.from_numpy(contexts))[0]
    expected = torch.log_softmax(logits, dim=1)
    assert np.allclose(predictions.log_probability, expected[range(len(windows)), next_words], atol=1e-12)
    assert predictions.likeliest.tolist() == logits.argmax(dim=1).tolist()
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(next_words)).item()
    assert predictions.quality.loss == pytest.approx(loss, abs=1e-12)
    assert predictions.quality.perplexity == pytest.approx(math.exp(loss))


def test_rank_counts_likelier_words_and_equals_by_id() -> None:
    distribution = np.log(np.array([[0.2, 0.4, 0.2, 0.2]]))
    ranks = [int(evaluation.judge([(distribution, np.array([word]))]).rank[0]) for word in range(4)]
    assert ranks == [1, 0, 2, 3]


def test_a_sample_is_right_where_the_text_has_the_word_after_its_context() -> None:
    text = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    windows = batches.windows(text, 3)
    for seed in range(5):
        (sample,) = evaluation.sample(make_model(seed=seed), windows, samples=1, words=6)
        assert sample.prompt == [0, 1, 2]
        assert sample.truth == [3, 4, 5, 6, 7, 8]
        written = sample.prompt + sample.continuation
        for place, right in enumerate(sample.right):
            *context, word = written[place : place + 4]
            # In this text each word is followed by the one numbered next, and by no other.
            assert right == (context == [*range(word - 3, word)] and word >= 3)


def test_prompts_are_spread_over_the_text_and_leave_room_for_the_truth() -> None:
    windows = batches.windows(np.arange(100) % 12, 3)
    samples = evaluation.sample(make_model(), windows, samples=4, words=10)
    starts = [next(i for i in range(97) if (np.arange(i, i + 3) % 12).tolist() == s.prompt) for s in samples]
    assert starts[0] == 0
    assert len(set(starts)) == 4
    assert all(len(sample.truth) == len(sample.continuation) == 10 for sample in samples)


def test_a_text_shorter_than_the_continuation_still_gives_a_sample() -> None:
    (sample,) = evaluation.sample(make_model(), batches.windows(np.array([1, 2, 3, 4]), 3), 5, 8)
    assert sample.truth == [4]
    assert len(sample.continuation) == 8


@pytest.mark.parametrize(
    ("value", "expected"), [(1.02396999123, 1.02397), (0.0, 0.0), (1234567.8, 1234570.0)]
)
def test_reports_keep_six_significant_digits(value: float, expected: float) -> None:
    assert significant(value) == expected


def test_a_text_is_predicted_with_its_state_carried() -> None:
    model = make_model(seed=2)
    ids = np.random.default_rng(0).integers(0, 12, 600)  # more words than are read at once
    predictions = evaluation.predict_text(model, ids)
    with torch.no_grad():
        logits, _ = model.after_each_word(torch.from_numpy(ids[None, :-1]))
    expected = torch.log_softmax(logits[:, 0], dim=1)
    assert np.allclose(predictions.log_probability, expected[range(599), ids[1:]], atol=1e-12)
    assert predictions.likeliest.tolist() == expected.argmax(dim=1).tolist()


@given(st.lists(st.lists(st.integers(-2, 2), min_size=5, max_size=5), min_size=1, max_size=6), st.data())
def test_equals_rank_by_id(rows: list[list[int]], data: st.DataObject) -> None:
    log_probabilities = np.array(rows, float)
    next_words = np.array([data.draw(st.integers(0, 4)) for _ in rows])
    found = evaluation.judge([(log_probabilities, next_words)]).rank
    for row, word, rank in zip(rows, next_words, found, strict=True):
        assert rank == sorted(range(5), key=lambda id: (-row[id], id)).index(word)


def test_samples_of_a_carried_state_are_those_of_reading_all_before() -> None:
    model = make_model(seed=4)
    windows = batches.windows(np.random.default_rng(0).integers(0, 12, 100), 4)
    for sample in evaluation.sample(model, windows, 3, 15, unknown=5, carried=True):
        written = list(sample.prompt)
        for word in sample.continuation:
            with torch.no_grad():
                logits = model(torch.tensor([written]))[0][0]
            logits[5] = -np.inf
            assert word == int(logits.argmax())
            written.append(word)
