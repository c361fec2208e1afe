"""No figure gets better because words were removed from the dictionary."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from nextword.figures import NEVER
from nextword.model.predictions import judge
from nextword.runtime.keystrokes import KeystrokeCounter, Suggester
from nextword.text.dictionary import UNKNOWN, Dictionary
from nextword.text.words import Joiner

# Words of the same length. If lengths differed, removing a short word could make room for a long one, whose
# suggestion saves more, and the user of such a keyboard would be better off.
WORDS = ["".join(letters) for letters in itertools.product("abc", repeat=2)]
SHARES = st.lists(st.integers(1, 1000), min_size=9, max_size=9)
KEPT = st.sets(st.integers(0, 8), min_size=1, max_size=8)
Array = NDArray[np.float64]


def taken_out(shares: Array, kept: set[int]) -> tuple[Dictionary, Array, list[int]]:
    """The dictionary of the kept words and `<unk>`, their probabilities, and the id of each word."""
    words = [WORDS[id] for id in sorted(kept)]
    rest = shares.sum() - shares[sorted(kept)].sum()
    dictionary = Dictionary([*words, UNKNOWN], len(words))
    return dictionary, np.append(shares[sorted(kept)], rest), dictionary.encode(WORDS)


def right(probabilities: Array, ids: list[int], unknown: int | None) -> tuple[Array, Array]:
    """Whether each word is the likeliest one, and among the three likeliest."""
    rows = np.log(np.broadcast_to(probabilities, (len(ids), len(probabilities))))
    rank = judge([(rows, np.array(ids))], unknown).rank
    return (rank == 0).astype(float), (rank < 3).astype(float)


def saved(dictionary: Dictionary, probabilities: Array, ids: list[int]) -> Array:
    """The keystrokes that each word would save."""
    found = []
    for word, id in zip(WORDS, ids, strict=True):
        counter = KeystrokeCounter(Joiner("whitespace"))
        counter.show("x")
        counter.type(word, word, Suggester(dictionary).of(id, np.log(probabilities)))
        found.append(counter.characters - counter.keystrokes)
    return np.array(found, float)


@given(SHARES, KEPT)
def test_removing_words_from_the_dictionary_never_improves_expected_figures(
    weights: list[int], kept: set[int]
) -> None:
    shares = np.array(weights) / sum(weights)
    dictionary, probabilities, ids = taken_out(shares, kept)
    whole = Dictionary(WORDS)
    before = (*right(shares, list(range(9)), None), saved(whole, shares, list(range(9))))
    after = (*right(probabilities, ids, dictionary.unknown), saved(dictionary, probabilities, ids))
    # Each word occurs as often as the probabilities say.
    for figure, smaller in zip(before, after, strict=True):
        assert shares @ smaller <= shares @ figure + 1e-12


@given(SHARES, KEPT)
def test_a_removed_word_is_never_right_and_is_typed_in_full(weights: list[int], kept: set[int]) -> None:
    shares = np.array(weights) / sum(weights)
    dictionary, probabilities, ids = taken_out(shares, kept)
    out = [place for place in range(9) if place not in kept]
    for figure in (*right(probabilities, ids, dictionary.unknown), saved(dictionary, probabilities, ids)):
        assert not figure[out].any()


def test_unk_is_never_shown_and_takes_no_place() -> None:
    dictionary = Dictionary(["a", UNKNOWN, "b", "c"], 1)
    log_probabilities = np.log(np.array([[0.1, 0.6, 0.2, 0.1]]))
    for word, rank in (("b", 0), ("a", 1), ("c", 2), ("x", NEVER)):
        (id,) = dictionary.encode([word])
        assert judge([(log_probabilities, np.array([id]))], 1).rank.tolist() == [rank]
    assert judge([(log_probabilities, np.array([0]))], 1).likeliest.tolist() == [2]
    assert judge([(log_probabilities, np.array([0]))], 1).likeliest_log_probability == pytest.approx(
        np.log(0.2)
    )
