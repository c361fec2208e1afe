"""What the command prints: for a person, or as JSON."""

import argparse
import dataclasses
import json
import math
import random
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextword import outputs
from nextword.command import arguments as command_line

if TYPE_CHECKING:
    from nextword.runtime.generator import Generator
    from nextword.runtime.keyboard.slips import TypingQuality

# Characters that move a terminal's cursor or change its colours, except tabs and line ends.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SEED, _MISTYPED = 1, 0.05  # of the slips, and their share of the letters
_LARGEST = 1e300  # the largest figure shown


def answer(generator: "Generator", text: str, arguments: argparse.Namespace) -> None:
    """Runs the command on one text."""
    {"generate": _generate, "suggest": _suggest, "score": _score}[arguments.command](
        generator, text, arguments
    )


def _generate(generator: "Generator", prompt: str, arguments: argparse.Namespace) -> None:
    from nextword.runtime.sampling import Sampling

    # Options not given keep the defaults of `Sampling`.
    knobs = {name: getattr(arguments, name) for name in command_line.KNOBS}
    sampling = Sampling(**{name: value for name, value in knobs.items() if value is not None})
    if arguments.samples is not None or arguments.json:
        for text in generator.samples(
            prompt, 1 if arguments.samples is None else arguments.samples, arguments.words, sampling
        ):
            if arguments.json:
                _print_json({"prompt": prompt, "continuation": text.removeprefix(prompt), "text": text})
            else:
                _write(f"{text}\n")
        return
    pieces = generator.stream(prompt, arguments.words, sampling)
    _write(prompt)
    for piece in pieces:
        _write(piece)
        if sys.stdout.isatty():
            sys.stdout.flush()  # words appear as they come
    _write("\n")


def _suggest(generator: "Generator", prompt: str, arguments: argparse.Namespace) -> None:
    suggestions = generator.suggest(prompt, arguments.n)
    if arguments.json:
        rows = [{"word": word, "probability": probability} for word, probability in suggestions]
        _print_json({"prompt": prompt, "suggestions": rows})
        return
    if not suggestions:
        print("nothing is suggested: no word begins like the last one", file=sys.stderr)
    for word, probability in suggestions:
        _write(f"{probability:8.4%}  {word}\n")


def _score(generator: "Generator", text: str, arguments: argparse.Namespace) -> None:
    score = generator.score(text)
    if arguments.json:
        rows = [{"word": word, "log_probability": value} for word, value in score.per_word]
        _print_json({"text": text, **dataclasses.asdict(score), "per_word": rows})
        return
    for word, log_probability in score.per_word:
        _write(f"{math.exp(log_probability):8.4%}  {word}\n")
    print(f"log-probability {score.log_probability:.4f}, perplexity {score.perplexity:.4f}")


def evaluate(generator: "Generator", arguments: argparse.Namespace) -> None:
    """Shows how good the model is on a text file."""
    found = generator.evaluate(
        arguments.file,
        cache_size=arguments.cache_size,
        cache_weight=arguments.cache_weight,
        training_graph=arguments.training_graph,
        learning_rate=arguments.learning_rate,
    )
    typed = _typed(generator, arguments.file) if arguments.typing else None
    if arguments.json:
        typing = {"typing": dataclasses.asdict(typed)} if typed else {}
        _print_json({"file": arguments.file, **dataclasses.asdict(found), **typing})
        return
    print(f"{'words':<18}{found.words:,}")
    print(f"{'unknown words':<18}{found.unknown_share:.3%}")
    print(f"{'perplexity':<18}{found.perplexity:.4f}")
    print(f"{'accuracy':<18}{found.accuracy:.3%}")
    print(f"{'top-3 accuracy':<18}{found.top_3_accuracy:.3%}")
    print(f"{'keystrokes saved':<18}{found.keystrokes_saved:.3%}")
    if typed:
        print(f"{'mistyped words':<18}{typed.mistyped:,}")
        print(f"{'first guess right':<18}{typed.top_1:.3%}")
        print(f"{'among the first 3':<18}{typed.top_3:.3%}")
        print(f"{'corrected':<18}{typed.corrected:.3%}")
        print(f"{'wrongly corrected':<18}{typed.changed:.3%} of {typed.words:,} correctly typed words")


def _typed(generator: "Generator", file: str) -> "TypingQuality":
    """How well a keyboard understands the text if one letter in twenty is mistyped."""
    from nextword.runtime.keyboard.layouts import Layout
    from nextword.runtime.keyboard.slips import evaluate_typing, mistyped, with_text_before
    from nextword.text import reading

    about, luck, layout = generator.info, random.Random(_SEED), Layout("qwerty")  # noqa: S311 - nothing is secret
    words = reading.read_words(Path(file), about.split_by, about.lowercase, about.line_ends)
    text = with_text_before(words, about.split_by, about.line_ends)
    return evaluate_typing(generator.keyboard(), text, lambda word: mistyped(word, luck, layout, _MISTYPED))


def info(generator: "Generator", arguments: argparse.Namespace) -> None:
    """Shows what the model file says about itself."""
    about, size = generator.info, Path(arguments.model).stat().st_size
    if arguments.json:
        _print_json({**dataclasses.asdict(about), "bytes": size})
        return
    unit = "subwords" if about.split_by == "subwords" else "words"
    reads = f"every {unit[:-1]} before" if about.context is None else f"the last {about.context} {unit}"
    line_ends = ", each line end <eos>" if about.line_ends else ""
    rows = [
        ("file", f"{arguments.model}, {outputs.file_size(size)}"),
        ("model", f"{about.cell.upper()}, {about.layers} x {about.hidden}, reads {reads}"),
        ("dictionary", f"{len(about.dictionary):,} {unit}, split by {about.split_by}{line_ends}"),
    ]
    for name, form in (("accuracy", ".3%"), ("perplexity", ".4f")):
        own, best = (_figure(about.metrics, of, name) for of in ("model", "best_possible"))
        unseen = _figure(about.metrics, "test", "model", name)
        said = (
            [f"{own:{form}} on its own text; at best {best:{form}}"]
            if own is not None and best is not None
            else []
        )
        said += [f"{unseen:{form}} on text that it has not seen"] if unseen is not None else []
        rows += [(name, "; ".join(said))] if said else []
    for name, value in rows:
        _write(f"{name:<12}{value}\n")


def _figure(values: Any, *names: str) -> float | None:
    """A number in nested objects; `None` if there is none to show."""
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    is_number = isinstance(values, int | float) and not isinstance(values, bool)
    return float(values) if is_number and abs(values) < _LARGEST else None


def _write(text: str) -> None:
    """Writes a text that may be untrusted; control characters are escaped on a terminal."""
    if sys.stdout.isatty():
        text = _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    sys.stdout.write(text)


def _print_json(value: dict[str, Any]) -> None:
    _write(f"{json.dumps(value, ensure_ascii=False)}\n")
