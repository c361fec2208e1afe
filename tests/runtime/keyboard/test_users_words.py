"""What a keyboard keeps of its user: blocked words, undone corrections, words that were sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from keyboards import WORDS, after, load, put

from nextword.errors import KeyboardError
from nextword.runtime.keyboard.keyboard import Keyboard


@pytest.fixture
def keyboard(tmp_path: Path) -> Keyboard:
    return load(tmp_path / "m.onnx").keyboard()


def offered(keyboard: Keyboard, text: str) -> set[str]:
    """All words that would be put into the text, in lower case."""
    keyboard.update(text)
    correction = keyboard.correction()
    found = [*keyboard.suggest(100), *([correction] if correction else [])]
    return {one.insert.strip().lower() for one in found}


@pytest.mark.parametrize("blocked", ["mouse", "Mouse", "MOUSE"])
@pytest.mark.parametrize("text", ["the ", "", "the mou", "Mou", "MOU", "the mosue "])
def test_a_word_is_blocked_whatever_its_capitals(keyboard: Keyboard, blocked: str, text: str) -> None:
    assert "mouse" in offered(keyboard, text)
    keyboard.block(blocked)
    assert "mouse" not in offered(keyboard, text)
    keyboard.forget(blocked.lower())
    assert "mouse" in offered(keyboard, text)


@pytest.mark.parametrize("text", ["", "Mou", "the mou"])
def test_what_a_model_without_capitals_suggests_can_be_blocked(tmp_path: Path, text: str) -> None:
    keyboard = load(tmp_path / "m.onnx", [word.lower() for word in WORDS], lowercase=True).keyboard()
    blocked = after(keyboard, text)[0].word
    keyboard.block(blocked)
    assert blocked.lower() not in offered(keyboard, text)


def test_a_blocked_word_that_is_written_is_neither_corrected_nor_learned(keyboard: Keyboard) -> None:
    for blocked in ("mouse", "zorbik"):
        keyboard.block(blocked)
        keyboard.update(f"the {blocked} ")
        assert keyboard.correction() is None
        keyboard.commit()
        keyboard.update("")
    assert keyboard.learned == {}


def test_a_learned_word_is_forgotten_when_it_is_blocked(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    keyboard = generator.keyboard()
    keyboard.update("the Zorbik and zorbik ")
    keyboard.commit()
    keyboard.block("zorbik")
    assert keyboard.learned == {"and": 1}
    saved = keyboard.save()
    assert "zorbik" not in offered(keyboard, "the zor")
    assert generator.keyboard(saved=saved).save() == saved


@pytest.mark.parametrize("word", ["", "x" * 65])
def test_only_a_word_can_be_blocked(keyboard: Keyboard, word: str) -> None:
    with pytest.raises(KeyboardError, match=f"a blocked word has 1 to 64 characters; got {len(word)}"):
        keyboard.block(word)


def test_a_keyboard_can_load_whatever_it_saves(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    keyboard = generator.keyboard()
    keyboard.block("\ud800")
    keyboard.update("the \ud800x and " + "x" * 65 + " zorbik")
    keyboard.commit()
    assert keyboard.blocked == ["\ufffd"]
    assert keyboard.learned == {"x": 1, "and": 1, "zorbik": 1}
    assert generator.keyboard(saved=keyboard.save()).save() == keyboard.save()


def test_corrections_that_are_undone_one_after_the_other_are_never_made_again(keyboard: Keyboard) -> None:
    texts, corrected = ["the teh "], []
    keyboard.update(texts[0])
    correction = keyboard.correction()
    assert correction
    corrected.append(put(texts[0], correction))
    keyboard.update(corrected[0])
    texts.append(corrected[0] + "mosue ")
    keyboard.update(texts[1])
    correction = keyboard.correction()
    assert correction
    assert correction.word == "mouse"
    for text in (put(texts[1], correction), texts[1], corrected[0], texts[0]):
        keyboard.update(text)
    assert keyboard.correction() is None
    keyboard.update("the mosue ")
    assert keyboard.correction() is None


def test_a_word_that_is_sent_before_it_is_finished_counts_once(keyboard: Keyboard) -> None:
    keyboard.update("the zorbik")
    for _ in range(3):
        keyboard.commit()
    keyboard.update("the zorbik ")
    keyboard.commit()
    assert keyboard.learned == {"zorbik": 1}
    for text in ("", "the zorbik"):
        keyboard.update(text)
    keyboard.commit()
    assert keyboard.learned == {"zorbik": 2}


def test_a_word_that_goes_on_after_it_was_sent_is_another_one(keyboard: Keyboard) -> None:
    for text in ("the zorb", "the zorbik "):
        keyboard.update(text)
        keyboard.commit()
    assert keyboard.learned == {"zorb": 1, "zorbik": 1}


def test_a_learned_word_that_a_new_model_knows_leaves_its_share_to_others(tmp_path: Path) -> None:
    keyboard = load(tmp_path / "old.onnx").keyboard()
    keyboard.update("zorbik zorbik bingo ")
    keyboard.commit()
    words = [*WORDS, "zorbik"]
    newer = load(tmp_path / "new.onnx", words).keyboard(saved=keyboard.save())
    assert newer.learned == {"bingo": 1}
    known = sum(newer.probability(word) for word in words if word != "<unk>")
    unknown = sum(one.unknown for one in newer._mixture.expected() or [])
    assert known + unknown == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", ["seen", "expected", "weight"])
def test_a_number_that_no_computer_holds_is_damage(tmp_path: Path, name: str) -> None:
    generator = load(tmp_path / "m.onnx")
    saved: dict[str, Any] = json.loads(generator.keyboard().save())
    saved["languages"][0][name] = 10**400
    with pytest.raises(KeyboardError, match="not a saved keyboard"):
        generator.keyboard(saved=json.dumps(saved).encode())


def test_half_a_character_in_saved_words_is_damage(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    saved: dict[str, Any] = json.loads(generator.keyboard().save())
    saved["learned"] = {"\ud800x": 1}
    with pytest.raises(KeyboardError, match="not a saved keyboard"):
        generator.keyboard(saved=json.dumps(saved).encode())


@pytest.mark.parametrize("letters", [200, 3_000, 40_000])
def test_no_word_is_meant_by_very_many_letters(keyboard: Keyboard, letters: int) -> None:
    suggestions = after(keyboard, "the " + "x" * letters)
    assert [(one.kind, one.replace) for one in suggestions] == [("as typed", letters)]


def test_thousands_of_blocked_words_are_restored(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    saved: dict[str, Any] = json.loads(generator.keyboard().save())
    saved["blocked"] = [f"word{number}" for number in range(5000)]
    saved["learned"] = {f"Word{number}": 1 for number in range(2500, 5000)} | {"zorbik": 2}
    keyboard = generator.keyboard(saved=json.dumps(saved).encode())
    assert keyboard.blocked == saved["blocked"]
    assert keyboard.learned == {"zorbik": 2}
