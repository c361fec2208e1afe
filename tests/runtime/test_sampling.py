"""The sampling settings, on a model whose words vary."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import WORDS, export, make_network

from nextword import Generator, Sampling
from nextword.errors import SamplingError, UnknownWordError
from nextword.runtime.continuation import StopStrings

SEEDS = st.integers(0, 2**31 - 2)
SEVERAL = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=[3, None], ids=["fixed", "unbounded"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    path = tmp_path_factory.mktemp("sampler") / "m.onnx"
    return Generator.load(export(path, make_network(seed=4, scale=1.5), context=request.param))


def written(generator: Generator, words: int, **knobs: Any) -> list[str]:
    """The words added to a prompt."""
    return generator.generate("the cat", words, Sampling(**knobs)).split()[2:]


@SEVERAL
@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_words(generator: Generator, seed: int) -> None:
    one = written(generator, 30, temperature=1.5, seed=seed)
    assert one == written(generator, 30, temperature=1.5, seed=seed)
    assert one != written(generator, 30, temperature=1.5, seed=(seed + 1) % (2**31 - 1))


def test_without_a_seed_each_call_differs(generator: Generator) -> None:
    assert written(generator, 30, temperature=2) != written(generator, 30, temperature=2)


@SEVERAL
@given(seed=SEEDS, n=st.integers(2, 5))
def test_samples_drawn_together_equal_those_of_each_seed(generator: Generator, seed: int, n: int) -> None:
    knobs: dict[str, Any] = {"temperature": 1.2, "top_p": 0.95, "no_repeat_ngram": 4, "stop": ["said"]}
    together = generator.samples("the cat", n, 20, Sampling(seed=seed, **knobs))
    for number, text in enumerate(together):
        alone = Sampling(seed=(seed + number) % (2**31 - 1), **knobs)
        assert text == generator.generate("the cat", 20, alone)


@SEVERAL
@given(seed=SEEDS, top_k=st.integers(1, 4))
def test_top_k_draws_from_the_likeliest_words(generator: Generator, seed: int, top_k: int) -> None:
    (word,) = written(generator, 1, temperature=5, seed=seed, top_k=top_k)
    assert word in [known for known, _ in generator.suggest("the cat", top_k)]


@SEVERAL
@given(seed=SEEDS, top_p=st.floats(0.05, 0.95))
def test_top_p_draws_from_the_fewest_words_with_that_probability(
    generator: Generator, seed: int, top_p: float
) -> None:
    likeliest = generator.suggest("the cat", len(WORDS))
    count = 1 + int(np.searchsorted(np.cumsum([p for _, p in likeliest]), top_p + 1e-6))
    (word,) = written(generator, 1, temperature=1, seed=seed, top_p=top_p)
    assert word in [known for known, _ in likeliest[:count]]


def test_a_low_temperature_is_near_the_likeliest_words(generator: Generator) -> None:
    assert written(generator, 30, temperature=1e-4, seed=3) == written(generator, 30)


def test_a_repetition_penalty_varies_the_words(generator: Generator) -> None:
    plain = written(generator, 40)
    assert len(set(written(generator, 40, repetition_penalty=5.0))) > len(set(plain))
    last = written(generator, 40, repetition_penalty=90.0, repetition_window=1)
    assert all(one != other for one, other in pairwise(last))


@pytest.mark.parametrize("n", [2, 3, 5])
def test_no_run_of_words_occurs_twice(generator: Generator, n: int) -> None:
    words = ["the", "cat", *written(generator, 60, no_repeat_ngram=n)]
    runs = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    assert len(runs) == len(set(runs))


def test_words_that_leave_no_choice_are_an_error(generator: Generator) -> None:
    with pytest.raises(SamplingError, match="no word is left after 10 words; ban fewer words"):
        written(generator, 11, no_repeat_ngram=1)
    with pytest.raises(SamplingError, match="no word is left after 0 words"):
        written(generator, 1, banned=WORDS, temperature=1)


def test_banned_words_are_never_written(generator: Generator) -> None:
    banned = sorted(set(written(generator, 40)))[:2]
    assert not set(banned) & set(written(generator, 40, banned=banned))
    with pytest.raises(UnknownWordError, match="nearest: mouse"):
        written(generator, 1, banned=["mouze"])
    with pytest.raises(SamplingError, match="'the cat' is 2 words; ban one at a time"):
        written(generator, 1, banned=["the cat"])


@SEVERAL
@given(seed=SEEDS, start=st.integers(0, 60), length=st.integers(1, 14), min_words=st.integers(0, 9))
def test_generation_ends_before_a_stop_string_even_across_words(
    generator: Generator, seed: int, start: int, length: int, min_words: int
) -> None:
    knobs: dict[str, Any] = {"temperature": 2.0, "seed": seed}
    whole = generator.generate("the cat", 20, Sampling(**knobs)).removeprefix("the cat")
    stop = whole[start : start + length] or "never"
    first = sum(map(len, re.findall(r" \S+", whole)[:min_words]))
    end = whole.find(stop, first)
    knobs |= {"stop": ["never at all", stop], "min_words": min_words}
    found = generator.generate("the cat", 20, Sampling(**knobs)).removeprefix("the cat")
    assert found == (whole if end < 0 else whole[:end])
    assert "".join(generator.stream("the cat", 20, Sampling(**knobs))) == found


@given(st.lists(st.text("ab", max_size=3), max_size=12), st.lists(st.text("ab", min_size=1), min_size=1))
def test_stop_strings_hold_back_only_what_may_become_one(pieces: list[str], strings: list[str]) -> None:
    stop, shown, text = StopStrings(strings), "", ""
    for piece in pieces:
        text += piece
        shown += stop.push(piece)
        ends = [text.find(string) for string in strings if string in text]
        if ends:
            assert stop.found
            assert shown == text[: min(ends)]
            return
        held = text.removeprefix(shown)
        assert shown + held == text
        assert not held or any(string.startswith(held) for string in strings)
    assert shown + stop.rest() == text


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"temperature": -0.1}, "temperature must be from 0 to 100; got -0.1"),
        ({"temperature": float("nan")}, "temperature must be from 0 to 100; got nan"),
        ({"temperature": 1e-50}, "temperature must be 0, or at least 1e-06; got 1e-50"),
        ({"temperature": 1, "top_k": -1}, "top_k must be from 0 to"),
        ({"temperature": 1, "top_p": 0}, "top_p must be from 1e-06 to 1; got 0"),
        ({"temperature": 1, "top_p": 1.1}, "top_p must be from 1e-06 to 1; got 1.1"),
        ({"temperature": 1, "seed": 2**31 - 1}, "seed must be from 0 to"),
        ({"repetition_penalty": 0}, "repetition_penalty must be from 0.01 to 100; got 0"),
        ({"no_repeat_ngram": -1}, "no_repeat_ngram must be from 0 to"),
        ({"stop": [""]}, "stop has an empty string"),
        ({"top_k": 5}, "top_k has no effect without a temperature above 0"),
        ({"top_p": 0.5}, "top_p has no effect without a temperature above 0"),
        ({"seed": 0}, "seed has no effect without a temperature above 0"),
        ({"repetition_window": 5}, "repetition_window has no effect without a repetition_penalty"),
        ({"min_words": 5}, "min_words has no effect without a stop"),
    ],
)
def test_a_setting_out_of_range_or_without_effect_is_an_error(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplingError, match=re.escape(message)):
        Sampling(**knobs)


def test_a_setting_that_does_not_fit_the_model_is_an_error(generator: Generator) -> None:
    with pytest.raises(SamplingError, match="top_k 13 has no effect with 12 words"):
        generator.stream("the", 1, Sampling(temperature=1, top_k=13))
    with pytest.raises(SamplingError, match="all samples are the same"):
        generator.samples("the", 2)


def test_unk_is_never_drawn(tmp_path: Path) -> None:
    model = make_network(seed=4, scale=1.5)
    generator = Generator.load(export(tmp_path / "m.onnx", model, unknown=5))
    assert WORDS[5] not in written(generator, 200, temperature=3, seed=1)
