import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextword.errors import CorpusError
from nextword.text import reading, words


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from("ab é’\n\r\u3000世々，\u0301'-1.\"Σ\u0600🇩\u200d")), block=st.integers(1, 9)
)
def test_a_file_read_in_blocks_has_the_same_words_as_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, block: int
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", block)
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    # The end of a file is the end of a line.
    whole = text if not text or text.endswith(("\n", "\r")) else f"{text}\n"
    for split_by in words.SPLIT_BY:
        for lowercase, line_ends in ((False, False), (True, True)):
            found = reading.read_words(path, split_by, lowercase, line_ends)
            assert list(found) == words.split(whole, split_by, lowercase, line_ends)


@pytest.mark.parametrize(
    ("split_by", "line"), [("characters", "gattaca"), ("characters", "床前明月光"), ("words", "床前明月光，")]
)
def test_a_text_without_blanks_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split_by: str, line: str
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", 100)
    path = tmp_path / "text.txt"
    path.write_text("one line \n" + line * 1_000, encoding="utf-8")
    pieces = list(reading.blocks(path, split_by))
    assert max(map(len, pieces)) <= 200
    assert "".join(pieces) == path.read_text(encoding="utf-8") + "\n"


@pytest.mark.parametrize("split_by", words.SPLIT_BY)
@pytest.mark.parametrize("character", ["é", " "])
def test_an_absurdly_long_word_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split_by: str, character: str
) -> None:
    monkeypatch.setattr(reading, "_BLOCK", 100)
    monkeypatch.setattr(reading, "_LONGEST", 1_000)
    path = tmp_path / "text.txt"
    path.write_text("one\ntwo " + character * 900 + " three", encoding="utf-8")
    assert list(reading.read_words(path, "whitespace", lowercase=False, line_ends=False))[-1] == "three"
    path.write_text("one\ntwo " + character * 9_000, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"line 2: more than 1,000 characters without"):
        list(reading.read_words(path, split_by, lowercase=False, line_ends=False))


def test_the_error_for_bytes_that_are_not_utf_8_gives_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    for end in (b"\n", b"\r", b"\r\n"):
        path.write_bytes(end.join([b"one", b"two", b"three caf\xe9 four", b""]))
        for block in (1, 4, 5, 8, 9, 10, 100):
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
def test_the_error_for_a_text_in_utf_16_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        list(reading.read_words(path, "words", lowercase=False, line_ends=False))


def test_a_pipe_or_a_device_is_rejected_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(CorpusError, match=f"{path} is not a regular file; specify a text file"):
            list(reading.read_words(path, "words", lowercase=False, line_ends=False))
