"""What is published, and how versions are pinned; `make release-check` has the checks that need a network."""

import json
import re
import tomllib

import upgrade
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tiny import ROOT

import nextword

JS = ROOT / "js"
PACKAGE = json.loads((JS / "package.json").read_text(encoding="utf-8"))


def test_python_and_javascript_have_the_same_version() -> None:
    assert PACKAGE["version"] == nextword.__version__


def test_the_npm_package_has_everything_that_its_module_imports() -> None:
    published = {
        path
        for name in PACKAGE["files"]
        for path in [JS / name, *(JS / name).rglob("*")]
        if path.suffix == ".js"
    }
    assert JS / "nextword.js" in published
    for module in published:
        text = module.read_text(encoding="utf-8")
        imported = re.findall(r"""(?:from|import\(?) ?["'](\.[^"']+)""", text)
        assert {(module.parent / other).resolve() for other in imported} <= published, module


def test_each_requirement_is_pinned_within_its_range() -> None:
    pinned = upgrade.versions((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *(line for extra in extras.values() for line in extra)]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), text


def test_renewed_constraints_are_public_versions_in_alphabetical_order() -> None:
    report = {
        "install": [
            {"metadata": {"name": name, "version": version}}
            for name, version in [
                ("torch", "2.13.0+cpu"),
                ("nextword", "0.1.0"),
                ("GitPython", "3.2"),
                ("dvc", "3.67"),
            ]
        ]
    }
    assert upgrade.constraints(report) == "dvc==3.67\nGitPython==3.2\ntorch==2.13.0\n"


def test_an_upgrade_names_what_has_changed() -> None:
    before = upgrade.versions("zc.lockfile==4.0\nsix==1.17.0\nold_one==1\n")
    after = upgrade.versions("zc-lockfile==4.0\nsix==1.18.0\nnew.one==2\n")
    assert upgrade.changes(before, after) == [
        "new-one: none → 2",
        "old-one: 1 → none",
        "six: 1.17.0 → 1.18.0",
    ]
