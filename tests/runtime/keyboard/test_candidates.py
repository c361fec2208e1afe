import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.errors import KeyboardError
from nextword.runtime.keyboard.candidates import MOST, WordTable
from nextword.runtime.keyboard.layouts import Layout, are_vowels

WORDS = ["the", "then", "house", "hose", "their", "Jesus", "a", "letter", "ll", "λόγος", "zoo"]
LAYOUT = Layout("qwerty")
STRINGS = st.text("thenosurlaJjzλό", max_size=8)


def cost(typed: str, word: str) -> tuple[int, int]:
    """The costs of the best beginning of a word and of all of it, by the textbook recursion."""
    costs: dict[tuple[int, int], int] = {(0, 0): 0}

    def at(i: int, j: int) -> int:
        return costs.get((i, j), MOST)

    for i in range(len(typed) + 1):
        for j in range(len(word) + 1):
            if abs(i - j) > 3:
                continue
            found = [at(i, j)]
            if i and j:
                found.append(at(i - 1, j - 1) + instead(typed[i - 1], word[j - 1], first=i == 1))
            if i:
                beside = [extra(typed[i - 1], word[k]) for k in (j - 1, j) if 0 <= k < len(word)]
                found.append(at(i - 1, j) + min([35, *beside]) + 11 * (i == 1))
            if j:
                doubled = j > 1 and word[j - 1] == word[j - 2]
                found.append(at(i, j - 1) + (9 if doubled else 16) + 11 * (j == 1))
            if i > 1 and j > 1 and typed[i - 2 : i] == word[j - 1] + word[j - 2]:
                found.append(at(i - 2, j - 2) + 15 + 11 * (i == 2))
            costs[i, j] = min(MOST, *found)
    ends = [at(len(typed), j) for j in range(len(word) + 1)]
    return min(ends), ends[-1]


def instead(typed: str, meant: str, first: bool) -> int:
    if typed == meant:
        return 0
    one, other = typed.casefold(), meant.casefold()
    if one == other:
        return 5
    slip = 23 if LAYOUT.are_beside(one, other) else 25 if are_vowels(one, other) else 41
    return slip + 11 * first


def extra(typed: str, beside: str) -> int:
    one, other = typed.casefold(), beside.casefold()
    return 27 if one == other else 31 if LAYOUT.are_beside(one, other) else 35


@settings(max_examples=200)
@given(st.lists(STRINGS, min_size=1, max_size=4))
def test_every_word_has_the_cost_of_its_cheapest_edits(strings: list[str]) -> None:
    table = WordTable(WORDS, LAYOUT)
    for typed in strings:  # the table keeps what they have in common
        table.type(typed)
    beginnings, wholes = table.costs()
    assert list(zip(beginnings, wholes, strict=True)) == [cost(strings[-1], word) for word in WORDS]


def test_a_text_much_longer_than_every_word_matches_none() -> None:
    table = WordTable(WORDS, LAYOUT)
    table.type("the" * 10_000)
    assert (table.costs()[1] == MOST).all()
    table.type("the")
    assert table.costs()[1][0] == 0


def test_a_dictionary_may_have_more_letters_than_a_byte_can_number() -> None:
    words = [chr(0x4E00 + number) for number in range(700)]
    table = WordTable(words, LAYOUT)
    table.type(words[600])
    assert np.flatnonzero(table.costs()[1] == 0).tolist() == [600]


@pytest.mark.parametrize("layout", ["colemak", [], [""], [1], 1])
def test_an_invalid_layout_is_rejected(layout: object) -> None:
    with pytest.raises(KeyboardError, match="layout"):
        Layout(layout)  # type: ignore[arg-type]


def test_neighbours_are_those_of_the_layout() -> None:
    assert LAYOUT.are_beside("a", "s")
    assert LAYOUT.are_beside("a", "q")
    assert not LAYOUT.are_beside("a", "y")
    assert Layout("qwertz").are_beside("t", "z")
    assert not Layout("qwerty").are_beside("t", "z")
    assert Layout(["abc", "def"]).are_beside("a", "d")
