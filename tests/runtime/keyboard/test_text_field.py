import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextword.runtime.keyboard.text_field import TextField
from nextword.text import words

PIECES = [
    "cat",
    " ",
    "  ",
    "\n",
    ",",
    ".",
    "'",
    "don't",
    "-",
    '"',
    "(",
    "é",
    "e\u0301",
    "İ",
    "3",
    "世",
    "👍🏽",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
WAYS = [way for way in words.SPLIT_BY if way != "subwords"]  # those whose entries are whole words
RULES = [
    (split_by, lowercase, line_ends)
    for split_by in WAYS
    for lowercase in (False, True)
    for line_ends in (False, True)
]


@pytest.mark.parametrize(("split_by", "lowercase", "line_ends"), RULES)
@settings(max_examples=60)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_a_text_is_split_the_same_whatever_was_there_before(
    split_by: str, lowercase: bool, line_ends: bool, texts: list[str]
) -> None:
    field = TextField(split_by, lowercase, line_ends)
    before: list[str] = []
    for text in texts:
        gone, new = field.update(text)
        kept = len(before) - len(gone)
        assert before[kept:] == gone
        assert field.words == [*before[:kept], *new]
        before = list(field.words)
    text = texts[-1]
    finished = text[: len(text) - len(field.typed)] if text.endswith(field.typed) else text
    if field.typed and text.endswith(field.typed):
        assert field.words == words.split(finished, split_by, lowercase, line_ends)
    if not field.typed:
        assert field.words == words.split(text, split_by, lowercase, line_ends)
    assert len(field.surfaces) == len(field.words)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("the ca", "ca"),
        ("the ", ""),
        ("cat,", ""),
        ("don'", "don'"),
        ("well-k", "well-k"),
        ('"', ""),
        ("x 3", "3"),
    ],
)
def test_a_word_is_unfinished_until_something_follows_it(text: str, typed: str) -> None:
    field = TextField("words", lowercase=False, line_ends=False)
    field.update(text)
    assert field.typed == typed


@pytest.mark.parametrize(
    ("text", "word", "after"),
    [
        ("", "The", "The "),
        ("the ", "cat", "the cat "),
        ("the ca", "cat", "the cat "),
        ("the cat ", ",", "the cat, "),
        ("the cat", ".", "the . "),  # an unfinished word is replaced
        ("the cat,", "and", "the cat, and "),
        ("the (", "cat", "the (cat "),
        ("the ", "(", "the ("),
        ('the "', "cat", 'the "cat '),
        ('the "cat ', '"', 'the "cat" '),
        ("the cat ", "<eos>", "the cat\n"),
        ("the\n", "cat", "the\ncat "),
    ],
)
def test_a_word_is_inserted_where_it_belongs(text: str, word: str, after: str) -> None:
    field = TextField("words", lowercase=False, line_ends=True)
    field.update(text)
    replace, insert = field.insertion(word)
    assert text[: len(text) - replace] + insert == after


@pytest.mark.parametrize("split_by", WAYS)
@given(text=TEXTS, word=st.sampled_from(["cat", ",", "(", "é"]))
def test_an_inserted_word_is_the_next_word(split_by: str, text: str, word: str) -> None:
    word = word[:1] if split_by == "characters" else word
    field = TextField(split_by, lowercase=False, line_ends=True)
    field.update(text)
    before = list(field.words)
    replace, insert = field.insertion(word)
    field.update(text[: len(text) - replace] + insert)
    if split_by == "characters":
        assert field.words[: len(before) + 1] == words.split(text + word, split_by, line_ends=True)
    else:
        assert [*field.words, *([field.typed] if field.typed else [])] == [*before, word]


def test_decomposed_letters_count_as_written() -> None:
    field = TextField("words", lowercase=False, line_ends=False)
    field.update("un e\u0301te\u0301")
    assert field.typed == "été"
    assert field.insertion("étés") == (5, "étés ")


def test_letters_that_are_always_decomposed_count_as_written() -> None:
    field = TextField("words", lowercase=False, line_ends=False)
    field.update("abc \u0958")
    assert field.typed == "\u0915\u093c"
    assert field.insertion("cat") == (1, "cat ")
