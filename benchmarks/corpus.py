"""A real text: our recipe, `word_language_model` of pytorch/examples, and Kneser-Ney, side by side.

    git clone https://github.com/pytorch/examples
    python benchmarks/corpus.py TEXT --peer examples/word_language_model [--steps 6000]

All get the same words, parts (the last tenth of the lines held out) and dictionary (10,000 with
`<unk>`; the peer adds one `<eos>` a part). The peer is its own program with its own defaults (LSTM,
2 layers of 200, dropout 0.2, learning rate 20, annealed by its rule), `--tied`; it is interrupted
after as many seconds as ours has trained, and then tests its best model so far, as it does. Ours has
as many parameters. The mixture's weight is the best on the validation part.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from edge import table
from generation import ROOT
from numpy.typing import NDArray
from ruamel.yaml import YAML

from nextword.training import baselines, batches, corpus, evaluation, model, params
from nextword.training.corpus import Corpus

ORDER = 5
# A shell may let its children ignore Ctrl-C, on which the peer ends its training.
HEEDS_CTRL_C = """
import pathlib, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""
RECIPE = {
    "context": None,
    "embedding": 200,
    "hidden": 200,
    "tied": True,
    "dropout": 0.15,
    "precision": "float32",
    "learning_rate": 6e-3,
    "schedule": "linear",
    "batch": 20,
    "words_per_step": 35,
}


def prepare(text: Path, steps: int) -> Corpus:
    """The text and the params, in the working directory."""
    yaml = YAML(typ="safe")
    values = yaml.load(ROOT / "params.yaml")
    values["prepare"] |= {"text": str(text), "split_by": "words", "max_words": 10_000, "held_out": 0.1}
    values["train"] |= RECIPE | {"max_steps": steps}
    yaml.dump(values, Path("params.yaml"))
    return corpus.prepare(params.load().prepare)


def train_ours() -> float:
    """Runs the train stage; returns seconds."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "stages" / "train.py")]
    subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
    return time.perf_counter() - start


def run_peer(peer: Path, text: Corpus, seconds: float) -> tuple[float, float]:
    """Runs the peer for so long; returns its test perplexity, and its words a second."""
    data = Path("peer")
    data.mkdir()
    for name, ids in {"train": text.training, **text.held_out}.items():
        words = " ".join(text.dictionary.decode(ids))
        (data / f"{name.replace('validation', 'valid')}.txt").write_text(words + "\n", encoding="utf-8")
    command = [sys.executable, "-c", HEEDS_CTRL_C, str(peer / "main.py"), "--data", str(data), "--tied"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    found = re.findall(r"test ppl\s+([\d.]+)", output)
    batch_times = [float(value) for value in re.findall(r"ms/batch\s+([\d.]+)", output)]
    print(output[-600:], file=sys.stderr)
    return float(found[-1]), 20 * 35 * 1000 / float(np.median(batch_times))


def perplexity(log_probabilities: NDArray[np.float64]) -> float:
    """Of words with these probabilities."""
    return float(np.exp(-log_probabilities.mean()))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Our recipe, a peer's and Kneser-Ney on a real text.")
    parser.add_argument("text", type=Path, help="a UTF-8 text file, a sentence or verse a line")
    parser.add_argument("--peer", type=Path, required=True, help="folder word_language_model")
    parser.add_argument("--steps", type=int, default=6000, help="of ours (default: %(default)s)")
    arguments = parser.parse_args()
    source, peer = arguments.text.resolve(), arguments.peer.resolve()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        text = prepare(source, arguments.steps)
        seconds = train_ours()
        theirs, their_speed = run_peer(peer, text, seconds)
        _, network = model.load()
        counted = baselines.KneserNey(text.training, ORDER, len(text.dictionary))
        found: dict[str, Any] = {}
        for name, ids in text.held_out.items():
            ours = evaluation.predict_text(network, ids).without_first(ORDER - 2)
            peers = counted.predict(batches.windows(ids, ORDER - 1))
            found[name] = np.exp(ours.log_probability), np.exp(peers.log_probability)
        os.chdir(ROOT)
    weights = np.linspace(0.05, 0.95, 19)

    def mixed(part: str, weight: float) -> float:
        ours, peers = found[part]
        return perplexity(np.log(weight * ours + (1 - weight) * peers))

    best = min(weights, key=lambda weight: mixed("validation", weight))
    figures = {
        "ours": (mixed("test", 1), arguments.steps * 700 / seconds),
        "word_language_model": (theirs, their_speed),
        f"Kneser-Ney, order {ORDER}": (mixed("test", 0), None),
        f"ours and Kneser-Ney, {best:.2f} to {1 - best:.2f}": (mixed("test", best), None),
    }
    rows = [
        [name, f"{value:.1f}", f"{value / theirs:.2f}", f"{speed:,.0f}" if speed else ""]
        for name, (value, speed) in figures.items()
    ]
    columns = ["what", "test perplexity", "of the peer's", "words a second"]
    table(f"{source.name}, {seconds:.0f} s of training each", columns, rows)


if __name__ == "__main__":
    main()
