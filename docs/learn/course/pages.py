"""Results → the figures in the pages: python course/pages.py.

A page marks what it takes from results/. `64.0 %<!-- windows.ceiling.0 .1% -->` is a number with its place
and format; a table stands between `<!-- table windows.table -->` and `<!-- end -->`. `current` says what a
page should be, so that a test can tell whether it is.
"""

import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from nextword import errors, outputs

HERE = Path(__file__).resolve().parents[1]

_NUMBER = re.compile(r"[−\d.,]+(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?: %)?<!-- ([\w.-]+) (\S+) -->")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TABLE = re.compile(r"(<!-- table ([\w.-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TEXT = re.compile(r"`[^`]*`<!-- ([\w.-]+) -->")


def current(page: str) -> str:
    """A page with the figures that results/ has."""
    page = _NUMBER.sub(lambda found: f"{_shown(found[1], found[2])}<!-- {found[1]} {found[2]} -->", page)
    page = _TEXT.sub(lambda found: f"`{_value(found[1])}`<!-- {found[1]} -->", page)
    return _TABLE.sub(lambda found: found[1] + _rows(_value(found[2])) + found[3], page)


def marks(page: str) -> int:
    """How many figures and tables a page takes from results/."""
    return sum(len(pattern.findall(page)) for pattern in (_NUMBER, _TEXT, _TABLE))


def pages() -> list[Path]:
    """The pages of the course."""
    return sorted(HERE.glob("*.md"))


def _shown(place: str, form: str) -> str:
    shown, _, exponent = f"{_value(place):{form}}".partition("e")
    if exponent:
        shown += f" × 10{str(int(exponent)).translate(_RAISED)}"
    return shown.replace("%", " %").replace("-", "−")


def _rows(table: dict[str, Any]) -> str:
    header, rows = table["header"], table["rows"]
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


@lru_cache
def _results(name: str) -> Any:
    return outputs.read_json(HERE / "results" / f"{name}.json", dict)


def _value(place: str) -> Any:
    """A value by the name of its file and its keys, `windows.ceiling.0`."""
    name, *keys = place.split(".")
    value = _results(name)
    for key in keys:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def main() -> None:
    """Writes the figures into the pages."""
    for path in pages():
        outputs.write_text(path, current(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(errors.run(main))
