"""Checks the arguments of everything public in one place.

Each error names the argument, and is of the class that the caller documents.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nextword.errors import CountError, NextwordError, PromptError

_MOST_DIGITS = 15  # a longer number is described by its length


def number(
    error: type[NextwordError],
    name: str,
    value: Any,
    low: float,
    high: float,
    *,
    whole: bool,
    form: str = "g",
    below: bool = False,
) -> None:
    """Checks a number.

    **Arguments:**

    - `low`, `high`: the smallest and the largest allowed value.
    - `whole`: whether it must be a whole number.
    - `form`: how numbers are written, as a `format` specification.
    - `below`: whether it has to be less than `high`.

    **Raises:** `error`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise error(f"{name} must be a number; got {kind(value)}")
    if not low <= value <= high or (below and value == high):
        most = f"{'below ' if below else ''}{high:{form}}"
        raise error(f"{name} must be from {low:{form}} to {most}; got {written(value, form)}")
    if whole and not isinstance(value, int | np.integer):
        raise error(f"{name} must be a whole number; got {value!r}")


def count(name: str, value: Any, most: int) -> None:
    """Checks a number of words, suggestions or the like.

    **Raises:** `CountError` if it is not a whole number from 1 to `most`.
    """
    number(CountError, name, value, 1, most, whole=True, form=",")


def text(value: Any, what: str = "the text") -> str:
    """A text, unchanged.

    **Raises:** `PromptError` for anything else.
    """
    if not isinstance(value, str):
        raise PromptError(f"{what} must be a string; got {kind(value)}")
    return value


def strings(error: type[NextwordError], name: str, value: Any) -> tuple[str, ...]:
    """Strings; a plain string counts as one.

    **Raises:** `error` for anything else.
    """
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray):
        raise error(f"{name} must be strings; got {kind(value)}")
    found = tuple(value)
    for one in found:
        if not isinstance(one, str):
            raise error(f"{name} must be strings; got {kind(one)}")
    return found


def path(error: type[NextwordError], value: Any) -> Path:
    """A path.

    **Raises:** `error` for anything else.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or "\0" in value:
        what = "one with a NUL character" if isinstance(value, str) else kind(value)
        raise error(f"the path of a file must be a string or a Path; got {what}")
    return Path(value)


def kind(value: Any) -> str:
    """The kind of a value, in one word."""
    return "None" if value is None else type(value).__name__


def written(value: Any, form: str) -> str:
    """A number as a message shows it, however large it is."""
    if isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS:
        return f"a number of about {int(value.bit_length() * 0.30103) + 1:,} digits"
    return f"{value:{form}}"
