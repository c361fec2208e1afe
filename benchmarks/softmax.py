"""A large dictionary: the sampled softmax beside the full one, same model, same steps.

    python benchmarks/softmax.py TEXT [--steps 600]

The text is split at blanks, so that a word and the same word with a comma are two, and its
dictionary is large: at most 50,000 words. Perplexity is that of the validation part, by all logits.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from edge import table
from generation import ROOT
from ruamel.yaml import YAML

from nextword.training import machines, params, preparation
from nextword.training.corpus import Corpus
from nextword.training.run import Run

SAMPLES = (0, 8192, 2048, 512)


def prepare(text: Path, steps: int, samples: int) -> tuple[Corpus, params.TrainParams]:
    """The text and the params, in the working directory."""
    yaml = YAML(typ="safe", pure=True)
    values: dict[str, Any] = yaml.load(ROOT / "experiments" / "book.yaml")
    reading = {
        "text": str(text),
        "split_by": "whitespace",
        "max_words": 50_000,
        "min_count": 1,
        "line_ends": False,
    }
    values["prepare"] |= reading
    values["train"] |= {"max_steps": steps, "softmax_samples": samples}
    yaml.dump(values, Path("params.yaml"))
    settings = params.load()
    return preparation.prepare(settings.prepare), settings.train


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="The sampled softmax beside the full one.")
    parser.add_argument("text", type=Path, help="a text file, or a folder of them")
    parser.add_argument("--steps", type=int, default=600, help="of the optimiser (default: %(default)s)")
    arguments = parser.parse_args()
    source = arguments.text.resolve()
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        for samples in SAMPLES:
            text, settings = prepare(source, arguments.steps, samples)
            with machines.together(settings.precision) as fabric:
                run = Run(text, settings, fabric)
                start = time.perf_counter()
                for _ in range(arguments.steps):
                    run.step(None)
                seconds = time.perf_counter() - start
                quality = run.quality()
            speed = run.regime.words * arguments.steps / seconds
            rows.append([f"{samples:,}" if samples else "all", f"{speed:,.0f}", f"{quality.perplexity:.1f}"])
        os.chdir(ROOT)
    title = f"{source.name}: a dictionary of {len(text.dictionary):,} words, {arguments.steps} steps"
    table(title, ["words compared with", "words a second", "validation perplexity"], rows)


if __name__ == "__main__":
    main()
