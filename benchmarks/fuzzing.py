"""Mutates model files and saved sessions, and checks how the runtime handles each.

    PYTHONPATH=src:tests python benchmarks/fuzzing.py --seed 1 --models 20000 --sessions 2000

Each mutant must either be rejected with a typed error or work: its probabilities are numbers, and a session
can be continued. Anything else is a finding: another exception, a crash, or too much time or memory. Mutants
are tried in a separate process, which may crash. They depend on the seed and their number alone, so
`--seed 1 --only 4711` repeats one of them.
"""

import argparse
import collections
import io
import math
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutations import mutant

CONFORMANCE = Path(__file__).parents[1] / "tests" / "conformance"
MODELS = ("fixed", "unbounded", "lines", "characters", "gru", "feedforward", "quibble", "format-1")
SECONDS = 20.0  # for one mutant
MEMORY = 6 << 30  # bytes of address space, of which onnxruntime and numpy take 1.5 GiB from the start


@dataclass
class Report:
    """The number of mutants by outcome, and those whose outcome is a finding."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)


# ── the process that tries mutants ──────────────────────────────────────────────────────────────


def try_all(seed: int, kind: str, first: int, last: int, directory: Path) -> None:
    """Tries mutants one after another; prints the number of each before it, and the outcome after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from nextword import Generator, NextwordError

    paths = sorted(directory.glob("*.onnx"))
    generators = [Generator.load(path) for path in paths]
    if kind == "model":
        bases = [path.read_bytes() for path in paths]
    else:
        bases = [(directory / f"{path.stem}.session").read_bytes() for path in paths]
    file = directory / f"mutant-{os.getpid()}"
    report, sys.stdout = sys.stdout, io.StringIO()  # libraries must not print between the outcomes
    for number in range(first, last):
        print(number, file=report, flush=True)
        place, data = mutant(seed, kind, number, bases)
        if data == bases[place]:
            print("the same", file=report, flush=True)
            continue
        try:
            if kind == "model":
                file.write_bytes(data)
                _use_model(Generator.load(file))
            else:
                _use_session(generators[place].resume(data))
            outcome = "works"
        except NextwordError as error:
            message = str(error)
            outcome = type(error).__name__
            if "\n" in message or len(message) > 600:
                outcome = f"finding: {outcome} of {len(message)} characters"
        except BaseException as error:
            outcome = f"finding: {type(error).__name__}: {str(error)[:200]!r}"
        if sys.stdout.tell():
            outcome, sys.stdout = f"finding: prints {sys.stdout.getvalue()[:200]!r}", io.StringIO()
        print(outcome, file=report, flush=True)
    file.unlink(missing_ok=True)


def _use_model(generator: Any) -> None:
    """Exercises everything that a model offers; all figures must be numbers."""
    prompt = " ".join(word for word in generator.info.dictionary[:4] if word.strip()) or "the"
    found = generator.suggest(f"{prompt} ", 1)
    found += generator.score(" ".join([prompt] * 4)).per_word
    if not all(math.isfinite(value) for _, value in found):
        raise AssertionError(f"figures are {found}")
    generator.generate(prompt, 3)
    session = generator.session()
    session.feed(prompt)
    _use_session(generator.resume(session.save()))


def _use_session(session: Any) -> None:
    """Continues a session; all probabilities must be numbers."""
    found = session.suggest(2)
    word = found[0][0]
    session.feed(word)
    found += session.suggest(1)
    session.undo()
    session.save()
    if not all(0 <= probability <= 1 for _, probability in found):
        raise AssertionError(f"probabilities are {found}")


# ── the process that watches ────────────────────────────────────────────────────────────────────


def make_bases(directory: Path) -> None:
    """Writes small models of all kinds to a directory, with a session of each."""
    from tiny import export, make_network

    from nextword import Generator

    for name in MODELS:
        (directory / f"{name}.onnx").write_bytes((CONFORMANCE / f"{name}.onnx").read_bytes())
    export(directory / "int8.onnx", make_network(), weights="int8", context=None)
    for number, path in enumerate(sorted(directory.glob("*.onnx"))):
        generator = Generator.load(path)
        has_cache = number % 2 == 0 and generator.suggest("the ")
        session = generator.session(5, 0.2) if has_cache else generator.session()
        session.feed("the ," if path.stem != "characters" else "the")
        path.with_suffix(".session").write_bytes(session.save())


def fuzz(seed: int, models: int, sessions: int, first: int = 0) -> Report:
    """Tries the given numbers of mutants of each kind, starting at number `first`."""
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_bases(directory)
        for kind, count in (("model", models), ("session", sessions)):
            number = first
            while number < first + count:
                number = _watch(report, seed, kind, number, first + count, directory)
    return report


def _watch(report: Report, seed: int, kind: str, first: int, last: int, directory: Path) -> int:
    """Starts a process that tries mutants, until it has tried them all or one has ended it.

    **Returns:** the number of the first mutant that was not tried.
    """
    arguments = [seed, kind, first, last, directory]
    process = subprocess.Popen(
        [sys.executable, __file__, "--try", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    number, lines, rest = first - 1, 0, b""
    while True:
        began = time.monotonic()
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        block = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
        if not block:
            break
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            lines += 1
            if lines % 2:
                number = int(line)
            else:
                _note(report, seed, kind, number, line.decode())
    if time.monotonic() - began >= SECONDS:
        process.kill()
    status = process.wait()
    process.stdout.close()
    if lines % 2:
        how = f"more than {SECONDS:g} s" if status == -signal.SIGKILL else f"exit status {status}"
        _note(report, seed, kind, number, f"finding: {how}")
    elif number < first:
        raise RuntimeError(f"the process that tries mutants ends with {status} before the first")
    return number + 1


def _note(report: Report, seed: int, kind: str, number: int, outcome: str) -> None:
    is_finding = outcome.startswith("finding: ")
    report.outcomes[f"{kind}: {'finding' if is_finding else outcome}"] += 1
    if is_finding:
        report.findings.append(f"--seed {seed} --only {number}, a {kind}: {outcome}")


def main() -> None:
    """Runs as described at the top of this file."""
    if sys.argv[1:2] == ["--try"]:
        seed, kind, first, last, directory = sys.argv[2:]
        try_all(int(seed), kind, int(first), int(last), Path(directory))
        return
    parser = argparse.ArgumentParser(description="Mutate model files and sessions.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--only", type=int, help="the number of one mutant of each kind")
    arguments = parser.parse_args()
    if arguments.only is None:
        report = fuzz(arguments.seed, arguments.models, arguments.sessions)
    else:
        report = fuzz(arguments.seed, 1, 1, arguments.only)
    for outcome, count in sorted(report.outcomes.items()):
        print(f"{count:7,}  {outcome}")
    print(*report.findings, sep="\n")
    sys.exit(bool(report.findings))


if __name__ == "__main__":
    main()
