import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.text import marks, words
from nextword.text.characters import normalise

ODD = "ab3 .,'\"-▁‿…\u0301\u200d😀。，（世らカーไทยခမ\n\t<0x41>"
TEXTS = st.text() | st.text(st.sampled_from(ODD))


@given(TEXTS, st.booleans())
def test_marked_words_join_to_the_text_with_its_blanks(text: str, line_ends: bool) -> None:
    joined = words.join(words.split(text, "subwords", line_ends=line_ends), "subwords", line_ends)
    lines = normalise(text).replace("\r\n", "\n").replace("\r", "\n").split("\n") if line_ends else [text]
    assert [" ".join(line.split()) for line in joined.split("\n" if line_ends else "\0")] == [
        " ".join(normalise(line).split()) for line in lines
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Ago," he said', ['▁"', "‿Ago", "‿,", '‿"', "▁he", "▁said"]),
        ("don't (yet) 3.14", ["▁don't", "▁(", "‿yet", "‿)", "▁3.14"]),
        ("我喜歡讀書。And Tom 好", ["我喜歡讀書", "‿。", "‿And", "▁Tom", "▁", "好"]),
        ("ไทย ก", ["ไทย", "▁", "ก"]),
        ("a▁b", ["▁a", "‿▁", "‿b"]),
    ],
)
def test_a_mark_says_whether_a_blank_stands_before_a_word(text: str, expected: list[str]) -> None:
    assert marks.split(text) == expected


def test_the_bytes_of_a_character_are_written_once_they_are_complete() -> None:
    joiner = words.Joiner("subwords")
    pieces = [joiner.push(entry) for entry in ("▁a", "▁", "<0xE6>", "<0x97>", "<0xA5>", "b")]
    assert pieces == ["a", "", "", "", " 日", "b"]


def test_invalid_bytes_are_replaced() -> None:
    assert words.join(["▁a", "<0xE6>", "‿b"], "subwords") == "a\ufffdb"
