from pathlib import Path

import pytest
from tiny import export, make_network

from nextword import Generator
from nextword.command.typing import Line, run
from nextword.errors import KeyboardError

WORDS = ["the", ",", "mouse", "cat", "then", "moon"]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    network = make_network(len(WORDS), context=None, seed=3, scale=0.1)
    generator = Generator.load(export(tmp_path / "m.onnx", network, WORDS, split_by="words"))
    return Line(generator.keyboard())


def press(line: Line, keys: str) -> str | None:
    sent = None
    for key in keys:
        sent = line.press(key)
    return sent


def test_tab_takes_a_suggestion_and_then_the_next(line: Line) -> None:
    press(line, "the mo")
    found = [one.word for one in line.suggestions()]
    assert set(found) >= {"mouse", "moon"}
    press(line, "\t")
    assert line.text == f"the {found[0]} "
    press(line, "\t")
    assert (line.text, line.taken) == (f"the {found[1]} ", 1)
    press(line, "\x7f")
    assert line.text == "the mo"
    press(line, "\t,")
    assert line.text == f"the {found[0]} ,"


def test_a_mistyped_word_is_corrected_and_backspace_takes_that_back(line: Line) -> None:
    press(line, "the mosue ")
    assert line.text == "the mouse "
    press(line, "\x7f")
    assert line.text == "the mosue "
    press(line, "\x7f\x7f")
    assert line.text == "the mosu"
    press(line, "e ")
    assert line.text == "the mosue "


def test_a_line_that_is_sent_is_learned(line: Line) -> None:
    assert press(line, "Kowalski\r") == "Kowalski"
    assert line.text == ""
    press(line, "kow\t")
    assert line.text == "Kowalski "
    press(line, "\x04")
    assert line.over


def test_without_a_terminal_it_says_what_to_use(line: Line) -> None:
    with pytest.raises(KeyboardError, match="nextword suggest"):
        run(line._keyboard, None)
