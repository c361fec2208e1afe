"""Pictures in one style: SVG, the same bytes in every run, legible on light and dark pages.

Drawing needs the extra `[plot]`, which is imported only then.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nextword import outputs
from nextword.errors import PictureError

# Each colour on a light page, and its replacement on a dark one. The series are those of Okabe and Ito, which
# people with any kind of colour vision can tell apart, darkened or lightened to a contrast of at least 3.
INK, GROUND, GRID = "#1f2328", "#fefefe", "#d8dce1"
SERIES = ("#0072b2", "#d55e00", "#008a65", "#a8508a", "#8a6d00")
MARKERS = ("o", "s", "^", "D", "v")
_DARK = {
    INK: "#e4e6eb",
    GROUND: "#15171c",
    GRID: "#3a3f4a",
    **dict(zip(SERIES, ("#56b4e9", "#ff8c42", "#2fc99b", "#e08ac2", "#e3c04b"), strict=True)),
}
WIDTH, HEIGHT = 5.4, 3.3  # inches: 518 by 317 pixels, so that text can be read on a phone
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "nextword",
    "svg.fonttype": "path",  # the same letters on every machine
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.fontsize": 10,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": GROUND,
    "figure.facecolor": GROUND,
    "savefig.facecolor": GROUND,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.constrained_layout.use": True,
}


@contextmanager
def drawing(
    path: Path, columns: int = 1, rows: int = 1, height: float = HEIGHT, **layout: Any
) -> Iterator[Any]:
    """Provides axes to draw on, and writes them to a file as SVG when the block ends.

    **Arguments:**

    - `path`: of the file, which ends in `.svg`.
    - `columns`, `rows`: the number of axes side by side and one below another.
    - `height`: of the picture, in inches.
    - `layout`: passed to matplotlib's `Figure.subplots`.

    **Returns:** one of matplotlib's `Axes`, or an array of them.

    **Raises:** `PictureError` if the extra `[plot]` is not installed, or for another file extension.
    """
    if path.suffix != ".svg":
        raise PictureError(f"{path}: pictures are SVG; give a name that ends in .svg")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise PictureError("drawing needs the extra [plot]; run pip install 'nextword[plot]'") from None
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height))
        yield figure.subplots(rows, columns, **layout)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    outputs.write_text(path, _in_both_schemes(written.getvalue()))


def _in_both_schemes(svg: str) -> str:
    """A picture whose colours follow the reader's colour scheme, light or dark."""
    names = {colour: f"--c{number}" for number, colour in enumerate(_DARK)}
    light, dark = (
        " ".join(f"{names[colour]}: {value};" for colour, value in scheme.items())
        for scheme in (dict(zip(_DARK, _DARK, strict=True)), _DARK)
    )
    style = f"<style>svg {{ {light} }} @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}</style>"
    svg = re.sub("|".join(_DARK), lambda found: f"var({names[found[0]]})", svg)
    svg = re.sub(r"\n <metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r"(<svg [^>]*>)", rf"\1\n {style}", svg, count=1, flags=re.DOTALL)
