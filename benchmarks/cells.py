"""Compares the cells: on the story, or on a real text in equal time.

    python benchmarks/cells.py [--seeds 1 2 3] [--equal-weights]
    python benchmarks/cells.py TEXT [--seconds 600] [--equal-weights]

The story uses `params.yaml` with each cell, and with one and two layers, a real text
`experiments/book.yaml`. On a real text the number of steps is what fits into the time at the speed of the
first ones. The hidden state has the same size as in the params or, with `--equal-weights`, the size that
gives as many weights as they have. A simple recurrent cell and two feed-forward layers diverge with the
book's learning rate, and get another. A feed-forward network needs a context, and then predicts one word a
window: it gets as many windows as a step of the others predicts words. Measuring does not count as
training. Each stage runs in its own process.
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

import torch
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
TOLERANCE = 1e-3  # a simple recurrent network's logits in float32 have differed from PyTorch's by 1.3e-4
OF_A_BOOK: dict[str, dict[str, Any]] = {
    "rnn": {"learning_rate": 2e-3},
    "feedforward": {"context": 5, "batch": 700},
}
OF_TWO_LAYERS: dict[str, dict[str, Any]] = {"feedforward": {"learning_rate": 5e-3}}


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
    values["export"]["tolerance"] = TOLERANCE
    YAML_1_2.dump(values, Path("params.yaml"))
    return values


def milliseconds() -> list[float]:
    """Milliseconds per word in float16 and in int8, with `session.run` alone on one thread."""
    kinds = {kind: word(Path(f"models/nextword{kind}.onnx")) for kind in ("", ".int8")}
    return list(take_turns(kinds, 100).values())


def on_the_story(seeds: list[int], *, equal_weights: bool) -> None:
    """Prints the table of the story: medians over the seeds, and their range."""
    rows = []
    experiment, text = ROOT / "params.yaml", ROOT / "data" / "story.txt"
    for cell in CELLS:
        for layers in (1, 2):
            found: list[list[float]] = []
            train: dict[str, Any] = {"cell": cell, "layers": layers}
            if equal_weights:
                train["hidden"] = equal_hidden(experiment, text, train)
            for seed in seeds:
                hidden = write(experiment, text, **train, seed=seed)["train"]["hidden"]
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
            rows.append([f"{cell}, {layers} × {hidden}", f"{model['parameters']:,}", *cells, *megabytes()])
    columns = ["cell", "weights", "accuracy", "perplexity", "bits a character", "steps", "train stage, s"]
    columns += ["ms a word", "in int8", "MB", "in int8"]
    table(f"The story, {len(seeds)} seeds: median (lowest to highest)", columns, rows)


def megabytes() -> list[str]:
    """The sizes of the files in float16 and in int8."""
    return [f"{Path(f'models/nextword{kind}.onnx').stat().st_size / 1e6:.1f}" for kind in ("", ".int8")]


def equal_hidden(experiment: Path, text: Path, train: dict[str, Any]) -> int:
    """The hidden size with which changed params give as many weights as the unchanged ones."""
    unchanged = write(experiment, text)["train"]
    run(["prepare"])
    dictionary = len(corpus.load(Path("data/prepared")).dictionary)

    def weights(values: dict[str, Any]) -> int:
        sizes = ("cell", "embedding", "hidden", "layers", "context", "tied")
        architecture = Architecture(
            dictionary=dictionary, precision="float32", **{name: values[name] for name in sizes}
        )
        with torch.device("meta"):  # shapes only
            return Network(architecture).size

    wanted, own = weights(unchanged), unchanged["hidden"]
    sizes = range(own // 4 // 5 * 5, 8 * own, 5)
    return min(sizes, key=lambda hidden: abs(weights(unchanged | train | {"hidden": hidden}) - wanted))


def on_a_text(text: Path, seconds: float, *, equal_weights: bool) -> None:
    """Prints the table of a real text, with each cell trained for the given time."""
    rows = []
    experiment = ROOT / "experiments" / "book.yaml"
    for cell in CELLS:
        for layers in (1, 2):
            train: dict[str, Any] = {"cell": cell, "layers": layers} | OF_A_BOOK.get(cell, {})
            if layers == 2:
                train |= OF_TWO_LAYERS.get(cell, {})
            if equal_weights:
                train["hidden"] = equal_hidden(experiment, text, train)
            values = write(experiment, text, **train, max_steps=CALIBRATION)["train"]
            run(["prepare"])
            words = values["batch"] * (1 if values["context"] else values["words_per_step"])
            prepared = corpus.load(Path("data/prepared"))
            speed = words_per_second(trained(prepared, params.load(Path("params.yaml")).train), words)
            steps = round(seconds * speed / words)
            write(experiment, text, **train, max_steps=steps)
            name = f"{cell}, {layers} × {values['hidden']}"
            try:
                run(["train", "evaluate", "export"])
            except subprocess.CalledProcessError:  # the stage has reported the reason
                rows.append([name, "", f"{steps:,}", f"{speed:,.0f}", "no model", *[""] * 8])
                continue
            metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
            model, int8 = metrics["test"]["model"], metrics["test"]["int8"]
            rows.append(
                [
                    name,
                    f"{metrics['model']['parameters']:,}",
                    f"{steps:,}",
                    f"{speed:,.0f}",
                    f"{model['perplexity']:.2f}",
                    f"{int8['perplexity']:.2f}",
                    f"{model['accuracy']:.2%}",
                    f"{model['bits_per_character']:.4f}",
                    f"{model['keystrokes_saved']:.2%}",
                    *(f"{value:.3f}" for value in milliseconds()),
                    *megabytes(),
                ]
            )
            print(*rows[-1], sep=", ", file=sys.stderr)
    columns = ["cell", "weights", "steps", "words a second", "test perplexity", "in int8", "accuracy"]
    columns += ["bits a character", "keystrokes saved", "ms a word", "in int8", "MB", "in int8"]
    table(f"{text.name}, {seconds:.0f} s of training each", columns, rows)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="The cells side by side.")
    parser.add_argument("text", type=Path, nargs="?", help="a UTF-8 text file; the story if left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=600, help="of training (default: %(default)s)")
    parser.add_argument("--equal-weights", action="store_true", help="as many weights as the params have")
    arguments = parser.parse_args()
    text = arguments.text and arguments.text.resolve()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        if text is None:
            on_the_story(arguments.seeds, equal_weights=arguments.equal_weights)
        else:
            on_a_text(text, arguments.seconds, equal_weights=arguments.equal_weights)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
