"""A large dictionary: the sampled softmax compared with the full one, with the same model and steps.

    python benchmarks/softmax.py TEXT [--steps 600]

The text is split at blanks, so that a word with and without a comma makes two entries, and the dictionary is
large: up to 50,000 words. Perplexity is that of the validation part, computed from all logits.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from edge import table
from generation import ROOT
from ruamel.yaml import YAML
from training import trained, words_per_second

from nextword import params
from nextword.figures import perplexity
from nextword.prepare import preparation
from nextword.text.corpus import Corpus

SAMPLES = (0, 8192, 2048, 512)


def prepare(text: Path, steps: int, samples: int) -> tuple[Corpus, params.TrainParams]:
    """Writes the params and prepares the text in the working directory."""
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
    settings = params.load(Path("params.yaml"))
    return preparation.prepare(settings.prepare, Path("data/prepared")), settings.train


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
            watch = trained(text, settings)
            speed = words_per_second(watch, settings.batch * settings.words_per_step)
            measured = perplexity(watch.points[-1].loss)
            rows.append([f"{samples:,}" if samples else "all", f"{speed:,.0f}", f"{measured:.1f}"])
        os.chdir(ROOT)
    title = f"{source.name}: a dictionary of {len(text.dictionary):,} words, {arguments.steps} steps"
    table(title, ["words compared with", "words a second", "validation perplexity"], rows)


if __name__ == "__main__":
    main()
