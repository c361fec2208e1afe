"""`dvc repro` killed or started twice in parallel: the next run must produce the undisturbed lock file."""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from clone import Clone, fresh_clone
from disturbed import SIGNALS, TEXT, Table, write_params


class Repro:
    """A clone whose text has changed since its last `dvc repro`.

    **Arguments:**

    - `directory`: an empty one.
    """

    def __init__(self, directory: Path) -> None:
        self._clone = fresh_clone(directory)
        write_params(directory)
        self._write_text("old")
        self._clone.run("dvc", "repro")
        self._clone.commit("Run it on the old text")
        self._write_text("new")
        began = time.monotonic()
        self._clone.run("dvc", "repro")
        self._seconds = time.monotonic() - began
        self._lock = self._read_lock()

    def disturb(self, table: Table, name: str, disturbance: Callable[[Clone, float], None]) -> None:
        """Starts over, disturbs `dvc repro`, and lets another run finish it."""
        self._clone.run("git", "checkout", "--quiet", ".")
        self._clone.run("dvc", "checkout", "--force")
        shutil.rmtree(self._clone.path / ".dvc" / "cache" / "runs", ignore_errors=True)
        self._write_text("new")
        disturbance(self._clone, self._seconds)
        table.note("dvc repro", name, "finished" if self._read_lock() == self._lock else "old and new")
        self._mend_rwlock()
        said = self._clone.run("dvc", "repro")
        if self._read_lock() != self._lock:
            table.findings.append(f"dvc repro, {name}: the next one gave another lock, and said {said!r}")

    def _mend_rwlock(self) -> None:
        """Removes DVC's own lock file, which it writes in place, if a kill cut it short.

        DVC reports it as corrupted and does nothing until it is removed (see docs/reproducibility.md).
        """
        rwlock = self._clone.path / ".dvc" / "tmp" / "rwlock"
        try:
            json.loads(rwlock.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except ValueError:
            rwlock.unlink()

    def _write_text(self, word: str) -> None:
        (self._clone.path / "data" / "story.txt").write_text(TEXT.format(*[word] * 24), encoding="utf-8")

    def _read_lock(self) -> str:
        return (self._clone.path / "dvc.lock").read_text(encoding="utf-8")


def start(clone: Clone) -> subprocess.Popen[str]:
    """Starts `dvc repro` in its own process group."""
    return subprocess.Popen(
        ["dvc", "repro"],
        cwd=clone.path,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(directory: Path, seed: int, table: Table) -> None:
    """Kills `dvc repro` with its stage by each signal, and starts two in parallel."""
    repro, chance = Repro(directory), random.Random(seed)

    def two(clone: Clone, _: float) -> None:
        for process in [start(clone), start(clone)]:
            said = process.communicate()[0]
            if "Traceback" in said:
                table.findings.append(f"dvc repro, two at once: {said!r}")

    for name, number in SIGNALS.items():

        def kill(clone: Clone, seconds: float, number: int = number) -> None:
            with start(clone) as process:
                time.sleep(seconds * chance.random())
                os.killpg(process.pid, number)
                process.communicate()

        repro.disturb(table, f"{name} at any moment", kill)
    repro.disturb(table, "two at once", two)
