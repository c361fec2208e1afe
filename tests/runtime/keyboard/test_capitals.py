import pytest

from nextword.runtime.keyboard import capitals


@pytest.mark.parametrize(
    ("word", "typed", "shown"),
    [
        ("the", "Th", "The"),
        ("the", "TH", "THE"),
        ("Jesus", "jes", "Jesus"),
        ("the", "t", "the"),
        ("I", "i", "I"),
    ],
)
def test_a_word_takes_the_capitals_of_the_typed_text(word: str, typed: str, shown: str) -> None:
    assert capitals.in_case_of(word, typed) == shown
