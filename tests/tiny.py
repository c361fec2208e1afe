"""Tiny real things: networks of a few units, the files exported from them, and texts to train on."""

from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML

from nextword import params
from nextword.export import int8, step, training
from nextword.model.network import Architecture, Network, rounded
from nextword.prepare import preparation
from nextword.runtime.metadata import Metadata
from nextword.text.corpus import Corpus
from nextword.text.marks import BYTES, MARKS
from nextword.text.subwords import REQUIRED, SubwordDictionary
from nextword.text.unicode import VERSION

WORDS = ["the", ",", ".", "mouse", "cat", "bell", "said", "ran", "(", ")", "don't", "über"]
# Subwords that spell these words, punctuation, and a script without blanks.
SUBWORDS = ["<eos>", "▁the", "▁m", "ou", "se", "▁mouse", "▁cat", "s", "‿,", "‿.", "▁bell", "▁sa", "id", "ran"]
SUBWORDS += [
    "▁t",
    "h",
    "e",
    "a",
    "c",
    "t",
    "m",
    "‿'",
    "世",
    "界",
    "世界",
    "‿(",
    "▁(",
    "‿)",
    "▁über",
    "'t",
    *REQUIRED,
]


def make_network(
    dictionary: int = len(WORDS),
    *,
    embedding: int = 6,
    hidden: int = 8,
    layers: int = 2,
    context: int | None = 3,
    precision: str = "float64",
    seed: int = 0,
    scale: float = 4.0,
    tied: bool = False,
    cell: str = "lstm",
) -> Network:
    """A model with random float16 weights, large enough that its words vary."""
    architecture = Architecture(
        dictionary=dictionary,
        cell=cell,
        embedding=embedding,
        hidden=hidden,
        layers=layers,
        context=context,
        tied=tied,
        precision=precision,
    )
    network = Network(architecture, seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(scale)
    return rounded(network).eval()


def make_wordy_network(context: int | None = 3, **changes: Any) -> Network:
    """A model of `SUBWORDS` that writes words of one or more, and seldom bytes and bare marks."""
    begins = SubwordDictionary(SUBWORDS).begins
    network = make_network(len(SUBWORDS), context=context, seed=14, scale=4.0, **changes)
    with torch.no_grad():
        network.logits.weight.mul_(2)
        for id, entry in enumerate(SUBWORDS):
            network.logits.bias[id] -= 6.0 * (entry in BYTES) + 2.0 * (entry in MARKS) + 0.5 * begins[id]
    return rounded(network)


def metadata_of(network: Network, words: list[str], **changes: Any) -> Metadata:
    """The metadata of an exported network."""
    values: dict[str, Any] = {
        "dictionary": words,
        "split_by": "whitespace",
        "lowercase": False,
        "line_ends": False,
        "context": network.architecture.context,
        "cell": network.architecture.cell,
        "layers": network.architecture.layers,
        "hidden": network.architecture.hidden,
        "unknown": None,
        "params": {"train": {"seed": 0}},
        "metrics": {},
        "corpus_sha256": "0" * 64,
        "unicode": VERSION,
    }
    return Metadata(**(values | changes))


def weights_of(network: Network) -> dict[str, Any]:
    """The float16 weights of a network by name."""
    return {name: weight.half().numpy() for name, weight in network.state_dict().items()}


def export(path: Path, network: Network, words: list[str] = WORDS, **changes: Any) -> Path:
    """Writes a network to a file; keywords change its metadata, `weights="int8"` also the graph."""
    metadata = metadata_of(network, words, **changes)
    graph = (int8 if metadata.weights == "int8" else step).build(
        weights_of(network), network.architecture, metadata.to_properties()
    )
    path.write_bytes(graph.SerializeToString())
    return path


def write_files(directory: Path, trained: Network, words: list[str], **changes: Any) -> tuple[Path, Path]:
    """A training graph and a step graph of a network."""
    model = export(directory / "nextword.onnx", trained, words, **changes)
    graph = training.build(trained, training.properties(trained, metadata_of(trained, words, **changes)))
    path = directory / "nextword.train.onnx"
    path.write_bytes(graph.SerializeToString())
    return path, model


ROOT = Path(__file__).parents[1]
SMALL: dict[str, dict[str, Any]] = {
    "train": {"embedding": 12, "hidden": 16, "learning_rate": 0.03, "batch": 16, "max_steps": 60},
    "evaluate": {"samples": 2, "words": 8},
    "export": {"max_accuracy_drop": 0.5},  # a few units in 8 bits are imprecise
}
TEXT = "the cat ran , the mouse ran , and the bell said : the cat ran . the mouse said it ran too .\n"


def write_params(directory: Path, **changes: dict[str, Any]) -> None:
    """Writes the shipped params.yaml with these changes, and otherwise with small values."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    for section, defaults in values.items():
        defaults.update(SMALL.get(section, {}) | changes.get(section, {}))
    YAML(typ="safe").dump(values, directory / "params.yaml")


PARAMS, PREPARED, TRAINED = Path("params.yaml"), Path("data/prepared"), Path("models/trained")


def prepare(
    directory: Path, text: str = TEXT, reading: dict[str, Any] | None = None, **changes: Any
) -> Corpus:
    """Sets up a directory in which the stages after prepare can run; keywords change `train`."""
    (directory / "data").mkdir(exist_ok=True)
    (directory / "data" / "story.txt").write_text(text, encoding="utf-8")
    write_params(directory, prepare=reading or {}, train=changes)
    return preparation.prepare(params.load(directory / PARAMS).prepare, directory / PREPARED)
