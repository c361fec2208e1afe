import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import WORDS, export, make_network

from nextword import Generator
from nextword.errors import CorpusError, PromptError, UnknownWordError

WITH_UNKNOWN = [*WORDS[:5], "<unk>", *WORDS[6:]]
SEVERAL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[3, None], ids=["fixed", "unbounded"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return Generator.load(export(tmp_path / "m.onnx", make_network(seed=4), context=request.param))


@SEVERAL
@given(text=st.lists(st.sampled_from(WORDS), min_size=5, max_size=600))
def test_figures_agree_with_predicting_each_word_separately(
    generator: Generator, tmp_path: Path, text: list[str]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(text), encoding="utf-8")
    found = generator.evaluate(path)
    context = generator.info.context or 1
    assert found.words == len(text) - context
    assert found.unknown_share == 0
    assert found.perplexity == pytest.approx(generator.score(" ".join(text)).perplexity, rel=1e-5)
    if len(text) < 60:
        ranks = [
            [word for word, _ in generator.suggest(" ".join(text[:place]), 12)].index(text[place])
            for place in range(context, len(text))
        ]
        assert found.accuracy == pytest.approx(np.mean([rank == 0 for rank in ranks]))
        assert found.top_3_accuracy == pytest.approx(np.mean([rank < 3 for rank in ranks]))


@SEVERAL
@given(text=st.lists(st.sampled_from([*WORDS, "mouze", "zebra"]), min_size=5, max_size=60))
def test_a_word_that_the_dictionary_lacks_is_never_right_and_takes_no_place(
    generator: Generator, tmp_path: Path, text: list[str]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(" ".join(text), encoding="utf-8")
    network = make_network(seed=4)
    with torch.no_grad():
        network.logits.bias[5] += 2  # so that `<unk>` is often the likeliest
    context = generator.info.context
    capped = Generator.load(export(tmp_path / "u.onnx", network, WITH_UNKNOWN, context=context, unknown=5))
    found = capped.evaluate(path)
    places = range(context or 1, len(text))
    ranks = [
        [word for word, _ in capped.suggest(" ".join(text[:place]) + " ", 11)].index(text[place])
        for place in places
        if text[place] in WITH_UNKNOWN
    ]
    assert found.words == len(places)
    assert found.unknown_share == pytest.approx(1 - len(ranks) / len(places))
    assert found.accuracy == pytest.approx(ranks.count(0) / len(places))
    assert found.top_3_accuracy == pytest.approx(sum(rank < 3 for rank in ranks) / len(places))
    # For perplexity `<unk>` is a word like any other.
    assert found.perplexity == pytest.approx(capped.score(" ".join(text)).perplexity, rel=1e-5)


def certain_of(word: str, tmp_path: Path, words: list[str], unknown: int | None = None) -> Generator:
    """A model that expects one word everywhere; the others are less likely the higher their id."""
    model = make_network(len(words))
    with torch.no_grad():
        model.logits.weight.zero_()
        model.logits.bias.copy_(-torch.arange(len(words)).double())
        model.logits.bias[words.index(word)] = 50
    return Generator.load(export(tmp_path / "m.onnx", model, words, context=1, unknown=unknown))


@pytest.mark.parametrize(
    ("text", "keystrokes"),
    [
        ("a mouse", 1),  # suggested at once
        ("a mouse mouse", 2),
        ("a rug", 2),  # after r: rope, rug, rat
        ("a rabbit", 3),  # after r it is fourth; after ra: rat, rabbit
        ("a on", 3),  # after o: oven, oar, or; after that, a suggestion saves nothing
    ],
)
def test_keystrokes_are_those_of_a_user_with_three_suggestions(
    tmp_path: Path, text: str, keystrokes: int
) -> None:
    # Suggested before the first letter: mouse, a, the.
    words = ["a", "the", "cat", "rope", "rug", "rat", "rabbit", "oven", "oar", "or", "on", "mouse"]
    generator = certain_of("mouse", tmp_path, words)
    path = tmp_path / "text.txt"
    path.write_text(text)
    characters = len(text) - 1  # without the first word, which is only read
    assert generator.evaluate(path).keystrokes_saved == pytest.approx(1 - keystrokes / characters)


def test_a_model_that_is_never_right_saves_nothing_on_short_words(tmp_path: Path) -> None:
    generator = certain_of("mouse", tmp_path, ["a", "the", "on", "x", "mouse"])
    path = tmp_path / "text.txt"
    path.write_text("a x x x")  # one letter and a blank: a suggestion after the letter saves nothing
    assert generator.evaluate(path).keystrokes_saved == 0
    assert generator.evaluate(path).accuracy == 0


@pytest.mark.parametrize(("text", "keystrokes"), [("a moose", 6), ("a mouse moose", 7), ("a <unk>", 6)])
def test_a_word_that_the_dictionary_lacks_is_typed_in_full(
    tmp_path: Path, text: str, keystrokes: int
) -> None:
    words = ["a", "the", "<unk>", "mouse"]
    generator = certain_of("<unk>", tmp_path, words, unknown=2)  # mouse is the third suggestion
    path = tmp_path / "text.txt"
    path.write_text(text)
    characters = len(text) - 1
    assert generator.evaluate(path).keystrokes_saved == pytest.approx(1 - keystrokes / characters)


def test_an_impossible_text_has_a_finite_perplexity(tmp_path: Path) -> None:
    # −ln P of each word is about 60,000, and exp of that overflows a float.
    network = make_network(seed=4)
    with torch.no_grad():
        network.logits.bias[WORDS.index("bell")] = 60_000
    for context in (3, None):
        generator = Generator.load(export(tmp_path / "m.onnx", network, context=context))
        text, path = "the cat ran . the mouse said", tmp_path / "text.txt"
        path.write_text(text)
        score, found = generator.score(text), generator.evaluate(path)
        assert -score.log_probability / len(score.per_word) > 50_000
        assert 1e300 < score.perplexity < math.inf
        assert 1e300 < found.perplexity < math.inf
        cached = generator.evaluate(path, cache_size=4, cache_weight=0.5)
        assert 1e300 < cached.perplexity < math.inf


def test_a_cache_lowers_the_perplexity_of_a_text_that_repeats_itself(
    generator: Generator, tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("über cat ( don't bell , mouse ran . " * 20, encoding="utf-8")
    plain = generator.evaluate(path)
    cached = generator.evaluate(path, cache_size=50, cache_weight=0.3, cache_flatness=1.0)
    assert cached.perplexity < 0.7 * plain.perplexity
    assert math.isfinite(cached.perplexity)


def test_the_error_for_a_text_that_cannot_be_evaluated_says_why(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    for content, error, message in (
        ("", PromptError, "too few words to evaluate"),
        ("the", PromptError, "too few words to evaluate"),
        ("the cat ran ran mouze", UnknownWordError, "nearest: mouse"),
    ):
        path.write_text(content)
        with pytest.raises(error, match=message):
            generator.evaluate(path)
    with pytest.raises(CorpusError, match="No such file"):
        generator.evaluate(tmp_path / "none.txt")
