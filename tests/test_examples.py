"""The examples as they stand, on the small model that all languages share."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import ROOT

from nextword import Generator, Sampling

MODELS = ROOT / "tests" / "conformance"
MODULES = ROOT / "examples" / "node" / "node_modules"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory that has the models where the examples look for them."""
    (tmp_path / "models").mkdir()
    for name in ("", ".text"):
        shutil.copy(MODELS / f"fixed{name}.onnx", tmp_path / "models" / f"nextword{name}.onnx")
    return tmp_path


@pytest.fixture
def drawn(directory: Path) -> str:
    """What all examples write."""
    generator = Generator.load(directory / "models" / "nextword.onnx")
    return generator.generate("long ago ,", 12, Sampling(temperature=1.0, top_k=5, seed=7))


def run(directory: Path, *command: str | Path) -> list[str]:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_library_example(directory: Path, drawn: str) -> None:
    generator = Generator.load(directory / "models" / "nextword.onnx")
    lines = run(directory, sys.executable, ROOT / "examples" / "python" / "library.py")
    assert lines[0] == generator.generate("long ago ,", 12)
    assert lines[1] == drawn
    assert lines[2] == str(generator.suggest("some", 3))
    assert [word for word, _ in generator.suggest("the old mo")] == sorted(
        ["mouse", "moon"], key=lines[3].find
    )
    ranked = generator.score_all(["the old mouse the", "the cat ago the"])
    likelier = ranked[0].log_probability > ranked[1].log_probability
    assert lines[4] == ("the old mouse the" if likelier else "the cat ago the")


def test_the_text_graph_example(directory: Path, drawn: str) -> None:
    assert run(directory, sys.executable, ROOT / "examples" / "python" / "text_graph.py") == [drawn]


@pytest.mark.skipif(not MODULES.exists(), reason="npm has not installed examples/node")
def test_the_node_example(directory: Path, drawn: str) -> None:
    assert run(directory, "node", ROOT / "examples" / "node" / "main.mjs") == [drawn]


def test_the_readme_shows_each_example_as_it_stands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```", readme, re.DOTALL)
    examples = {"python/library.py", "python/text_graph.py", "node/main.mjs", "web/index.html"}
    assert {path for path, _ in shown} == {f"examples/{name}" for name in examples}
    for path, code in shown:
        assert (ROOT / path).read_text(encoding="utf-8").endswith(code), path


def test_examples_are_short() -> None:
    for name in ("library", "text_graph"):
        text = (ROOT / "examples" / "python" / f"{name}.py").read_text(encoding="utf-8")
        assert len([line for line in text.splitlines() if line.strip()]) <= 10
