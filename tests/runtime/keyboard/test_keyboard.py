import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from keyboards import WORDS, after, load, put

from nextword import Generator
from nextword.errors import CountError, KeyboardError, PromptError
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.language import REMEMBERED
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.slips import evaluate_typing, mistyped, with_text_before
from nextword.text.letters import LetterModel

PIECES = ["the ", "cat ", "mouse, ", "mou", "teh ", "Kowalski ", "Kow", "\n", "(", "them. ", "x", " "]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
SEVERAL = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(params=["unbounded", "fixed", "without <unk>"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    words = [word for word in WORDS if word != "<unk>"] if request.param == "without <unk>" else WORDS
    return load(tmp_path / "m.onnx", words, context=3 if request.param == "fixed" else None)


@SEVERAL
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@example(texts=["teh mouse, ", "teh Kowalski ("])
@example(texts=["the teh cat the cat the cat ", "the teh x ("])
def test_suggestions_depend_only_on_the_text_and_not_on_how_it_was_written(
    generator: Generator, texts: list[str]
) -> None:
    keyboard, fresh = generator.keyboard(), generator.keyboard()
    assert after(keyboard, *texts) == after(fresh, texts[-1])
    assert keyboard.correction() == fresh.correction()


def test_the_cursor_may_move_far_back(generator: Generator) -> None:
    keyboard, fresh = generator.keyboard(adapts=False), generator.keyboard(adapts=False)
    long = "the cat said . " * REMEMBERED
    found = after(keyboard, long, long[: 15 * 20] + "th")
    expected = after(fresh, long[: 15 * 20] + "th")
    assert [one.word for one in found] == [one.word for one in expected]


@SEVERAL
@given(text=TEXTS)
def test_the_probabilities_of_all_words_add_up_to_one(generator: Generator, text: str) -> None:
    keyboard = generator.keyboard()
    keyboard.update(text)
    known = [word for word in generator.info.dictionary if word != "<unk>"]
    new = {*text.split()} - {*known}
    unknown = keyboard._mixture.expected()
    assert unknown
    assert sum(map(keyboard.probability, known)) + unknown[0].unknown == pytest.approx(1, abs=1e-5)
    assert sum(map(keyboard.probability, new)) < unknown[0].unknown


def test_the_letter_model_gives_no_probability_to_words_of_the_dictionary(tmp_path: Path) -> None:
    words = ["a", "b", "ab", "<unk>"]
    keyboard = load(tmp_path / "m.onnx", words).keyboard()
    letters = LetterModel(words[:3], 3)
    known = sum(math.exp(letters.log_probability(word)) for word in words[:3])
    expected = keyboard._mixture.expected()
    assert expected
    of_new = math.exp(letters.log_probability("bba")) / (1 - known)
    assert keyboard.probability("bba") == pytest.approx(expected[0].unknown * of_new)


def test_a_completion_says_what_to_insert_where(generator: Generator) -> None:
    text = "the cat, the mou"
    best = after(generator.keyboard(), text)[0]
    assert (best.word, best.kind, best.replace, best.insert) == ("mouse", "completion", 3, "mouse ")
    assert put(text, best) == "the cat, the mouse "
    assert after(generator.keyboard(), "Mou")[0].insert == "Mouse "


def test_after_a_whole_word_longer_ones_are_suggested_too(generator: Generator) -> None:
    found = {one.word: one.kind for one in after(generator.keyboard(), "cat the")}
    assert found["the"] == "as typed"
    assert found["them"] == found["then"] == "completion"


def test_a_mistyped_beginning_is_completed(generator: Generator) -> None:
    found = {one.word: one for one in after(generator.keyboard(), "the nou")}
    assert found["mouse"].kind == "correction"
    assert found["mouse"].insert == "mouse "
    assert after(generator.keyboard(), "jes")[0].word == "Jesus"


def test_a_mistyped_word_is_corrected_with_what_follows_it(generator: Generator) -> None:
    keyboard = generator.keyboard()
    after(keyboard, "the mosue,")
    found = keyboard.correction()
    assert found
    assert (found.word, found.kind, found.replace, found.insert) == (
        "mouse",
        "correction",
        6,
        "mouse,",
    )
    after(keyboard, "the mouse,")
    assert keyboard.correction() is None


def test_an_undone_correction_is_never_made_again(generator: Generator) -> None:
    keyboard = generator.keyboard()
    for text in ("the mosue ", "the mouse ", "the mosue "):
        keyboard.update(text)
        last = keyboard.correction()
    assert last is None
    keyboard.update("the mosue cat. a mosue ")
    assert keyboard.correction() is None
    other = generator.keyboard(saved=keyboard.save())
    other.update("the mosue ")
    assert other.correction() is None


def test_numbers_and_learned_words_are_not_corrected(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("a mosue1 ")
    assert keyboard.correction() is None
    keyboard.update("a mosue")
    keyboard.commit()
    keyboard.update("")
    keyboard.update("the mosue ")
    assert keyboard.correction() is None


def test_a_new_word_is_suggested_at_its_second_use(generator: Generator) -> None:
    keyboard = generator.keyboard()
    found = after(keyboard, "the cat Kowalski said . Ko")[0]
    assert (found.word, found.kind, found.insert) == ("Kowalski", "learned", "Kowalski ")
    assert not keyboard.learned  # before it is sent
    keyboard.commit()
    assert keyboard.learned == {"Kowalski": 1, "Ko": 1}
    assert "Kowalski" in [one.word for one in after(keyboard, "", "a kow")]


def test_a_new_word_gains_with_each_letter_that_is_typed_of_it(tmp_path: Path) -> None:
    keyboard = load(tmp_path / "m.onnx").keyboard()

    def odds(typed: str) -> float:
        keyboard.update(f"the thenar said {typed}")
        found = {one.word: one.probability for one in keyboard.suggest(20)}
        return found["thenar"] / found["then"]

    assert [odds("th") / odds("t"), odds("the") / odds("th")] == pytest.approx([math.exp(1.5)] * 2, rel=1e-4)
    # `then` is a whole word now, and `thenar` goes on, which costs a little; it gains nothing more.
    assert odds("then") == pytest.approx(odds("the") * math.exp(-0.3), rel=1e-4)


def test_a_word_that_was_never_sent_is_not_learned(generator: Generator) -> None:
    keyboard = generator.keyboard()
    after(keyboard, "the Kowalski ", "the ", "the cat ")
    keyboard.commit()
    assert not keyboard.learned
    assert "Kowalski" not in [one.word for one in after(keyboard, "", "a Kow")]


def test_a_sent_word_is_not_corrected_and_nothing_is_corrected_to_a_blocked_one(generator: Generator) -> None:
    for name, words in (("commit", []), ("block", ["mouse"])):
        keyboard = generator.keyboard()
        keyboard.update("the mosue ")
        assert keyboard.correction()
        getattr(keyboard, name)(*words)
        found = keyboard.correction()
        assert found is None or found.word != "mouse"


@pytest.mark.parametrize("ask", ["update", "block", "forget", "probability"])
def test_anything_but_text_is_rejected(tmp_path: Path, ask: str) -> None:
    with pytest.raises(PromptError, match="must be a string; got int"):
        getattr(load(tmp_path / "m.onnx").keyboard(), ask)(1)


def test_a_text_sent_twice_is_learned_once(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the Kowalski ")
    keyboard.commit()
    keyboard.update("the Kowalski cat ")
    keyboard.commit()
    keyboard.update("")
    keyboard.commit()
    assert keyboard.learned == {"Kowalski": 1}


def test_a_word_can_be_forgotten_and_blocked(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the Kowalski ")
    keyboard.commit()
    keyboard.forget("Kowalski")
    assert not keyboard.learned
    assert "Kowalski" not in [one.word for one in after(keyboard, "", "a Kow")]
    keyboard.block("mouse")
    assert keyboard.blocked == ["mouse"]
    for text in ("a mou", "a mouse", "a "):
        assert "mouse" not in [one.word for one in after(keyboard, text)]
    keyboard.update("a mosue ")
    found = keyboard.correction()
    assert found is None or found.word != "mouse"
    keyboard.forget("mouse")
    assert after(keyboard, "a mou")[0].word == "mouse"


def test_it_adapts_to_the_text_and_undoes_that(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the ")
    before = keyboard.probability("bell")
    keyboard.update("the bell " * 8 + "the ")
    assert keyboard.probability("bell") > 2 * before
    keyboard.update("the ")
    assert keyboard.probability("bell") == before
    still = generator.keyboard(adapts=False)
    still.update("the bell " * 8 + "the ")
    assert still.probability("bell") < keyboard.probability("bell") * 2


def test_a_new_word_is_likelier_soon_after_its_use(generator: Generator) -> None:
    keyboard, other = generator.keyboard(), generator.keyboard()
    keyboard.update("Abcde Fghij Klmno Pqrst Kowalski Kowalska Vwxyz the ")  # each once
    assert keyboard.probability("Vwxyz") > keyboard.probability("Kowalska") > keyboard.probability("Abcde")
    other.update("Abcde Fghij Klmno Pqrst Kowalski Kowalska Vwxyz Zyxwv the ")
    before = other.probability("Vwxyz")
    other.update("Abcde Fghij Klmno Pqrst Kowalski Kowalska Vwxyz the ")
    assert other.probability("Vwxyz") > before  # a deleted word counts as unused
    other.update("")
    other.update("Abcde Fghij Klmno Pqrst Kowalski Kowalska Vwxyz the ")
    assert other.probability("Vwxyz") == pytest.approx(keyboard.probability("Vwxyz"), rel=1e-6)


def test_all_that_was_learned_is_saved(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the bell Kowalski " * 5)
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


def test_what_was_written_is_expected_again_in_the_same_context_until_it_is_deleted(
    generator: Generator,
) -> None:
    text = "the bell . mouse . the bell . cat . the bell . mouse . "
    adapted, plain = generator.keyboard(), generator.keyboard(adapts=False)
    for keyboard in (adapted, plain):
        keyboard.update(text)
    before = adapted.save()
    assert json.loads(before)["languages"][0]["cache"]["entries"]
    assert "cache" not in json.loads(plain.save())["languages"][0]
    expected = adapted.suggest(5)
    adapted.update(text + "cat cat cat ")
    assert adapted.save() != before
    adapted.update(text)
    assert adapted.suggest(5) == expected
    assert adapted.save() == before


@pytest.mark.parametrize(
    "change",
    [
        {"entries": [0] * 501},
        {"entries": [-1]},
        {"entries": ["the"]},
        {"features": "AAAA"},
        {"features": "é"},
    ],
)
def test_a_damaged_cache_is_rejected_but_not_that_of_another_model(
    generator: Generator, change: dict[str, Any]
) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the bell . ")
    saved = json.loads(keyboard.save())
    cache = saved["languages"][0]["cache"]
    cache |= change
    with pytest.raises(KeyboardError, match="not a saved keyboard"):
        generator.keyboard(saved=json.dumps(saved).encode())
    cache["file"] = "another"
    restored = json.loads(generator.keyboard(saved=json.dumps(saved).encode()).save())
    assert "cache" not in restored["languages"][0]


def test_a_saved_keyboard_can_be_used_with_a_new_model(tmp_path: Path) -> None:
    keyboard = load(tmp_path / "one.onnx").keyboard()
    keyboard.update("the bell Kowalski bell ")
    keyboard.commit()
    newer = load(tmp_path / "two.onnx", ["Kowalski", "bell", "<eos>", "<unk>"])
    assert after(newer.keyboard(saved=keyboard.save()), "bel")[0].word == "bell"


SAVED: dict[str, Any] = {
    "format": "nextword-keyboard/1",
    "learned": {"Kowalski": 1},
    "blocked": ["cat"],
    "kept": [],
    "languages": [{"weight": 1.0, "seen": 1.0, "expected": 0.5, "bias": {"bell": 0.25}}],
}
WRONG: list[Any] = [
    {"format": "nextword-keyboard/2"},
    {"learned": {"Kowalski": 0}},
    {"learned": {"Kowalski": True}},
    {"learned": {"K" * 1000: 1}},
    {"blocked": "cat"},
    {"blocked": [1]},
    {"kept": None},
    {"languages": []},
    {"languages": [1]},
    {"languages": SAVED["languages"] * 2},
    {"languages": [{"weight": 1.0, "seen": -1, "expected": 0.5, "bias": {}}]},
    {"languages": [{"weight": 1.0, "seen": 1, "expected": math.inf, "bias": {}}]},
    {"languages": [{"weight": 0, "seen": 1, "expected": 1, "bias": {}}]},
    {"languages": [{"weight": 1.0, "seen": 1, "expected": 1, "bias": {"bell": 1e9}}]},
]


@pytest.mark.parametrize("change", WRONG)
def test_an_invalid_saved_keyboard_is_rejected(tmp_path: Path, change: dict[str, Any]) -> None:
    generator = load(tmp_path / "m.onnx")
    assert generator.keyboard(saved=json.dumps(SAVED).encode()).learned == {"Kowalski": 1}
    with pytest.raises(KeyboardError, match="saved"):
        generator.keyboard(saved=json.dumps(SAVED | change).encode())


@pytest.mark.parametrize("saved", [b"", b"\xff", b"[]", b"[" * 100_000, b"{}", "text", 1])
def test_bytes_that_are_not_a_saved_keyboard_are_rejected(tmp_path: Path, saved: Any) -> None:
    with pytest.raises(KeyboardError, match="not a saved keyboard"):
        load(tmp_path / "m.onnx").keyboard(saved=saved)


def test_a_lower_case_model_keeps_the_capitals_of_its_user(tmp_path: Path) -> None:
    words = [word.lower() for word in WORDS]
    keyboard = load(tmp_path / "m.onnx", words, lowercase=True).keyboard(punctuation=False)
    assert all(one.insert[0].isupper() for one in after(keyboard, ""))
    assert all(one.insert[0].islower() for one in after(keyboard, "The "))
    assert after(keyboard, "the cat. Mou")[0].insert == "Mouse "
    assert after(keyboard, "the Kowalski said kow")[0].insert == "Kowalski "
    keyboard.update("Mosue ")
    found = keyboard.correction()
    assert found
    assert found.insert == "Mouse "


def test_a_capital_inside_a_sentence_means_a_name(generator: Generator) -> None:
    def odds(text: str) -> float:
        found = {one.word: one.probability for one in after(generator.keyboard(), text)}
        return found["Moukely"] / found["mouse"]

    inside = odds("the Moukely and the Mou")
    assert inside > 5 * odds("the Moukely and the cat. Mou")
    assert inside > 5 * odds("the Moukely and the MOU")


def test_punctuation_can_be_left_out(generator: Generator) -> None:
    with_marks = {one.word for one in generator.keyboard().suggest(100)}
    without = {one.word for one in generator.keyboard(punctuation=False).suggest(100)}
    assert with_marks - without == {",", ".", "<eos>"}
    assert "<unk>" not in with_marks


def test_the_first_word_is_predicted_as_after_a_line_end(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    expected = generator.session()
    expected.feed("\n")
    found = generator.keyboard(adapts=False).suggest(4)
    likely = [word for word, _ in expected.suggest(4)]
    assert [one.word for one in found] == likely


def test_without_line_ends_frequent_words_are_suggested_first(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx", ["the", "cat", "mouse"])
    assert [one.word for one in generator.keyboard().suggest(3)] == ["the", "cat", "mouse"]


FINNISH = ["ja", ",", ".", "hiiri", "kissa", "<eos>", "talo", "<unk>", "on", "sanoi"]
ENGLISH_LINE, FINNISH_LINE = "the cat said the mouse .\n", "kissa sanoi ja hiiri on talo .\n"


def of_two(folder: Path, **settings: Any) -> Keyboard:
    one = load(folder / "one.onnx", scale=2.0)
    other = load(folder / "other.onnx", FINNISH, seed=5, scale=2.0)
    return Keyboard.of([one, other], **settings)


def test_the_weights_of_two_languages_follow_the_text(tmp_path: Path) -> None:
    one = load(tmp_path / "one.onnx")
    other = load(tmp_path / "other.onnx", FINNISH, seed=5)
    keyboard = Keyboard.of([one, other])
    keyboard.update("the cat said the mouse ")
    english = keyboard.probability("bell") / keyboard.probability("talo")
    assert after(keyboard, "the cat said kis")[0].word == "kissa"
    keyboard.update("the cat said ja kissa sanoi ja hiiri ")
    assert keyboard.probability("bell") / keyboard.probability("talo") < english / 4
    keyboard.update("the cat said the mouse ")
    assert keyboard.probability("bell") / keyboard.probability("talo") == english
    assert keyboard.learned == {}
    with pytest.raises(KeyboardError, match="2 languages; this one has 1"):
        one.keyboard(saved=keyboard.save())


def test_with_two_languages_suggestions_depend_only_on_the_text(tmp_path: Path) -> None:
    lines = [ENGLISH_LINE, FINNISH_LINE, "the cat said ja kissa on\n", "hiiri .\nthe ", "quux\n"]

    @settings(SEVERAL, max_examples=20)
    @given(*[st.lists(st.sampled_from(lines), max_size=3).map("".join)] * 2)
    def check(earlier: str, text: str) -> None:
        keyboard = of_two(tmp_path)
        assert after(keyboard, earlier, text) == after(of_two(tmp_path), text)

    check()


def test_a_keyboard_learns_that_each_line_is_in_another_language(tmp_path: Path) -> None:
    def odds(text: str) -> float:
        keyboard = of_two(tmp_path, adapts=False)
        keyboard.update(text)
        return keyboard.probability("bell") / keyboard.probability("talo")

    in_turns, at_last = odds((FINNISH_LINE + ENGLISH_LINE) * 4), odds(FINNISH_LINE * 4 + ENGLISH_LINE * 4)
    assert in_turns < at_last / 4


def test_a_line_is_followed_by_the_next_one_of_its_language(tmp_path: Path) -> None:
    def odds(*texts: str) -> float:
        keyboard = of_two(tmp_path, adapts=False)
        for text in texts:
            keyboard.update(text)
        return keyboard.probability("bell") / keyboard.probability("mouse")

    between = odds(ENGLISH_LINE + FINNISH_LINE + "the ")
    assert between == pytest.approx(odds(ENGLISH_LINE + "the "), rel=0.02)
    assert between == odds(ENGLISH_LINE + FINNISH_LINE + ENGLISH_LINE, ENGLISH_LINE + FINNISH_LINE + "the ")


def test_the_next_message_is_expected_in_the_language_of_the_last_one(tmp_path: Path) -> None:
    def odds(sent: str) -> float:
        keyboard = of_two(tmp_path, adapts=False)
        keyboard.update(sent)
        keyboard.commit()
        keyboard.update("")
        return keyboard.probability("bell") / keyboard.probability("talo")

    assert odds("the cat said the mouse ") > 1.3 * odds("") > 1.3**2 * odds("kissa sanoi ja hiiri ")


def test_the_cursor_may_move_far_back_to_another_language(tmp_path: Path) -> None:
    def odds(*texts: str) -> float:
        keyboard = of_two(tmp_path, adapts=False)
        for text in texts:
            keyboard.update(text)
        return keyboard.probability("bell") / keyboard.probability("talo")

    there = ENGLISH_LINE * 2 + "the cat "
    assert odds(there + "\n" + FINNISH_LINE * 20, there) == pytest.approx(odds(there), rel=0.2)


def test_languages_must_split_texts_in_the_same_way(tmp_path: Path) -> None:
    one, other = load(tmp_path / "one.onnx"), load(tmp_path / "other.onnx", lowercase=True)
    with pytest.raises(KeyboardError, match="lowercase"):
        Keyboard.of([one, other])
    with pytest.raises(KeyboardError, match="at least one"):
        Keyboard.of([])


@pytest.mark.parametrize("n", [0, 101, 2.0, True, None, "3"])
def test_a_wrong_number_of_suggestions_is_rejected(tmp_path: Path, n: Any) -> None:
    with pytest.raises(CountError, match="n must be a whole number from 1 to 100"):
        load(tmp_path / "m.onnx").keyboard().suggest(n)


def test_it_forgets_the_rarest_words_if_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextword.runtime.keyboard.personal.MOST_WORDS", 3)
    keyboard = load(tmp_path / "m.onnx").keyboard()
    keyboard.update("aaa bbb ccc ddd aaa ccc ddd ")
    keyboard.commit()
    assert set(keyboard.learned) == {"aaa", "ccc", "ddd"}


def test_a_long_text_may_arrive_at_once(generator: Generator) -> None:
    keyboard = generator.keyboard()
    keyboard.update("the cat said . " * 500)
    assert np.isfinite([one.probability for one in keyboard.suggest()]).all()


def test_typing_is_evaluated_by_the_intended_words(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx", scale=0.1)
    words = ["the", "mouse", ",", "said", "Kowalski", "house"]
    typed = {"mouse": "mosue", "house": "zzzzz", "said": "said", "Kowalski": "Kowalksi"}
    text = list(with_text_before(words, "words", line_ends=True))
    assert text[2] == ("the mouse", ",")
    assert text[3] == ("the mouse, ", "said")
    found = evaluate_typing(generator.keyboard(), text, typed.get)
    assert (found.words, found.mistyped) == (5, 2)
    assert (found.top_1, found.top_3, found.corrected, found.changed) == (0.5, 0.5, 0.5, 0)


def test_letters_are_mistyped_at_the_given_rate() -> None:
    luck, layout = random.Random(1), Layout("qwerty")
    words = ["mouse"] * 2_000
    wrong = sum(mistyped(word, luck, layout, 0.05) != word for word in words) / len(words)
    assert 0.17 < wrong < 0.26  # 1 − 0.95⁵ = 0.226; swapping the first letter does nothing
    assert mistyped("mouse", luck, layout, 0) == "mouse"
