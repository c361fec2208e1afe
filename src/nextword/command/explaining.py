"""`nextword explain`: which earlier words mattered, and the gates of each unit, as a table and a picture."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import pictures
from nextword.command.arguments import existing
from nextword.runtime.explanation import Explanation, explain

_MOST_LABELLED = 48  # words or units with room for a label each
_BETWEEN_0_AND_1 = ("forget", "input", "output", "update", "reset")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    found = explain(existing(arguments.model), arguments.text)
    if arguments.output:
        draw(found, Path(arguments.output))
    if arguments.json:
        rows = [{"word": word, "lost": lost} for word, lost in zip(found.words, found.lost, strict=True)]
        about = {"next_word": found.next_word, "log_probability": found.log_probability, "words": rows}
        print(json.dumps({"text": arguments.text, **about}, ensure_ascii=False))
        return
    print(f"next word: {found.next_word}, probability {np.exp(found.log_probability):.4%}")
    print("loss in nats when a word is left out:")
    for word, lost in zip(found.words, found.lost, strict=True):
        print(f"{lost:8.4f}  {word}")
    if arguments.output:
        print(f"{arguments.output}: {_contents(found)}")


def _contents(found: Explanation) -> str:
    if not found.has_state:
        return "only the words, since the layers of this model have no state"
    if not found.layers:
        return "only the words, since this version cannot compute the gates of this model"
    units = found.layers[0]["hidden"].shape[1]
    return f"{', '.join(found.layers[-1])} of {units} units, {len(found.layers)} layers"


def draw(found: Explanation, path: Path) -> None:
    """Draws what mattered, and below it a heat map of each gate and state part of each layer.

    **Raises:** `PictureError` if the extra `[plot]` is not installed.
    """
    maps = [
        (f"layer {number}: {name}" if len(found.layers) > 1 else name, name, values)
        for number, layer in enumerate(found.layers, 1)
        for name, values in layer.items()
    ]
    panels = 1 + len(maps)
    height = 2.0 + 1.7 * len(maps)
    with pictures.drawing(path, rows=panels, height=height, squeeze=False) as grid:
        bars, *rest = grid[:, 0]
        _draw_lost(bars, found)
        for axes, (title, name, values) in zip(rest, maps, strict=True):
            draw_map(axes, title, name, values, found.words[-found.read :])


def _draw_lost(axes: Any, found: Explanation) -> None:
    places = np.arange(len(found.words))
    axes.bar(places, found.lost, color=pictures.SERIES[0])
    axes.axhline(0, color=pictures.INK, linewidth=0.8)
    axes.set_title(f"“{found.next_word}” without this word")
    axes.set_ylabel("nats lost")
    label_words(axes, found.words)


def draw_map(axes: Any, title: str, name: str, values: NDArray[np.float64], words: list[str]) -> None:
    """A heat map: units from top to bottom, words from left to right.

    **Arguments:**

    - `name`: of the gate or state part; gates go from 0 to 1, states are drawn around 0.
    - `values`: shape `(words, units)`.
    """
    is_gate = name in _BETWEEN_0_AND_1
    most = 1.0 if is_gate else max(1.0, float(np.abs(values).max()))
    shown = axes.imshow(
        values.T,
        cmap="cividis" if is_gate else "PuOr",
        vmin=0.0 if is_gate else -most,
        vmax=most,
        aspect="auto",
        interpolation="none",
    )
    axes.grid(visible=False)
    axes.set_title(title)
    axes.set_ylabel("unit")
    axes.figure.colorbar(shown, ax=axes, pad=0.02)
    label_words(axes, words)


def label_words(axes: Any, words: list[str]) -> None:
    """Writes words below an axis, where there is room for them."""
    if len(words) <= _MOST_LABELLED:
        axes.set_xticks(range(len(words)), words, rotation=90, fontsize=9 if len(words) < 30 else 7)
    else:
        axes.set_xlabel("word of the text")
