"""The time of one word: with the exported file, with PyTorch, and when the whole text is read again.

    python benchmarks/generation.py

The weights are those of the last `dvc repro`, exported with an unbounded context, so that the state is
carried. All of them take turns, on one thread each, and each figure is the median of its turns.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from nextword import Generator
from nextword.export import step
from nextword.model import network
from nextword.runtime.model_file import ModelFile

ROOT = Path(__file__).parents[1]
LENGTHS = (10, 100, 1_000, 10_000)  # words of text read before
ROUNDS = 15
WORDS = 20  # timed in a turn, if words are quick


def milliseconds(act: Callable[[], object], times: int) -> float:
    """The mean duration of `times` calls."""
    start = time.perf_counter()
    for _ in range(times):
        act()
    return 1000 * (time.perf_counter() - start) / times


def export_unbounded(path: Path) -> None:
    """The shipped model with `context: null` in its metadata."""
    architecture, weights = network.load_weights(ROOT / "models" / "trained")
    info = dataclasses.replace(Generator.load(ROOT / "models" / "nextword.onnx").info, context=None)
    graph = step.build(weights, architecture, info.to_properties())
    path.write_bytes(graph.SerializeToString())


def ways(path: Path, length: int) -> dict[str, tuple[Callable[[], object], int, int]]:
    """By name, a function that generates one word after `length` words, its calls per turn, and the turns."""
    file = ModelFile(path)
    generator = Generator.load(path)
    eager = network.load(ROOT / "models" / "trained").float()
    ids = np.random.default_rng(0).integers(0, len(file.metadata.dictionary), (1, length))
    one = ids[:, -1:]
    prompt = " ".join(generator.info.dictionary[id] for id in ids[0])
    stream = generator.stream(prompt, 1_000_000)
    next(stream)  # reads the prompt
    state = file.run(ids).state
    with torch.no_grad():
        _, torch_state = eager(torch.from_numpy(ids))
    torch_one = torch.from_numpy(one)

    def by_pytorch() -> None:
        with torch.no_grad():
            eager(torch_one, torch_state)

    rereading = max(1, min(WORDS, 1_000 // length))
    return {
        "`Generator`, state carried": (lambda: next(stream), WORDS, ROUNDS),
        "`session.run` alone": (lambda: file.run(one, state), WORDS, ROUNDS),
        "PyTorch eager, state carried": (by_pytorch, WORDS, ROUNDS),
        "the file, text read again": (lambda: file.run(ids), rereading, ROUNDS if length < 10_000 else 3),
    }


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "unbounded.onnx"
        export_unbounded(path)
        for length in LENGTHS:
            turns: dict[str, list[float]] = {}
            tried = ways(path, length)
            for turn in range(ROUNDS):
                for name, (act, times, rounds) in tried.items():
                    if turn < rounds:
                        turns.setdefault(name, []).append(milliseconds(act, times))
            for name, values in turns.items():
                rows.setdefault(name, []).append(statistics.median(values))
    print("Milliseconds a word, by words of text before it\n")
    print(f"| way | {' | '.join(f'{length:,}' for length in LENGTHS)} |")
    print(f"|---|{'---|' * len(LENGTHS)}")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |")


if __name__ == "__main__":
    main()
