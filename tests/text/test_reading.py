import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextword.errors import CorpusError
from nextword.text import reading, words


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("ab é’\n\u3000世，\u0301'-1.")), block=st.integers(1, 9))
def test_a_file_read_in_blocks_has_the_words_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, block: int
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", block)
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    # Where a file ends, a line ends.
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    for split_by in words.SPLIT_BY:
        for line_ends in (False, True):
            found = reading.read_words(path, split_by, lowercase=False, line_ends=line_ends)
            assert list(found) == words.split(whole, split_by, line_ends=line_ends)


def test_bytes_that_are_no_utf_8_are_found_by_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"one\ntwo\nthree caf\xe9 four\n")
    for block in (1, 5, 8, 100):
        monkeypatch.setattr(reading, "_BLOCK", block)
        with pytest.raises(CorpusError, match=r"line 3: not UTF-8 \(byte 0xe9\)"):
            list(reading.read_words(path, "words", lowercase=False, line_ends=False))


def test_a_character_cut_by_the_end_of_the_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("one é".encode()[:-1])
    with pytest.raises(CorpusError, match="line 1: not UTF-8"):
        list(reading.read_words(path, "words", lowercase=False, line_ends=False))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("one\ntwo\n".encode("utf-16"), r"line 1: UTF-16; convert the text to UTF-8"),
        ("one\ntwo\n".encode("utf-16-le"), r"line 1: a NUL character, as in UTF-16; convert"),
        (b"one\ntwo\nthr\0ee\n", r"line 3: a NUL character"),
    ],
)
def test_a_text_in_utf_16_is_said_to_be(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        list(reading.read_words(path, "words", lowercase=False, line_ends=False))


def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(CorpusError, match=f"{path} is not a regular file; name a text file"):
            list(reading.read_words(path, "words", lowercase=False, line_ends=False))
