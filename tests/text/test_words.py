import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.text import characters, words

WAYS = st.sampled_from(words.SPLIT_BY)
UNMARKED = st.sampled_from([way for way in words.SPLIT_BY if way != "subwords"])
# Plain text() rarely hits the characters that matter: punctuation, marks, joiners, digits, blanks.
ODD = "ab3 .,'\"()“”’-:…$%\u0301\u200d\u200c\ufe0f😀。，（अि\n\r\t世らカー🏽🇩ᄀ각\u0600क\u094d"
TEXTS = st.text() | st.text(st.sampled_from(ODD))
LINE_END = re.compile(r"\r\n?|\n")


@given(TEXTS, WAYS, st.booleans(), st.booleans())
def test_splitting_a_joined_text_gives_the_same_words(
    text: str, split_by: str, lowercase: bool, line_ends: bool
) -> None:
    tokens = words.split(text, split_by, lowercase, line_ends)
    joined = words.join(tokens, split_by, line_ends)
    assert words.split(joined, split_by, lowercase, line_ends) == tokens


@given(TEXTS, UNMARKED)
def test_splitting_loses_nothing_but_blanks(text: str, split_by: str) -> None:
    kept = "".join(characters.normalise(text).split())
    assert "".join(words.split(text, split_by)).replace(" ", "") == kept


@given(TEXTS.filter(lambda text: "<eos>" not in text), WAYS)
def test_each_line_end_is_a_word(text: str, split_by: str) -> None:
    found = words.split(text, split_by, line_ends=True)
    count = len(LINE_END.findall(text))
    assert found.count("<eos>") == count
    assert [word for word in found if word not in {"<eos>", " "}] == [
        word for word in words.split(text, split_by) if word != " "
    ]
    assert words.join(found, split_by, line_ends=True).count("\n") == count


@given(TEXTS, WAYS)
def test_pieces_of_a_joiner_add_up_to_the_joined_text(text: str, split_by: str) -> None:
    tokens = words.split(text, split_by)
    joiner = words.Joiner(split_by)
    assert "".join([joiner.push(token) for token in tokens]) == words.join(tokens, split_by)


@given(TEXTS)
def test_no_word_ends_inside_a_user_perceived_character(text: str) -> None:
    text = characters.normalise(text).replace("\u0600", "")  # a sign that precedes a number is a letter
    for line in text.split():
        ends = set(itertools.accumulate(map(len, characters.clusters(line))))
        assert set(itertools.accumulate(map(len, words.split(line, "words")))) <= ends


def test_whitespace_keeps_everything_between_blanks() -> None:
    assert words.split("long ago,  the\tmice\n", "whitespace") == ["long", "ago,", "the", "mice"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"ago,"', ['"', "ago", ",", '"']),
        ("don't well-kept rock’n’roll", ["don't", "well-kept", "rock’n’roll"]),
        ("3.14 1,000 12:30 3.", ["3.14", "1,000", "12:30", "3", "."]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("e\u0301tude", ["étude"]),
        ("a_b x--y", ["a_b", "x", "-", "-", "y"]),
        ("👨‍👩‍👧 ❤️", ["👨‍👩‍👧", "❤️"]),
        (
            "👍🏽🇩🇪🇫🇷 1️⃣ 🏴\U000e0067\U000e0062\U000e007f!",
            ["👍🏽", "🇩🇪", "🇫🇷", "1️⃣", "🏴\U000e0067\U000e0062\U000e007f", "!"],
        ),
        ("king🙂 king® §king ℹ️", ["king", "🙂", "king", "®", "§", "king", "ℹ️"]),
        ("你好，世界。第3章", ["你", "好", "，", "世", "界", "。", "第", "3", "章"]),
        ("トマトを食べるラーメン", ["トマト", "を", "食", "べ", "る", "ラーメン"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("a\u200d \u200da", ["a\u200d", "\u200d", "a"]),
        ("3.5,4.2,1 1:2.", ["3.5,4.2,1", "1:2", "."]),
    ],
)
def test_words_mode_splits_as_people_read(text: str, expected: list[str]) -> None:
    assert words.split(text, "words") == expected


@pytest.mark.parametrize(
    "text",
    [
        'He said: "Don\'t go (yet)!" And so on…',
        "It costs $5, or 3.50 € – 10% less?",
        "‘Tis so,” she said; “really”.",
        "你好，世界（是）。",
        "トマトを食べるラーメン。",
    ],
)
def test_join_writes_punctuation_as_people_do(text: str) -> None:
    assert words.join(words.split(text, "words"), "words") == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("床前，明 月\n", ["床", "前", "，", "明", " ", "月", " "]),
        ("a \t b", ["a", " ", "b"]),
        ("e\u0301हि👨‍👩‍👧❤️", ["é", "हि", "👨‍👩‍👧", "❤️"]),
        ("👍🏽🇩🇪क्षी", ["👍🏽", "🇩🇪", "क्षी"]),
    ],
)
def test_characters_keep_their_marks(text: str, expected: list[str]) -> None:
    assert words.split(text, "characters") == expected


def test_line_ends_absorb_adjacent_blanks() -> None:
    for split_by in words.SPLIT_BY:
        for text in ("a \r\n \n\tb", "a\r\rb", "a\n\r b"):
            found = words.split(text, split_by, line_ends=True)
            assert [word.lstrip("▁") for word in found] == ["a", "<eos>", "<eos>", "b"]
        found = words.split("a\n\nb", split_by, line_ends=True)
        assert words.join(found, split_by, line_ends=True) == "a\n\nb"


def test_lower_casing_is_optional() -> None:
    assert words.split("The ÉTUDE", "whitespace") == ["The", "ÉTUDE"]
    assert words.split("The ÉTUDE", "whitespace", lowercase=True) == ["the", "étude"]


def test_an_unknown_way_to_split_is_an_error() -> None:
    with pytest.raises(ValueError, match="whitespace, words, characters, subwords"):
        words.split("a", "letters")
