"""Dynamic evaluation compared with an adaptive bias and a cache: perplexity, time and size of a session.

    python benchmarks/dynamic_evaluation.py MODEL OWN TEXT [--words 10000] [--rates 0.5 1 2]

MODEL is a step graph of whole words that carries its state, with its training graph next to it; OWN is a
held-out part of the text that it was trained on; TEXT is of another kind. The first words of each are read
once, in one session. Perplexity covers only words in the dictionary, since `<unk>` is easy to predict where
it is frequent. The bias is that of the keyboard, b ← (1 − 0.0007) b + rate (onehot − p) after each word.
Times are CPU time on one thread, and include the computation of the probabilities in all rows.
"""

import argparse
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from edge import table

from nextword import Generator
from nextword.runtime import draw
from nextword.runtime.cache import CacheSettings, NeuralCache
from nextword.runtime.learning import LEARNING_RATE
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.text import reading

DECAY = 0.0007  # of the bias


class Way(NamedTuple):
    """A way to adapt to a text.

    - `bias`: the rate of the bias.
    - `cache`: the weight of a cache of 2,000 words and a flatness of 0.3.
    - `dynamic`: the learning rate of dynamic evaluation.
    """

    name: str
    bias: float = 0.0
    cache: float = 0.0
    dynamic: float = 0.0


def ways(rates: list[float]) -> list[Way]:
    """The ways to measure."""
    return [
        Way("none"),
        Way("bias", bias=0.4),
        Way("cache", cache=0.1),
        Way("bias and cache", bias=0.2, cache=0.05),
        *(Way(f"dynamic evaluation, {rate:g}", dynamic=rate) for rate in rates),
        Way("… and bias", bias=0.2, dynamic=rates[0]),
        Way("… and cache", cache=0.05, dynamic=rates[0]),
        Way("… and both", bias=0.1, cache=0.05, dynamic=rates[0]),
    ]


def measured(path: Path, text: Path, count: int, way: Way) -> tuple[float, float]:
    """The perplexity of the known words, and CPU milliseconds per word."""
    model = ModelFile(path)
    about = model.metadata
    words = reading.read_words(text, about.split_by, about.lowercase, about.line_ends)
    ids = model.dictionary.encode(islice(words, count))
    size = 2000 if way.cache else 0
    dynamic = DynamicEvaluation(model, graph_of(path), way.dynamic) if way.dynamic else None
    model = dynamic.model if dynamic else model
    reader, memory = Reader(model), NeuralCache(CacheSettings(size, way.cache, 0.3), model.features)
    bias = np.zeros(len(model.dictionary), np.float32)
    total, known, expected = 0.0, 0, None
    start = time.process_time()
    for id in ids:
        if expected:
            own = draw.log_softmax(expected.logits[0] + bias)
            found = memory.mix(own, expected.features[0])
            if id != model.dictionary.unknown:
                total -= float(found[id])
                known += 1
            memory.remember(expected.features[0], id)
            if way.bias and id != model.dictionary.unknown:
                bias *= 1 - DECAY
                bias -= way.bias * np.exp(own).astype(np.float32)
                bias[id] += way.bias
        if dynamic:
            dynamic.note(id, reader.state)
        expected = reader.read(np.array([[id]]))
    return float(np.exp(total / known)), 1000 * (time.process_time() - start) / len(ids)


def graph_of(model: Path) -> Path:
    """The training graph next to a model."""
    return model.parent / "nextword.train.onnx"


def saved(model: Path) -> int:
    """How many more bytes a session saves than one that does not learn."""
    sizes = []
    for graph in (None, graph_of(model)):
        session = Generator.load(model).session(training_graph=graph)
        session.feed(Generator.load(model).info.dictionary[0])
        sizes.append(len(session.save()))
    return sizes[1] - sizes[0]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("own", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--rates", type=float, nargs="+", default=[LEARNING_RATE])
    arguments = parser.parse_args()
    rows = []
    for way in ways(arguments.rates):
        other, cost = measured(arguments.model, arguments.text, arguments.words, way)
        own, _ = measured(arguments.model, arguments.own, arguments.words, way)
        rows.append([way.name, f"{other:.2f}", f"{own:.2f}", f"{cost:.2f}"])
        print(*rows[-1], flush=True)
    title = f"Perplexity of the known words among the first {arguments.words:,}"
    table(title, ["", arguments.text.name, "its own text", "ms a word"], rows)
    print(f"\nA session that learns saves {saved(arguments.model):,} bytes more")


if __name__ == "__main__":
    main()
