"""Outputs that are there whole or not at all: written beside their place, then renamed."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write a file or a directory to, and renames it to `path`.

    The old `path` stays as it was until the block ends, and for good if the block fails.

    **Arguments:**

    - `path`: where the output shall be; its parent is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as scratch:
        temporary = Path(scratch) / path.name
        yield temporary
        if path.is_dir():
            # A directory cannot be renamed over one that has files in it.
            path.replace(Path(scratch) / "replaced")
        temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 with LF line ends, whatever the platform."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, in the order of its keys."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
