from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.errors import UnknownWordError
from nextword.text.dictionary import Dictionary, amount

TOKENS = st.lists(st.sampled_from("abcdefg"))
WITH_UNKNOWN = st.lists(st.sampled_from([*"abcdefg", "<unk>"]))


@given(TOKENS)
def test_ids_are_by_descending_frequency_and_ties_by_first_appearance(tokens: list[str]) -> None:
    counts = Counter(tokens)
    expected = sorted(counts, key=lambda word: (-counts[word], tokens.index(word)))
    dictionary = Dictionary.count(Counter(tokens))
    assert list(dictionary.words) == expected
    assert dictionary.unknown is None


def test_an_amount_is_singular_where_it_is_one() -> None:
    assert amount(1, "subwords") == "1 subword"
    assert [amount(number, "words") for number in (0, 2, 2902)] == ["0 words", "2 words", "2,902 words"]


@given(TOKENS)
def test_decoding_undoes_encoding(tokens: list[str]) -> None:
    dictionary = Dictionary.count(Counter(tokens))
    assert dictionary.decode(dictionary.encode(tokens)) == tokens


def test_the_error_for_an_unknown_word_names_it_and_its_neighbours() -> None:
    dictionary = Dictionary(["mouse", "Mice", "house", "cat"])
    with pytest.raises(UnknownWordError) as raised:
        dictionary.encode(["cat", "mousse"])
    assert raised.value.word == "mousse"
    assert raised.value.neighbours == ["mouse", "house"]
    assert str(raised.value) == "'mousse' is not in the dictionary; nearest: mouse, house"


def test_a_word_in_another_case_finds_its_neighbour() -> None:
    assert Dictionary(["Mice", "cat"]).neighbours("mice")[0] == "Mice"


def test_unk_stands_for_every_other_word() -> None:
    assert Dictionary(["cat", "<unk>"], unknown=1).encode(["dog", "cat"]) == [1, 0]


@given(WITH_UNKNOWN, st.integers(0, 8), st.integers(1, 4))
def test_a_capped_dictionary_has_the_frequent_words_and_unk(
    tokens: list[str], max_words: int, min_count: int
) -> None:
    counts = Counter(tokens)
    dictionary = Dictionary.count(counts, max_words, min_count)
    if not max_words and min_count == 1:
        assert list(dictionary.words) == [word for word, _ in counts.most_common()]
        # A text may contain `<unk>` itself.
        assert (dictionary.unknown is not None) == ("<unk>" in tokens)
        assert dictionary.unknown is None or dictionary.words[dictionary.unknown] == "<unk>"
        return
    assert dictionary.unknown is not None
    assert dictionary.words[dictionary.unknown] == "<unk>"
    known = [word for word in dictionary.words if word != "<unk>"]
    whole = [word for word, count in counts.most_common() if count >= min_count and word != "<unk>"]
    assert known == (whole[: max_words - 1] if max_words else whole)
    frequencies = [counts[word] for word in known]
    frequencies.insert(dictionary.unknown, len(tokens) - sum(frequencies))
    assert frequencies == sorted(frequencies, reverse=True)


@given(WITH_UNKNOWN, st.integers(0, 8), st.integers(1, 4))
def test_a_word_is_unknown_if_it_is_missing_or_is_unk(
    tokens: list[str], max_words: int, min_count: int
) -> None:
    dictionary = Dictionary.count(Counter(tokens), max_words, min_count)
    for word in [*"abcdefgh", "<unk>"]:
        assert dictionary.is_unknown(word) == (word == "<unk>" or word not in dictionary.words)
