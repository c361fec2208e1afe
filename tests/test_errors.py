import pytest

from nextword import errors


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (errors.PromptError("a\nb"), 2, "error: a b\n"),
        (PermissionError(13, "Permission denied", "x.onnx"), 2, "error: x.onnx: Permission denied\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (errors.PromptError("a\x1b[31m\x07"), 2, "error: a\\x1b[31m\\x07\n"),
        (OSError(36, "too long", "x" * 9999), 2, f"error: {'x' * 93} … {'x' * 90}: too long\n"),
    ],
)
def test_an_error_is_one_line_and_an_exit_status(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errors.run(lambda: _raise(error)) == status
    assert capsys.readouterr().err == line


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        errors.run(lambda: _raise(ZeroDivisionError()))


def test_success_is_exit_status_0() -> None:
    assert errors.run(lambda: None) == 0
