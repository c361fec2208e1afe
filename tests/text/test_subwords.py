from hypothesis import given
from hypothesis import strategies as st

from nextword.text import words
from nextword.text.subwords import REQUIRED, SubwordDictionary, in_words, is_inventory, shown

ENTRIES = ["<eos>", "▁the", "▁mo", "▁mouse", "us", "use", "s", "e", "‿,", "‿.", "t", "世", "世界", "▁t"]
DICTIONARY = SubwordDictionary([*ENTRIES, *REQUIRED])


def pieces(word: str) -> list[str]:
    return DICTIONARY.decode(DICTIONARY.split(word))


@given(st.text() | st.text(st.sampled_from("themouse ,.世界日▁‿\n<>0x4\ud800")), st.booleans())
def test_any_text_is_known_and_can_be_restored(text: str, line_ends: bool) -> None:
    marked = words.split(text, "subwords", line_ends=line_ends)
    joined = words.join(marked, "subwords", line_ends)
    ids = DICTIONARY.encode(marked)
    written = words.join(DICTIONARY.decode(ids), "subwords", line_ends)
    assert written == joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_the_longest_entry_is_taken_each_time() -> None:
    assert pieces("▁mouses") == ["▁mouse", "s"]
    assert pieces("▁mous") == ["▁mo", "us"]
    assert pieces("世界世") == ["世界", "世"]


def test_a_character_without_an_entry_is_spelt_in_bytes() -> None:
    assert pieces("▁mé") == ["▁", "<0x6D>", "<0xC3>", "<0xA9>"]
    assert pieces("世日") == ["世", "‿", "<0xE6>", "<0x97>", "<0xA5>"]


def test_a_mark_inside_a_word_is_a_character_of_the_text() -> None:
    assert pieces("‿▁") == ["‿", "<0xE2>", "<0x96>", "<0x81>"]


def test_a_blank_before_a_script_without_blanks_is_part_of_the_word_after_it() -> None:
    found = DICTIONARY.spelt(words.split("the 世界世 日, the", "subwords"))
    assert [word for word, _ in found] == ["the", "世界", "世", "日", ",", "the"]
    assert DICTIONARY.decode(found[1][1]) == ["▁", "世界"]


@given(
    st.lists(st.sampled_from(["the", "mouses", " ", "世", "日", ",", "▁", "‿", "é", "\n"]), max_size=12),
    st.booleans(),
)
def test_every_word_of_a_text_can_be_seen_and_none_is_lost(pieces: list[str], line_ends: bool) -> None:
    marked = words.split("".join(pieces), "subwords", line_ends=line_ends)
    found = DICTIONARY.spelt(marked)
    assert all(word for word, _ in found)
    assert [id for _, path in found for id in path] == DICTIONARY.encode(marked)
    assert [(shown(word), path) for word, path in in_words(DICTIONARY, marked)] == found


@given(st.text(st.sampled_from("themous"), min_size=1, max_size=8))
def test_only_the_longest_matches_are_the_split_of_a_word(word: str) -> None:
    path = DICTIONARY.split(f"▁{word}")
    assert DICTIONARY.is_split(path)
    assert not DICTIONARY.is_split([DICTIONARY.words.index(entry) for entry in ("▁mo", "use")])


def test_an_inventory_has_every_byte_and_both_marks() -> None:
    assert is_inventory(DICTIONARY.words)
    assert not is_inventory(DICTIONARY.words[:-1])
    assert not is_inventory([*DICTIONARY.words, "a▁"])
