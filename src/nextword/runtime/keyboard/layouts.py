"""Where the keys are: which letters a finger may have meant for another."""

from collections.abc import Mapping, Sequence

from nextword.errors import KeyboardError

# Rows of keys from the top, each row's letters from the left. A row is half a key to the right of
# the one above it, as on most keyboards.
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "qwerty": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "qwertz": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "azerty": ("azertyuiop", "qsdfghjklm", "wxcvbn"),
    "dvorak": ("',.pyfgcrl", "aoeuidhtns", ";qjkxbmwvz"),
}

_VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüý")


class Layout:
    """Which keys are next to each other.

    **Arguments:**

    - `rows`: a name from `LAYOUTS`, or the letters of each row of keys, from the top.

    **Raises:** `KeyboardError` for an unknown name or invalid rows.
    """

    def __init__(self, rows: str | Sequence[str]) -> None:
        if isinstance(rows, str):
            if rows not in LAYOUTS:
                raise KeyboardError(
                    f"there is no layout {rows[:40]!r}; use one of {', '.join(LAYOUTS)}, or give the "
                    "rows of keys"
                )
            rows = LAYOUTS[rows]
        is_list = isinstance(rows, Sequence) and len(rows) > 0
        if not is_list or not all(isinstance(row, str) and row for row in rows):
            raise KeyboardError("a layout must be a list of rows, each with the letters of its keys")
        places = {
            key: (line, place + line / 2)
            for line, row in enumerate(rows)
            for place, key in enumerate(row.casefold())
        }
        self._beside = {
            (one, other)
            for one, (line, place) in places.items()
            for other, (line_2, place_2) in places.items()
            if one != other and abs(line - line_2) <= 1 and abs(place - place_2) <= 1
        }

    def are_beside(self, one: str, other: str) -> bool:
        """Whether two letters, in lower case, are on neighbouring keys."""
        return (one, other) in self._beside


def are_vowels(one: str, other: str) -> bool:
    """Whether both letters, in lower case, are vowels of a Latin alphabet."""
    return one in _VOWELS and other in _VOWELS
