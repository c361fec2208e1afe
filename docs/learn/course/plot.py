"""Results → pictures/: the same bytes on each run. Needs the extra [plot].

python course/plot.py
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from measure import RECIPES

from nextword import errors, outputs
from nextword.command import explaining
from nextword.pictures import GRID, INK, MARKERS, SERIES, drawing

HERE = Path(__file__).resolve().parents[1]
NAMES = {"feedforward": "feed-forward", "rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
LOOKS = dict(zip(("lstm", "feedforward", "gru", "rnn"), zip(SERIES, MARKERS, strict=True), strict=False))


def results(name: str) -> dict[str, Any]:
    """What was measured for a page."""
    found: dict[str, Any] = outputs.read_json(HERE / "results" / f"{name}.json", dict)
    return found


def line(axes: Any, x: Any, y: Any, cell: str, **more: Any) -> None:
    """A line in the colour and with the marker of a cell."""
    colour, marker = LOOKS[cell]
    axes.plot(x, y, color=colour, marker=marker, **{"label": NAMES[cell], **more})


def percents(axes: Any, label: str = "accuracy (%)") -> None:
    """An axis from 0 to 100 %."""
    axes.set_ylim(-3, 106)
    axes.set_ylabel(label)


def _hundred(values: list[float]) -> Any:
    return 100 * np.array(values)


def windows(folder: Path) -> None:
    """Accuracy by the size of the window, near and far."""
    found = results("windows")
    with drawing(folder / "windows.svg") as axes:
        axes.plot(
            found["sizes"], _hundred(found["ceiling"]), color=INK, linestyle=":", label="at best (counted)"
        )
        line(axes, found["sizes"], _hundred(found["accuracy"]["feedforward"]), "feedforward", markersize=10)
        line(axes, found["sizes"], _hundred(found["accuracy"]["lstm"]), "lstm")
        percents(axes)
        axes.set_xlabel("words read before the one that follows")
        axes.set_xticks(found["sizes"])
        axes.legend(loc="lower right")
    far = found["far"]
    with drawing(folder / "window-far.svg") as axes:
        line(axes, far["distances"], _hundred(far["gru"]), "gru", label="GRU, reads every word before")
        line(
            axes, far["distances"], _hundred(far["feedforward"]), "feedforward", label="feed-forward, reads 5"
        )
        _distances(axes, far)
        axes.legend(loc="center right")


def _distances(axes: Any, found: dict[str, Any]) -> None:
    axes.axhline(100 * found["guess"], color=INK, linestyle=":", linewidth=1.2)
    axes.text(found["distances"][-1], 100 * found["guess"] + 3, "guessing", ha="right", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_xticks(found["distances"], found["distances"])
    axes.set_xlabel("words from the country to its language")
    percents(axes)


def gym(folder: Path) -> None:
    """Accuracy by how many days were missed."""
    found = results("gym")
    shown = {"lstm": "LSTM", "window-1": "1 day", "window-2": "2 days", "window-3": "3 days"}
    with drawing(folder / "gym.svg") as axes:
        places = np.arange(len(found["missed"]))
        for number, (name, label) in enumerate(shown.items()):
            values = _hundred(found["accuracy"][name][:-1])
            axes.bar(places + 0.2 * (number - 1.5), values, 0.18, color=SERIES[number], label=label)
        axes.set_xticks(places, found["missed"])
        axes.set_xlabel("days missed just before")
        axes.axhline(100 / found["exercises"], color=INK, linestyle=":", linewidth=1.2)
        percents(axes)
        axes.set_ylim(0, 128)
        axes.set_yticks(range(0, 101, 20))
        axes.legend(ncols=4, loc="upper center", columnspacing=1.0, handlelength=1.2)


def cells(folder: Path) -> None:
    """Steps by cell and layers; the tutorial's regime with one layer and two."""
    found = results("cells")
    with drawing(folder / "cells.svg") as axes:
        for number, cell in enumerate(("rnn", "gru", "lstm")):
            steps = np.array(found["steps"][cell])  # (layers, seeds)
            mean = steps.mean(axis=1)
            error = [mean - steps.min(axis=1), steps.max(axis=1) - mean]
            colour, marker = LOOKS[cell]
            places = np.array(found["layers"]) + 0.06 * (number - 1)
            axes.errorbar(places, mean, error, color=colour, marker=marker, capsize=4, label=NAMES[cell])
        axes.set_xticks(found["layers"])
        axes.set_ylim(0, None)
        axes.set_xlabel("layers")
        axes.set_ylabel("steps to the floor of the loss")
        axes.legend(loc="upper left")
    tutorial = found["tutorial"]
    with drawing(folder / "tutorial-layers.svg") as axes:
        for number, (name, label) in enumerate(
            {"seen": "while it trains", "whole": "over all windows"}.items()
        ):
            shares = _hundred([tutorial[name][layers] for layers in ("1", "2")])  # (layers, seeds)
            average = shares.mean(axis=1)
            spread = [average - shares.min(axis=1), shares.max(axis=1) - average]
            colour, beside = SERIES[number], np.arange(2) + 0.36 * (number - 0.5)
            axes.bar(beside, average, 0.32, yerr=spread, capsize=5, color=colour, ecolor=INK, label=label)
        axes.set_xticks([0, 1], ["1 layer", "2 layers"])
        axes.set_ylabel("accuracy (%)")
        axes.legend(loc="upper left")


def flow(folder: Path) -> None:
    """The gradient's norm over the distance, and a run that explodes."""
    found = results("flow")
    for name in ("untrained", "trained"):
        with drawing(folder / f"flow-{name}.svg") as axes:
            for cell in ("rnn", "gru", "lstm"):
                values = found[name][cell]
                line(axes, range(len(values)), values, cell, markevery=4)
            if name == "untrained":
                values = found[name]["lstm_bias_1"]
                more = {
                    "color": SERIES[4],
                    "marker": MARKERS[4],
                    "markevery": 4,
                    "label": "LSTM, forget bias 1",
                }
                axes.plot(range(len(values)), values, **more)
            axes.set_yscale("log")
            axes.set_ylim(1e-10, 10)
            axes.set_xlabel("words back (k)")
            axes.set_ylabel("norm of ∂loss(t)/∂h(t−k) (nats)")
            axes.legend(loc="lower left")
    with drawing(folder / "explosion.svg", rows=2, height=4.6, sharex=True) as (above, below):
        for number, name in enumerate(("unclipped", "clipped")):
            label = {"unclipped": "as it is", "clipped": "clipped to length 1"}[name]
            style = {"color": SERIES[1 - number], "linestyle": ("-", "--")[number], "label": label}
            above.plot(found["exploding"][name]["norms"], **style)
            below.plot(found["exploding"][name]["losses"], **style)
        above.set_yscale("log")
        above.set_ylabel("gradient's norm")
        below.set_ylabel("loss (nats)")
        below.set_xlabel("step")
        below.legend(loc="upper left")
        below.set_ylim(0, 62)


def countries(folder: Path) -> None:
    """Accuracy over distance."""
    found = results("countries")
    with drawing(folder / "countries.svg") as axes:
        for cell in ("gru", "lstm", "rnn", "feedforward"):
            line(axes, found["distances"], _hundred(found["accuracy"][cell]), cell)
        _distances(axes, found)
        axes.set_ylim(-3, 126)
        axes.set_yticks(range(0, 101, 20))
        axes.legend(loc="upper center", ncols=4, columnspacing=1.0, handlelength=1.2)


def gates(folder: Path) -> None:
    """Gates over a passage, and which earlier word mattered."""
    found = results("gates")
    names = ("forget", "input", "output", "cell")
    with drawing(folder / "gates.svg", rows=len(names), height=8.4, squeeze=False) as grid:
        for axes, name in zip(grid[:, 0], names, strict=True):
            explaining.draw_map(axes, name, name, np.array(found["gates"][name]), found["words"])
            axes.set_yticks([0, found["unit"], len(found["gates"][name][0]) - 1])
    last = 18
    with drawing(folder / "mattered.svg") as axes:
        axes.bar(range(last), found["lost"][-last:], color=SERIES[0])
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_ylabel("nats lost without it")
        explaining.label_words(axes, found["read"][-last:])


def recipes(folder: Path) -> None:
    """Curves of the recipes, two or three a picture."""
    found = results("recipes")
    pictures = {
        "embedding": ("ours", "raw-ids"),
        "loss": ("ours", "squared-error"),
        "optimisers": ("ours", "rmsprop", "sgd"),
        "batches": ("ours", "one-window"),
    }
    for picture, names in pictures.items():
        with drawing(folder / f"{picture}.svg") as axes:
            for number, name in enumerate(names):
                one = found[name]
                more = {"markevery": max(1, len(one["step"]) // 8), "label": RECIPES[name]}
                axes.plot(
                    one["step"][1:], one["loss"][1:], color=SERIES[number], marker=MARKERS[number], **more
                )
            axes.set_yscale("log")
            if picture in ("batches", "embedding"):
                axes.set_xscale("log")
            axes.set_xlabel("step")
            axes.set_ylabel("cross-entropy (nats a word)")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def loop(folder: Path) -> None:
    """One distribution by each way of drawing."""
    found = results("loop")
    with drawing(folder / "drawing.svg", columns=2, rows=2, height=5.2, sharex=True, sharey=True) as grid:
        titles = {"temperature_half": "temperature 0.5", "temperature_2": "temperature 2"}
        titles |= {"top_k_3": "top-k 3", "top_p": "top-p 0.8"}
        places = range(len(found["words"]))
        for axes, (name, title) in zip(grid.flat, titles.items(), strict=True):
            axes.bar(places, _hundred(found["shares"]["temperature_1"]), color=GRID, width=0.9)
            axes.bar(places, _hundred(found["shares"][name]), color=SERIES[0], width=0.5)
            axes.set_title(title)
            explaining.label_words(axes, found["words"])
        for axes in grid[:, 0]:
            axes.set_ylabel("probability (%)")


def claims(folder: Path) -> None:
    """The tutorial's accuracy beside the one over all windows."""
    one = results("claims")["2"]
    with drawing(folder / "claims.svg") as axes:
        axes.plot(
            one["step"][1:],
            _hundred(one["seen_accuracy"])[1:],
            color=SERIES[1],
            label="of the last 200 steps",
        )
        more = {"color": SERIES[0], "linestyle": "--", "label": "over all 201 windows"}
        axes.plot(one["step"][1:], _hundred(one["accuracy"])[1:], **more)
        axes.set_ylim(0, None)
        axes.set_xlabel("step")
        axes.set_ylabel("accuracy (%)")
        axes.legend(loc="upper left")


PICTURES = (windows, gym, cells, flow, countries, gates, recipes, loop, claims)


def main() -> None:
    """Draws all pictures."""
    for draw in PICTURES:
        draw(HERE / "pictures")


if __name__ == "__main__":
    sys.exit(errors.run(main))
