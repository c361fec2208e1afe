"""A keyboard whose model knows subwords, compared with the model's own predictions of whole words."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tiny import SUBWORDS, export, make_network, make_wordy_network

from nextword import Generator
from nextword.errors import KeyboardError
from nextword.runtime.keyboard.candidates import MOST, WordTable, either
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.slips import evaluate_typing, with_text_before
from nextword.runtime.keyboard.suggestion import Suggestion

PIECES = [
    "the ",
    "cat ",
    "mouse, ",
    "mou",
    "mosue ",
    "Kowalski ",
    "bel",
    "\n",
    "(",
    "cats. ",
    "世界",
    "世 ",
    "é",
    " ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
SLIPS = st.sampled_from(["swapped", "left out", "doubled", "another"])
SEVERAL = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def load(path: Path, context: int | None = None, **changes: Any) -> Generator:
    return Generator.load(
        export(path, make_wordy_network(context), SUBWORDS, split_by="subwords", line_ends=True, **changes)
    )


@pytest.fixture(scope="module", params=[None, 3], ids=["unbounded", "fixed"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load(tmp_path_factory.mktemp("keyboard") / "m.onnx", request.param)


def after(keyboard: Keyboard, *texts: str) -> list[Suggestion]:
    for text in texts:
        keyboard.update(text)
    return keyboard.suggest(5)


def named(suggestions: list[Suggestion]) -> dict[str, Suggestion]:
    return {one.word: one for one in suggestions}


def next_words(generator: Generator, text: str, n: int = 60) -> dict[str, float]:
    """The likeliest words after a text, from a session."""
    session = generator.session()
    session.feed("\n")
    if text.strip(" "):
        session.feed(text)
    return dict(session.suggest(n))


@SEVERAL
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@example(texts=["the mosue, ", "the mosue (", "the mosue"])
@example(texts=["世 ", "世界", "世界 the"])
def test_suggestions_depend_only_on_the_text_and_not_on_how_it_was_written(
    generator: Generator, texts: list[str]
) -> None:
    keyboard, fresh = generator.keyboard(), generator.keyboard()
    found, expected = named(after(keyboard, *texts)), named(after(fresh, texts[-1]))
    for word, one in found.items():  # either of two equally likely words may be the last
        if word in expected:
            assert one.probability == pytest.approx(expected[word].probability, rel=1e-4)
            assert (one.kind, one.insert) == (expected[word].kind, expected[word].insert)
    assert len(found) == len(expected) <= len({*found} & {*expected}) + 1
    correction, other = keyboard.correction(), fresh.correction()
    assert (correction and correction.insert) == (other and other.insert)


@SEVERAL
@given(text=TEXTS.filter(lambda text: not text or text.endswith((" ", "\n", "(", "世界"))))
@example(text=" 世界")
@example(text="the é mouse, (世 ")
def test_words_are_as_likely_as_in_a_session(generator: Generator, text: str) -> None:
    keyboard = generator.keyboard(adapts=False)
    keyboard.update(text)
    for word, probability in next_words(generator, text, 12).items():
        if not keyboard._personal.weights:
            assert keyboard.probability(word) == pytest.approx(probability, rel=0.02)


def slipped(word: str, kind: str, place: int) -> str:
    """A word with a typing error."""
    one, other = word[place], word[place + 1]
    wrong = {"swapped": other + one, "left out": other, "doubled": one + one + other, "another": "a" + other}
    return word[:place] + wrong[kind] + word[place + 2 :]


@SEVERAL
@given(word=st.sampled_from(["mouse", "bells", "the", "mid", "belle"]), kind=SLIPS, data=st.data())
def test_no_likely_word_beats_those_found_by_the_search(
    generator: Generator, word: str, kind: str, data: st.DataObject
) -> None:
    typed = slipped(word, kind, data.draw(st.integers(0, len(word) - 2)))
    keyboard = generator.keyboard(adapts=False)
    keyboard.update(f"the {typed}")
    likely = [word for word in next_words(generator, "the ", 280) if word.isalpha() and word[0] not in "世界"]
    found = list(named(keyboard.suggest(3)))
    table = WordTable([*found, *likely], Layout("qwerty"))
    table.type(typed)
    scores = [
        0.75 * math.log(keyboard.probability(word)) - cost / 10 if cost < MOST else -math.inf
        for word, cost in zip(table.words, either(len(typed), *table.costs()).tolist(), strict=True)
    ]
    assert max(scores[: len(found)]) >= max(scores[len(found) :])


def test_the_gain_of_a_learned_word_comes_from_all_others_in_proportion(generator: Generator) -> None:
    keyboard = generator.keyboard(adapts=False)
    keyboard.update("the ")
    before = {word: keyboard.probability(word) for word in ("mouse", "cats", ",", "世界", "Kowalski")}
    keyboard.update("the Kowalski ")
    keyboard.commit()
    keyboard.update("")
    keyboard.update("the ")
    gained = keyboard.probability("Kowalski") - before["Kowalski"]
    assert gained > 0.01
    for word in ("mouse", "cats", ",", "世界"):
        assert keyboard.probability(word) / before[word] == pytest.approx(1 - gained, rel=1e-4)


def test_a_word_of_several_subwords_is_completed_and_corrected(generator: Generator) -> None:
    keyboard = generator.keyboard()
    found = named(after(keyboard, "the cat, the mou"))["mouse"]
    assert (found.kind, found.replace, found.insert) == ("completion", 3, "mouse ")
    assert named(after(keyboard, "the bellra"))["bellran"].kind == "completion"
    assert named(after(keyboard, "the nouse"))["mouse"].kind == "correction"
    keyboard.update("the mosue, ")
    correction = keyboard.correction()
    assert correction
    assert (correction.word, correction.replace, correction.insert) == ("mouse", 7, "mouse, ")


def test_capitals_are_those_of_the_typed_text(generator: Generator) -> None:
    keyboard = generator.keyboard()
    assert named(after(keyboard, "the Mou"))["mouse"].insert == "Mouse "
    assert named(after(keyboard, "the MOU"))["mouse"].insert == "MOUSE "


def test_an_undone_correction_is_never_made_again(generator: Generator) -> None:
    keyboard = generator.keyboard()
    for text in ("the mosue ", "the mouse ", "the mosue "):
        keyboard.update(text)
        last = keyboard.correction()
    assert last is None
    other = generator.keyboard(saved=keyboard.save())
    other.update("the mosue ")
    assert other.correction() is None


def test_a_new_word_is_suggested_at_its_second_use_and_learned_when_sent(generator: Generator) -> None:
    keyboard = generator.keyboard()
    found = named(after(keyboard, "the cat Kowalski ran. Ko"))["Kowalski"]
    assert (found.kind, found.insert) == ("learned", "Kowalski ")
    assert not keyboard.learned
    keyboard.commit()
    assert keyboard.learned["Kowalski"] == 1
    assert named(after(keyboard, "", "a Kowaslk"))["Kowalski"].kind == "learned"
    keyboard.update("the Kowalksi ")
    correction = keyboard.correction()
    assert correction
    assert correction.word == "Kowalski"
    keyboard.forget("Kowalski")
    assert "Kowalski" not in named(after(keyboard, "", "a Kowaslk"))


def test_a_word_of_one_entry_is_not_learned_and_a_blocked_one_not_suggested(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the mouse 世界 ")
    keyboard.commit()
    assert not keyboard.learned
    keyboard.block("mouse")
    for text in ("the mou", "the mosue", "the "):
        assert "mouse" not in named(after(keyboard, text))


def test_it_adapts_to_the_text_and_undoes_that(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the ")
    before = keyboard.probability("bellran")
    keyboard.update("the bellran " * 8 + "the ")
    assert keyboard.probability("bellran") > 2 * before
    keyboard.update("the ")
    assert keyboard.probability("bellran") == pytest.approx(before, rel=1e-5)


def test_all_that_was_learned_is_saved(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the bellran Kowalski " * 4)
    keyboard.block("cat")
    keyboard.commit()
    keyboard.update("")
    other = generator.keyboard(saved=keyboard.save())
    for text in ("", "the ", "the Ko", "the c"):
        expected, found = after(keyboard, text), after(other, text)
        assert [one.word for one in found] == [one.word for one in expected]
        assert [one.probability for one in found] == pytest.approx(
            [one.probability for one in expected], abs=1e-3
        )
    assert (other.learned, other.blocked) == (keyboard.learned, keyboard.blocked)
    assert generator.keyboard(saved=other.save()).save() == other.save()


def test_scripts_without_blanks_are_joined_directly_and_never_corrected(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the 世")
    assert keyboard.correction() is None
    words = named(keyboard.suggest(40))
    assert words["世界"].insert == "世界"
    assert words["mouse"].insert.startswith(" ")
    assert words["世界"].replace == 0


def test_punctuation_can_be_left_out(generator: Generator) -> None:
    with_marks = set(named(generator.keyboard().suggest(60)))
    without = set(named(generator.keyboard(punctuation=False).suggest(60)))
    assert {",", ".", "<eos>", "("} <= with_marks
    assert not {",", ".", "<eos>", "("} & without


@pytest.mark.parametrize(
    "typed", ["é", "👍🏽", "\ud800", "x" * 10_000, "é" * 200, "▁", "‿the", "<0x41>", "'"]
)
def test_any_text_is_accepted(generator: Generator, typed: str) -> None:
    keyboard = generator.keyboard()
    for text in (f"the {typed}", f"the {typed} ", f"{typed} mou", f"the ({typed}"):
        found = after(keyboard, text)
        assert all(math.isfinite(one.probability) for one in found)
        keyboard.correction()
    keyboard.commit()
    assert generator.keyboard(saved=keyboard.save()).learned == keyboard.learned


def test_a_language_of_whole_words_and_one_of_subwords_are_mixed_by_words(tmp_path: Path) -> None:
    finnish = ["ja", ",", ".", "hiiri", "kissa", "<eos>", "talo", "<unk>", "on", "sanoi"]
    network = make_network(len(finnish), context=None, seed=5, scale=0.5)
    unknown = finnish.index("<unk>")
    path = export(tmp_path / "fi.onnx", network, finnish, split_by="words", line_ends=True, unknown=unknown)
    one, other = load(tmp_path / "m.onnx"), Generator.load(path)
    keyboard = Keyboard.of([one, other])
    keyboard.update("the mouse ran the cat ")
    english = keyboard.probability("mouse") / keyboard.probability("talo")
    assert "kissa" in named(after(keyboard, "the mouse, kis"))
    assert "mouse" in named(after(keyboard, "kissa ja mosue"))
    keyboard.update("the mouse ran ja kissa sanoi ja hiiri ja talo on ")
    assert keyboard.probability("mouse") / keyboard.probability("talo") < english / 4
    keyboard.update("the mouse ran the cat ")
    assert keyboard.probability("mouse") / keyboard.probability("talo") == pytest.approx(english)
    both = Keyboard.of([other, one], saved=Keyboard.of([other, one]).save())
    assert after(both, "the mou")
    whitespace = export(tmp_path / "w.onnx", network, finnish, split_by="whitespace", line_ends=True)
    with pytest.raises(KeyboardError, match="in the same way"):
        Keyboard.of([one, Generator.load(whitespace)])


def test_typing_is_evaluated_in_words(generator: Generator) -> None:
    words = ["▁the", "▁mouse", "‿,", "▁bellran"]
    text = list(with_text_before(words, "subwords", line_ends=True))
    assert text[1:] == [("the ", "mouse"), ("the mouse", ","), ("the mouse, ", "bellran")]
    found = evaluate_typing(generator.keyboard(), text, {"mouse": "mosue"}.get)
    assert (found.words, found.mistyped, found.corrected) == (3, 1, 1)


def test_no_word_is_meant_by_very_many_letters(generator: Generator) -> None:
    suggestions = after(generator.keyboard(), "the " + "x" * 5_000)
    assert [(one.kind, one.replace) for one in suggestions] == [("as typed", 5_000)]
