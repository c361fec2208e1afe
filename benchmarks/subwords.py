"""Subwords beside whole words: the same text, recipe and steps, side by side.

    python benchmarks/subwords.py TEXT FOLDER [--steps 4750] [--words 2000] [--misspellings FILE]
    python benchmarks/subwords.py TEXT FOLDER --sizes 1000 2000 4000 8000 16000

Three models are trained: `experiments/book.yaml` with dictionaries of 10,000 and of 30,000 words, and
`experiments/forms.yaml` with 4,000 subwords. They stay in FOLDER and are not trained again. Figures are those
of the test part, the last twentieth of the lines; accuracy and keystrokes are those of its first 2,000 words,
and words that a dictionary lacks are typed in full. Times are CPU milliseconds of one thread. With a list of
misspellings, the keyboards of the models are measured too, on the same misspelled words. With sizes,
models with that many subwords are trained instead.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from corpus import stage, write_params
from edge import table
from keyboard import milliseconds, misspelled, text_of

from nextword import Generator
from nextword.runtime.keyboard.slips import evaluate_typing
from nextword.runtime.keystrokes import IsSuggested, KeystrokeCounter
from nextword.runtime.model_file import ModelFile
from nextword.runtime.word_reader import WordReader, is_suggested_by
from nextword.text import words
from nextword.text.subwords import SubwordDictionary, in_words, shown
from nextword.text.words import Joiner

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "words, 10,000": ("book", {}),
    "words, 30,000": ("book", {"max_words": 30_000}),
    "subwords, 4,000": ("forms", {}),
}
SUBWORDS = "subwords, 4,000"
PROMPTS, PROMPT_WORDS, CONTINUED = 100, 6, 16


def make(folder: Path, text: Path, experiment: str, reading: dict[str, Any], steps: int) -> dict[str, Any]:
    """Trains and exports a model in a folder, unless it is there. **Returns:** its metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    if not Path("models/nextword.onnx").exists():
        write_params(text, experiment, {"max_steps": steps}, reading)
        for name in ("prepare", "train", "evaluate", "export"):
            stage(name)
    found: dict[str, Any] = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
    os.chdir(before)
    return found


def first_words(text: str, count: int) -> str:
    """The lines of a text that together have this many words."""
    lines, so_far = [], 0
    for line in text.splitlines(keepends=True):
        lines.append(line)
        so_far += len(words.split(line, "words")) + 1
        if so_far >= count:
            break
    return "".join(lines)


def keystroke_times(file: ModelFile, text: str) -> list[float]:
    """Milliseconds of each search while a text is typed."""
    assert isinstance(file.dictionary, SubwordDictionary)
    counter = KeystrokeCounter(Joiner("subwords", file.metadata.line_ends))
    reader = WordReader(file, file.entries, 1)
    taken: list[float] = []
    for word, path in in_words(file.dictionary, words.split(text, "subwords", line_ends=True)):
        if reader.is_ready:
            counter.type(word, shown(word), timed(is_suggested_by(reader.tree(), shown(word)), taken))
        reader.read(path)
    return taken


def timed(ask: IsSuggested, taken: list[float]) -> IsSuggested:
    """Asks the same question and notes how long the answer takes."""

    def asked(prefix: str) -> bool:
        start = time.thread_time()
        answer = ask(prefix)
        taken.append(1000 * (time.thread_time() - start))
        return answer

    return asked


def splitting_speed(text: str, file: ModelFile) -> float:
    """Megabytes of text split into ids per second, on one core."""
    fresh = SubwordDictionary(file.metadata.dictionary)
    start = time.thread_time()
    fresh.encode(words.split(text, "subwords", line_ends=True))
    return len(text.encode()) / 1e6 / (time.thread_time() - start)


def same_in_text_graph(folder: Path, text: str) -> int:
    """How many of a hundred prompts the text graph continues with the same words as the library."""
    generator = Generator.load(folder / "models/nextword.onnx")
    session = onnxruntime.InferenceSession(folder / "models/nextword.text.onnx")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    prompts = [" ".join(line[:PROMPT_WORDS]) for line in lines[:: max(len(lines) // PROMPTS, 1)]]
    same = 0
    for prompt in prompts[:PROMPTS]:
        inputs = {
            "prompt": np.array([prompt], object),
            "max_words": np.array(CONTINUED),
            "temperature": np.array(0, np.float32),
            "top_k": np.array(0),
            "top_p": np.array(1, np.float32),
            "seed": np.array(0),
        }
        (found,) = session.run(["text"], inputs)
        same += found[0] == generator.generate(prompt, CONTINUED)
    return same


def keyboards(folder: Path, typed: Path, words: int, misspellings: Path) -> None:
    """Prints how the keyboard of each model understands misspellings of words that all dictionaries have."""
    generators = {kind: Generator.load(folder_of(folder, kind) / "models/nextword.onnx") for kind in KINDS}
    shared = {*min((one.info.dictionary for kind, one in generators.items() if kind != SUBWORDS), key=len)}
    rows = []
    for kind, generator in generators.items():
        by_people = misspelled(misspellings, shared.__contains__, str.isalpha)
        found = evaluate_typing(generator.keyboard(), text_of(generator, typed, words), by_people)
        times = milliseconds(generator, typed, 100)
        rows.append([kind, f"{found.top_1:.1%}, {found.top_3:.1%} (of {found.mistyped:,})", times])
    table("keyboards", ["what", "misspellings: first, among three", "a keystroke"], rows)


def folder_of(folder: Path, kind: str) -> Path:
    """Where a model is."""
    return folder / kind.replace(", ", "-").replace(",", "")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description="Subwords beside whole words.")
    parser.add_argument("text", type=Path, help="a UTF-8 text file, a sentence or verse a line")
    parser.add_argument("folder", type=Path, help="where the models are, or are put")
    parser.add_argument("--steps", type=int, default=4750, help="of training (default: %(default)s)")
    parser.add_argument("--words", type=int, default=2000, help="that are typed (default: %(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="of dictionaries of subwords")
    parser.add_argument("--misspellings", type=Path, help="lines of a word, a tab, and a misspelling")
    arguments = parser.parse_args()
    source, folder = arguments.text.resolve(), arguments.folder.resolve()
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    test = "".join(lines[round(len(lines) * 0.95) :])
    typed = folder / "typed.txt"
    folder.mkdir(parents=True, exist_ok=True)
    typed.write_text(first_words(test, arguments.words), encoding="utf-8")
    of_sizes = {f"subwords, {size:,}": ("forms", {"max_words": size}) for size in arguments.sizes}
    rows = []
    for kind, (experiment, reading) in (of_sizes or KINDS).items():
        own = folder_of(folder, kind)
        metrics = make(own, source, experiment, reading, arguments.steps)
        model, file = metrics["test"]["model"], own / "models/nextword.onnx"
        found = Generator.load(file).evaluate(typed)
        int8 = Generator.load(own / "models/nextword.int8.onnx").evaluate(typed)
        rows.append(
            [
                kind,
                f"{metrics['model']['parameters'] / 1e6:.2f} M",
                f"{file.stat().st_size / 1e6:.1f}, "
                f"{(own / 'models/nextword.int8.onnx').stat().st_size / 1e6:.1f} MB",
                f"{metrics['test']['unknown_share']:.1%}",
                f"{found.keystrokes_saved:.1%}, {int8.keystrokes_saved:.1%}",
                f"{found.accuracy:.1%}, {found.top_3_accuracy:.1%}",
                f"{model['bits_per_character']:.3f}",
            ]
        )
    columns = ["what", "weights", "float16, int8", "unknown", "keystrokes saved, in int8"]
    table(
        f"{source.name}, {arguments.steps} steps each",
        [*columns, "right, in three", "bits a character"],
        rows,
    )
    if of_sizes:
        return
    own = folder_of(folder, SUBWORDS)
    spelt = ModelFile(own / "models/nextword.onnx")
    times = np.array(keystroke_times(spelt, typed.read_text(encoding="utf-8")))
    table(
        SUBWORDS,
        ["what", "figure"],
        [
            ["a keystroke, mean and 95 %", f"{times.mean():.2f} ms, {np.percentile(times, 95):.2f} ms"],
            ["splitting a text", f"{splitting_speed(''.join(lines), spelt):.1f} MB/s"],
            ["text graph as the library", f"{same_in_text_graph(own, test)} of {PROMPTS} prompts"],
        ],
    )
    if arguments.misspellings:
        keyboards(folder, typed, arguments.words, arguments.misspellings)


if __name__ == "__main__":
    main()
