from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.dictionary import Dictionary
from nextword.errors import UnknownWordError

TOKENS = st.lists(st.sampled_from("abcdefg"))


@given(TOKENS)
def test_ids_fall_by_frequency_and_ties_go_to_the_first_seen(tokens: list[str]) -> None:
    counts = Counter(tokens)
    expected = sorted(counts, key=lambda word: (-counts[word], tokens.index(word)))
    assert list(Dictionary.count(tokens).words) == expected


@given(TOKENS)
def test_decoding_undoes_encoding(tokens: list[str]) -> None:
    dictionary = Dictionary.count(tokens)
    assert dictionary.decode(dictionary.encode(tokens)) == tokens


def test_unknown_word_names_itself_and_its_neighbours() -> None:
    dictionary = Dictionary(["mouse", "Mice", "house", "cat"])
    with pytest.raises(UnknownWordError) as raised:
        dictionary.encode(["cat", "mousse"])
    assert raised.value.word == "mousse"
    assert raised.value.neighbours == ["mouse", "house"]
    assert str(raised.value) == "'mousse' is not in the dictionary; nearest: mouse, house"


def test_a_word_in_other_case_finds_its_neighbour() -> None:
    assert Dictionary(["Mice", "cat"]).neighbours("mice")[0] == "Mice"


def test_unk_stands_for_every_other_word() -> None:
    assert Dictionary(["cat", "<unk>"], unknown=1).encode(["dog", "cat"]) == [1, 0]
