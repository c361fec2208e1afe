"""Text files → words, in memory that does not grow with the files."""

import codecs
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from nextword.errors import CorpusError
from nextword.text import characters, words

_BLOCK = 1 << 20  # bytes read at once
_LONGEST = 1 << 20  # characters of a word, or of a run of blanks
_ENDINGS = (".txt", ".txt.gz")
_IDEOGRAPHS = r"\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff"
_BEGINS_A_WORD = rf"!\"#$%&()*+/;<=>?@\[\\\]^`{{|}}~{_IDEOGRAPHS}"
_FULL_STOPS = "、。，；：！？"
_LAST_END = re.compile(r"(?s:.*)\S(?=\s)")
_LINE_END = re.compile(rb"\r\n?|\n")


def files_of(path: Path) -> list[Path]:
    """The text files at a path: the path itself, or all `.txt` and `.txt.gz` files in the folder, by name.

    **Raises:** `CorpusError` for a folder without any.
    """
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.is_file() and one.name.endswith(_ENDINGS))
    if not found:
        raise CorpusError(
            f"{path} has no {' or '.join(_ENDINGS)} files; specify a text file or a folder of them"
        )
    return found


def read_words(path: Path, split_by: str, lowercase: bool, line_ends: bool) -> Iterator[str]:
    """The words of a UTF-8 text file in order.

    **Arguments:**

    - `path`: the file; a byte order mark at its beginning is ignored. A `.gz` file is decompressed.
    - `split_by`, `lowercase`, `line_ends`: as of `words.split`.

    **Raises:** `CorpusError` for a file that cannot be read or is not UTF-8.
    """
    for text in blocks(path, split_by):
        yield from words.split(text, split_by, lowercase, line_ends)


def blocks(path: Path, split_by: str) -> Iterator[str]:
    """The text of a file in pieces that can be split one by one, with each line end as a line feed.

    A piece ends where a word ends and blanks begin or, if no blank was read, between two characters that
    are never in one word. The end of a file is the end of a line.

    **Raises:** as `read_words`.
    """
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
    line, rest, pending = 1, "", b""
    try:
        _check_kind(path)
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(_BLOCK):
                found = decoder.decode(block)
                if "\0" in found:
                    line += found.count("\n", 0, found.index("\0"))
                    raise CorpusError(
                        f"{path}, line {line}: a NUL character, as in UTF-16; convert the text to UTF-8"
                    )
                text = rest + found
                line += found.count("\n")
                yield text[: (end := _last_end(text, split_by))]
                rest = text[end:]
                pending = b"\r" if block.endswith(b"\r") else b""  # a line feed may follow
                if len(rest) > _LONGEST:
                    line -= rest.count("\n")
                    raise CorpusError(
                        f"{path}, line {line}: more than {_LONGEST:,} characters without a blank between "
                        "words; specify a text, or split its lines"
                    )
            rest += decoder.decode(b"", final=True)
            yield rest if not rest or rest.endswith("\n") else f"{rest}\n"
    except UnicodeDecodeError as error:
        line += len(_LINE_END.findall(pending + error.object[: error.start]))
        byte, is_utf_16 = error.object[error.start], error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        kind = "UTF-16" if line == 1 and is_utf_16 else f"not UTF-8 (byte 0x{byte:02x})"
        raise CorpusError(f"{path}, line {line}: {kind}; convert the text to UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(f"{path} is a damaged gzip file ({error}); compress it again") from None
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; specify a text file that can be read") from None


def _check_kind(path: Path) -> None:
    """Refuses devices and pipes other than standard input, since they may never begin or end.

    **Raises:** `CorpusError`; `OSError` for a missing file.
    """
    found = path.stat()
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):  # opening a folder explains the error
        return
    try:
        is_standard_input = os.path.samestat(found, os.fstat(0))
    except OSError:  # it is closed
        is_standard_input = False
    if not is_standard_input:
        raise CorpusError(f"{path} is not a regular file; specify a text file, or /dev/stdin")


def _last_end(text: str, split_by: str) -> int:
    """The last place where a word certainly ends: before a blank if there is one near the end."""
    found = _LAST_END.match(text)
    end = found.end() if found else 0
    if split_by != "whitespace" and (not end or len(text) - end > _LONGEST):
        found = _sure_end(split_by).match(text)
        end = max(end, found.end() if found else 0)
    return end


@lru_cache
def _sure_end(split_by: str) -> re.Pattern[str]:
    """Finds the last place between two words that can be told from two characters alone.

    That is before a punctuation mark that no word has inside it and before an ideograph, and with
    `characters` between two letters; with `subwords`, where a run of ideographs is one word, between
    full-width punctuation and an ideograph. Neither lower-casing nor normalisation acts across it.
    """
    if split_by == "subwords":
        return re.compile(rf"(?s:.+)(?<=[{_FULL_STOPS}])(?=[{_IDEOGRAPHS}])")
    prepended = characters.listed(characters.ranges("prepend"))
    between = rf"(?<![{prepended}])(?=[{_BEGINS_A_WORD}])"
    if split_by == "characters":
        between += r"|(?<=[A-Za-z0-9])(?=[A-Za-z0-9])"
    return re.compile(rf"(?s:.+)(?:{between})")
