"""The edge wing runs where torch, onnx, dvc and the rest of the workshop cannot be imported."""

import json
import subprocess
import sys
from pathlib import Path

from tiny import export, make_model

from nextword import Generator, Sampling

PROGRAM = """
import json, sys

WORKSHOP = {"torch", "onnx", "dvc", "dvclive", "safetensors", "pydantic", "ruamel", "tqdm"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in WORKSHOP or name.startswith(("nextword.training", "nextword.export")):
            raise ImportError(f"{name} is not to be had on the edge")

sys.meta_path.insert(0, Blocked())
from nextword import Generator, Sampling
from nextword.cli import main

generator = Generator.load(sys.argv[1])
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
sys.argv = ["nextword", "generate", "the cat", "--words", "5", "--model", sys.argv[1]]
main()
"""


def test_the_edge_wing_runs_without_the_workshop(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_model(seed=4))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    by_library, by_command = done.stdout.splitlines()
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
