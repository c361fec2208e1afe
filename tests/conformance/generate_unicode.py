"""Writes the classes of characters that Python and JavaScript share, from one version of Unicode.

    pip install --target /tmp/unicode regex==2026.1.15
    PYTHONPATH=/tmp/unicode:src python3.11 tests/conformance/generate_unicode.py

`regex` 2026.1.15 has Unicode 17.0. The interpreter must be Python 3.11, whose Unicode 14.0 is the oldest
that we support: characters that it does not know are never normalised. Writes `src/nextword/text/unicode.py`,
and the same table to `js/nextword/unicode.js`.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

VERSION = "17.0"
UNASSIGNED = 814_730  # code points of that version
ROOT = Path(__file__).parents[2]
PYTHON, JAVASCRIPT = ROOT / "src/nextword/text/unicode.py", ROOT / "js/nextword/unicode.js"
CODES = range(0x110000)
CLASSES = {
    "letter": r"[\p{L}\p{M}\p{N}_\p{GCB=Prepend}--\p{Extended_Pictographic}"
    r"--[[\p{Script=Han}\p{Script=Hiragana}]&&[\p{L}\p{N}]]]",
    "ideograph": r"[[\p{Script=Han}\p{Script=Hiragana}]&&[\p{L}\p{N}]]",
    "katakana": r"[\p{WB=Katakana}&&\p{L}]",
    "digit": r"\p{Nd}",
    "control": r"[\p{GCB=Control}\p{GCB=CR}\p{GCB=LF}]",
    "prepend": r"\p{GCB=Prepend}",
    "extend": r"\p{GCB=Extend}",
    "spacing": r"\p{GCB=SpacingMark}",
    "pictograph": r"\p{Extended_Pictographic}",
    "consonant": r"\p{InCB=Consonant}",
    "linker": r"\p{InCB=Linker}",
    "leading": r"\p{GCB=L}",
    "vowel": r"\p{GCB=V}",
    "trailing": r"\p{GCB=T}",
}
_COMPOSED = {
    part
    for code in CODES
    if (form := unicodedata.decomposition(chr(code))) and not form.startswith("<")
    for part in (code, *(int(one, 16) for one in form.split()))
}
_HANGUL = [*range(0x1100, 0x1200), *range(0xAC00, 0xD7A4)]
# Characters of Unicode 14.0 that prevent a final sigma in one version of Python but not in another.
_CHANGED = (0x295, 0x1171E)
_MOST_SWALLOWED = 8  # characters between two ranges that are merged


def codes_of(pattern: str) -> list[int]:
    """The characters of a class given in the notation of `regex`."""
    regex = import_module("regex")  # not a dependency of the project
    is_in = regex.compile(pattern, regex.VERSION1).fullmatch
    return [code for code in CODES if is_in(chr(code))]


def ranges_of(codes: Iterable[int]) -> list[tuple[int, int]]:
    """The first and last code of each run."""
    runs = itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    listed = ([code for _, code in run] for _, run in runs)
    return [(run[0], run[-1]) for run in listed]


def written(ranges: Iterable[tuple[int, int]]) -> str:
    """Ranges as text: the distance of each from the last, and how many more characters it has, in base 36."""
    parts, end = [], 0
    for first, last in ranges:
        more = f"-{base_36(last - first)}" if last > first else ""
        parts.append(base_36(first - end) + more)
        end = last + 1
    return " ".join(parts)


def base_36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (base_36(number // 36) if number >= 36 else "") + digits[number % 36]


def is_inert(code: int) -> bool:
    """Whether neither normalisation nor lower-casing can act across this character."""
    one = chr(code)
    return (
        one.lower() == one == unicodedata.normalize("NFC", one)
        and not unicodedata.combining(one)
        and code not in _COMPOSED
        and code not in _HANGUL
        and f"aΣ{one}b".lower()[1] == "ς"
        and f"a{one}Σ".lower()[-1] == f"{one}Σ".lower()[-1] == "σ"
    )


def barrier() -> list[tuple[int, int]]:
    """The characters never normalised: those unassigned in Unicode 14.0, in as few ranges as possible."""
    unknown = [code for code in CODES if unicodedata.category(chr(code)) == "Cn" or code in _CHANGED]
    found: list[tuple[int, int]] = []
    for first, last in ranges_of(unknown):
        gap = range(found[-1][1] + 1, first) if found else range(first)
        if found and len(gap) <= _MOST_SWALLOWED and all(map(is_inert, gap)):
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found


def tables() -> dict[str, str]:
    """Each class by name, as text."""
    found = {name: written(ranges_of(codes_of(pattern))) for name, pattern in CLASSES.items()}
    return found | {"barrier": written(barrier())}


def as_lines(text: str, width: int) -> list[str]:
    """A text in lines that end with a blank, except the last."""
    return re.findall(rf".{{1,{width}}}(?: |$)", text)


def python(classes: dict[str, str]) -> str:
    lines = [
        f'"""Classes of characters of Unicode {VERSION}, written by `tests/conformance/generate_unicode.py`.',
        "",
        "Of each range: how far it is behind the last, and how many more it has, in base 36.",
        '"""',
        "",
        f'VERSION = "{VERSION}"',
        "RANGES = {",
    ]
    for name, text in classes.items():
        pieces = as_lines(text, 88)
        if len(pieces) == 1:
            lines.append(f'    "{name}": "{text}",')
        else:
            lines += [f'    "{name}": (', *(f'        "{piece}"' for piece in pieces), "    ),"]
    return "\n".join([*lines, "}", ""])


def javascript(classes: dict[str, str]) -> str:
    lines = [f'export const UNICODE = "{VERSION}";', "export const RUNS = {"]
    for name, text in classes.items():
        pieces = as_lines(text, 100)
        if len(pieces) == 1:
            lines.append(f'  {name}: "{text}",')
        else:
            lines += [f"  {name}:", *(f'    "{piece}" +' for piece in pieces[:-1]), f'    "{pieces[-1]}",']
    return "\n".join([*lines, "};", ""])


def put_between(path: Path, write: Callable[[], str]) -> None:
    """Replaces the text between the marker lines of a file."""
    begin, end = "// Written by tests/conformance/generate_unicode.py:\n", "// Up to here.\n"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    path.write_text(before + begin + write() + end + rest.split(end)[1], encoding="utf-8")


def main() -> None:
    """Writes the table for both languages."""
    assert unicodedata.unidata_version == "14.0.0", "run it with Python 3.11"
    assert len(codes_of(r"\p{Cn}")) == UNASSIGNED, "install regex==2026.1.15, which has Unicode 17.0"
    extending = set(codes_of(r"\p{InCB=Extend}")) | set(codes_of(r"\p{InCB=Linker}"))
    assert extending == (set(codes_of(r"\p{GCB=Extend}")) | {0x200D}) - {0x200C}
    classes = tables()
    PYTHON.write_text(python(classes), encoding="utf-8")
    put_between(JAVASCRIPT, lambda: javascript(classes))


if __name__ == "__main__":
    main()
