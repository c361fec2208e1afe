import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.text.letters import LetterModel

WORDS = st.lists(st.text("abä", min_size=1, max_size=6), min_size=1, max_size=8, unique=True)


@given(WORDS, st.integers(1, 5))
def test_probabilities_of_strings_add_up_to_at_most_one(words: list[str], order: int) -> None:
    letters = LetterModel(words, order)
    strings = ("".join(some) for length in range(6) for some in itertools.product("abäx", repeat=length))
    assert sum(math.exp(letters.log_probability(string)) for string in strings) <= 1 + 1e-9


@given(WORDS, st.integers(1, 5), st.text(max_size=4))
def test_probabilities_after_any_letters_add_up_to_one(words: list[str], order: int, begun: str) -> None:
    letters = LetterModel(words, order)
    history = ("\x02" * (order - 1) + begun)[len(begun) :] if order > 1 else ""
    known = set("".join(words)) | {"\x03"}
    found = sum(letters._probability(letter, history) for letter in known)
    # All other characters of Unicode have equal probabilities.
    found += letters._probability("\uffff", history) * (0x110000 - len(known))
    assert found == pytest.approx(1, abs=1e-9)


def test_a_word_made_of_known_parts_costs_less_than_a_jumble() -> None:
    letters = LetterModel(["walked", "talked", "walking", "talking", "jumped", "singing"], 5)
    likely, jumble, foreign = (letters.log_probability(word) for word in ("jumping", "pgjimnu", "крот"))
    assert likely > jumble + 5
    assert jumble > foreign + 5
    assert math.isfinite(foreign)


def test_the_bigrams_of_two_words_computed_by_hand() -> None:
    letters = LetterModel(["ab", "ac"], 2)
    # After a, b and c occur once each: 0.25/2 for themselves, and 2 · 0.75/2 for the lower order, in which
    # one letter precedes each of a, b and c, and two precede the end.
    whole = 5
    lower = (1 - 0.75) / whole + 0.75 * 4 / whole / 0x110000
    after_a = (1 - 0.75) / 2 + 0.75 * 2 / 2 * lower
    first = (2 - 0.75) / 2 + 0.75 / 2 * lower
    end = (1 - 0.75) / 1 + 0.75 * ((2 - 0.75) / whole + 0.75 * 4 / whole / 0x110000)
    assert letters.log_probability("ab") == pytest.approx(math.log(first * after_a * end))
