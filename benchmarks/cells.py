"""Compares the cells: on the story, or on a real text in equal time.

    python benchmarks/cells.py [--seeds 1 2 3]
    python benchmarks/cells.py TEXT [--seconds 600] [--equal-weights]

The story uses `params.yaml` with each cell, and with one and two layers. A real text uses
`experiments/book.yaml` with each cell that has a state. The number of steps is what fits into the time at
the speed of the first ones. The hidden state has the same size as the LSTM's or, with `--equal-weights`, the
size that gives as many weights. Measuring does not count as training. Each stage runs in its own process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from corpus import word
from edge import table, take_turns
from generation import ROOT
from ruamel.yaml import YAML
from training import trained, words_per_second

from nextword import params
from nextword.model.cells import CELLS
from nextword.model.network import Architecture, Network
from nextword.text import corpus

YAML_1_2 = YAML(typ="safe", pure=True)
CALIBRATION = 40  # steps from which the speed is estimated


def run(stages: list[str]) -> dict[str, float]:
    """Runs stages in the working directory; returns the seconds of each."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    seconds = {}
    for name in stages:
        start = time.perf_counter()
        command = [sys.executable, str(ROOT / "stages" / f"{name}.py")]
        subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
        seconds[name] = time.perf_counter() - start
    return seconds


def write(experiment: Path, text: Path, **train: Any) -> dict[str, Any]:
    """Writes params with some of `train` changed to the working directory; returns them."""
    values: dict[str, Any] = YAML_1_2.load(experiment)
    values["prepare"]["text"] = str(text)
    values["train"] |= train
    YAML_1_2.dump(values, Path("params.yaml"))
    return values


def milliseconds() -> list[float]:
    """Milliseconds per word in float16 and in int8, with `session.run` alone on one thread."""
    kinds = {kind: word(Path(f"models/nextword{kind}.onnx")) for kind in ("", ".int8")}
    return list(take_turns(kinds, 100).values())


def on_the_story(seeds: list[int]) -> None:
    """Prints the table of the story: medians over the seeds, and their range."""
    rows = []
    for cell in CELLS:
        for layers in (1, 2):
            found: list[list[float]] = []
            for seed in seeds:
                write(ROOT / "params.yaml", ROOT / "data" / "story.txt", cell=cell, layers=layers, seed=seed)
                seconds = run(["prepare", "train", "evaluate", "export"])
                metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
                model = metrics["model"]
                figures = [model[name] for name in ("accuracy", "perplexity", "bits_per_character", "steps")]
                found.append([*figures, seconds["train"], *milliseconds()])
            forms = (".3%", ".4f", ".4f", ".0f", ".1f", ".3f", ".3f")
            cells = [
                f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
                if place < 4
                else f"{statistics.median(values):{form}}"
                for place, (values, form) in enumerate(zip(zip(*found, strict=True), forms, strict=True))
            ]
            sizes = [Path(f"models/nextword{kind}.onnx").stat().st_size / 1e6 for kind in ("", ".int8")]
            rows.append([cell, str(layers), *cells, *(f"{size:.1f}" for size in sizes)])
    columns = ["cell", "layers", "accuracy", "perplexity", "bits per character", "steps", "train stage, s"]
    columns += ["ms a word", "in int8", "MB", "in int8"]
    table(f"The story, {len(seeds)} seeds: median (lowest to highest)", columns, rows)


def equal_hidden(values: dict[str, Any], dictionary: int, cell: str) -> int:
    """The hidden size that gives a cell as many weights as the LSTM has."""

    def weights(name: str, hidden: int) -> int:
        train = values["train"]
        architecture = Architecture(
            dictionary=dictionary,
            cell=name,
            embedding=train["embedding"],
            hidden=hidden,
            layers=train["layers"],
            context=None,
            tied=train["tied"],
            precision="float32",
        )
        return Network(architecture).size

    own = values["train"]["hidden"]
    wanted = weights("lstm", own)
    return min(range(own, 4 * own, 5), key=lambda hidden: abs(weights(cell, hidden) - wanted))


def on_a_text(text: Path, seconds: float, *, equal_weights: bool) -> None:
    """Prints the table of a real text, with each cell trained for the given time."""
    rows = []
    for cell in (name for name, entry in CELLS.items() if entry.states):
        values = write(ROOT / "experiments" / "book.yaml", text, cell=cell, max_steps=CALIBRATION)
        run(["prepare"])
        prepared = corpus.load(Path("data/prepared"))
        hidden = values["train"]["hidden"]
        if equal_weights:
            hidden = equal_hidden(values, len(prepared.dictionary), cell)
        values = write(
            ROOT / "experiments" / "book.yaml", text, cell=cell, hidden=hidden, max_steps=CALIBRATION
        )
        words = values["train"]["batch"] * values["train"]["words_per_step"]
        speed = words_per_second(trained(prepared, params.load(Path("params.yaml")).train), words)
        steps = round(seconds * speed / words)
        write(ROOT / "experiments" / "book.yaml", text, cell=cell, hidden=hidden, max_steps=steps)
        try:
            run(["train", "evaluate", "export"])
        except subprocess.CalledProcessError:  # the stage has reported the reason
            rows.append([f"{cell}, 1 × {hidden}", "", f"{steps:,}", "no model", *[""] * 8])
            continue
        metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
        model, int8 = metrics["test"]["model"], metrics["test"]["int8"]
        sizes = [Path(f"models/nextword{kind}.onnx").stat().st_size / 1e6 for kind in ("", ".int8")]
        rows.append(
            [
                f"{cell}, 1 × {hidden}",
                f"{metrics['model']['parameters']:,}",
                f"{steps:,}",
                f"{model['perplexity']:.2f}",
                f"{int8['perplexity']:.2f}",
                f"{model['accuracy']:.2%}",
                f"{model['bits_per_character']:.4f}",
                f"{model['keystrokes_saved']:.2%}",
                *(f"{value:.3f}" for value in milliseconds()),
                *(f"{size:.1f}" for size in sizes),
            ]
        )
    columns = ["cell", "weights", "steps", "test perplexity", "in int8", "accuracy", "bits per character"]
    columns += ["keystrokes saved", "ms a word", "in int8", "MB", "in int8"]
    table(f"{text.name}, {seconds:.0f} s of training each", columns, rows)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="The cells side by side.")
    parser.add_argument("text", type=Path, nargs="?", help="a UTF-8 text file; the story if left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=600, help="of training (default: %(default)s)")
    parser.add_argument("--equal-weights", action="store_true", help="as many weights as the LSTM")
    arguments = parser.parse_args()
    text = arguments.text and arguments.text.resolve()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        if text is None:
            on_the_story(arguments.seeds)
        else:
            on_a_text(text, arguments.seconds, equal_weights=arguments.equal_weights)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
