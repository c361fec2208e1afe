"""Recipes beside ours, on the story's windows: python course/recipes.py NAME … [--set KEY=VALUE …].

The network is the project's. What differs is what goes in, the first weights, the loss, the optimiser and
the windows of a step. Writes runs/recipe-NAME[-VALUE …].json, and with `--time` prints what a step takes.
Several names, or several values of a key (`seed=1,2,3`), are several runs.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import each
import kernels  # noqa: F401, before PyTorch
import numpy as np
import torch
from ruamel.yaml import YAML
from torch import Tensor, nn, optim

from nextword import errors, outputs
from nextword.model.network import Architecture, Network
from nextword.text import words
from nextword.text.dictionary import Dictionary

CONTEXT = 3
ID_WIDTH = 16  # of which the first number is the id, and the others 0
WORDS = 32  # written after the story's first three words
STORY = Path("../../data/story.txt")
YAML_1_2 = YAML(typ="safe", pure=True)


@dataclass(frozen=True)
class Recipe:
    """One recipe; params.yaml explains the keys."""

    cell: str
    layers: int
    hidden: int
    input: str
    start: str
    loss: str
    optimiser: str
    learning_rate: float
    windows: str
    steps: int
    measure_every: int
    seed: int


def story() -> list[str]:
    """The words of the story."""
    return words.split(STORY.read_text(encoding="utf-8"), "whitespace", lowercase=False, line_ends=False)


def dictionary_of(text: list[str]) -> Dictionary:
    """Ids by falling frequency, ties by first appearance."""
    counts = {word: text.count(word) for word in text}
    return Dictionary(sorted(counts, key=lambda word: -counts[word]), None)


def network_of(recipe: Recipe, size: int) -> Network:
    """The network before the first step."""
    embedding = recipe.hidden
    if recipe.input == "id":
        # Over many windows, the product with one column had other last bits on another kind of processor.
        embedding = ID_WIDTH if recipe.windows == "all" else 1
    network = Network(
        Architecture(
            size,
            recipe.cell,
            embedding,
            recipe.hidden,
            recipe.layers,
            CONTEXT,
            tied=False,
            precision="float64",
        ),
        recipe.seed,
    )
    if recipe.input == "id":  # an embedding that is never trained
        network.embedding.weight.requires_grad_(False).zero_()
        network.embedding.weight[:, 0] = torch.arange(size)
    if recipe.start == "tutorial":
        _start_as_the_tutorial(network, np.random.default_rng(recipe.seed))
    return network


def _start_as_the_tutorial(network: Network, random: np.random.Generator) -> None:
    """Glorot's uniform weights, a forget gate's bias of 1, and logits from a normal distribution."""
    with torch.no_grad():
        for name, weight in network.layers.named_parameters():
            if "weight" in name:
                bound = (6 / sum(weight.shape)) ** 0.5
                weight.copy_(torch.from_numpy(random.uniform(-bound, bound, weight.shape)))
            else:
                weight.zero_()
                if "bias_ih" in name:
                    weight[len(weight) // 4 : len(weight) // 2] = 1
        for weight in network.logits.parameters():
            weight.copy_(torch.from_numpy(random.standard_normal(weight.shape)))


def optimiser_of(recipe: Recipe, network: Network) -> optim.Optimizer:
    """The optimiser; RMSProp with TensorFlow's decay and epsilon, which the tutorial has."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    if recipe.optimiser == "rmsprop":
        return optim.RMSprop(weights, recipe.learning_rate, alpha=0.9, eps=1e-10)
    if recipe.optimiser == "sgd":
        return optim.SGD(weights, recipe.learning_rate)
    return optim.AdamW(weights, recipe.learning_rate, weight_decay=0.0)


def rows_of(recipe: Recipe, count: int) -> Iterator[slice]:
    """The windows of each step: all, or one, four words after the last and begun anew past the end."""
    if recipe.windows == "all":
        while True:
            yield slice(None)
    random = np.random.default_rng(recipe.seed)
    place = int(random.integers(CONTEXT + 2))
    while True:
        if place >= count:
            place = int(random.integers(CONTEXT + 2))
        yield slice(place, place + 1)
        place += CONTEXT + 1


def loss_of(recipe: Recipe, logits: Tensor, following: Tensor) -> Tensor:
    """What is minimised, a mean over the windows: cross-entropy, or the probabilities' squared error."""
    if recipe.loss == "squared-error":
        wanted = nn.functional.one_hot(following, logits.shape[1])
        return ((logits.softmax(dim=1) - wanted) ** 2).sum(dim=1).mean()
    return nn.functional.cross_entropy(logits, following)


def train(recipe: Recipe) -> dict[str, Any]:
    """Trains by a recipe; returns its curve, its time, and what it writes."""
    torch.set_num_threads(1)
    text = story()
    dictionary = dictionary_of(text)
    ids = torch.tensor(dictionary.encode(text))
    contexts, following = ids.unfold(0, CONTEXT, 1)[:-1], ids[CONTEXT:]  # (windows, context), (windows,)
    network = network_of(recipe, len(dictionary))
    optimiser = optimiser_of(recipe, network)
    curve: dict[str, list[float]] = {name: [] for name in ("step", "loss", "accuracy", "seen_accuracy")}
    right, seconds = [0.0], 0.0
    for step, rows in enumerate(islice(rows_of(recipe, len(following)), recipe.steps + 1)):
        if step % recipe.measure_every == 0:
            with torch.no_grad():
                logits, _ = network(contexts)
            curve["step"].append(step)
            curve["loss"].append(nn.functional.cross_entropy(logits, following).item())
            curve["accuracy"].append((logits.argmax(dim=1) == following).double().mean().item())
            curve["seen_accuracy"].append(float(np.mean(right)))
            right = []
        begun = time.perf_counter()
        logits, _ = network(contexts[rows])
        loss = loss_of(recipe, logits, following[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds += time.perf_counter() - begun
        right.append((logits.argmax(dim=1) == following[rows]).double().mean().item())
    written = _continued(network, ids[:CONTEXT].tolist())
    places = {tuple(ids[start : start + CONTEXT + 1].tolist()) for start in range(len(following))}
    is_right = [tuple(written[start : start + CONTEXT + 1]) in places for start in range(WORDS)]
    return {
        "milliseconds": 1000 * seconds / (recipe.steps + 1),
        "curve": curve,
        "written": dictionary.decode(written),
        "right": sum(is_right),
    }


def _continued(network: Network, written: list[int]) -> list[int]:
    """The likeliest word, 32 times over, after each last three."""
    for _ in range(WORDS):
        with torch.no_grad():
            logits, _ = network(torch.tensor([written[-CONTEXT:]]))
        written.append(int(logits.argmax()))
    return written


def main() -> None:
    """Trains by the recipes that the command names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--time", action="store_true")
    arguments = parser.parse_args()
    runs = [[name, *run] for name in arguments.names for run in each.settings(arguments.set)]
    if len(runs) > 1 and arguments.time:
        parser.error("--time needs a single recipe, and a single value of each key")
    if len(runs) > 1:
        each.run([[name, "--set", *pairs] for name, *pairs in runs])
        return
    (name,) = arguments.names
    known = YAML_1_2.load(Path("params.yaml"))["recipes"]
    changes = dict(change.split("=") for change in arguments.set)
    values = {**known["base"], **known[name], **{k: YAML_1_2.load(v) for k, v in changes.items()}}
    found = train(Recipe(**values))
    milliseconds = found.pop("milliseconds")
    if arguments.time:
        print(f"{name}: {milliseconds:.2f}")
        return
    path = Path("runs") / f"recipe-{'-'.join([name, *changes.values()])}.json"
    outputs.write_json(path, outputs.plain(found))
    print(f"{path}: accuracy {found['curve']['accuracy'][-1]:.2%}, {milliseconds:.2f} ms a step")


if __name__ == "__main__":
    sys.exit(errors.run(main))
