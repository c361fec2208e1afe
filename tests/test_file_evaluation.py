import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import WORDS, export, make_model

from nextword import Generator
from nextword.errors import CorpusError, PromptError, UnknownWordError

SEVERAL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[3, None], ids=["fixed", "unbounded"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return Generator.load(export(tmp_path / "m.onnx", make_model(seed=4), context=request.param))


@SEVERAL
@given(text=st.lists(st.sampled_from(WORDS), min_size=5, max_size=600))
def test_figures_are_those_of_each_word_alone(generator: Generator, tmp_path: Path, text: list[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(text), encoding="utf-8")
    found = generator.evaluate(path)
    context = generator.info.context or 1
    assert found.words == len(text) - context
    assert found.perplexity == pytest.approx(generator.score(" ".join(text)).perplexity, rel=1e-5)
    if len(text) < 60:
        ranks = [
            [word for word, _ in generator.suggest(" ".join(text[:place]), 12)].index(text[place])
            for place in range(context, len(text))
        ]
        assert found.accuracy == pytest.approx(np.mean([rank == 0 for rank in ranks]))
        assert found.top_3_accuracy == pytest.approx(np.mean([rank < 3 for rank in ranks]))


def certain_of(word: str, tmp_path: Path, words: list[str]) -> Generator:
    """A model that expects one word everywhere, and the others by falling id."""
    model = make_model(len(words))
    with torch.no_grad():
        model.logits.weight.zero_()
        model.logits.bias.copy_(-torch.arange(len(words)).double())
        model.logits.bias[words.index(word)] = 50
    return Generator.load(export(tmp_path / "m.onnx", model, words, context=1))


@pytest.mark.parametrize(
    ("text", "keystrokes"),
    [
        ("a mouse", 1),  # suggested at once
        ("a mouse mouse", 2),
        ("a rug", 2),  # after r: rope, rug, rat
        ("a rabbit", 3),  # after r it is the fourth; after ra: rat, rabbit
        ("a on", 3),  # after o: oven, oar, or; then taking it costs as much as the letter
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
    characters = len(text) - 1  # without the first word, which only is read
    assert generator.evaluate(path).keystrokes_saved == pytest.approx(1 - keystrokes / characters)


def test_a_model_that_is_never_right_saves_what_prefixes_save(tmp_path: Path) -> None:
    generator = certain_of("mouse", tmp_path, ["a", "the", "on", "x", "mouse"])
    path = tmp_path / "text.txt"
    path.write_text("a x x x")  # one letter and a blank: a suggestion after the letter saves nothing
    assert generator.evaluate(path).keystrokes_saved == 0
    assert generator.evaluate(path).accuracy == 0


def test_a_cache_lowers_the_perplexity_of_a_text_that_repeats_itself(
    generator: Generator, tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("über cat ( don't bell , mouse ran . " * 20, encoding="utf-8")
    plain = generator.evaluate(path)
    cached = generator.evaluate(path, cache_size=50, cache_weight=0.3, cache_flatness=1.0)
    assert cached.perplexity < 0.7 * plain.perplexity
    assert math.isfinite(cached.perplexity)


def test_what_cannot_be_evaluated_says_why(generator: Generator, tmp_path: Path) -> None:
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
