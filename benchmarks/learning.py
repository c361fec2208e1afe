"""Learning with the training graph: a step compared with PyTorch's, fine-tuning, forgetting, and file sizes.

    python benchmarks/learning.py                             # the story: a step of each
    python benchmarks/learning.py MODEL OWN TEXT [--words 20000]

The first form takes steps on the story with the weights of the last `dvc repro`, with the training graph and
with PyTorch's autograd and AdamW in turns, and in JavaScript if npm has installed it. The second fine-tunes
MODEL, a step graph with its training graph next to it, on the first words of TEXT, in turns with PyTorch;
perplexity is measured before and after, on the following tenth of TEXT and on OWN, a held-out part of the
text that MODEL was trained on. Times are CPU time on one thread.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from edge import table
from generation import ROOT

from nextword import Generator
from nextword.model import network
from nextword.runtime.learning.trainer import Settings, Trainer
from nextword.runtime.learning.training_file import Step, TrainingFile

TURNS, STEPS = 5, 4
MODELS = ROOT / "models"


def turns(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median CPU milliseconds per call of each, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            start = time.process_time()
            for _ in range(STEPS):
                way()
            times[name].append(1000 * (time.process_time() - start) / STEPS)
    return {name: float(np.median(values)) for name, values in times.items()}


def steps(folder: Path, context: int | None, batch: int, words: int) -> dict[str, float]:
    """The time of a step of a network in `folder`, with the training graph and with PyTorch."""
    learned = network.load(folder / "trained").train()
    file = TrainingFile(folder / "nextword.train.onnx")
    random = np.random.default_rng(0)
    shape = (batch, context or words)
    ids, following = (random.integers(learned.architecture.dictionary, size=shape) for _ in range(2))
    following = following[:, :1] if context else following
    values = file.begin({name: weight.detach().numpy() for name, weight in learned.named_parameters()})
    optimizer = torch.optim.AdamW(learned.parameters(), 1e-3, fused=True)

    def by_graph() -> None:
        file.step(ids, following, file.zero_state(batch), values, Step(1, 1e-3))

    def by_pytorch() -> None:
        features, _ = learned.read(torch.from_numpy(ids))
        logits = learned.logits(features[-following.shape[1] :].flatten(0, 1))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(following).T.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned.parameters(), 1.0)
        optimizer.step()

    found = turns({"PyTorch": by_pytorch, "the training graph in Python": by_graph})
    script = ROOT / "js" / "benchmark" / "learning.js"
    for name, runtime, modules in (("Node", "node", "examples/node"), ("WebAssembly", "web", "js")):
        if (ROOT / modules / "node_modules").exists():
            command = ["node", str(script), "step", runtime, str(folder), str(batch), str(words)]
            done = subprocess.run(command, capture_output=True, check=True)
            found[f"… in {name}"] = json.loads(done.stdout)["milliseconds"]
    return found


def show(title: str, found: dict[str, float]) -> None:
    """Prints the time of a step, compared with PyTorch."""
    first = found["PyTorch"]
    rows = [[name, f"{value:.0f}", f"{value / first:.2f}"] for name, value in found.items()]
    table(title, ["", "CPU ms", "× PyTorch's"], rows)


def story() -> None:
    """Prints the time of a step on the story."""
    found = steps(MODELS, context=3, batch=201, words=0)
    show("A step of the story, 2 × 512 in float64", found)
    print(f"\n{MODELS / 'nextword.train.onnx'}: {(MODELS / 'nextword.train.onnx').stat().st_size:,} bytes")


def fine_tuned(model: Path, own: Path, path: Path, words: int) -> None:
    """Prints what fine-tuning gains, costs and forgets."""
    found = steps(model.parent, context=None, batch=20, words=35)
    show("A step of 20 × 35 words", found)
    lines = path.read_text(encoding="utf-8").split("\n")
    place = count = 0
    while count < words:
        count += len(lines[place].split()) + 1
        place += 1
    learned, further = "\n".join(lines[:place]), "\n".join(lines[place : place + place // 10])
    mine, after = Path("mine.onnx"), Path("after.txt")
    after.write_text(further, encoding="utf-8")
    rows = []
    for rate, epochs in ((0.0, 0), (1e-3, 1), (1e-3, 2), (3e-4, 2)):
        trainer = Trainer(
            model.parent / "nextword.train.onnx", model, learned, Settings(learning_rate=rate or 1.0, batch=4)
        )
        start, read = time.process_time(), epochs * trainer.interval * 4 * 35
        for _ in range(epochs * trainer.interval):
            trainer.learn()
        spent = time.process_time() - start
        trainer.save(mine)
        generator = Generator.load(mine)
        figures = [generator.evaluate(text).perplexity for text in (after, own)]
        cost = f"{1000 * spent / read:.2f}" if read else ""
        rows.append([f"{rate:g}", str(epochs), *(f"{figure:.2f}" for figure in figures), cost])
    cached = Generator.load(model).evaluate(after, cache_size=2000, cache_weight=0.1).perplexity
    title = f"Perplexity after {count:,} words; on what follows the cache alone has {cached:.2f}"
    table(title, ["learning rate", "epochs", "what follows", "its own text", "ms a word"], rows)
    size = (model.parent / "nextword.train.onnx").stat().st_size
    print(f"\n{model.parent / 'nextword.train.onnx'}: {size:,} bytes")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("own", type=Path, nargs="?")
    parser.add_argument("text", type=Path, nargs="?")
    parser.add_argument("--words", type=int, default=20_000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.model is None:
        story()
    else:
        fine_tuned(arguments.model, arguments.own, arguments.text, arguments.words)


if __name__ == "__main__":
    main()
