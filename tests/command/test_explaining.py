"""`nextword explain`: a table, and a picture if the extra [plot] is installed."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tiny import ROOT, export, make_network

from nextword.command import explaining

COMMAND = [sys.executable, "-c", "from nextword.command.main import main; main()", "explain"]
# Hides the extra if it is installed.
WITHOUT_PLOT = "import sys; sys.modules['matplotlib'] = None; from nextword.command.main import main; main()"
TEXT = "the cat said the"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("explain") / "m.onnx", make_network(context=None))


def explained(*arguments: str | Path, status: int = 0) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_each_word_has_a_line_with_its_importance(model_file: Path) -> None:
    lines = explained(model_file, TEXT).splitlines()
    assert lines[0].startswith("next word: ")
    assert [line.split()[1] for line in lines[2:]] == TEXT.split()
    rows = json.loads(explained(model_file, TEXT, "--json"))["words"]
    assert [f"{row['lost']:.4f}" for row in rows] == [line.split()[0] for line in lines[2:]]


def test_a_missing_file_is_named() -> None:
    said = explained("none.onnx", TEXT, status=2)
    assert said == "error: none.onnx: no such model file; give the name of another\n"
    said = explained("x" * 300, TEXT, status=2)
    assert said.endswith("; give the name of another\n")


def test_a_picture_has_the_same_bytes_in_every_run(model_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        assert "2 layers" in explained(model_file, TEXT, "--output", path)
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert b"prefers-color-scheme: dark" in one
    assert ElementTree.fromstring(one).tag.endswith("svg")


def test_a_picture_of_the_words_alone_says_why_it_has_no_gates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    for model, reason in {
        "feedforward": "the layers of this model have no state",
        "quibble": "this version cannot compute the gates of this model",
    }.items():
        path = tmp_path / f"{model}.svg"
        file = ROOT / f"tests/conformance/{model}.onnx"
        explaining.run(Namespace(model=file, text="the mice some", output=path, json=False))
        assert capsys.readouterr().out.splitlines()[-1] == f"{path}: only the words, since {reason}"


def test_a_missing_extra_is_named(model_file: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        WITHOUT_PLOT,
        "explain",
        str(model_file),
        TEXT,
        "--output",
        str(tmp_path / "g.svg"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: drawing needs the extra [plot]; run pip install 'nextword[plot]'\n"
    assert not (tmp_path / "g.svg").exists()


def test_a_file_extension_other_than_svg_is_an_error(model_file: Path, tmp_path: Path) -> None:
    said = explained(model_file, TEXT, "--output", tmp_path / "g.png", status=2)
    assert "give a name that ends in .svg" in said
