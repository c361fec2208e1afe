import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_network

from nextword import figures
from nextword.errors import CorpusError
from nextword.model.predictions import best_possible, judge, log_probabilities, predict
from nextword.text.windows import windows

TEXTS = st.lists(st.integers(0, 4), min_size=4, max_size=60)
UNKNOWN = st.none() | st.integers(0, 4)


@given(TEXTS, st.integers(1, 3), UNKNOWN)
def test_best_possible_agrees_with_counting_by_hand(
    text: list[int], context: int, unknown: int | None
) -> None:
    followers: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for start in range(len(text) - context):
        followers[tuple(text[start : start + context])][text[start + context]] += 1
    total = len(text) - context
    best = best_possible(windows(np.array(text), context), unknown)
    answers = [sorted(n for word, n in c.items() if word != unknown) for c in followers.values()]
    assert best.accuracy == pytest.approx(sum(sum(counts[-1:]) for counts in answers) / total)
    assert best.top_3_accuracy == pytest.approx(sum(sum(counts[-3:]) for counts in answers) / total)
    loss = -sum(n * math.log(n / c.total()) for c in followers.values() for n in c.values()) / total
    assert best.loss == pytest.approx(loss, abs=1e-12)
    assert best.perplexity == pytest.approx(math.exp(loss))


@given(
    st.lists(st.integers(0, 11), min_size=5, max_size=40), st.integers(0, 3), st.none() | st.integers(0, 11)
)
def test_no_model_beats_the_best_possible(text: list[int], seed: int, unknown: int | None) -> None:
    quality = predict(make_network(seed=seed), np.array(text), unknown).quality
    best = best_possible(windows(np.array(text), 3), unknown)
    assert quality.accuracy <= best.accuracy + 1e-12
    assert quality.top_3_accuracy <= best.top_3_accuracy + 1e-12
    assert quality.loss >= best.loss - 1e-12


def test_predictions_are_those_of_the_model_for_each_window() -> None:
    network = make_network(seed=2)
    ids = np.arange(300) % 12  # more windows than one batch
    contexts, next_words = windows(ids, 3).take(slice(None))
    found = predict(network, ids.astype(np.uint16), None)
    with torch.no_grad():
        logits = network(torch.from_numpy(contexts))[0]
    expected = torch.log_softmax(logits, dim=1)
    assert len(found) == 297
    assert np.allclose(found.log_probability, expected[range(297), next_words], atol=1e-12)
    assert found.likeliest.tolist() == logits.argmax(dim=1).tolist()
    assert np.allclose(found.likeliest_log_probability, expected.max(dim=1).values, atol=1e-12)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(next_words)).item()
    assert found.quality.loss == pytest.approx(loss, abs=1e-12)
    assert found.quality.perplexity == pytest.approx(math.exp(loss))


def test_a_text_is_predicted_with_a_carried_state() -> None:
    network = make_network(seed=2, context=None)
    ids = np.random.default_rng(0).integers(0, 12, 600)  # more words than one batch
    found = predict(network, ids.astype(np.uint16), None)
    with torch.no_grad():
        logits, _ = network.after_each_word(torch.from_numpy(ids[None, :-1]))
    expected = torch.log_softmax(logits[:, 0], dim=1)
    assert np.allclose(found.log_probability, expected[range(599), ids[1:]], atol=1e-12)
    assert found.likeliest.tolist() == expected.argmax(dim=1).tolist()


@pytest.mark.parametrize("context", [3, None])
def test_unk_is_predicted_and_never_an_answer(context: int | None) -> None:
    network = make_network(seed=2, context=context)
    with torch.no_grad():
        network.logits.bias[5] += 3  # so that it is often the likeliest
    ids = np.random.default_rng(0).integers(0, 12, 300)
    plain, found = predict(network, ids, None), predict(network, ids, 5)
    assert (plain.likeliest == 5).sum() > 20
    assert not (found.likeliest == 5).any()
    next_words = ids[context or 1 :]
    of_unknown = np.concatenate([part[:, 5] for part, _ in log_probabilities(network, ids)])
    expected = plain.rank - (of_unknown > plain.log_probability)
    expected[next_words == 5] = figures.NEVER
    assert found.rank.tolist() == expected.tolist()
    assert found.quality.loss == plain.quality.loss  # for the loss it is a word like any other
    assert found.quality.accuracy == pytest.approx(np.mean(found.likeliest == next_words))


def test_a_text_shorter_than_the_context_cannot_be_predicted() -> None:
    with pytest.raises(CorpusError, match=r"3 words, but train\.context is 3"):
        predict(make_network(), np.array([1, 2, 3]), None)


def test_a_rank_counts_likelier_words_and_ties_by_id() -> None:
    distribution = np.log(np.array([[0.2, 0.4, 0.2, 0.2]]))
    ranks = [int(judge([(distribution, np.array([word]))], None).rank[0]) for word in range(4)]
    assert ranks == [1, 0, 2, 3]


@given(st.lists(st.lists(st.integers(-2, 2), min_size=5, max_size=5), min_size=1, max_size=6), st.data())
def test_ties_are_ranked_by_id(rows: list[list[int]], data: st.DataObject) -> None:
    log_probabilities = np.array(rows, float)
    next_words = np.array([data.draw(st.integers(0, 4)) for _ in rows])
    found = judge([(log_probabilities, next_words)], None).rank
    for row, word, rank in zip(rows, next_words, found, strict=True):
        assert rank == sorted(range(5), key=lambda id: (-row[id], id)).index(word)


@given(st.integers(1, 5), st.integers(1, 40), UNKNOWN, st.integers(0, 40))
def test_judging_in_parts_equals_judging_at_once(
    size: int, count: int, unknown: int | None, last: int
) -> None:
    random = np.random.default_rng(count)
    rows, next_words = np.log(random.dirichlet(np.ones(5), count)), random.integers(0, 5, count)
    parts = [(rows[at : at + size], next_words[at : at + size]) for at in range(0, count, size)]
    whole, found = judge([(rows, next_words)], unknown), judge(parts, unknown)
    end = found.last(min(last, count))
    for name, values in vars(whole).items():
        assert getattr(found, name).tolist() == values.tolist()
        assert getattr(end, name).tolist() == values[count - len(end) :].tolist()
    assert len(end) == min(last, count)
