"""The tutorial's recipe and ours on its own story, side by side in one run.

    python benchmarks/story.py [--iterations 50000]

The tutorial's program is rewritten here in PyTorch: three raw ids, each fed as one float; one or
two LSTM layers of 512 units (forget bias 1, Glorot's uniform weights); a matrix and a bias drawn
from N(0, 1); RMSProp at 0.001, one window per step, in strides of four words from a random offset
of 0 to 4. Ours is the pipeline with the present params.yaml. Each runs in its own process; the tutorial's
on one thread, on which it is fastest.
"""

import argparse
import json
import os
import random
import resource
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from training import OUTPUTS

from nextword import Generator, outputs, params
from nextword.prepare import preparation
from nextword.text import corpus, windows
from nextword.train import loop

ROOT = Path(__file__).parents[1]
CONTEXT = 3
WORDS = 32


class TutorialModel(nn.Module):
    """The tutorial's network: a window of raw ids → logits."""

    def __init__(self, dictionary: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 512, layers)
        self.weight = nn.Parameter(torch.randn(512, dictionary))
        self.bias = nn.Parameter(torch.randn(dictionary))
        with torch.no_grad():
            for name, parameter in self.lstm.named_parameters():
                if "weight" in name:
                    nn.init.xavier_uniform_(parameter)
                else:
                    parameter.zero_()
                if "bias_ih" in name:
                    parameter[512:1024] = 1  # the forget gate

    def forward(self, ids: Tensor) -> Tensor:
        """Windows `(batch, time)` → logits `(batch, dictionary)`."""
        outputs, _ = self.lstm(ids.T[:, :, None].float())
        logits: Tensor = outputs[-1] @ self.weight + self.bias
        return logits


def tutorial_windows(ids: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """One window after another, at the tutorial's offsets."""
    offset = random.randint(0, CONTEXT + 1)
    while True:
        if offset > len(ids) - (CONTEXT + 1):
            offset = random.randint(0, CONTEXT + 1)
        yield torch.tensor([ids[offset : offset + CONTEXT]]), torch.tensor([ids[offset + CONTEXT]])
        offset += CONTEXT + 1


def run_tutorial(layers: int, iterations: int) -> dict[str, Any]:
    """Trains and tests the tutorial's program; returns its row of the table."""
    torch.set_num_threads(1)
    random.seed(1)
    torch.manual_seed(1)
    story = prepare_story()
    network = TutorialModel(len(story.dictionary), layers)
    # TensorFlow's defaults for RMSProp: decay 0.9, epsilon 1e-10.
    optimizer = torch.optim.RMSprop(network.parameters(), 0.001, alpha=0.9, eps=1e-10)
    right = []
    start = time.perf_counter()
    for _, (window, word) in zip(range(iterations), tutorial_windows(story.ids.tolist()), strict=False):
        logits = network(window)
        right.append(bool(logits.argmax() == word))
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, word).backward()
        optimizer.step()
    seconds = time.perf_counter() - start

    contexts, next_words = map(torch.from_numpy, windows.windows(story.ids, CONTEXT).take(slice(None)))
    written = story.ids[:CONTEXT].tolist()

    def next_word() -> None:
        written.append(int(network(torch.tensor([written[-CONTEXT:]])).argmax()))

    with torch.no_grad():
        accuracy = float((network(contexts).argmax(dim=1) == next_words).double().mean())
        milliseconds = 1000 * seconds_of(next_word, WORDS)
    return {
        "recipe": f"tutorial, {layers} layer{'s' * (layers > 1)}",
        "steps": iterations,
        "seconds": seconds,
        "last": sum(right[-1000:]) / len(right[-1000:]),
        "accuracy": accuracy,
        "right": words_right(story.ids.tolist(), written),
        "milliseconds": milliseconds,
    }


def run_ours() -> dict[str, Any]:
    """Runs our pipeline and tests the exported file; returns its row of the table."""
    story = prepare_story()
    settings = params.load(Path("params.yaml"))
    start = time.perf_counter()
    loop.train(story, settings.train, OUTPUTS)
    seconds = time.perf_counter() - start
    for stage in ("evaluate", "export"):
        runpy.run_path(str(ROOT / "stages" / f"{stage}.py"))["main"]()
    metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
    generator = Generator.load("models/nextword.onnx")
    prompt = " ".join(story.dictionary.decode(story.ids[:CONTEXT]))
    stream = generator.stream(prompt, WORDS)
    milliseconds = 1000 * seconds_of(lambda: next(stream), WORDS)
    written = story.dictionary.encode(generator.generate(prompt, WORDS).split())
    return {
        "recipe": f"ours, {settings.train.layers} layers",
        "steps": metrics["model"]["steps"],
        "seconds": seconds,
        "last": None,
        "accuracy": metrics["model"]["accuracy"],
        "right": words_right(story.ids.tolist(), written),
        "milliseconds": milliseconds,
    }


def prepare_story() -> corpus.Corpus:
    """Prepares the story in the working directory with the project's params."""
    return preparation.prepare(params.load(Path("params.yaml")).prepare, Path("data/prepared"))


def seconds_of(act: Callable[[], Any], times: int) -> float:
    """The mean duration of a number of calls."""
    start = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - start) / times


def words_right(story: list[int], written: list[int]) -> int:
    """How many of the words written after a prompt follow the words before them in the story, too."""
    places = {tuple(story[start : start + CONTEXT + 1]) for start in range(len(story) - CONTEXT)}
    return sum(tuple(written[start : start + CONTEXT + 1]) in places for start in range(WORDS))


def in_a_process(*arguments: str) -> dict[str, Any]:
    """Runs one recipe in its own process and directory."""
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(ROOT / "params.yaml", directory)
        shutil.copytree(ROOT / "data", Path(directory) / "data", ignore=shutil.ignore_patterns("prepared"))
        command = [sys.executable, str(Path(__file__).resolve()), *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        subprocess.run(command, cwd=directory, env=environment, check=True, stdout=sys.stderr)
        row: dict[str, Any] = json.loads((Path(directory) / "row.json").read_text(encoding="utf-8"))
        return row


def main() -> None:
    """Prints the table, or runs one of its recipes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--iterations", type=int, default=50_000, help="of the tutorial (default: %(default)s)"
    )
    parser.add_argument("--recipe", choices=["tutorial-1", "tutorial-2", "ours"], help="run this one alone")
    arguments = parser.parse_args()
    if arguments.recipe:
        ours = arguments.recipe == "ours"
        row = run_ours() if ours else run_tutorial(int(arguments.recipe[-1]), arguments.iterations)
        row["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        outputs.write_json(Path("row.json"), row)
        return
    shortened = (
        "" if arguments.iterations == 50_000 else f" (shortened to {arguments.iterations:,} iterations)"
    )
    print(f"The story, 201 windows{shortened}\n")
    columns = (
        "recipe",
        "steps",
        "training",
        "last 1,000 steps",
        "accuracy",
        "words right",
        "a word",
        "peak memory",
    )
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    for recipe in ("tutorial-1", "tutorial-2", "ours"):
        row = in_a_process("--recipe", recipe, "--iterations", str(arguments.iterations))
        cells = (
            row["recipe"],
            f"{row['steps']:,}",
            f"{row['seconds']:.1f} s",
            "-" if row["last"] is None else f"{row['last']:.2%}",
            f"{row['accuracy']:.3%}",
            f"{row['right']} of {WORDS}",
            f"{row['milliseconds']:.2f} ms",
            f"{row['megabytes']:.0f} MB",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
