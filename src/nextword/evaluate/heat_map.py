"""A passage with each word as red as it was surprising, as an SVG image."""

from unicodedata import combining, east_asian_width
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _LINE, _GLYPH, _MARGIN = 900, 26, 8.4, 16  # pixels; a glyph of 14-pixel monospace is 8.4 wide
_MOST = 16.0  # bits, at and above which a word is fully red


def draw(pieces: list[str], surprise: NDArray[np.float64], title: str) -> str:
    """Draws a passage.

    **Arguments:**

    - `pieces`: the words as they are joined: each with the blank before it, or a line end.
    - `surprise`: of each word, −log₂ P, in bits.
    - `title`: what the picture shows.
    """
    x, y = float(_MARGIN), _MARGIN + 2 * _LINE
    shapes = [f'<text x="{_MARGIN}" y="{_MARGIN + 14}" class="title">{escape(title)}</text>']
    for piece, bits in zip(pieces, surprise.tolist(), strict=True):
        word = piece.strip() or ("↵" if "\n" in piece else "␣")
        # Wide characters such as Chinese take two columns, combining marks none.
        columns = sum(1 + (east_asian_width(glyph) in "WF") - bool(combining(glyph)) for glyph in word)
        width = columns * _GLYPH
        if x + width > _WIDTH - _MARGIN:
            x, y = float(_MARGIN), y + _LINE
        share = min(bits / _MOST, 1)
        shapes.append(
            f'<rect x="{x:.1f}" y="{y - 16}" width="{width + 2:.1f}" height="21" rx="3" '
            f'fill="#d62728" fill-opacity="{share:.2f}"><title>{escape(word)}: {bits:.1f} bits</title></rect>'
            f'<text x="{x + 1:.1f}" y="{y}">{escape(word)}</text>'
        )
        x += width + _GLYPH
        if "\n" in piece:
            x, y = float(_MARGIN), y + _LINE
    legend = "".join(
        f'<rect x="{_MARGIN + 90 * number}" y="{y + _LINE}" width="84" height="21" rx="3" fill="#d62728" '
        f'fill-opacity="{bits / _MOST:.2f}"/>'
        f'<text x="{_MARGIN + 90 * number + 6}" y="{y + _LINE + 16}">{bits} bits</text>'
        for number, bits in enumerate((0, 4, 8, 12, 16))
    )
    height = y + 3 * _LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}">\n<style>text {{ font: 14px monospace; fill: #111 }} '
        ".title { font: bold 14px sans-serif }</style>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(shapes) + f"\n{legend}\n</svg>\n"
    )
