import time

import pytest

from nextword import tracking


def test_short_work_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert [*tracking.track("abc", "spelling", 3)] == ["a", "b", "c"]
    with tracking.phase("thinking"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (40, "counting: 25% of 40 words, about 0:00:0"),
        (None, "counting: 10 words"),
    ],
)
def test_long_work_prints_its_progress_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: int | None, expected: str
) -> None:
    monkeypatch.setattr(tracking, "_QUIET_SECONDS", 0)
    assert [*tracking.track([10, 30], "counting", total, lambda count: count)] == [10, 30]
    out, err = capsys.readouterr()
    (line,) = out.splitlines()  # the next line would come much later
    assert line.startswith(expected)
    assert not err


def test_a_long_phase_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tracking, "_SECONDS", 0.01)
    with tracking.phase("thinking"):
        time.sleep(0.1)
    assert capsys.readouterr().out == "thinking …\n"
