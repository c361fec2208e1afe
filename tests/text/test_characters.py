import importlib
import itertools
import unicodedata

import pytest
from conformance import generate_unicode
from hypothesis import given
from hypothesis import strategies as st

from nextword.text import characters, unicode

# A character of each class, and a few that belong to none.
SAMPLES = "".join(chr(first) for name in unicode.RANGES for first, _ in characters.ranges(name)[:3])
TEXTS = st.text(st.sampled_from(SAMPLES + "\r\n a\u200d🇩🇪가각👩")) | st.text()


def test_the_tables_of_both_languages_are_equal() -> None:
    assert generate_unicode.VERSION == unicode.VERSION
    written = generate_unicode.PYTHON.read_text(encoding="utf-8")
    assert written == generate_unicode.python(unicode.RANGES)
    assert generate_unicode.javascript(unicode.RANGES) in generate_unicode.JAVASCRIPT.read_text(
        encoding="utf-8"
    )


@pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0" or not importlib.util.find_spec("regex"),
    reason="needs Python 3.11 and the package regex",
)
def test_the_table_agrees_with_unicode() -> None:
    if len(generate_unicode.codes_of(r"\p{Cn}")) != generate_unicode.UNASSIGNED:
        pytest.skip(f"the package regex has another Unicode than {unicode.VERSION}")
    assert generate_unicode.tables() == unicode.RANGES


def test_classes_agree_with_the_interpreter_on_characters_that_it_knows() -> None:
    # Only a few characters have changed their category since.
    known = [chr(code) for code in range(0x30000) if unicodedata.category(chr(code)) != "Cn"]
    marks = [one for one in known if unicodedata.category(one)[0] == "M"]
    digits = [one for one in known if unicodedata.category(one) == "Nd"]
    assert all(characters.is_in(one, "letter") for one in marks)
    assert all(characters.is_in(one, "digit") for one in digits)
    letters = [one for one in known if unicodedata.category(one)[0] in "LN"]
    assert [one for one in letters if not characters.is_in(one, "letter", "ideograph")] == ["ℹ"]


@given(TEXTS)
def test_clusters_cut_a_text_without_separating_marks(text: str) -> None:
    found = characters.clusters(text)
    assert "".join(found) == text
    for before, after in itertools.pairwise(found):
        if not characters.is_in(before[-1], "control"):
            assert not characters.is_in(after[0], "extend", "spacing", "zero_width_joiner")


@pytest.mark.parametrize(
    "cluster",
    [
        "\r\n",
        "e\u0301",
        "🇩🇪",
        "👍🏽",
        "👨‍👩‍👧",
        "1️⃣",
        "🏴\U000e0067\U000e0062\U000e007f",
        "क्षि",
        "\u1112\u1161\u11ab",
        "가\u11a8",
        "\u0600١",
        "நி",
    ],
)
def test_a_user_perceived_character_is_one_cluster(cluster: str) -> None:
    assert characters.clusters(cluster * 3) == [cluster] * 3
    assert characters.clusters(f"{cluster}\n a") == [cluster, "\n", " ", "a"]


def test_a_long_run_of_marks_takes_linear_time() -> None:
    # An expression that backtracks would take years.
    for text in (
        "क" + "\u094d" * 50_000,
        "👩" + "🏽" * 50_000 + "a",
        "क" + "\u094d\u0301" * 30_000,
        "\u0600" * 50_000,
    ):
        assert characters.clusters(text)[0] == text.rstrip("a")


@given(TEXTS, st.booleans())
def test_a_normalised_text_stays_the_same(text: str, lowercase: bool) -> None:
    found = characters.normalise(text, lowercase)
    assert characters.normalise(found) == found


def test_characters_unknown_to_python_3_11_stay_the_same() -> None:
    for young in ("\U00010d50", "\ua7cb", "\U000105d2\u0307", "\U00016121\U0001611e"):
        assert characters.normalise(f"É{young}É", lowercase=True) == f"é{young}é"
