"""A real text: our recipe, `word_language_model` from pytorch/examples, and Kneser-Ney, side by side.

    git clone https://github.com/pytorch/examples
    python benchmarks/corpus.py TEXT --peer examples/word_language_model [--experiment novel]

All read the same words with `<eos>` at each line end, the same parts (the last tenth of the lines is held
out) and the same dictionary (10,000 words including `<unk>`). The peer is the unchanged program with its own
defaults (LSTM, 2 layers of 200, dropout 0.2, learning rate 20, annealed by its rule) and `--tied`. It is
interrupted after ours has trained for the same number of seconds, and then tests its best model so far, as it
always does. Ours uses `experiments/book.yaml` or another experiment, and has no more weights than the peer.
The weights of mixtures are those that are best on the validation part. Training speeds are measured one after
the other, with the same model (full softmax, same batch).
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from edge import table, take_turns
from generation import ROOT
from numpy.typing import NDArray
from ruamel.yaml import YAML
from training import trained, words_per_second

from nextword import Generator, params
from nextword.evaluate.kneser_ney import KneserNey
from nextword.runtime import draw
from nextword.runtime.cache import CacheSettings, NeuralCache
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import after_each_context
from nextword.text import corpus
from nextword.text.corpus import Corpus

PARAMS, PREPARED = Path("params.yaml"), Path("data/prepared")
ORDER = 5
CACHE = CacheSettings(size=2000, weight=0.1, flatness=0.3)
SPEED_STEPS = 100
PEERS_MODEL = {
    "embedding": 200,
    "hidden": 200,
    "layers": 2,
    "dropout": 0.2,
    "output_dropout": 0.2,
    "averaging": 0.0,
    "softmax_samples": 0,
}
# A shell may start its children with Ctrl-C ignored, but the peer ends its training on Ctrl-C.
HEEDS_CTRL_C = """
import pathlib, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""
Parts = dict[str, NDArray[np.float64]]  # the probability of each word of a part except the first


def write_params(
    text: Path,
    experiment: str,
    train: Mapping[str, float] | None = None,
    prepare: Mapping[str, float] | None = None,
) -> None:
    """Writes the params of an experiment, with some changed, to the working directory."""
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(ROOT / "experiments" / f"{experiment}.yaml")
    values["prepare"] |= {"text": str(text)} | dict(prepare or {})
    values["train"] |= train or {}
    yaml.dump(values, Path("params.yaml"))


def stage(name: str) -> float:
    """Runs a stage; returns the seconds it took."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "stages" / f"{name}.py")]
    subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
    return time.perf_counter() - start


def run_peer(peer: Path, text: Corpus, seconds: float) -> tuple[float | None, float]:
    """Runs the peer for the given time; returns its test perplexity, if any, and its words per second."""
    data = Path("peer")
    data.mkdir(exist_ok=True)
    for name, ids in {"train": text.training, **text.held_out}.items():
        words = " ".join(text.dictionary.decode(ids)).replace(" <eos>", "\n")  # the peer adds <eos> itself
        (data / f"{name.replace('validation', 'valid')}.txt").write_text(words, encoding="utf-8")
    command = [sys.executable, "-c", HEEDS_CTRL_C, str(peer / "main.py"), "--data", str(data), "--tied"]
    with subprocess.Popen([*command, "--log-interval", "50"], stdout=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    found = re.findall(r"test ppl\s+([\d.]+)", output)
    batch_times = [float(value) for value in re.findall(r"ms/batch\s+([\d.]+)", output)]
    print(output[-600:], file=sys.stderr)
    return float(found[-1]) if found else None, 20 * 35 * 1000 / float(np.median(batch_times))


def of_file(path: Path, text: Corpus, cache: CacheSettings) -> Parts:
    """The probabilities that an exported file predicts for each word, without PyTorch."""
    file = ModelFile(path)
    found = {}
    for part, ids in text.held_out.items():
        memory, values = NeuralCache(cache, file.features), []
        for expected, following in after_each_context(file, ids.tolist()):
            log_probabilities = draw.log_softmax(expected.logits)[0]
            mixed = memory.mix(log_probabilities, expected.features[0]) if cache.size else log_probabilities
            values.append(mixed[following[0]])
            memory.remember(expected.features[0], int(following[0]))
        found[part] = np.exp(np.array(values))
    return found


def word(path: Path) -> Callable[[], object]:
    """One step of the model with `session.run` alone, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    state = {name: part.zero(1) for name, part in ModelFile(path).states.items()}
    return partial(session.run, None, {"ids": np.array([[1]]), **state})


def mix(one: Parts, other: Parts) -> tuple[Parts, float]:
    """The mixture that is best on the validation part, and the weight of the first model."""
    weights = np.linspace(0.05, 0.95, 19)

    def mixed(part: str, weight: float) -> NDArray[np.float64]:
        return weight * one[part] + (1 - weight) * other[part]

    best = min(weights, key=lambda weight: perplexity(mixed("validation", weight)))
    return {part: mixed(part, best) for part in one}, float(best)


def perplexity(probabilities: NDArray[np.float64]) -> float:
    """The perplexity of words with these probabilities."""
    return float(np.exp(-np.log(probabilities).mean()))


def multiplications(settings: params.TrainParams, dictionary: int) -> float:
    """Floating-point operations per word in training: two per weight forward, four backward."""
    inputs = [settings.embedding] + [settings.hidden] * (settings.layers - 1)
    cells = sum(4 * settings.hidden * (size + settings.hidden) for size in inputs)
    return 6.0 * (cells + dictionary * settings.embedding)


def gemm_speed() -> float:
    """Floating-point operations per second of a float32 matrix product on this machine."""
    one, other = torch.randn(2, 2048, 2048)
    milliseconds = take_turns({"gemm": lambda: one @ other}, 3, 9)["gemm"]
    return 2 * 2048**3 / milliseconds * 1000


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="Our recipe, a peer's and Kneser-Ney on a real text.")
    parser.add_argument("text", type=Path, help="a UTF-8 text file, a sentence or verse a line")
    parser.add_argument("--peer", type=Path, required=True, help="folder word_language_model")
    parser.add_argument("--experiment", default="book", help="in experiments/ (default: %(default)s)")
    arguments = parser.parse_args()
    source, peer = arguments.text.resolve(), arguments.peer.resolve()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        write_params(source, arguments.experiment)
        stage("prepare")
        seconds = stage("train")
        text, settings = corpus.load(PREPARED), params.load(PARAMS)
        theirs, _ = run_peer(peer, text, seconds)
        assert theirs
        stage("evaluate")
        stage("export")
        metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
        ours = of_file(Path("models/nextword.onnx"), text, CacheSettings(0, 0, 0))
        cached = of_file(Path("models/nextword.onnx"), text, CACHE)
        int8 = of_file(Path("models/nextword.int8.onnx"), text, CacheSettings(0, 0, 0))
        counted = KneserNey(text.training, ORDER, len(text.dictionary))
        kneser_ney = {
            name: np.exp(counted.predict(ids, 1, None).log_probability) for name, ids in text.held_out.items()
        }
        with_counts, weight = mix(ours, kneser_ney)
        with_both, weight_of_both = mix(cached, kneser_ney)
        rows = [
            [name, f"{(value := perplexity(parts['test'])):.2f}", f"{value / theirs:.2f}"]
            for name, parts in {
                "ours": ours,
                f"ours and Kneser-Ney, {weight:.2f} to {1 - weight:.2f}": with_counts,
                "ours with a neural cache": cached,
                f"both, {weight_of_both:.2f} to {1 - weight_of_both:.2f}": with_both,
                "ours in int8": int8,
                f"Kneser-Ney, order {ORDER}": kneser_ney,
            }.items()
        ]
        rows.append(["`word_language_model`", f"{theirs:.2f}", "1.00"])
        table(
            f"{source.name}, {seconds:.0f} s of training each",
            ["what", "test perplexity", "of the peer's"],
            rows,
        )

        in_stage = metrics["test"]["model"]["perplexity"]
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        Path("test.txt").write_text("".join(lines[round(len(lines) * 0.95) :]), encoding="utf-8")
        by_file = Generator.load("models/nextword.onnx").evaluate("test.txt").perplexity
        sessions = [word(Path(f"models/nextword{kind}.onnx")) for kind in ("", ".int8")]
        turns = take_turns({"float16": sessions[0], "int8": sessions[1]}, 100)
        sizes = [Path(f"models/nextword{kind}.onnx").stat().st_size / 1e6 for kind in ("", ".int8")]
        table(
            "The files",
            ["what", "figure"],
            [
                [
                    "test perplexity, evaluate stage and file without PyTorch",
                    f"{in_stage:.6g}, {by_file:.6g}",
                ],
                [
                    "perplexity in int8 / in float16",
                    f"{perplexity(int8['test']) / perplexity(ours['test']):.4f}",
                ],
                ["milliseconds a word, float16 and int8", f"{turns['float16']:.3f}, {turns['int8']:.3f}"],
                ["float16 / int8", f"{turns['float16'] / turns['int8']:.2f}"],
                ["MB, float16 and int8", f"{sizes[0]:.1f}, {sizes[1]:.1f}"],
            ],
        )

        # The same model and batch on both sides: the peer's.
        write_params(source, arguments.experiment, PEERS_MODEL | {"max_steps": SPEED_STEPS})
        speed = own_speed()
        _, their_speed = run_peer(peer, text, 20 + SPEED_STEPS * 700 / speed)
        recipe = settings.train
        recipe_speed = recipe.max_steps * recipe.batch * recipe.words_per_step / seconds
        same = params.load(PARAMS).train
        share = multiplications(same, len(text.dictionary)) * speed / gemm_speed()
        table(
            "Training speed",
            ["what", "words a second", "of the machine's GEMM"],
            [
                ["the recipe, measuring included", f"{recipe_speed:,.0f}", ""],
                ["ours, the peer's model and batch", f"{speed:,.0f}", f"{share:.0%}"],
                ["`word_language_model`", f"{their_speed:,.0f}", ""],
            ],
        )
        os.chdir(ROOT)


def own_speed() -> float:
    """Words per second of the trainer's steps alone, counted in the same way as by the peer."""
    settings = params.load(PARAMS).train
    return words_per_second(
        trained(corpus.load(PREPARED), settings), settings.batch * settings.words_per_step
    )


if __name__ == "__main__":
    main()
