"""The course: its figures and pictures come from its runs, and its runs from its params and code."""

import re
import subprocess
from pathlib import Path

import pages
import pytest
from tiny import ROOT

COURSE = ROOT / "docs" / "learn"
PAGES = [path for path in pages.pages() if path.name != "index.md"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_figures_of_a_page_come_from_the_runs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert pages.current(text) == text, "run make learn"
    if path.stem != "mathematics":
        assert pages.marks(text) >= 2


def test_an_outdated_figure_is_noticed() -> None:
    text = (COURSE / "windows.md").read_text(encoding="utf-8")
    changed = re.sub(r"99\.0 %<!--", "98.0 %<!--", text)
    assert changed != text
    assert pages.current(changed) == text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_begins_with_its_number_and_ends_with_something_to_try(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# \d+\. ", text)
    assert "**Try it.**" in text
    shown = set(re.findall(r"\(pictures/([\w-]+\.svg)\)", text))
    assert all((COURSE / "pictures" / name).is_file() for name in shown)


def test_the_pictures_match_the_figures(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="the extra [plot] is not installed")
    if f"matplotlib=={matplotlib.__version__}\n" not in (ROOT / "constraints.txt").read_text():
        pytest.skip("another matplotlib draws other bytes")
    import plot

    for draw in plot.PICTURES:
        draw(tmp_path)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in (COURSE / "pictures").iterdir()}
    assert sorted(drawn) == sorted(committed)
    assert [name for name, data in drawn.items() if data != committed[name]] == [], "run make learn"


def test_the_runs_match_the_params_and_the_code() -> None:
    planned = subprocess.run(
        ["dvc", "repro", "--dry", "--allow-missing"], cwd=COURSE, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"Running stage '([^']+)'", planned) == [], "run make learn"
