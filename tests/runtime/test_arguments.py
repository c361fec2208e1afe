import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny import export, make_network

from nextword import Generator, Sampling
from nextword.errors import (
    CorpusError,
    CountError,
    ModelFileError,
    NextwordError,
    PromptError,
    SamplingError,
    SessionError,
)

Ask = Callable[[Generator], object]


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return Generator.load(export(tmp_path_factory.mktemp("arguments") / "m.onnx", make_network(seed=4)))


NO_COUNTS: list[tuple[Any, str]] = [
    (2.0, "must be a whole number; got 2.0"),
    (True, "must be a number; got bool"),
    (None, "must be a number; got None"),
    ("3", "must be a number; got str"),
    (0, "must be from 1 to "),
    (math.nan, "must be from 1 to .*; got nan"),
    (math.inf, "must be from 1 to .*; got inf"),
    (10**4000, "must be from 1 to .*; got a number of about 4,001 digits"),
]


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("words", lambda g, n: g.generate("the", n)),
        ("words", lambda g, n: g.stream("the", n)),
        ("samples", lambda g, n: g.samples("the", n, 3, Sampling(temperature=1))),
        ("n", lambda g, n: g.suggest("the ", n)),
        ("threads", lambda g, n: Generator.load(g._model.path, n)),
    ],
)
@pytest.mark.parametrize(("value", "message"), NO_COUNTS)
def test_an_invalid_count_is_an_error(
    generator: Generator, name: str, ask: Callable[[Generator, Any], object], value: Any, message: str
) -> None:
    with pytest.raises(CountError, match=rf"^{name} {message}"):
        ask(generator, value)


def test_numpy_integers_are_counts(generator: Generator) -> None:
    assert generator.generate("the", np.int64(3)) == generator.generate("the", 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ask",
    [
        lambda g, text: g.generate(text),
        lambda g, text: g.stream(text),
        lambda g, text: g.samples(text, 1),
        lambda g, text: g.suggest(text),
        lambda g, text: g.score(text),
        lambda g, text: g.score_all([text]),
        lambda g, text: g.session().feed(text),
    ],
)
@pytest.mark.parametrize("text", [None, b"the cat", 3, ["the"]])
def test_anything_but_text_is_an_error(
    generator: Generator, ask: Callable[[Generator, Any], object], text: Any
) -> None:
    with pytest.raises(PromptError, match="must be"):
        ask(generator, text)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda _: Generator.load(None), ModelFileError, "the path of a file must be .*; got None"),  # type: ignore[arg-type]
        (lambda _: Generator.load(b"m.onnx"), ModelFileError, "got bytes"),  # type: ignore[arg-type]
        (lambda _: Generator.load("m\0.onnx"), ModelFileError, "got one with a NUL character"),
        (lambda g: g.evaluate(3), CorpusError, "got int"),
        (lambda g: g.evaluate("n" * 5000), CorpusError, "File name too long"),
        (lambda g: g.score_all(3), PromptError, "texts must be strings; got int"),
        (lambda g: g.generate("the", 3, {"temperature": 1}), SamplingError, "a Sampling; got dict"),
        (lambda g: g.session(2.5, 0.1), SamplingError, "cache_size must be a whole number; got 2.5"),
        (lambda g: g.session(5, math.nan), SamplingError, "cache_weight must be from 0 to below 1; got nan"),
        (lambda g: g.session(5, 0.1, "x"), SamplingError, "cache_flatness must be a number; got str"),
        (lambda g: g.resume("x"), SessionError, "a saved session must be bytes; got str"),
        (lambda g: _fed(g).suggest(3, b"c"), PromptError, "prefix must be a string; got bytes"),
    ],
)
def test_arguments_of_other_types_are_errors(
    generator: Generator, ask: Ask, error: type[NextwordError], message: str
) -> None:
    with pytest.raises(error, match=message):
        ask(generator)


def _fed(generator: Generator) -> Any:
    session = generator.session()
    session.feed("the")
    return session


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"temperature": None}, "temperature must be a number; got None"),
        ({"temperature": "1"}, "temperature must be a number; got str"),
        ({"temperature": True}, "temperature must be a number; got bool"),
        ({"temperature": 1, "top_k": 2.5}, "top_k must be a whole number; got 2.5"),
        ({"temperature": 1, "seed": 1.0}, "seed must be a whole number; got 1.0"),
        ({"no_repeat_ngram": math.inf}, "no_repeat_ngram must be from 0 to 1000; got inf"),
        ({"stop": None}, "stop must be strings; got None"),
        ({"stop": b"x"}, "stop must be strings; got bytes"),
        ({"banned": ["the", 3]}, "banned must be strings; got int"),
    ],
)
def test_a_sampling_setting_of_another_type_is_an_error(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplingError, match=f"^{message}"):
        Sampling(**knobs)


def test_a_plain_string_counts_as_one_and_an_iterator_as_many(generator: Generator) -> None:
    assert Sampling(stop="cat", banned="mouse") == Sampling(stop=["cat"], banned=("mouse",))
    several = Sampling(banned=iter(["mouse", "cat"]))
    for _ in range(2):  # an iterator is not used up
        assert not {"mouse", "cat"} & set(generator.generate("the", 20, several).split()[1:])
    assert len(generator.score_all(iter(["the cat ran .", "the mouse ran ."]))) == 2


def test_no_message_repeats_much_of_its_input(generator: Generator) -> None:
    long = "x" * 1_000_000
    for ask in (
        lambda: generator.generate(long),
        lambda: generator.generate("the", 3, Sampling(banned=f"{long} {long}")),
        lambda: generator.evaluate(long),
        lambda: Generator.load(long),
    ):
        with pytest.raises(NextwordError) as raised:
            ask()
        assert len(str(raised.value)) < 400
