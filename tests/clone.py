"""A clone of this repository in a temporary directory, with git, DVC and our command available."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tiny import ROOT, write_params

_IDENTITY = {"NAME": "someone", "EMAIL": "someone@example.org"}


class Clone:
    """A git and DVC repository for experiments.

    **Arguments:**

    - `path`: its directory, which must contain a checkout.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a command in the clone."""
        # With the variables of an outer make, a make in the clone would print the directories it enters.
        outside = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
        }
        return outside | {
            # The clone's own code, not what is installed.
            "PYTHONPATH": str(self.path / "src"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **{
                f"GIT_{who}_{key}": value
                for who in ("AUTHOR", "COMMITTER")
                for key, value in _IDENTITY.items()
            },
        }

    def run(self, *command: str, status: int = 0) -> str:
        """Runs a command in the clone, checks its exit status, and returns everything that it printed."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{' '.join(command)} gave {done.returncode}:\n{done.stdout}"
        return done.stdout

    def commit(self, message: str) -> None:
        """Commits everything that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)


def fresh_clone(path: Path) -> Clone:
    """What a colleague would get: every file that is in git or would be added to it, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # git also lists a file whose removal is not committed
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, path / name)
    clone = Clone(path)
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.commit("Clone")
    return clone


def small_clone(path: Path, **changes: dict[str, Any]) -> Clone:
    """A clone whose params make a tiny model, after its first `dvc repro`, with everything committed."""
    clone = fresh_clone(path)
    write_params(path, **changes)
    clone.run("dvc", "repro")
    clone.commit("Make it small")
    return clone
