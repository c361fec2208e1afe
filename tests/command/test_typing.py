import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import export, make_network

from nextword import Generator
from nextword.command.typing import Line, run
from nextword.errors import OutputError

COMMAND = [sys.executable, "-c", "from nextword.command.main import main; main()"]
WORDS = ["the", ",", "mouse", "cat", "then", "moon"]


def model(directory: Path) -> Path:
    network = make_network(len(WORDS), context=None, seed=3, scale=0.1)
    return export(directory / "m.onnx", network, WORDS, split_by="words")


def nextword(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(Generator.load(model(tmp_path)).keyboard())


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


def test_a_mistyped_word_is_corrected_and_backspace_undoes_that(line: Line) -> None:
    press(line, "the mosue ")
    assert line.text == "the mouse "
    press(line, "\x7f")
    assert line.text == "the mosue "
    press(line, "\x7f\x7f")
    assert line.text == "the mosu"
    press(line, "e ")
    assert line.text == "the mosue "


def test_a_line_end_is_not_suggested_since_enter_sends_the_line(tmp_path: Path) -> None:
    words = [*WORDS, "<eos>"]
    network = make_network(len(words), context=None, seed=3, scale=0.1)
    network.logits.bias.data[words.index("<eos>")] = 9.0
    path = export(tmp_path / "lines.onnx", network, words, split_by="words", line_ends=True)
    line = Line(Generator.load(path).keyboard())
    press(line, "the cat ")
    assert [one.word for one in line._keyboard.suggest(1)] == ["<eos>"]
    assert len(line.suggestions()) == 3
    assert "<eos>" not in [one.word for one in line.suggestions()]


def test_characters_that_join_others_can_be_typed(line: Line) -> None:
    press(line, "\u0645\u200c\u062e\U0001f468\u200d\U0001f469")
    assert line.text == "\u0645\u200c\u062e\U0001f468\u200d\U0001f469"


def test_a_sent_line_is_learned(line: Line) -> None:
    assert press(line, "Kowalski\r") == "Kowalski"
    assert line.text == ""
    press(line, "kow\t")
    assert line.text == "Kowalski "
    press(line, "\x04")
    assert line.over


def test_without_a_terminal_it_says_what_to_use(tmp_path: Path) -> None:
    done = nextword("type", "--model", str(model(tmp_path)))
    assert done.returncode == 2
    assert done.stderr == "error: `nextword type` needs a terminal; in a pipe, use `nextword suggest`\n"


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    arguments = argparse.Namespace(learned=str(tmp_path), also=[], layout="qwerty")
    with pytest.raises(OutputError, match="is a directory; give the name of a file"):
        run(Generator.load(model(tmp_path)), arguments)


def test_on_a_terminal_it_shows_suggestions_and_keeps_what_it_learned(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    learned = tmp_path / "mine.json"
    command = [*COMMAND, "type", "--model", str(model(tmp_path)), "--learned", str(learned)]
    pid, terminal = pty.fork()
    if not pid:  # the child
        os.execv(sys.executable, command)
    shown = b""
    for keys in (b"", b"mosue ", b"Kowalski\r", b"\x04"):
        os.write(terminal, keys)
        while not re.search(rb"the|mouse", shown.rpartition(b"\x1b[J")[2]) and keys != b"\x04":
            shown += os.read(terminal, 4096)
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        while more := os.read(terminal, 4096):
            shown += more
    assert os.waitpid(pid, 0)[1] == 0
    assert b"mouse Kowalski" in shown
    assert json.loads(learned.read_text())["learned"] == {"Kowalski": 1}


def test_evaluate_types_a_text_on_request(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the mouse , the cat then the moon " * 20)
    arguments = ("evaluate", str(text), "--model", str(model(tmp_path)), "--typing")
    plain, machine = nextword(*arguments), nextword(*arguments, "--json")
    found = json.loads(machine.stdout)["typing"]
    assert found["words"] == 140
    assert 5 < found["mistyped"] < 60
    assert f"{found['corrected']:.3%}" in plain.stdout
