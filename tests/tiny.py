"""Tiny real things: models of a few units, and the files exported from them."""

from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML

from nextword.export import step_graph
from nextword.metadata import Metadata
from nextword.training.model import Architecture, NextWordModel, rounded

WORDS = ["the", ",", ".", "mouse", "cat", "bell", "said", "ran", "(", ")", "don't", "über"]


def make_model(
    dictionary: int = len(WORDS),
    *,
    embedding: int = 6,
    hidden: int = 8,
    layers: int = 2,
    context: int = 3,
    precision: str = "float64",
    seed: int = 0,
    scale: float = 4.0,
    tied: bool = False,
) -> NextWordModel:
    """A model with random float16 weights, large enough that its words vary."""
    architecture = Architecture(dictionary, embedding, hidden, layers, context, precision, tied=tied)
    model = NextWordModel(architecture, seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(scale)
    return rounded(model).eval()


def metadata_of(model: NextWordModel, words: list[str], **changes: Any) -> Metadata:
    """The metadata of an exported `model`."""
    values: dict[str, Any] = {
        "dictionary": words,
        "split_by": "whitespace",
        "lowercase": False,
        "line_ends": False,
        "context": 3,
        "cell": "lstm",
        "layers": len(model.layers),
        "hidden": model.architecture.hidden,
        "unknown": None,
        "params": {"train": {"seed": 0}},
        "metrics": {},
        "corpus_sha256": "0" * 64,
    }
    return Metadata(**(values | changes))


def weights_of(model: NextWordModel) -> dict[str, Any]:
    """The float16 weights of a model by name."""
    return {name: weight.half().numpy() for name, weight in model.state_dict().items()}


def export(path: Path, model: NextWordModel, words: list[str] = WORDS, **changes: Any) -> Path:
    """Writes a model to a file; keywords change its metadata."""
    metadata = metadata_of(model, words, **changes)
    graph = step_graph.build(weights_of(model), len(model.layers), metadata.to_properties())
    path.write_bytes(graph.SerializeToString())
    return path


ROOT = Path(__file__).parents[1]
SMALL: dict[str, dict[str, Any]] = {
    "train": {"embedding": 12, "hidden": 16, "learning_rate": 0.03, "batch": 16, "max_steps": 60},
    "evaluate": {"samples": 2, "words": 8},
    "export": {"max_accuracy_drop": 0.5},  # a few units in 8 bits are rough
}
TEXT = "the cat ran , the mouse ran , and the bell said : the cat ran . the mouse said it ran too .\n"


def write_params(directory: Path, **changes: dict[str, Any]) -> None:
    """Writes the shipped params.yaml with other values, made small unless they say otherwise."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    for section, defaults in values.items():
        defaults.update(SMALL.get(section, {}) | changes.get(section, {}))
    YAML(typ="safe").dump(values, directory / "params.yaml")
