"""The console blocks of a page: their commands, run in order in one shell, and their expected output."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SEPARATOR = "\x1e"  # ASCII's record separator, which no command prints
_ANYTHING = "…"


class Step(NamedTuple):
    """A command and the output that the page shows for it."""

    command: str
    shown: str


def steps_of(page: str) -> list[Step]:
    """The commands of all console blocks, in order. A backslash at the end of a line continues a command."""
    return [step for block in _BLOCK.findall(page) for step in _steps_of(block)]


def _steps_of(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\\n"))
        yield Step("".join(lines[:length]).strip(), "".join(lines[length:]))


def run(steps: list[Step], directory: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command prints; all run in one shell, so that variables carry over."""
    script = "".join(f"printf '\\{ord(_SEPARATOR):o}'\n{step.command}\n" for step in steps)
    printed = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout
    return printed.split(_SEPARATOR)[1:]


def is_as_shown(printed: str, shown: str) -> bool:
    """Whether a command printed what the page shows; a line `…` stands for any number of lines."""
    parts = [
        ".*" if line.strip() == _ANYTHING else re.escape(line) for line in shown.splitlines(keepends=True)
    ]
    return bool(re.fullmatch("".join(parts), printed, re.DOTALL))
