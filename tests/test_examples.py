"""The examples, unchanged, with the small model that all languages share."""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import ROOT

from nextword import Generator, Sampling

MODELS = ROOT / "tests" / "conformance"
MODULES = ROOT / "examples" / "node" / "node_modules"
# npm's onnxruntime has a library for each system, under Node's name for it.
MACHINE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
LIBRARIES = MODULES / "onnxruntime-node" / "bin" / "napi-v6" / sys.platform / MACHINE
LIBRARY = next(iter(sorted(LIBRARIES.glob("libonnxruntime*.1*"), key=lambda path: len(path.name))), None)
HEADERS = [ROOT / "examples" / "cpp" / "include", Path("/usr/include/onnxruntime")]
INCLUDE = next((path for path in HEADERS if path.exists()), None)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the models where the examples look for them."""
    (tmp_path / "models").mkdir()
    for name in ("", ".text"):
        shutil.copy(MODELS / f"fixed{name}.onnx", tmp_path / "models" / f"nextword{name}.onnx")
    return tmp_path


@pytest.fixture
def drawn(directory: Path) -> str:
    """The text that all examples write."""
    generator = Generator.load(directory / "models" / "nextword.onnx")
    return generator.generate("long ago ,", 12, Sampling(temperature=1.0, top_k=5, seed=7))


def run(directory: Path, *command: str | Path) -> list[str]:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_library_example(directory: Path) -> None:
    generator = Generator.load(directory / "models" / "nextword.onnx")
    lines = run(directory, sys.executable, ROOT / "examples" / "python" / "library.py")
    assert lines[0] == generator.generate("the cat .", 12)
    assert lines[1] == generator.generate("the cat .", 12, Sampling(temperature=1.0, top_k=5, seed=7))
    assert lines[2] == str([word for word, _ in generator.suggest("some", 3)])
    assert [word for word, _ in generator.suggest("the old mo")] == sorted(
        ["mouse", "moon"], key=lines[3].find
    )
    ranked = generator.score_all(["long ago , the", "the , long ago"])
    likelier = ranked[0].log_probability > ranked[1].log_probability
    assert lines[4] == ("long ago , the" if likelier else "the , long ago")


def test_the_text_graph_example(directory: Path, drawn: str) -> None:
    assert run(directory, sys.executable, ROOT / "examples" / "python" / "text_graph.py") == [drawn]


@pytest.fixture
def home(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home folder in which nothing may be written."""
    monkeypatch.setenv("HOME", str(directory / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    yield
    assert not (directory / "home").exists(), "onnxruntime wrote into the user's folder"


@pytest.mark.usefixtures("home")
@pytest.mark.skipif(not MODULES.exists(), reason="npm has not installed examples/node")
def test_the_node_example(directory: Path, drawn: str) -> None:
    assert run(directory, "node", ROOT / "examples" / "node" / "main.mjs") == [drawn]


@pytest.fixture
def text_graph(directory: Path) -> Path:
    """The C++ example, compiled, with all warnings as errors."""
    if not (compiler := shutil.which("c++")):
        pytest.skip("there is no C++ compiler (c++)")
    if not LIBRARY:
        pytest.skip("npm has not installed examples/node, or it has no onnxruntime library for this system")
    if not INCLUDE:
        pytest.skip("onnxruntime's headers are not here; make headers takes them from Debian")
    source, program = ROOT / "examples" / "cpp" / "text_graph.cpp", directory / "text_graph"
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-isystem{INCLUDE}"]
    run(directory, compiler, *strict, source, "-o", program, LIBRARY, f"-Wl,-rpath,{LIBRARIES}")
    return program


@pytest.mark.usefixtures("home")
def test_the_cpp_example(directory: Path, text_graph: Path, drawn: str) -> None:
    assert run(directory, text_graph) == [drawn]
    assert run(directory, text_graph, "kat ago yesterday") == [
        "not in the dictionary: kat",
        "not in the dictionary: yesterday",
    ]
    (directory / "models" / "nextword.text.onnx").unlink()
    done = subprocess.run([text_graph], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "models/nextword.text.onnx" in done.stderr


@pytest.mark.usefixtures("home")
@pytest.mark.skipif(not MODULES.exists(), reason="npm has not installed examples/node")
def test_the_node_library_example(directory: Path) -> None:
    generator = Generator.load(directory / "models" / "nextword.onnx")
    lines = run(directory, "node", ROOT / "examples" / "node" / "library.mjs")
    assert lines[0] == generator.generate("the cat .", 12)
    assert lines[1] == generator.generate("the cat .", 12, Sampling(temperature=1.0, top_k=5, seed=7))
    assert "mouse" in "".join(lines[2:])


def test_pages_show_each_example_unchanged() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = re.findall(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```", text, re.DOTALL)
    examples = [
        "python/library.py",
        "python/text_graph.py",
        "node/library.mjs",
        "node/main.mjs",
        "web/index.html",
        "cpp/text_graph.cpp",
    ]
    assert {path for path, _ in shown} == {f"examples/{name}" for name in examples}
    for path, code in shown:
        assert (ROOT / path).read_text(encoding="utf-8").endswith(code), path


def test_examples_are_short() -> None:
    for name in ("library", "text_graph"):
        text = (ROOT / "examples" / "python" / f"{name}.py").read_text(encoding="utf-8")
        assert len([line for line in text.splitlines() if line.strip()]) <= 10
