"""Renews constraints.txt: the newest compatible versions of everything that the project installs.

    make upgrade                   keeps the version of PyTorch
    make upgrade TORCH=2.14.0      changes it

PyTorch stays by default: the published weights come from one version of it (`dvc repro` shows whether
another gives the same), and its newest build is not always one for CPUs. pip reports what it would install,
and installs nothing.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
EXTRAS = "train,dev,docs,plot,release"


def main(torch: str | None) -> None:
    """Writes constraints.txt and prints what has changed."""
    before = CONSTRAINTS.read_text(encoding="utf-8")
    torch = torch or versions(before)["torch"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--report", "-", f".[{EXTRAS}]", f"torch=={torch}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"pip finds no compatible versions; {CONSTRAINTS.name} is unchanged")
    after = constraints(json.loads(done.stdout))
    CONSTRAINTS.write_text(after, encoding="utf-8", newline="\n")
    print(*changes(versions(before), versions(after)) or [f"{CONSTRAINTS.name} is up to date"], sep="\n")


def constraints(report: dict[str, Any]) -> str:
    """The lines of constraints.txt for what pip would install, as public versions, without `+cpu`."""
    items = [one["metadata"] for one in report["install"]]
    lines = [
        f"{one['name']}=={one['version'].partition('+')[0]}" for one in items if one["name"] != "nextword"
    ]
    return "".join(f"{line}\n" for line in sorted(lines, key=str.lower))


def versions(text: str) -> dict[str, str]:
    """The versions in the lines of constraints.txt, by normalised name."""
    pairs = (line.split("==") for line in text.splitlines() if line)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """One line for each package whose version has changed."""
    names = sorted(before.keys() | after.keys())
    return [
        f"{name}: {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in names
        if before.get(name) != after.get(name)
    ]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
