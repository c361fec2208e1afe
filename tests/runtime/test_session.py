import io
import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import SUBWORDS, WORDS, export, make_network, make_wordy_network

from nextword import Generator
from nextword.errors import PromptError, SamplingError, SessionError, UnknownWordError
from nextword.runtime.session import Session
from nextword.text import words
from nextword.text.subwords import SubwordDictionary

TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)
SEVERAL = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[3, None], ids=["fixed", "unbounded"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return Generator.load(export(tmp_path / "m.onnx", make_network(seed=4), context=request.param))


@SEVERAL
@given(text=TEXTS)
def test_a_session_suggests_what_the_whole_text_suggests(generator: Generator, text: list[str]) -> None:
    session = generator.session()
    for word in text:
        session.feed(word)
    expected = generator.suggest(" ".join(text), 12)
    found = session.suggest(12)
    assert dict(found) == pytest.approx(dict(expected), abs=1e-5)
    assert session.suggest(2, prefix="mo") == [("mouse", 1.0)]


@SEVERAL
@given(text=TEXTS, more=TEXTS, cached=st.booleans())
def test_undo_leaves_no_trace_of_a_word(
    generator: Generator, text: list[str], more: list[str], cached: bool
) -> None:
    session = generator.session(4, 0.3) if cached else generator.session()
    session.feed(" ".join(text))
    before = session.suggest(12)
    session.feed(" ".join(more))
    assert [session.undo() for _ in more] == more[::-1]
    assert session.suggest(12) == before
    other = generator.session(4, 0.3) if cached else generator.session()
    other.feed(" ".join(text + more))
    session.feed(" ".join(more))
    assert session.suggest(12) == other.suggest(12)


def test_undo_ends_where_the_session_began(generator: Generator) -> None:
    session = generator.session()
    session.feed("the cat")
    assert (session.undo(), session.undo()) == ("cat", "the")
    with pytest.raises(SessionError, match="there is no word to undo"):
        session.undo()
    session.feed("mouse")
    assert session.suggest(1) == generator.suggest("mouse", 1)


def test_a_limited_number_of_words_can_be_undone(generator: Generator) -> None:
    session = generator.session(4, 0.3)
    session.feed("the cat")
    before = session.suggest(12)
    session.feed(" ".join(["mouse"] * 128))
    assert [session.undo() for _ in range(128)] == ["mouse"] * 128
    assert session.suggest(12) == before
    with pytest.raises(
        SessionError, match="no more words can be undone; a session remembers only the last 128"
    ):
        session.undo()
    assert session.suggest(12) == before
    session.feed("ran")
    assert session.undo() == "ran"


def test_a_session_is_empty_after_undoing_all_its_words(generator: Generator) -> None:
    session = generator.session()
    session.feed(" ".join(["mouse"] * 128))
    for _ in range(128):
        session.undo()
    with pytest.raises(SessionError, match="there is no word to undo"):
        session.undo()


def test_words_fed_before_a_session_was_saved_cannot_be_undone(generator: Generator) -> None:
    session = generator.session()
    session.feed("the cat")
    resumed = generator.resume(session.save())
    with pytest.raises(SessionError, match="no more words can be undone"):
        resumed.undo()
    assert resumed.suggest(12) == session.suggest(12)


@SEVERAL
@given(text=TEXTS, more=TEXTS, cached=st.booleans())
def test_a_saved_session_resumes_bit_for_bit(
    generator: Generator, text: list[str], more: list[str], cached: bool
) -> None:
    session = generator.session(3, 0.3) if cached else generator.session()
    session.feed(" ".join(text))
    resumed = generator.resume(session.save())
    assert resumed.suggest(12) == session.suggest(12)
    for one in (session, resumed):
        one.feed(" ".join(more))
    assert resumed.suggest(12) == session.suggest(12)
    assert resumed.save() == session.save()


def test_anything_but_a_saved_session_of_this_file_is_an_error(generator: Generator, tmp_path: Path) -> None:
    session = generator.session()
    session.feed("the cat")
    data = session.save()
    for damaged in (b"", b"hello", data[:-40], data[:50]):
        with pytest.raises(SessionError, match="not a saved session"):
            generator.resume(damaged)
    other = Generator.load(export(tmp_path / "other.onnx", make_network(seed=5)))
    with pytest.raises(SessionError, match="another model file"):
        other.resume(data)


def saved_arrays(data: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(data)) as saved:
        return dict(saved)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("word", np.array(99)),
        ("word", np.array(1.0)),
        ("word", np.array([1])),
        ("last", np.array([[-1]])),
        ("last", np.array([1])),
        ("logits", np.zeros((1, 11), np.float32)),
        ("logits", np.zeros((1, 12), np.float64)),
        ("logits", np.full((1, 12), np.nan, np.float32)),
        ("features", np.full((1, 8), np.inf, np.float32)),
        ("cache", np.array([1e6, 0.2, 0.3])),
        ("cache", np.array([5, np.nan, 0.3])),
        ("cache", np.array([5, 0.2, -1])),
        ("cache_words", np.full(133, 12)),
        ("cache_count", np.array(-1)),
        ("format", np.array(3)),
        ("model", np.array("x" * 1000)),
    ],
)
def test_an_array_that_a_session_cannot_have_is_an_error(generator: Generator, name: str, value: Any) -> None:
    session = generator.session(5, 0.2)
    session.feed("the cat")
    arrays = saved_arrays(session.save())
    data = io.BytesIO()
    np.savez(data, **arrays)
    generator.resume(data.getvalue())
    np.savez(data := io.BytesIO(), **(arrays | {name: value}))
    with pytest.raises(SessionError, match="not a saved session"):
        generator.resume(data.getvalue())


def test_a_compressed_session_is_an_error(generator: Generator) -> None:
    session = generator.session()
    session.feed("the cat")
    np.savez_compressed(data := io.BytesIO(), **saved_arrays(session.save()))
    with pytest.raises(SessionError, match="not a saved session"):
        generator.resume(data.getvalue())


def test_a_session_takes_little_memory(generator: Generator) -> None:
    tracemalloc.start()
    try:
        session = generator.session(cache_size=1_000_000, cache_weight=0.1)
        session.feed("the cat ran . " * 200)
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


def test_an_empty_session_cannot_suggest_or_be_saved(generator: Generator) -> None:
    for ask in (generator.session().suggest, generator.session().save):
        with pytest.raises(PromptError, match="feed at least one word"):
            ask()


def test_an_unknown_word_leaves_the_session_as_it_was(generator: Generator) -> None:
    session = generator.session()
    session.feed("the")
    before = session.suggest(12)
    with pytest.raises(UnknownWordError, match="nearest: mouse"):
        session.feed("cat mouze")
    assert session.suggest(12) == before


@pytest.mark.parametrize(
    ("size", "weight", "message"),
    [
        (-1, 0.1, "cache_size must be from 0"),
        (5, 1.0, "cache_weight must be from 0 to below 1"),
        (5, 0.0, "no effect without each other"),
        (0, 0.1, "no effect without each other"),
    ],
)
def test_a_cache_out_of_range_is_an_error(
    generator: Generator, size: int, weight: float, message: str
) -> None:
    with pytest.raises(SamplingError, match=message):
        generator.session(size, weight)


def test_a_cache_gives_the_words_of_the_text_their_share(generator: Generator) -> None:
    text = "the cat ran the cat said the mouse"
    flat, plain = generator.session(4, 0.25, 0.0), generator.session()
    for session in (flat, plain):
        session.feed(text)
    found = dict(flat.suggest(12))
    for word, p in plain.suggest(12):
        share = text.split()[-4:].count(word) / 4  # all places have equal weight if flatness is 0
        assert found[word] == pytest.approx(0.75 * p + 0.25 * share, abs=1e-5)


SUBWORD_TEXTS = st.lists(
    st.sampled_from(["the", "mouses", "mé", "the,", "(cat)", "世界世", "ran 世", "over 🙂", "themes\n"]),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module", params=[3, None], ids=["fixed", "unbounded"])
def subwords(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    path = tmp_path_factory.mktemp("subwords") / "m.onnx"
    network = make_wordy_network(request.param)
    return Generator.load(export(path, network, SUBWORDS, split_by="subwords", line_ends=True))


def words_of(texts: list[str]) -> list[str]:
    """The words of texts fed one after another, as a user sees them."""
    dictionary = SubwordDictionary(SUBWORDS)
    marked = [word for text in texts for word in words.split(text, "subwords", line_ends=True)]
    return [word for word, _ in dictionary.spelt(marked)]


@SEVERAL
@given(text=SUBWORD_TEXTS, more=SUBWORD_TEXTS, cached=st.booleans())
def test_undo_of_whole_words_of_subwords_is_exact_to_the_bit(
    subwords: Generator, text: list[str], more: list[str], cached: bool
) -> None:
    def fed(*texts: list[str]) -> Session:
        session = subwords.session(4, 0.3) if cached else subwords.session()
        for one in itertools.chain(*texts):
            session.feed(one)
        return session

    session = fed(text, more)
    gone = words_of(more)
    assert [session.undo() for _ in gone] == gone[::-1]
    assert session.suggest(5) == fed(text).suggest(5)
    for one in more:
        session.feed(one)
    other = fed(text, more)
    assert session.suggest(5) == other.suggest(5)
    assert session.suggest(3, "m") == other.suggest(3, "m")


@SEVERAL
@given(text=SUBWORD_TEXTS, more=SUBWORD_TEXTS, cached=st.booleans())
def test_a_saved_session_of_subwords_resumes_bit_for_bit(
    subwords: Generator, text: list[str], more: list[str], cached: bool
) -> None:
    session = subwords.session(3, 0.3) if cached else subwords.session()
    session.feed(" ".join(text))
    resumed = subwords.resume(session.save())
    for one in (session, resumed):
        one.feed(" ".join(more))
    assert resumed.suggest(5) == session.suggest(5)
    assert resumed.save() == session.save()


@pytest.mark.parametrize("text", ["the “", "the mouses (", "the cat", "the 世"])
@pytest.mark.parametrize("more", ["mouse", ",", "(", "世"])
def test_after_any_last_word_a_resumed_session_reads_on_as_the_original(
    subwords: Generator, text: str, more: str
) -> None:
    session = subwords.session()
    session.feed(text)
    resumed = subwords.resume(session.save())
    for one in (session, resumed):
        one.feed(more)
    assert resumed.suggest(5) == session.suggest(5)
    assert resumed.undo() == session.undo()
    assert resumed.suggest(5) == session.suggest(5)


def test_a_session_saved_by_an_older_version_still_loads(subwords: Generator) -> None:
    session = subwords.session()
    session.feed("the mouses")
    arrays = saved_arrays(session.save())
    assert arrays.pop("subwords").tolist() == list(SubwordDictionary(SUBWORDS).split("▁mouses"))
    np.savez(data := io.BytesIO(), **arrays)
    assert subwords.resume(data.getvalue()).suggest(5) == session.suggest(5)


@pytest.mark.parametrize("value", [np.array([], np.int64), np.array([-1, 2]), np.array(1), np.array([1.0])])
def test_subwords_that_a_last_word_cannot_have_are_an_error(subwords: Generator, value: Any) -> None:
    session = subwords.session()
    session.feed("the mouses")
    np.savez(data := io.BytesIO(), **(saved_arrays(session.save()) | {"subwords": value}))
    with pytest.raises(SessionError, match="not a saved session"):
        subwords.resume(data.getvalue())


def test_a_word_of_han_is_undone_with_the_blank_before_it(subwords: Generator) -> None:
    session = subwords.session()
    session.feed("the 世 世界, 世")
    assert [session.undo() for _ in range(5)] == ["世", ",", "世界", "世", "the"]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["the", ",", "cat"], "the, cat"),
        (["the", "(", "cat", ")", "."], "the (cat)."),
        (["the", " ,", "cat"], "the , cat"),
        (["the", "mouse"], "the mouse"),
        (["the\n", ",", "cat"], "the\n, cat"),
    ],
)
def test_words_fed_one_by_one_are_read_as_they_are_written(
    subwords: Generator, pieces: list[str], whole: str
) -> None:
    one_by_one, at_once = subwords.session(), subwords.session()
    for piece in pieces:
        one_by_one.feed(piece)
    at_once.feed(whole)
    assert one_by_one.suggest(5) == at_once.suggest(5)


def test_128_words_of_many_subwords_can_be_undone_with_their_cache(subwords: Generator) -> None:
    session = subwords.session(4, 0.3)
    session.feed("the cat (ran) the mouse")
    before = session.suggest(5)
    session.feed(" ".join(["mathematics"] * 128))
    assert [session.undo() for _ in range(128)] == ["mathematics"] * 128
    assert session.suggest(5) == before


def test_a_session_of_subwords_suggests_what_the_whole_text_suggests(subwords: Generator) -> None:
    session = subwords.session()
    session.feed("the cat, the mouses")
    assert dict(session.suggest(5)) == pytest.approx(
        dict(subwords.suggest("the cat, the mouses ", 5)), rel=1e-3
    )
    assert all(word.startswith("mo") for word, _ in session.suggest(5, "mo"))
    assert session.suggest(3, "é") == []


def test_a_cache_of_subwords_makes_words_of_the_text_likelier(subwords: Generator) -> None:
    cached, plain = subwords.session(20, 0.3, 0.0), subwords.session()
    for session in (cached, plain):
        session.feed("hammam " * 6)
    assert dict(cached.suggest(20, "hamma"))["hammam"] > 2 * dict(plain.suggest(20, "hamma")).get("hammam", 0)
