"""A tiny pipeline whose stages are disturbed, one trial after another (torture.py)."""

import hashlib
import os
import resource
import runpy
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from errno import EACCES, ENOSPC
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
STAGES = ("prepare", "train", "evaluate", "export")
SIGNALS = {"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}
FAULTS = (
    *((f"{name} at a write", name) for name in SIGNALS),
    *((f"{name} at any moment", name) for name in SIGNALS),
    ("disk full at a write", "full"),
    ("no file longer than some bytes", "long"),
    ("permission denied", "denied"),
    ("too little memory", "memory"),
)
# Six trials of seven send a signal.
CYCLE = (*FAULTS[:6], FAULTS[6], *FAULTS[:6], FAULTS[7], *FAULTS[:6], FAULTS[8], *FAULTS[:6], FAULTS[9])
TEXT = "".join(
    f"the cat {number % 5} ran , the mouse said {{}} ({number % 7}) .\nthe bell rang too .\n"
    for number in range(24)
)
PARAMS: dict[str, dict[str, Any]] = {
    "prepare": {"split_by": "words", "held_out": 0.2, "max_words": 20, "line_ends": True},
    "train": {"embedding": 8, "hidden": 8, "learning_rate": 0.03, "batch": 64, "max_steps": 12},
    "evaluate": {"samples": 2, "words": 8},
    "export": {"max_accuracy_drop": 1.0},
}
WRITING = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}


class Fault(NamedTuple):
    """What goes wrong in a run.

    - `name`, `kind`: the name in the table, and what it does.
    - `place`: when it strikes, as a share of all writes, of the time, or of the size.
    """

    name: str
    kind: str
    place: float


class Ended(NamedTuple):
    """How a run ended: its status, negative for a signal, and its output on standard error."""

    status: int
    said: str


@dataclass
class Table:
    """The results of the trials: a counter for each fault of each stage, and the findings."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def note(self, stage: str, fault: str, outcome: str, count: int = 1) -> None:
        """Counts more trials with the same outcome."""
        self.counts.setdefault((stage, fault), Counter()).update({"trials": count} | {outcome: count})

    def lines(self) -> Iterator[str]:
        """The table."""
        columns = ["trials", "finished", "old outputs", "new outputs", "old and new"]
        yield f"{'':9} {'':31}" + "".join(f"{name:>13}" for name in columns)
        for (stage, fault), counts in sorted(self.counts.items()):
            yield f"{stage:9} {fault:31}" + "".join(f"{counts[name]:13,}" for name in columns)
        for stage in dict.fromkeys(stage for stage, _ in self.counts):
            kills = [
                counts["trials"]
                for (one, fault), counts in self.counts.items()
                if one == stage and fault.split()[0] in SIGNALS
            ]
            yield f"{stage}: {sum(kills):,} kills"


class Pipeline:
    """A directory in which stages run, and the outputs that they produce from an old and a new text.

    **Arguments:**

    - `directory`: an empty one.
    """

    def __init__(self, directory: Path) -> None:
        self.work, self._old, self._new = (directory / name for name in ("work", "old", "new"))
        stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
        self.outputs = {
            stage: [
                name if isinstance(name, str) else next(iter(name))
                for kind in ("outs", "metrics", "plots")
                for name in stages[stage].get(kind, [])
            ]
            for stage in STAGES
        }
        self.writes: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        for place, word in ((self._old, "old"), (self._new, "new")):
            self._make(place, word)
        self.old, self.new = (
            {stage: _digests(place, names) for stage, names in self.outputs.items()}
            for place in (self._old, self._new)
        )

    def _make(self, place: Path, word: str) -> None:
        (place / "data").mkdir(parents=True)
        (place / "data" / "story.txt").write_text(TEXT.format(*[word] * 24), encoding="utf-8")
        write_params(place)
        for stage in STAGES:
            began = time.monotonic()
            ended = run(stage, place)
            self.seconds[stage] = time.monotonic() - began
            self.writes[stage] = int((place / "writes").read_text())
            assert ended == (0, ""), f"{stage}: {ended}"

    def set_up(self, stage: str) -> None:
        """Sets up a stage with new inputs and old outputs."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self._new, self.work)
        for name in self.outputs[stage]:
            old, path = self._old / name, self.work / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(old, path) if old.is_dir() else shutil.copy(old, path)

    def digests(self, stage: str) -> dict[str, str]:
        """The current outputs of a stage."""
        return _digests(self.work, self.outputs[stage])


def write_params(directory: Path) -> None:
    """Writes the params of a tiny model."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    for section, changes in PARAMS.items():
        values[section].update(changes)
    YAML(typ="safe").dump(values, directory / "params.yaml")


def _digests(directory: Path, names: list[str]) -> dict[str, str]:
    found = {}
    for name in names:
        path = directory / name
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        content = [(str(one.relative_to(directory)), one.read_bytes()) for one in files if one.exists()]
        found[name] = hashlib.sha256(repr(content).encode()).hexdigest() if content else "missing"
    return found


def run(
    stage: str, directory: Path, fault: Fault | None = None, writes: int = 0, seconds: float = 0
) -> Ended:
    """Runs a stage in a process forked from this one, which has imported everything already.

    **Arguments:**

    - `writes`, `seconds`: of an undisturbed run.
    """
    sys.stdout.flush()
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.dup2(writing, 2)
        os._exit(_child(stage, directory, fault, writes))
    os.close(writing)
    if fault and fault.name.endswith("moment"):
        time.sleep(fault.place * seconds)
        os.kill(process, SIGNALS[fault.kind])
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with os.fdopen(reading, encoding="utf-8") as said:
        return Ended(status, said.read())


def _child(stage: str, directory: Path, fault: Fault | None, writes: int) -> int:
    os.chdir(directory)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    script = str(ROOT / "stages" / f"{stage}.py")
    sys.argv = [script]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    counted = _arm(fault, writes)
    try:
        runpy.run_path(script, run_name="__main__")
        code = 1
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 1
    if fault is None:
        Path("writes").write_text(str(counted()))
    sys.stdout.flush()
    return code


def _arm(fault: Fault | None, writes: int) -> Callable[[], int]:
    """Sets up the fault in this process; returns the counter of its writes."""
    seen = 0
    strikes = fault is not None and (fault.name.endswith("write") or fault.kind == "denied")
    due = 1 + int(fault.place * writes) if fault else 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "open":
            path, mode, flags = arguments
            is_writing = any(letter in (mode or "") for letter in "wax+") or bool(
                (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            )
            if not is_writing or str(path).startswith("/dev/"):
                return
        elif event not in WRITING:
            return
        seen += 1
        if strikes and fault and (seen == due or (seen > due and fault.kind == "full")):
            _strike(fault, str(arguments[0]))

    if fault and fault.kind == "long":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(20_000 * fault.place**3), resource.RLIM_INFINITY))
    elif fault and fault.kind == "memory":
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + int(3e7 * fault.place), resource.RLIM_INFINITY))
    sys.addaudithook(watch)
    return lambda: seen


def _strike(fault: Fault, path: str) -> None:
    if fault.kind in SIGNALS:
        os.kill(os.getpid(), SIGNALS[fault.kind])
    else:
        number = ENOSPC if fault.kind == "full" else EACCES
        raise OSError(number, os.strerror(number), path)


def trial(pipeline: Pipeline, stage: str, fault: Fault, table: Table, label: str) -> None:
    """Disturbs a stage, and runs it again."""
    pipeline.set_up(stage)
    ended = run(stage, pipeline.work, fault, pipeline.writes[stage], pipeline.seconds[stage])
    old, new, found = pipeline.old[stage], pipeline.new[stage], pipeline.digests(stage)
    half = [name for name in found if found[name] not in {old[name], new[name]}]
    if ended.status == 0:
        outcome = "finished"
    else:
        kept = sum(found[name] == old[name] for name in found)
        outcome = "old outputs" if kept == len(found) else "old and new" if kept else "new outputs"
    table.note(stage, fault.name, outcome)

    faults = [f"{', '.join(half)} neither old nor new"] if half else []
    faults += ["finished without its outputs"] if ended.status == 0 and found != new else []
    faults += [] if _is_proper(ended, fault) else [f"ended with {ended.status} and {ended.said!r}"]
    again = run(stage, pipeline.work)
    if again != (0, "") or pipeline.digests(stage) != new:
        faults.append(f"run again, it ended with {again}, its outputs not those of an undisturbed run")
    faults += [f"{path.name} is left" for path in pipeline.work.rglob(".writing-*")]
    table.findings += [f"{label}: {stage}, {fault.name}: {one}" for one in faults]


def _is_proper(ended: Ended, fault: Fault) -> bool:
    """Whether a run ended properly: by the signal, with a single line, or normally."""
    if fault.kind in ("KILL", "TERM") and ended == (-SIGNALS[fault.kind], ""):
        return True
    if fault.kind == "INT" and ended == (130, "interrupted\n"):
        return True
    is_line = ended.said.startswith("error: ") and ended.said.count("\n") == 1
    return ended == (0, "") or (fault.kind not in SIGNALS and ended.status == 2 and is_line)
