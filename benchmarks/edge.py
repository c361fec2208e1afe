"""The edge: cost of a word, text graph, int8, sampling settings, start, memory, installation, browser.

    python benchmarks/edge.py

Everything runs on one thread. Alternatives take turns within one run, and each figure is the median of
its turns. The weights are those of the last `dvc repro`, or random if a larger dictionary is needed.
"""

import dataclasses
import importlib.metadata
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from generation import ROOT, export_unbounded, milliseconds, ways

from nextword import Generator, Sampling
from nextword.export import int8, step
from nextword.model import network
from nextword.runtime.model_file import ModelFile
from nextword.runtime.session import Session

ROUNDS = 15
STARTS = 11
LENGTHS = (10, 100, 1_000, 10_000)
DICTIONARIES = (10_000, 50_000)
CACHE = 2_000
# A small process starts each one, since the peak of a child includes its parent's memory at the start.
LAUNCH = """
import os, sys, time
start = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
assert status == 0
print(1000 * (time.perf_counter() - start), usage.ru_maxrss / 1024, file=sys.stderr)
"""
INSTALLED = ("numpy", "onnxruntime", "flatbuffers", "packaging", "protobuf")


def take_turns(ways: dict[str, Callable[[], object]], times: int, rounds: int = ROUNDS) -> dict[str, float]:
    """The median milliseconds per call of each, measured in turns of `times` calls."""
    turns: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, act in ways.items():
            turns[name].append(milliseconds(act, times))
    return {name: statistics.median(values) for name, values in turns.items()}


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Prints a table."""
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def a_word(directory: Path) -> None:
    """The time of one word by the length of the text before it, in float16 and in int8."""
    path, in_int8 = directory / "unbounded.onnx", directory / "unbounded.int8.onnx"
    export_unbounded(path)
    architecture, weights = network.load_weights(ROOT / "models" / "trained")
    info = ModelFile(path).metadata
    onnx.save(int8.build(weights, architecture, info.to_properties()), in_int8)
    found: dict[str, list[float]] = {}
    for length in LENGTHS:
        tried = {name: act for name, (act, _, _) in ways(path, length).items() if "read again" not in name}
        for name, (act, _, _) in ways(in_int8, length).items():
            if name.startswith(("`Generator`", "`session.run`")):
                tried[f"{name}, int8"] = act
        for name, value in take_turns(tried, 20).items():
            found.setdefault(name, []).append(value)
    table(
        "Milliseconds a word, 2 × 512, by words of text before it",
        ["way", *(f"{length:,}" for length in LENGTHS)],
        [[name, *(f"{value:.3f}" for value in values)] for name, values in found.items()],
    )
    ours, bare, eager, ours_int8, bare_int8 = (statistics.median(values) for values in found.values())
    by_length = next(iter(found.values()))
    rows = {
        "`Generator` / `session.run`": ours / bare,
        "PyTorch eager / `Generator`": eager / ours,
        "`session.run`, float16 / int8": bare / bare_int8,
        "`Generator`, float16 / int8": ours / ours_int8,
        "`Generator`, after 10,000 words / after 10": by_length[-1] / by_length[0],
    }
    table("Ratios of these", ["what", "ratio"], [[name, f"{ratio:.2f}"] for name, ratio in rows.items()])


def one_call() -> None:
    """The time of 32 words with one call of the text graph, and with 32 steps in Python."""
    rows = []
    for kind in ("", ".int8"):
        generator = Generator.load(ROOT / "models" / f"nextword{kind}.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(ROOT / "models" / f"nextword{kind}.text.onnx", options)
        inputs = {
            "prompt": np.array(["long ago ,"], object),
            "max_words": np.array(32),
            "temperature": np.array(0, np.float32),
            "top_k": np.array(0),
            "top_p": np.array(1, np.float32),
            "seed": np.array(0),
        }
        graph, steps = take_turns(
            {
                "graph": partial(session.run, ["text"], inputs),
                "steps": partial(generator.generate, "long ago ,", 32),
            },
            3,
        ).values()
        name = kind.removeprefix(".") or "float16"
        rows.append([name, f"{graph:.1f}", f"{steps:.1f}", f"{graph / steps:.2f}"])
    columns = ["file", "text graph, one call", "32 steps", "ratio"]
    table("Milliseconds for 32 words of the story", columns, rows)


def knobs(directory: Path) -> None:
    """What each sampling setting costs compared with the step, with large dictionaries."""
    columns = ["way"]
    found: dict[str, list[str]] = {}
    for size in DICTIONARIES:
        path = directory / f"{size}.onnx"
        export_random(path, size)
        columns.append(f"{size:,} words")
        for name, value in take_turns(ways_to_pick(path), 5).items():
            found.setdefault(name, []).append(f"{value:.2f}")
    rows = [[name, *row] for name, row in found.items()]
    table("Milliseconds a word, 2 × 512, by dictionary", columns, rows)


def export_random(path: Path, size: int) -> None:
    """A model with random weights and a dictionary of `size` words."""
    architecture = dataclasses.replace(
        network.load_weights(ROOT / "models" / "trained")[0], dictionary=size, context=None
    )
    random = network.Network(architecture)
    weights = {name: weight.half().numpy() for name, weight in random.state_dict().items()}
    info = Generator.load(ROOT / "models" / "nextword.onnx").info
    info = dataclasses.replace(info, dictionary=[f"w{id}" for id in range(size)], context=None)
    onnx.save(step.build(weights, architecture, info.to_properties()), path)


def ways_to_pick(path: Path) -> dict[str, Callable[[], object]]:
    """Functions that generate one word, by name."""
    generator, file = Generator.load(path), ModelFile(path)
    one = np.array([[5]])
    state = file.run(one).state
    tried: dict[str, Callable[[], object]] = {"`session.run` alone": partial(file.run, one, state)}
    for name, sampling in {
        "likeliest": Sampling(),
        "temperature 1": Sampling(temperature=1, seed=1),
        "top-k 40": Sampling(temperature=1, top_k=40, seed=1),
        "top-p 0.9": Sampling(temperature=1, top_p=0.9, seed=1),
        "repetition penalty, no repeated 3-gram": Sampling(repetition_penalty=1.2, no_repeat_ngram=3),
    }.items():
        tried[name] = partial(next, generator.stream("w5 w6", 1_000_000, sampling))
    session, cached = generator.session(), generator.session(CACHE, 0.1)
    session.feed("w7")
    cached.feed(" ".join(f"w{id}" for id in range(CACHE)))
    tried["session: complete “w1”, no step"] = partial(session.suggest, 3, "w1")
    tried["session: feed, suggest 3"] = partial(feed_and_suggest, session)
    tried[f"session with a cache of {CACHE:,}"] = partial(feed_and_suggest, cached)
    return tried


def feed_and_suggest(session: Session) -> None:
    """What a keyboard does for one word."""
    session.feed("w7")
    session.suggest(3)


def process(*command: str) -> tuple[float, float]:
    """Milliseconds and peak megabytes of a process."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    milliseconds, megabytes = done.stderr.split()
    return float(milliseconds), float(megabytes)


def start_and_memory() -> None:
    """The time to the first word, compared with the import alone."""
    nextword = str(Path(sys.executable).parent / "nextword")
    commands = {
        "`import numpy, onnxruntime`": (sys.executable, "-c", "import numpy, onnxruntime"),
        "first word, float16": (nextword, "generate", "long ago ,", "--words", "1"),
        "first word, int8": (
            *(nextword, "generate", "long ago ,", "--words", "1", "--model", "models/nextword.int8.onnx"),
        ),
        "`nextword --help`": (nextword, "--help"),
        "`python -c pass`": (sys.executable, "-c", "pass"),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(STARTS):
        for name, command in commands.items():
            runs[name].append(process(*command))
    base, bare = map(statistics.median, zip(*runs["`import numpy, onnxruntime`"], strict=True))
    metrics = Generator.load(ROOT / "models" / "nextword.onnx").info.metrics
    weights = {
        "first word, float16": 4 * metrics["model"]["parameters"] / 1e6,  # float32 once loaded
        "first word, int8": metrics["int8"]["bytes"] / 1e6,
    }
    rows = []
    for name, figures in runs.items():
        ms, megabytes = (statistics.median(column) for column in zip(*figures, strict=True))
        share = f"{megabytes / (bare + weights[name]):.2f}" if name in weights else ""
        rows.append([name, f"{ms:.0f}", f"{ms / base:.2f}", f"{megabytes:.0f}", share])
    columns = ["what", "milliseconds", "ratio", "peak MB", "of the bare import and the weights"]
    table("A whole process", columns, rows)


def install() -> None:
    """What `pip install .` installs."""
    sizes = {}
    for name in INSTALLED:
        files = importlib.metadata.files(name) or []
        sizes[name] = sum(
            path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file()
        )
    total = sum(sizes.values()) / 1e6
    table(
        "Install, MB", [*sizes, "all"], [[*(f"{size / 1e6:.1f}" for size in sizes.values()), f"{total:.0f}"]]
    )


def browser() -> None:
    """The playground, if `make vendor` has built it and Chromium is installed."""
    done = subprocess.run(
        ["node", "js/benchmark/browser.js"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print("\nThe browser was not measured: run `make vendor`, and have a Chromium.")
        return
    found = json.loads(done.stdout)
    row = [f"{found['firstSuggestion']:.0f}", f"{found['word']:.2f}"]
    table("The playground, int8 in WebAssembly, milliseconds", ["page to first suggestions", "a word"], [row])


def main() -> None:
    """Prints all tables."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        a_word(Path(name))
        one_call()
        knobs(Path(name))
    start_and_memory()
    install()
    browser()


if __name__ == "__main__":
    main()
