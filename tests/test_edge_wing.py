"""The edge wing runs with nothing but Python, numpy, and onnxruntime with its requirements."""

import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tiny import ROOT, export, make_network

from nextword import Generator, Sampling

ROOMS = ["errors", "figures", "outputs", "pictures", "text", "runtime", "command"]
# Everything else cannot be imported, even if it is installed.
BLOCKER = """
import json, sys

ALLOWED, ROOMS = map(set, json.loads(sys.argv[1]))

class Blocker:
    def find_spec(self, name, path=None, target=None):
        top, _, rest = name.partition(".")
        if top not in ALLOWED | sys.stdlib_module_names and not (
            top == "nextword" and (not rest or rest.split(".")[0] in ROOMS)
        ):
            raise ImportError(f"{name} is not to be had on the edge")

sys.meta_path.insert(0, Blocker())
"""
PROGRAM = """
from nextword import Generator, Sampling
from nextword.command.main import main

generator = Generator.load(sys.argv[2])
session = generator.session(9, 0.1)
session.feed("the cat ran . the")
with open("text.txt", "w") as file:
    file.write("the cat ran . the")
print(json.dumps([
    generator.generate("the cat", 5),
    list(generator.stream("the cat", 5)),
    generator.suggest("the cat", 2),
    generator.score("the cat ran . the").log_probability,
    generator.info.layers,
    generator.samples("the cat", 2, 5, Sampling(temperature=1, seed=1)),
    generator.resume(session.save()).suggest(1)[0][0] == session.suggest(1)[0][0],
    generator.evaluate("text.txt").words,
]))
sys.argv = ["nextword", "generate", "the cat", "--words", "5", "--model", sys.argv[2]]
main()
"""
IMPORT = """
import importlib

for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(error)
    else:
        print(f"{name} was imported")
"""


def needed_by(distribution: str) -> set[str]:
    """The names of a distribution and of everything that it requires, except extras."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            requirements = map(Requirement, requires(name) or [])
            waiting += [one.name for one in requirements if not one.marker or one.marker.evaluate()]
    return found


def on_the_edge(directory: Path, program: str, *arguments: str) -> list[str]:
    """The lines that a program prints when nothing else can be imported."""
    needed = needed_by("onnxruntime") | needed_by("numpy")
    allowed = [
        name
        for name, distributions in packages_distributions().items()
        if needed & set(map(canonicalize_name, distributions))
    ]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKER + program, json.dumps([allowed, ROOMS]), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_edge_wing_runs_without_the_workshop(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network(seed=4))
    by_library, by_command = on_the_edge(tmp_path, PROGRAM, str(path))
    generator = Generator.load(path)
    assert by_command == generator.generate("the cat", 5)
    assert json.loads(by_library) == [
        by_command,
        list(generator.stream("the cat", 5)),
        [list(pair) for pair in generator.suggest("the cat", 2)],
        generator.score("the cat ran . the").log_probability,
        2,
        generator.samples("the cat", 2, 5, Sampling(temperature=1, seed=1)),
        True,
        2,
    ]


def test_each_module_of_the_edge_wing_can_be_imported_there(tmp_path: Path) -> None:
    source = ROOT / "src"
    paths = [path for room in ROOMS for path in (source / "nextword" / room).glob("*.py")]
    paths += [source / "nextword" / f"{room}.py" for room in ROOMS]
    names = [
        ".".join(path.relative_to(source).with_suffix("").parts)
        for path in paths
        if path.exists() and path.stem != "__init__"
    ]
    assert len(names) > 20
    assert on_the_edge(tmp_path, IMPORT, *names) == [f"{name} was imported" for name in names]


def test_other_packages_cannot_be_imported_there(tmp_path: Path) -> None:
    names = ["pydantic", "torch", "onnx", "dvc", "lightning_fabric", "tensorboard", "ruamel", "pytest"]
    names += [f"nextword.{room}" for room in ("params", "model", "prepare", "train", "evaluate", "export")]
    names += ["nothing_of_this_name"]
    assert on_the_edge(tmp_path, IMPORT, *names) == [f"{name} is not to be had on the edge" for name in names]


def test_onnxruntime_leaves_nothing_in_the_users_folders(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network(seed=4))
    home = tmp_path / "home"
    home.mkdir()
    without = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    for environment in (without | {"HOME": str(home)}, {k: v for k, v in without.items() if k != "HOME"}):
        done = subprocess.run(
            [sys.executable, "-c", "from nextword.command.main import main; main()", "info", "--model", path],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert list(home.rglob("*")) == []
