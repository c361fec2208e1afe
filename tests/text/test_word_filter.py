import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.text.word_filter import WordFilter

WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=50)


@given(WORDS, WORDS)
def test_a_filter_has_all_of_its_words_also_when_read_back_and_added_to(
    words: list[str], others: list[str]
) -> None:
    found = WordFilter.from_text(WordFilter.of(words).text)
    assert found is not None
    assert all(word in found for word in words)
    found.add(others)
    assert all(word in found for word in words + others)


def test_about_one_in_a_hundred_other_words_is_taken_for_one_of_them() -> None:
    found = WordFilter.of(f"word{number}" for number in range(6500))  # just below a power of two
    others = sum(f"other{number}" in found for number in range(10_000))
    assert others < 200


def test_an_empty_filter_has_nothing() -> None:
    assert "the" not in WordFilter.of([])


@pytest.mark.parametrize(
    "text",
    ["", "AAAA", "not base64", base64.b64encode(bytes(24)).decode(), base64.b64encode(bytes(2**21)).decode()],
)
def test_only_what_a_filter_wrote_is_a_filter(text: str) -> None:
    assert WordFilter.from_text(text) is None
