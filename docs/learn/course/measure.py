"""Runs → results/: what the pages say, one file a page, as numbers and as tables.

    python course/measure.py

Nothing is trained here. Numbers have six significant digits; pages.py writes them into the pages.
"""

import csv
import statistics
import sys
from pathlib import Path
from typing import Any

import kernels  # noqa: F401, before PyTorch
import numpy as np
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML
from run import RUNS, folder_of
from texts import BETWEEN, DISTANCES, LANGUAGES, MISSED, SPEAKS, WEEK

from nextword import errors, outputs
from nextword.evaluate.gradient_flow import gradient_flow
from nextword.model import network, predictions
from nextword.model.network import Network
from nextword.runtime import draw
from nextword.runtime.explanation import explain
from nextword.runtime.model_file import ModelFile
from nextword.text import corpus, windows

RESULTS = Path("results")
CELLS = ("rnn", "gru", "lstm")
LAYERS, SEEDS = (1, 2, 3), (1, 2, 3)
RECIPES = {
    "ours": "embedding, AdamW, all windows",
    "raw-ids": "the id as a number",
    "squared-error": "squared error",
    "rmsprop": "RMSProp",
    "sgd": "SGD",
    "one-window": "one window a step",
}
RIGHT = 0.985  # from which on a recipe counts as having learnt: two windows of 201 are beyond it

Table = dict[str, Any]


def table(header: list[str], rows: list[list[str]]) -> Table:
    """A table for a page."""
    return {"header": header, "rows": rows}


def percent(share: float, digits: int = 1) -> str:
    """A share as pages show it."""
    return f"{share:.{digits}%}".replace("%", " %")


def curve(folder: Path, name: str) -> list[tuple[int, float]]:
    """Steps and values of a learning curve."""
    with (folder / f"curves/plots/metrics/{name}.tsv").open(encoding="utf-8") as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file, delimiter="\t")]


def recipe(*name: object) -> dict[str, Any]:
    """What a recipe's run has left."""
    found: dict[str, Any] = outputs.read_json(RUNS / f"recipe-{'-'.join(map(str, name))}.json", dict)
    return found


def trained(folder: Path) -> tuple[Network, corpus.Corpus]:
    """A run's network and its text."""
    return network.load(folder / "models/trained"), corpus.load(folder / "data/prepared")


def _windows() -> dict[str, Any]:
    """Accuracy of each window on the story, and of a window of five on what is further away."""
    sizes = range(1, 6)
    runs = {cell: [folder_of("windows", cell, size) for size in sizes] for cell in ("feedforward", "lstm")}
    ceiling = [curve(folder, "highest_accuracy")[-1][1] for folder in runs["lstm"]]
    accuracy = {
        cell: [curve(folder, "accuracy")[-1][1] for folder in folders] for cell, folders in runs.items()
    }
    steps = {cell: [curve(folder, "accuracy")[-1][0] for folder in folders] for cell, folders in runs.items()}
    far = {
        "feedforward": [
            language_accuracy(folder_of("countries-window", f"countries-{d}"))[0] for d in DISTANCES
        ],
        "gru": [language_accuracy(folder_of("countries", "gru", f"countries-{d}"))[0] for d in DISTANCES],
    }
    rows = [
        [
            str(size),
            percent(ceiling[row]),
            percent(accuracy["feedforward"][row]),
            percent(accuracy["lstm"][row]),
        ]
        for row, size in enumerate(sizes)
    ]
    return {
        "sizes": list(sizes),
        "ceiling": ceiling,
        "accuracy": accuracy,
        "steps": steps,
        "far": {"distances": list(DISTANCES), **far, "guess": 1 / len(LANGUAGES)},
        "table": table(["words read", "at best", "feed-forward", "LSTM"], rows),
    }


def language_accuracy(folder: Path) -> tuple[float, int]:
    """How often the language is right where it follows `speaks`, and in how many places of the test part."""
    net, text = trained(folder)
    ids = np.array(text.held_out["test"], np.int64)
    found = predictions.predict(net, ids, text.dictionary.unknown)
    first = len(ids) - len(found)
    is_asked = ids[first - 1 : -1] == text.dictionary.encode([SPEAKS])[0]
    return float((found.rank[is_asked] == 0).mean()), int(is_asked.sum())


def _gym() -> dict[str, Any]:
    """How often the exercise of a training day is right, by how many days were missed before it."""
    most = 3
    found: dict[str, list[float]] = {}
    places: list[int] = []
    folders = {cell: folder_of("gym", cell) for cell in CELLS}
    folders |= {f"window-{days}": folder_of("gym-window", days) for days in (1, 2, 3)}
    for name, folder in folders.items():
        net, text = trained(folder)
        ids = np.array(text.held_out["test"], np.int64)
        missed = text.dictionary.encode([MISSED])[0]
        scores = np.concatenate([part for part, _ in predictions.log_probabilities(net, ids)])
        first = len(ids) - len(scores)
        scores[:, missed] = -np.inf  # whether a day is missed is chance; what is trained is not
        before = _missed_before(ids == missed)[first:]
        is_right, is_day = scores.argmax(axis=1) == ids[first:], ids[first:] != missed
        groups = [is_day & ((before == gap) if gap < most else (before >= most)) for gap in range(most + 1)]
        found[name] = [float(is_right[group].mean()) for group in groups]
        found[name].append(float(is_right[is_day].mean()))
        places = [int(group.sum()) for group in groups]
    names = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
    names |= {f"window-{days}": f"window of {days} day{'s' * (days > 1)}" for days in (1, 2, 3)}
    rows = [[names[name], *map(percent, values)] for name, values in found.items()]
    return {
        "missed": ["0", "1", "2", "3 or more"],
        "places": places,
        "accuracy": found,
        "exercises": len(WEEK),
        "table": table(["reads by", "none missed", "1 missed", "2 missed", "3 or more", "all"], rows),
    }


def _missed_before(missed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each day, how many days in a row were missed just before it."""
    found = np.zeros(len(missed), np.int64)
    for day in range(1, len(missed)):
        found[day] = found[day - 1] + 1 if missed[day - 1] else 0
    return found


def _cells() -> dict[str, Any]:
    """Steps that each cell needs by our regime, and the accuracy of the tutorial's regime."""
    steps: dict[str, list[list[int]]] = {}
    accuracy: dict[str, list[list[float]]] = {}
    for cell in CELLS:
        curves = [
            [curve(folder_of("cells", cell, layers, s), "accuracy") for s in SEEDS] for layers in LAYERS
        ]
        steps[cell] = [[one[-1][0] for one in of_layers] for of_layers in curves]
        accuracy[cell] = [[one[-1][1] for one in of_layers] for of_layers in curves]
    tutorial = {str(layers): [recipe("tutorial", layers, seed) for seed in SEEDS] for layers in (1, 2)}
    seen = {name: [_late(one["curve"]["seen_accuracy"]) for one in runs] for name, runs in tutorial.items()}
    whole = {name: [one["curve"]["accuracy"][-1] for one in runs] for name, runs in tutorial.items()}
    rows = [[cell.upper(), *(_range(steps[cell][row]) for row in range(len(LAYERS)))] for cell in CELLS]
    lowest = min(min(one) for cell in CELLS for one in accuracy[cell])
    return {
        "layers": list(LAYERS),
        "steps": steps,
        "lowest_accuracy": lowest,
        "tutorial": {
            "seen": seen,
            "whole": whole,
            "seen_mean": {name: statistics.mean(values) for name, values in seen.items()},
            "whole_mean": {name: statistics.mean(values) for name, values in whole.items()},
            "right": {name: [one["right"] for one in runs] for name, runs in tutorial.items()},
        },
        "table": table(["steps to the floor", "1 layer", "2 layers", "3 layers"], rows),
    }


def _late(seen: list[float]) -> float:
    """The mean of the last five points, 1,000 iterations of the tutorial's."""
    return statistics.mean(seen[-5:])


def _range(values: list[int]) -> str:
    return f"{min(values)} to {max(values)}" if min(values) < max(values) else str(values[0])


def _flow() -> dict[str, Any]:
    """The gradient's norm over the distance, before and after training, and with a forget bias of 1."""
    distance = 32
    folders = {cell: folder_of("countries", cell, f"countries-{distance}") for cell in CELLS}
    found: dict[str, dict[str, list[float]]] = {"untrained": {}, "trained": {}}
    for cell, folder in folders.items():
        after, text = trained(folder)
        asked = _asked(text, 2 * distance + 3)  # the line before too: a network is at home within a text
        before = Network(after.architecture, 1).eval()
        for name, net in (("untrained", before), ("trained", after)):
            found[name][cell] = gradient_flow(net, asked)["hidden"][:distance].tolist()
        if cell == "lstm":
            found["untrained"]["lstm_cell"] = gradient_flow(before, asked)["cell"][:distance].tolist()
            with torch.no_grad():
                size = after.architecture.hidden
                dict(before.named_parameters())["layers.0.bias_ih_l0"][size : 2 * size] = 1.0
            flow = gradient_flow(before, asked)
            found["untrained"]["lstm_bias_1"] = flow["hidden"][:distance].tolist()
            found["untrained"]["lstm_cell_bias_1"] = flow["cell"][:distance].tolist()
    return {"distance": distance, **found, "exploding": _explosion()}


def _asked(text: corpus.Corpus, length: int) -> windows.Windows:
    """Windows that end where a language follows."""
    ids = np.array(text.held_out["test"], np.int64)
    every = windows.windows(ids, length - 1)
    speaks = text.dictionary.encode([SPEAKS])[0]
    return every.chosen(np.flatnonzero(every.contexts[:, -1] == speaks))


def _explosion() -> dict[str, Any]:
    """Norms of the gradient of a simple network that takes steps far too large, clipped and not."""
    _, text = trained(folder_of("countries", "rnn", "countries-32"))
    ids = torch.from_numpy(np.array(text.training[: 32 * 256], np.int64)).view(-1, 64)  # (texts, words)
    found: dict[str, Any] = {}
    for name, clip in (("unclipped", None), ("clipped", 1.0)):
        architecture = network.Architecture(
            len(text.dictionary), "rnn", 16, 32, 1, None, tied=False, precision="float64"
        )
        net = Network(architecture, 1)
        optimiser = torch.optim.SGD(net.parameters(), 8.0)
        norms, losses = [], []
        for _ in range(80):
            logits, _ = net.after_each_word(ids[:, :-1])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].T.flatten())
            optimiser.zero_grad()
            loss.backward()
            norms.append(float(torch.nn.utils.clip_grad_norm_(net.parameters(), clip or 1e12)))
            losses.append(loss.item())
            optimiser.step()
        found[name] = {"norms": norms, "losses": losses, "longest": max(norms), "worst": max(losses)}
        found[name]["last"] = losses[-1]
    return found


def _countries() -> dict[str, Any]:
    """Accuracy over distance for each cell, and for a window of five words."""
    folders = {cell: [folder_of("countries", cell, f"countries-{d}") for d in DISTANCES] for cell in CELLS}
    folders["feedforward"] = [folder_of("countries-window", f"countries-{d}") for d in DISTANCES]
    found = {name: [language_accuracy(folder) for folder in own] for name, own in folders.items()}
    accuracy = {name: [share for share, _ in own] for name, own in found.items()}
    names = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM", "feedforward": "feed-forward, 5 words"}
    return {
        "distances": list(DISTANCES),
        "accuracy": accuracy,
        "places": found["lstm"][0][1],
        "guess": 1 / len(LANGUAGES),
        "between": len(BETWEEN),
        "table": table(
            ["words apart", *map(str, DISTANCES)],
            [[names[name], *map(percent, values)] for name, values in accuracy.items()],
        ),
    }


def _gates() -> dict[str, Any]:
    """The gates of a model that has read the story as one stream, over a passage."""
    path = folder_of("gates") / "models/nextword.onnx"
    text = Path("../../data/story.txt").read_text(encoding="utf-8")
    model = ModelFile(path)
    words = model.split(text)
    whole = explain(path, text)
    forget = whole.layers[-1]["forget"]
    is_stop = np.array([word == "." for word in words])
    drop = forget[~is_stop].mean(axis=0) - forget[is_stop].mean(axis=0)
    unit = int(drop.argmax())
    shown = slice(20, 46)
    passage = explain(path, " ".join(words[:46]))
    order = np.argsort(passage.lost)[::-1]
    return {
        "words": words[shown],
        "gates": {name: np.round(values[shown], 4).tolist() for name, values in whole.layers[-1].items()},
        "unit": unit,
        "at_stops": float(forget[is_stop, unit].mean()),
        "elsewhere": float(forget[~is_stop, unit].mean()),
        "stops": int(is_stop.sum()),
        "read": passage.words,
        "lost": passage.lost,
        "next_word": passage.next_word,
        "probability": float(np.exp(passage.log_probability)),
        "most": [passage.words[place] for place in order[:3]],
        "most_lost": float(max(passage.lost)),
        "last_lost": float(passage.lost[-1]),
    }


def _recipes() -> dict[str, Any]:
    """The curves of all recipes, and when each had learnt."""
    found: dict[str, Any] = {}
    rows = []
    for name, milliseconds in YAML(typ="safe", pure=True).load(Path("timings.yaml"))["milliseconds"].items():
        one = recipe(name)["curve"]
        pairs = zip(one["step"], one["accuracy"], strict=True)
        learnt = next((step for step, accuracy in pairs if accuracy >= RIGHT), None)
        found[name] = {
            "step": one["step"],
            "loss": one["loss"],
            "accuracy": one["accuracy"],
            "learnt": learnt,
        }
        seconds = "never" if learnt is None else f"{learnt * milliseconds / 1000:.1f} s"
        rows.append([RECIPES[name], str(learnt or "never"), f"{milliseconds:.1f} ms", seconds])
    found["table"] = table(["recipe", "steps to 98.5 %", "a step", "seconds to 98.5 %"], rows)
    return found


def _loop() -> dict[str, Any]:
    """Where the likeliest word leads, and one distribution by each way of drawing."""
    tutorial = {str(layers): recipe("tutorial", layers, 1)["written"] for layers in (1, 2)}
    # A model that reads one word, and cannot be sure what follows "the".
    net, text = trained(folder_of("windows", "lstm", 1))
    with torch.no_grad():
        found, _ = net(torch.tensor([text.dictionary.encode(["the"])]))
    logits = found[0].numpy().astype(np.float32)
    order = draw.ranked(logits, len(logits))
    words = text.dictionary.decode(order[:12])
    kept = logits[order].astype(np.float64)

    def shares(temperature: float, top_k: int = 0, top_p: float = 1.0) -> list[float]:
        weights = np.exp((kept - kept[0]) / temperature)
        weights[top_k or len(weights) :] = 0
        reached = weights.cumsum() / weights.sum()
        weights[1 + int(np.searchsorted(reached[:-1], top_p)) :] = 0
        return [float(share) for share in (weights / weights.sum())[:12]]

    return {
        "written": {name: " ".join(words) for name, words in tutorial.items()},
        "words": words,
        "shares": {
            "temperature_1": shares(1.0),
            "temperature_half": shares(0.5),
            "temperature_2": shares(2.0),
            "top_k_3": shares(1.0, top_k=3),
            "top_p": shares(1.0, top_p=0.8),
        },
        "kept_by_top_p": sum(share > 0 for share in shares(1.0, top_p=0.8)),
        "likeliest": shares(1.0)[0],
    }


def _claims() -> dict[str, Any]:
    """The tutorial's regime: accuracy while it trains beside accuracy over all windows."""
    found: dict[str, Any] = {}
    for layers in (1, 2):
        one = recipe("tutorial", layers, 1)
        found[str(layers)] = {name: one["curve"][name] for name in ("step", "accuracy", "seen_accuracy")}
        found[str(layers)] |= {"right": one["right"]}
    return found


PAGES = {
    "windows": _windows,
    "gym": _gym,
    "cells": _cells,
    "flow": _flow,
    "countries": _countries,
    "gates": _gates,
    "recipes": _recipes,
    "loop": _loop,
    "claims": _claims,
}


def main() -> None:
    """Measures for each page."""
    torch.set_num_threads(1)
    for name, measure in PAGES.items():
        outputs.write_json(RESULTS / f"{name}.json", outputs.plain(measure()))


if __name__ == "__main__":
    sys.exit(errors.run(main))
