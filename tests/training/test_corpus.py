import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextword import words
from nextword.errors import CorpusError
from nextword.training import corpus
from nextword.training.params import PrepareParams

STORY = Path(__file__).parents[2] / "data" / "story.txt"


def settings_for(
    path: Path, split_by: Literal["whitespace", "words"] = "whitespace", lowercase: bool = False
) -> PrepareParams:
    return PrepareParams(text=str(path), split_by=split_by, lowercase=lowercase)


def test_the_story_has_204_words_and_112_different_ones(tmp_path: Path) -> None:
    story = corpus.prepare(settings_for(STORY), tmp_path / "prepared")
    assert len(story.ids) == 204
    assert len(story.dictionary) == 112
    assert " ".join(story.dictionary.decode(story.ids)) == STORY.read_text(encoding="utf-8").strip()
    assert story.sha256 == hashlib.sha256(STORY.read_bytes()).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1), split_by=st.sampled_from(["whitespace", "words"]), lowercase=st.booleans())
def test_ids_spell_the_text(
    tmp_path: Path, text: str, split_by: Literal["whitespace", "words"], lowercase: bool
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(("a " + text).encode("utf-8", errors="ignore"))
    read = path.read_bytes().decode("utf-8")
    prepared = corpus.prepare(settings_for(path, split_by, lowercase), tmp_path / "prepared")
    assert prepared.dictionary.decode(prepared.ids) == words.split(read, split_by, lowercase)


def test_what_was_prepared_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("A b a", encoding="utf-8")
    corpus.prepare(settings_for(path, "words", lowercase=True), tmp_path / "prepared")
    loaded = corpus.load(tmp_path / "prepared")
    assert loaded.ids.tolist() == [0, 1, 0]
    assert loaded.dictionary.words == ("a", "b")
    assert (loaded.split_by, loaded.lowercase) == ("words", True)


def test_ids_take_two_bytes_each_until_the_dictionary_needs_more(tmp_path: Path) -> None:
    for count, id_type in ((2**16, np.uint16), (2**16 + 1, np.uint32)):
        path = tmp_path / "text.txt"
        path.write_text(" ".join(map(str, range(count))), encoding="utf-8")
        prepared = corpus.prepare(settings_for(path), tmp_path / "prepared")
        assert prepared.ids.dtype == id_type
        assert prepared.ids[-1] == count - 1


def test_a_byte_order_mark_is_no_word(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two", encoding="utf-8-sig")
    assert corpus.prepare(settings_for(path), tmp_path / "prepared").dictionary.words == ("one", "two")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no words; set prepare.text"),
        (b" \n\t\n", "has no words; set prepare.text"),
        ("fine\ncaf\xe9".encode("latin-1"), r"line 2: not UTF-8 \(byte 0xe9\); convert"),
        (None, r"prepare\.text: .*No such file or directory; name a text file"),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error_and_nothing_is_written(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        corpus.prepare(settings_for(path), tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_a_directory_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"prepare\.text: .*Is a directory"):
        corpus.prepare(settings_for(tmp_path), tmp_path / "prepared")
