"""Text files → words, in memory that does not grow with the files."""

import codecs
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from nextword.errors import CorpusError
from nextword.text import words

_BLOCK = 1 << 20  # bytes read at once
_ENDINGS = (".txt", ".txt.gz")


def files_of(path: Path) -> list[Path]:
    """The text files that a path names: itself, or all `.txt` and `.txt.gz` in it, by name.

    **Raises:** `CorpusError` for a folder without any.
    """
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.is_file() and one.name.endswith(_ENDINGS))
    if not found:
        raise CorpusError(
            f"{path} has no {' or '.join(_ENDINGS)} files; name a text file or a folder of them"
        )
    return found


def read_words(path: Path, split_by: str, lowercase: bool, line_ends: bool) -> Iterator[str]:
    """The words of a UTF-8 text file in order.

    **Arguments:**

    - `path`: the file; a byte order mark at its beginning is no word. `.gz` is unpacked.
    - `split_by`, `lowercase`, `line_ends`: as of `words.split`.

    **Raises:** `CorpusError` for a file that cannot be read or is not UTF-8.
    """
    for text in blocks(path):
        yield from words.split(text, split_by, lowercase, line_ends)


def blocks(path: Path) -> Iterator[str]:
    """The text of a file in pieces that end where a word ends and blanks begin.

    Where a file ends, a line ends.

    **Raises:** as `read_words`.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line, rest, last = 1, "", "\n"
    try:
        _check_kind(path)
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(_BLOCK):
                text = rest + decoder.decode(block)
                if "\0" in text:
                    line += text.count("\n", len(rest), text.index("\0"))
                    raise CorpusError(
                        f"{path}, line {line}: a NUL character, as in UTF-16; convert the text to UTF-8"
                    )
                last = text[-1:] or last
                yield text[: (end := _last_end(text))]
                rest = text[end:]
                line += block.count(b"\n")
            decoder.decode(b"", final=True)
            yield rest if last == "\n" else f"{rest}\n"
    except UnicodeDecodeError as error:
        line += error.object.count(b"\n", 0, error.start)
        byte, is_utf_16 = error.object[error.start], error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        kind = "UTF-16" if line == 1 and is_utf_16 else f"not UTF-8 (byte 0x{byte:02x})"
        raise CorpusError(f"{path}, line {line}: {kind}; convert the text to UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(f"{path} is a damaged gzip file ({error}); pack the text again") from None
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; name a text file that can be read") from None


def _check_kind(path: Path) -> None:
    """Refuses what never ends or never begins, as a device or a pipe may; standard input is a text.

    **Raises:** `CorpusError`; `OSError` for a file that is not there.
    """
    found = path.stat()
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):  # opening a folder says what is wrong
        return
    try:
        is_standard_input = os.path.samestat(found, os.fstat(0))
    except OSError:  # it is closed
        is_standard_input = False
    if not is_standard_input:
        raise CorpusError(f"{path} is not a regular file; name a text file, or /dev/stdin")


def _last_end(text: str) -> int:
    """Where the last word ends that blanks follow."""
    end = len(text)
    while end and not text[end - 1].isspace():
        end -= 1
    while end and text[end - 1].isspace():
        end -= 1
    return end
