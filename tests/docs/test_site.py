"""The website: built strictly, complete, and loading nothing from other hosts."""

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from clone import Clone, fresh_clone
from tiny import ROOT

from nextword import Generator

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("zensical") is None, reason="the extra [docs] is not installed"
)

BUILD = ("python", "docs/build.py")


class Page(HTMLParser):
    """The links of a page, what it loads, and the ids that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") not in {"canonical", "next", "prev"}:
            self.loaded.append(values["href"])
        if "src" in values:
            self.loaded.append(values["src"])


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the site has been built."""
    made = fresh_clone(tmp_path_factory.mktemp("site"))
    made.run(*BUILD)
    return made


@pytest.fixture(scope="module")
def pages(clone: Clone) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in (clone.path / "site").rglob("*.html")}


def test_the_site_has_each_page_of_docs(clone: Clone, pages: dict[Path, Page]) -> None:
    sources = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    site = (clone.path / "site").resolve()
    built = {path.relative_to(site).with_suffix("") for path in pages}
    assert {path for path in sources if "vendor" not in path.parts} <= built


def test_each_link_leads_somewhere(clone: Clone, pages: dict[Path, Page]) -> None:
    site, checked = (clone.path / "site").resolve(), 0
    for path, page in pages.items():
        if path.name == "404.html":  # its links are relative to the root of a server
            continue
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.relative_to(site)} links to {link}"
            if parts.fragment and target in pages:
                ids = pages[target].ids
                assert unquote(parts.fragment) in ids, f"{path.relative_to(site)} links to {link}"
            checked += 1
    assert checked > 500


def test_no_page_loads_anything_from_another_host(pages: dict[Path, Page]) -> None:
    assert {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc} == set()


def test_the_reference_has_each_public_name(clone: Clone) -> None:
    reference = clone.path / "site" / "reference"
    python = (reference / "python.html").read_text(encoding="utf-8")
    for name in [name for name in vars(Generator) if not name.startswith("_")]:
        assert f'id="nextword.runtime.generator.Generator.{name}"' in python
    javascript = (reference / "javascript.html").read_text(encoding="utf-8")
    types = (ROOT / "js" / "nextword.d.ts").read_text(encoding="utf-8")
    exported = re.findall(r"^export \w+ (\w+)", types, re.MULTILINE)
    assert len(exported) > 5
    for name in exported:
        assert f'id="{name.lower()}"' in javascript
    command = (reference / "command.html").read_text(encoding="utf-8")
    assert 'id="nextword-generate"' in command
    assert "--repetition-penalty" in command


def test_a_broken_link_stops_the_build(clone: Clone) -> None:
    start = clone.path / "docs" / "start.md"
    text = start.read_text(encoding="utf-8")
    try:
        start.write_text(f"{text}\n[a page](nowhere.md)\n", encoding="utf-8")
        output = clone.run(*BUILD, status=2)
        assert output == "error: docs/start.md links to nowhere.md, which is no file\n"
    finally:
        start.write_text(text, encoding="utf-8")


def test_a_link_to_a_missing_section_stops_the_build(clone: Clone) -> None:
    start = clone.path / "docs" / "start.md"
    text = start.read_text(encoding="utf-8")
    try:
        start.write_text(f"{text}\n[a section](results.md#nowhere)\n", encoding="utf-8")
        assert "anchor does not exist" in clone.run(*BUILD, status=1)
    finally:
        start.write_text(text, encoding="utf-8")
