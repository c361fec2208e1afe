"""The `nextword` command: a model file on the command line, in a pipe, or in conversation."""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nextword import errors
from nextword.command import arguments as command_line
from nextword.errors import NextwordError, PromptError

if TYPE_CHECKING:
    from nextword.runtime.generator import Generator


def main() -> None:
    """Runs the command and exits."""
    sys.exit(errors.run(_main))


def _main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # the same bytes on every platform
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = command_line.parse()
    # Imported here, because onnxruntime takes longer to import than --help may take.
    from nextword.runtime.generator import Generator

    generator = Generator.load(arguments.model)
    if arguments.command == "info":
        _info(generator, arguments)
    elif arguments.command == "evaluate":
        _evaluate(generator, arguments)
    elif arguments.text is not None:
        _answer(generator, arguments.text, arguments)
    elif sys.stdin.isatty():
        _converse(generator, arguments)
    else:
        for number, text in _lines(sys.stdin):
            try:
                _answer(generator, text, arguments)
            except NextwordError as error:
                raise NextwordError(f"line {number}: {error}") from None


def _answer(generator: "Generator", text: str, arguments: argparse.Namespace) -> None:
    """Does with one text what the command says."""
    {"generate": _generate, "suggest": _suggest, "score": _score}[arguments.command](
        generator, text, arguments
    )


def _generate(generator: "Generator", prompt: str, arguments: argparse.Namespace) -> None:
    from nextword.runtime.sampling import Sampling

    # What was not asked for keeps the defaults of `Sampling`.
    knobs = {name: getattr(arguments, name) for name in command_line.KNOBS}
    sampling = Sampling(**{name: value for name, value in knobs.items() if value is not None})
    if arguments.samples is not None or arguments.json:
        for text in generator.samples(prompt, arguments.samples or 1, arguments.words, sampling):
            if arguments.json:
                _print_json({"prompt": prompt, "continuation": text.removeprefix(prompt), "text": text})
            else:
                print(text)
        return
    pieces = generator.stream(prompt, arguments.words, sampling)
    sys.stdout.write(prompt)
    for piece in pieces:
        sys.stdout.write(piece)
        if sys.stdout.isatty():
            sys.stdout.flush()  # a person sees the words as they come
    sys.stdout.write("\n")


def _suggest(generator: "Generator", prompt: str, arguments: argparse.Namespace) -> None:
    suggestions = generator.suggest(prompt, arguments.n)
    if arguments.json:
        rows = [{"word": word, "probability": probability} for word, probability in suggestions]
        _print_json({"prompt": prompt, "suggestions": rows})
        return
    for word, probability in suggestions:
        print(f"{probability:8.4%}  {word}")


def _score(generator: "Generator", text: str, arguments: argparse.Namespace) -> None:
    score = generator.score(text)
    if arguments.json:
        rows = [{"word": word, "log_probability": value} for word, value in score.per_word]
        _print_json({"text": text, **dataclasses.asdict(score), "per_word": rows})
        return
    for word, log_probability in score.per_word:
        print(f"{math.exp(log_probability):8.4%}  {word}")
    print(f"log-probability {score.log_probability:.4f}, perplexity {score.perplexity:.4f}")


def _evaluate(generator: "Generator", arguments: argparse.Namespace) -> None:
    found = generator.evaluate(
        arguments.file, cache_size=arguments.cache_size, cache_weight=arguments.cache_weight
    )
    if arguments.json:
        _print_json({"file": arguments.file, **dataclasses.asdict(found)})
        return
    print(f"{'words':<18}{found.words:,}")
    print(f"{'unknown words':<18}{found.unknown_share:.3%}")
    print(f"{'perplexity':<18}{found.perplexity:.4f}")
    print(f"{'accuracy':<18}{found.accuracy:.3%}")
    print(f"{'top-3 accuracy':<18}{found.top_3_accuracy:.3%}")
    print(f"{'keystrokes saved':<18}{found.keystrokes_saved:.3%}")


def _info(generator: "Generator", arguments: argparse.Namespace) -> None:
    info, size = generator.info, Path(arguments.model).stat().st_size
    if arguments.json:
        _print_json({**dataclasses.asdict(info), "bytes": size})
        return
    reads = "every word before" if info.context is None else f"the last {info.context} words"
    print(f"{'file':<12}{arguments.model}, {size / 1e6:.1f} MB")
    print(f"{'model':<12}{info.cell.upper()}, {info.layers} x {info.hidden}, reads {reads}")
    line_ends = ", each line end <eos>" if info.line_ends else ""
    print(f"{'dictionary':<12}{len(info.dictionary):,} words, split by {info.split_by}{line_ends}")
    ours, best = info.metrics.get("model", {}), info.metrics.get("best_possible", {})
    unseen = info.metrics.get("test", {}).get("model", {})
    for name, form in (("accuracy", ".3%"), ("perplexity", ".4f")):
        said = [f"{ours[name]:{form}} on its own text; at best {best[name]:{form}}"] if name in best else []
        said += [f"{unseen[name]:{form}} on text that it has not seen"] if name in unseen else []
        if said:
            print(f"{name:<12}{'; '.join(said)}")


def _converse(generator: "Generator", arguments: argparse.Namespace) -> None:
    """Asks a person for texts until Ctrl-D. A mistake is said, and the next text asked for."""
    while True:
        try:
            text = input("prompt: ")
        except EOFError:
            print()
            return
        try:
            _answer(generator, text, arguments)
        except NextwordError as error:
            print(f"error: {error}", file=sys.stderr)


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a pipe that are not blank, with their numbers."""
    number = blank = 0
    for number, line in enumerate(file.buffer, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise PromptError(
                f"line {number} is not UTF-8 (byte 0x{byte:02x}); convert it to UTF-8"
            ) from None
        if text.strip():
            yield number, text
        else:
            blank += 1
    if number == blank:
        raise PromptError("standard input has no text; give one a line, or as an argument")


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False))
