"""Mutates model files and saved sessions, and looks at what comes of each.

    PYTHONPATH=src:tests python benchmarks/fuzzing.py --seed 1 --models 20000 --sessions 2000

Each mutant has to be refused with one typed error, or to work: probabilities that are numbers, and a session
that goes on. Whatever else happens is a finding: another exception, a crash, more than so many seconds or so
much memory. Mutants are tried in another process, which a crash ends, and are made from seed and number
alone, so that `--seed 1 --only 4711` tries one again.
"""

import argparse
import collections
import contextlib
import io
import json
import math
import os
import random
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

CONFORMANCE = Path(__file__).parents[1] / "tests" / "conformance"
MODELS = ("fixed", "unbounded", "lines", "characters", "gru", "feedforward", "quibble", "format-1")
SECONDS = 20.0  # for one mutant
MEMORY = 6 << 30  # bytes of addresses, of which onnxruntime and numpy take one and a half at once
INTERESTING = [0, 1, 2, 3, 7, 8, 9, 11, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**40, 2**62]
INTERESTING += [2**63 - 1, 2**63, 2**64 - 1, 2**64 - 2]
FLOATS = [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e-45, 3e38, 65504.0]
TEXTS = [b"", b"\0", b"\xff\xfe", b"ids", b"logits", b"features", b"next_hidden", b"Loop", b"If", b"Expand"]
TEXTS += [
    b"Tile",
    b"OneHot",
    b"Range",
    b"Pad",
    b"MatMul",
    b"Reshape",
    b"Constant",
    b"com.microsoft",
    b"x" * 9999,
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**64,
    1.5,
    1e308,
    "",
    "x",
    "\ud800",
    "\x1b[31m",
    [],
    {},
]
VALUES += [["the"], {"a": {}}, "nextword/3", "<unk>", "null"]


class Field(NamedTuple):
    """A field of a protocol buffer: its number, its wire type, and a number, bytes or more fields."""

    number: int
    kind: int
    value: Any


@dataclass
class Report:
    """How many mutants came to what, and those that came to what none should."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)


# ── protocol buffers ────────────────────────────────────────────────────────────────────────────


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number, and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7


def fields_of(data: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of what may be a message; `None` where it is none."""
    found, place = [], 0
    try:
        while place < len(data):
            tag, place = varint(data, place)
            number, kind = tag >> 3, tag & 7
            if not 0 < number < 200 or kind not in {0, 1, 2, 5}:
                return None
            if kind == 0:
                value, place = varint(data, place)
                found.append(Field(number, kind, value))
                continue
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, place = varint(data, place)
            if place + size > len(data):
                return None
            part = data[place : place + size]
            place += size
            inner = fields_of(part, depth + 1) if kind == 2 and size > 1 and depth < 6 else None
            found.append(Field(number, kind, inner or part))
    except IndexError:
        return None
    return found


def encoded(value: int) -> bytes:
    """A number as bytes."""
    found = bytearray()
    while True:
        byte, value = value & 127, value >> 7
        found.append(byte | (128 if value else 0))
        if not value:
            return bytes(found)


def bytes_of(fields: list[Field]) -> bytes:
    """A message as bytes."""
    found = bytearray()
    for number, kind, value in fields:
        found += encoded(number << 3 | kind)
        if kind == 0:
            found += encoded(value)
            continue
        part = bytes_of(value) if isinstance(value, list) else value
        found += (encoded(len(part)) if kind == 2 else b"") + part
    return bytes(found)


def messages(fields: list[Field]) -> Iterator[list[Field]]:
    """A message and all within it."""
    yield fields
    for one in fields:
        if isinstance(one.value, list):
            yield from messages(one.value)


# ── mutations of bytes ──────────────────────────────────────────────────────────────────────────


def flipped(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Changes single bytes."""
    found = bytearray(data)
    for _number in range(chance.choice([1, 1, 1, 2, 4, 16])):
        place = chance.randrange(len(found))
        found[place] = chance.choice([found[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255])
    return bytes(found)


def truncated(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Cuts the end off."""
    return data[: chance.randrange(len(data))]


def spliced(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Puts a part of another file in."""
    start, end = sorted(chance.randrange(len(other) + 1) for _ in range(2))
    low, high = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:low] + other[start : min(end, start + 2000)] + data[chance.choice([low, high]) :]


def with_a_field_changed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Changes fields, with the lengths around them right."""
    fields, donor = fields_of(data) or [], fields_of(other) or []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        message = chance.choice([one for one in messages(fields) if one] or [[Field(1, 0, 1)]])
        place = chance.randrange(len(message))
        number, kind, value = message[place]
        match chance.randrange(8):
            case 0:
                del message[place]
            case 1:
                message.insert(chance.randrange(len(message) + 1), message[place])
            case 2:
                message[place] = Field(chance.choice([*range(1, 27), number]), kind, value)
            case 3:
                message[place] = chance.choice(chance.choice([one for one in messages(donor) if one]))
            case 4 if len(message) > 1:
                neighbour = chance.randrange(len(message))
                message[place], message[neighbour] = message[neighbour], message[place]
            case _:
                message[place] = Field(number, kind, _changed(chance, kind, value))
    return bytes_of(fields)


def _changed(chance: random.Random, kind: int, value: Any) -> Any:
    if kind == 0:
        return chance.choice([*INTERESTING, value + 1, max(0, value - 1), value * 2])
    if kind != 2:
        return bytes(chance.randrange(256) for _ in value)
    if isinstance(value, list):
        return chance.choice([[], value + value, value[::-1]])
    if len(value) % 2 == 0 and chance.random() < 0.5:
        return _other_numbers(chance, value)
    return chance.choice([*TEXTS, value[:-1], value + b"x", value[::-1], value * 2])


def _other_numbers(chance: random.Random, data: bytes) -> bytes:
    """Bytes of numbers, one of which is another now: of sizes, of weights."""
    found = bytearray(data)
    size = chance.choice([one for one in (2, 4, 8) if len(data) % one == 0])
    place = size * chance.randrange(len(data) // size) if data else 0
    if chance.random() < 0.5:
        number = chance.choice(INTERESTING) & (1 << 8 * size) - 1
        found[place : place + size] = number.to_bytes(size, "little")
    else:
        value = chance.choice(FLOATS)
        with contextlib.suppress(OverflowError):
            found[place : place + size] = struct.pack({2: "<e", 4: "<f", 8: "<d"}[size], value)
    return bytes(found)


def with_metadata_changed(chance: random.Random, data: bytes, _: bytes) -> bytes:
    """Changes what one key of the metadata says, mostly to other JSON."""
    fields = fields_of(data) or []
    places = [place for place, one in enumerate(fields) if one.number == 14]
    place = chance.choice(places)
    pair = (
        fields_of(bytes_of([fields[place]])[2:])
        if not isinstance(fields[place].value, list)
        else fields[place].value
    )
    key = next((one.value for one in pair or [] if one.number == 1), b"")
    text = next((one.value for one in pair or [] if one.number == 2), b"")
    text = bytes_of(text) if isinstance(text, list) else text
    key = bytes_of(key) if isinstance(key, list) else key
    try:
        value = _other_json(chance, json.loads(text))
        new = json.dumps(value).encode()
    except ValueError:
        new = chance.choice(
            [b"", text + b"x", b"[" * 5000, b"\xff" + text, b"words", b"NaN", b"1e999", b"9" * 5000]
        )
    if chance.random() < 0.2:
        new = chance.choice(
            [b"[" * 5000, b"\xff", b"NaN", b"9" * 5000, text[:-1], b'{"a":' * 3000 + b"1" + b"}" * 3000]
        )
    fields[place] = Field(14, 2, [Field(1, 2, key), Field(2, 2, new)])
    return bytes_of(fields)


def _other_json(chance: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.7:
        key = chance.choice(list(value))
        return value | {chance.choice([key, key, "x"]): _other_json(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.7:
        found = list(value)
        place = chance.randrange(len(found))
        found[place] = chance.choice([found[0], _other_json(chance, found[place])])
        return found
    return chance.choice(VALUES)


OF_BYTES = [flipped, truncated, spliced]
OF_MODELS = [*OF_BYTES, *[with_a_field_changed] * 5, *[with_metadata_changed] * 2]


# ── mutations of sessions ───────────────────────────────────────────────────────────────────────


def with_an_array_changed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Changes arrays or their heads, with the checksums around them right."""
    with zipfile.ZipFile(io.BytesIO(data)) as file, zipfile.ZipFile(io.BytesIO(other)) as donor:
        parts = {name: file.read(name) for name in file.namelist()}
        others = {name: donor.read(name) for name in donor.namelist()}
    compression = zipfile.ZIP_STORED if chance.random() < 0.9 else zipfile.ZIP_DEFLATED
    name = chance.choice(list(parts))
    part = parts[name]
    head, numbers = part[:128], part[128:]
    match chance.randrange(7):
        case 0:
            del parts[name]
        case 1:
            parts[name] = chance.choice(list(others.values()))
        case 2:
            shape = chance.choice([b"(1, 0)", b"(99999999999,)", b"(-1,)", b"()", b"(2, 3)", b"(" * 40])
            end = head.find(b"'shape': ") + 9
            parts[name] = head[:end] + shape.ljust(128 - end - 4)[: 128 - end - 4] + b", }\n" + numbers
        case 3:
            kind = chance.choice([b"<f8", b"<i8", b"<f4", b"|O8", b"<U9", b"<c8", b"|V8", b">f4"])
            parts[name] = part.replace(part[part.find(b"'<") + 1 : part.find(b"'<") + 4], kind, 1)
        case 4:
            parts[name] = head + numbers[: chance.randrange(len(numbers) + 1)]
        case 5:
            parts[name] = flipped(chance, part, part)
        case _:
            parts[name] = head + (
                _other_numbers(chance, numbers) if len(numbers) % 8 == 0 and numbers else b""
            )
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", compression) as file:
        for one, content in parts.items():
            file.writestr(one, content)
    return new.getvalue()


OF_SESSIONS = [*OF_BYTES, *[with_an_array_changed] * 6]


# ── the process that tries them ─────────────────────────────────────────────────────────────────


def mutant(seed: int, kind: str, number: int, bases: list[bytes]) -> tuple[int, bytes]:
    """The place of the file that a mutant was made from, and the mutant."""
    chance = random.Random(f"{seed} {kind} {number}")
    place = chance.randrange(len(bases))
    data, other = bases[place], chance.choice(bases)
    mutations = OF_MODELS if kind == "model" else OF_SESSIONS
    for _ in range(chance.choice([1, 1, 1, 2])):
        if data:
            with contextlib.suppress(Exception):  # what is damaged already cannot always be changed
                data = chance.choice(mutations)(chance, data, other)
    return place, data


def try_all(seed: int, kind: str, first: int, last: int, directory: Path) -> None:
    """Tries mutants one after another, and prints a line for each: its number before, its outcome after."""
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
    report, sys.stdout = sys.stdout, io.StringIO()  # a library prints nothing
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
    """Asks a model for everything; figures have to be numbers."""
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
    """Goes on with a session; probabilities have to be numbers."""
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
    """Puts small models of all kinds into a directory, and a session of each."""
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
    """Tries so many mutants of each kind, from the number `first` on."""
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
    """Starts a process that tries mutants, until it has tried all or one has ended it.

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
    """Runs as the head of this file says."""
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
