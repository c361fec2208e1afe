"""What was typed → how far the subwords of a dictionary are from it, from any letter onwards."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.entries import Entries
from nextword.runtime.keyboard.candidates import AT_FIRST_LETTER, MOST, WordTable, begun
from nextword.runtime.keyboard.layouts import Layout
from nextword.text.subwords import Surfaces

_TO_COME = 14  # expected cost of each letter that no entry covers yet


class Covered(NamedTuple):
    """How some letters explain what was typed.

    - `ends`: pairs of how many typed letters they may stand for, and the cost of that; the best few.
    - `beyond`: the cost if they stand for all typed letters and more may follow; `MOST` if they cannot.
    """

    ends: tuple[tuple[int, int], ...]
    beyond: int


_MOST_ENDS = 3


class _Group:
    """Some entries, in a table of what they add to a text."""

    def __init__(self, entries: Entries, following: Surfaces, layout: Layout, at_first_letter: int) -> None:
        ids = following.agreeing("")[0]
        self.ids = ids[~entries.is_whole[ids]]
        surfaces = [entries.surfaces[id] for id in self.ids]
        columns = {surface: column for column, surface in enumerate(dict.fromkeys(surfaces))}
        self.columns = np.array([columns[surface] for surface in surfaces], np.int64)
        self.table = WordTable(list(columns), layout, at_first_letter)
        self.bare = np.flatnonzero([not surface for surface in surfaces])


class _Costs(NamedTuple):
    """The costs of a group from one letter onwards.

    - `whole`: of each entry for the next letters, none to all that are left, `(…, entries)`.
    - `beyond`: of its best beginning for all that are left, `(entries,)`.
    - `least`: an estimate of the least that it may cost together with what follows it, `(entries,)`.
    """

    whole: NDArray[np.int16]
    beyond: NDArray[np.int16]
    least: NDArray[np.int16]


class EntryCosts:
    """The costs of all entries after some that cover the beginning of what was typed.

    An error that spans two entries, such as a swap of the letters on either side of their border, costs
    more here than in `WordTable`.

    **Arguments:**

    - `entries`: of the dictionary; those of scripts without blanks and `<eos>` are left out.
    - `layout`: of the keys.
    """

    def __init__(self, entries: Entries, layout: Layout) -> None:
        self._first = _Group(entries, entries.first, layout, AT_FIRST_LETTER)
        self._later = _Group(entries, entries.later, layout, 0)
        self._tables = {0: self._later.table}
        self._typed = ""
        self._known: dict[tuple[bool, int], _Costs] = {}

    def type(self, typed: str) -> None:
        """Looks up what has been typed of a word."""
        if typed != self._typed:
            self._typed = typed
            self._known.clear()

    def after(
        self, path: tuple[int, ...], covered: Covered, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """The entries that may follow, and the cost of each with those before it and an estimate of the rest.

        **Arguments:**

        - `path`: the entries before.
        - `covered`: how these explain what was typed.
        - `whole`: whether what was typed is a whole word.
        """
        group = self._later if path else self._first
        letters = len(self._typed)
        beyond = begun(letters, np.array(covered.beyond, np.int16)) if covered.beyond < MOST else MOST
        found = np.full(len(group.ids), beyond, np.int16)
        for start, cost in covered.ends:
            costs = self._from(not path, start)
            np.minimum(found, cost + costs.least, out=found)
            if not whole:
                all_typed = cost + costs.beyond
                goes_on = begun(letters, all_typed)
                goes_on[all_typed >= MOST] = MOST
                np.minimum(found, goes_on, out=found)
        by_marks = [cost + _TO_COME * (letters - start) for start, cost in covered.ends]
        found[group.bare] = min([int(beyond), *by_marks])
        return group.ids, found

    def covered(self, path: tuple[int, ...], place: int, before: Covered, whole: bool) -> Covered:
        """How the letters explain what was typed once an entry is added.

        **Arguments:**

        - `path`: the entries before it, and `before`, how they explain what was typed.
        - `place`: of the entry among those that may follow.
        """
        group = self._later if path else self._first
        if place in group.bare:
            return before
        beyond, ends = before.beyond, dict[int, int]()
        for start, cost in before.ends:
            costs = self._from(not path, start)
            if not whole:
                beyond = min(beyond, cost + int(costs.beyond[place]))
            for more, further in enumerate(costs.whole[:, place].tolist()):
                total = cost + further
                if total < ends.get(start + more, MOST):
                    ends[start + more] = total
        letters = len(self._typed)
        best = sorted(ends.items(), key=lambda end: end[1] + _TO_COME * (letters - end[0]))
        return Covered(tuple(best[:_MOST_ENDS]), min(beyond, MOST))

    def _from(self, is_first: bool, start: int) -> _Costs:
        """The costs from one of the typed letters onwards."""
        found = self._known.get((is_first, start))
        if found is None:
            group = self._first if is_first else self._later
            table = group.table
            if not is_first:
                table = self._tables.setdefault(start, table.another())
            rest = self._typed[start:]
            table.type(rest)
            whole = table.whole_costs().astype(np.int16)[:, group.columns]
            left = np.arange(len(rest), len(rest) - len(whole), -1, dtype=np.int16)
            least = (whole + _TO_COME * left[:, None]).min(axis=0)
            beyond = table.costs()[0].astype(np.int16)[group.columns]
            found = self._known[is_first, start] = _Costs(whole, beyond, least)
        return found
