"""Outputs: files that are either complete or missing, and how numbers are written in them."""

import csv
import ctypes
import dataclasses
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nextword.errors import OutputError, StageError

_WRITING = ".writing-"  # followed by the id of the writing process
_FILE, _DIRECTORY = "a file", "a directory"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Provides a temporary path for a file or a directory, and renames it to `path` when the block ends.

    The old `path` is untouched until then, and remains if the block fails.

    **Arguments:**

    - `path`: the final path of the output; its parent is created.

    **Raises:** `OutputError` if a file would replace anything but a file, or a directory anything but a
    directory; `OSError` that names `path` if it cannot be written.
    """
    scratch = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{_WRITING}{os.getpid()}-") as scratch:
            temporary = Path(scratch) / (path.name or "unnamed")
            yield temporary
            _check_kind(path, wanted=_DIRECTORY if temporary.is_dir() else _FILE)
            if path.is_dir():
                # A directory cannot be renamed onto one that is not empty.
                if _exchange(temporary, path):
                    return
                path.replace(Path(scratch) / "replaced")
            temporary.replace(path)
    except OSError as error:
        if error.filename and scratch and not str(error.filename).startswith(scratch):
            raise  # it names another file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def check_file(path: Path) -> None:
    """Finds out whether a file can be written, before the work whose result it will hold.

    **Arguments:**

    - `path`: of the file; `replacing` would create its parent, which is not created here.

    **Raises:** `OutputError` if it cannot.
    """
    try:
        _check_kind(path, wanted=_FILE)
        place = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryDirectory(dir=place, prefix=f"{_WRITING}{os.getpid()}-") as scratch:
            (Path(scratch) / path.name).touch()
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}; give another name") from None


def _check_kind(path: Path, wanted: str) -> None:
    if not path.exists():
        return
    found = _DIRECTORY if path.is_dir() else _FILE if path.is_file() else "a device or a pipe"
    if found != wanted:
        raise OutputError(f"{path} is {found}; give the name of {wanted}")


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two directories atomically, so that a kill always leaves one; only where Linux supports it."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _remove_leftovers(directory: Path) -> None:
    """Removes the files left behind by processes that were killed while writing."""
    for path in directory.glob(f"{_WRITING}*"):
        process = path.name.removeprefix(_WRITING).partition("-")[0]
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there, signal 0 is Ctrl-C
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's process
    return True


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 with LF line ends, whatever the platform."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, in the order of its keys.

    **Raises:** `ValueError` for a number that JSON does not have: NaN or an infinity.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, kind: type) -> Any:
    """A value written by `write_json`.

    **Arguments:**

    - `kind`: the expected type: `dict` or `list`.

    **Raises:** `StageError` for a file that is missing or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(f"{path} not found; run `dvc repro` to create it") from None
    except (ValueError, RecursionError) as error:
        raise StageError(f"{path} is damaged: not JSON ({error}); run `dvc repro` to recreate it") from None
    if not isinstance(value, kind):
        raise StageError(f"{path} is damaged: not a {kind.__name__}; run `dvc repro` to recreate it")
    return value


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table as CSV, with numbers rounded by `significant`."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(
            [significant(cell) if isinstance(cell, float) else cell for cell in row] for row in rows
        )


def significant(value: float) -> float:
    """`value` rounded to 6 significant digits, beyond which machines may differ."""
    return float(f"{value:.6g}")


def plain(value: Any) -> Any:
    """Dataclasses and mappings as dictionaries for JSON, with numbers rounded and `None` left out."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return significant(value) if isinstance(value, float) else value


def file_size(size: int) -> str:
    """A number of bytes as shown to users."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
