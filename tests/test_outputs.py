import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nextword import outputs, pictures
from nextword.errors import OutputError


def test_an_output_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.txt"
    with outputs.replacing(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail() -> None:
        with outputs.replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_disk_error_names_the_output(tmp_path: Path) -> None:
    def fail(error: OSError) -> None:
        with outputs.replacing(tmp_path / "out.txt"):
            raise error

    with pytest.raises(OSError, match=r"No space .*out\.txt'") as raised:
        fail(OSError(errno.ENOSPC, "No space left on device"))
    assert raised.value.filename == str(tmp_path / "out.txt")
    with pytest.raises(OSError, match=r"other\.txt"):
        fail(OSError(errno.EACCES, "Permission denied", "other.txt"))


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "stale").touch()
    with outputs.replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "fresh").touch()
    assert [path.name for path in target.iterdir()] == ["fresh"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_never_replaces_a_directory(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "letter.txt").write_text("dear")
    writers: list[Callable[[], None]] = [
        lambda: outputs.write_text(target, "new"),
        lambda: outputs.write_json(target, {}),
        lambda: outputs.write_table(target, ["word"], []),
        lambda: outputs.check_file(target),
    ]
    for write in writers:
        with pytest.raises(OutputError, match=r"mine is a directory; give the name of a file$"):
            write()
    assert (target / "letter.txt").read_text() == "dear"
    assert list(tmp_path.iterdir()) == [target]


def test_a_picture_never_replaces_a_directory(tmp_path: Path) -> None:
    target = tmp_path / "gates.svg"
    target.mkdir()
    with pytest.raises(OutputError, match="is a directory"), pictures.drawing(target):
        pass
    assert target.is_dir()


def test_a_directory_never_replaces_a_file(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("dear")
    with (
        pytest.raises(OutputError, match=r"mine is a file; give the name of a directory$"),
        outputs.replacing(target) as temporary,
    ):
        temporary.mkdir()
    assert target.read_text() == "dear"


@pytest.mark.skipif(os.name == "nt", reason="there are no such pipes")
def test_a_file_never_replaces_a_pipe(tmp_path: Path) -> None:
    target = tmp_path / "pipe"
    os.mkfifo(target)
    with pytest.raises(OutputError, match="pipe is a device or a pipe; give the name of a file"):
        outputs.write_text(target, "new")
    assert target.is_fifo()


def test_the_working_directory_is_not_replaced(in_directory: Path) -> None:
    (in_directory / "letter.txt").write_text("dear")
    for path in (Path(), in_directory, Path("..")):
        with pytest.raises((OutputError, OSError), match=r"irectory"):
            outputs.write_text(path, "new")
    assert [path.name for path in in_directory.iterdir()] == ["letter.txt"]


def test_whether_a_file_can_be_written_is_known_beforehand(tmp_path: Path) -> None:
    outputs.check_file(tmp_path / "new" / "out.txt")
    assert not list(tmp_path.iterdir())
    (tmp_path / "letter.txt").touch()
    outputs.check_file(tmp_path / "letter.txt")
    for path in (tmp_path / "letter.txt" / "out.txt", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError) as raised:
            outputs.check_file(path)
        assert str(raised.value).startswith(str(path)[:80])
        assert "cannot be written" in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_json_keeps_letters_and_order(tmp_path: Path) -> None:
    outputs.write_json(tmp_path / "a.json", {"b": "ü", "a": 1})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "b": "ü",\n  "a": 1\n}\n'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_with_nan_or_infinity_is_an_error_and_writes_nothing(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        outputs.write_json(tmp_path / "a.json", {"a": [number]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "expected"), [(1.02396999123, 1.02397), (0.0, 0.0), (1234567.8, 1234570.0)]
)
def test_reports_keep_six_significant_digits(value: float, expected: float) -> None:
    assert outputs.significant(value) == expected


def test_a_table_is_csv_with_rounded_numbers(tmp_path: Path) -> None:
    outputs.write_table(tmp_path / "a.csv", ["word", "loss"], [["a,b", 1.02396999123], ["ü", 3]])
    assert (tmp_path / "a.csv").read_bytes() == 'word,loss\n"a,b",1.02397\nü,3\n'.encode()


def test_dataclasses_and_mappings_become_plain_and_rounded_without_none() -> None:
    @dataclass
    class Figure:
        loss: float
        note: str | None
        inner: Any = None

    value = {3: [Figure(1.02396999123, None), (2, None)], "other": Figure(0.1, "x", {"a": 1 / 3, "b": None})}
    assert outputs.plain(value) == {
        "3": [{"loss": 1.02397}, [2, None]],
        "other": {"loss": 0.1, "note": "x", "inner": {"a": 0.333333}},
    }
