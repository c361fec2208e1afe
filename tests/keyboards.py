"""A small keyboard, for the tests of several files."""

from pathlib import Path
from typing import Any

from tiny import export, make_network

from nextword import Generator
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.suggestion import Suggestion

WORDS = [
    "the",
    ",",
    ".",
    "mouse",
    "cat",
    "<eos>",
    "then",
    "house",
    "Jesus",
    "them",
    "bell",
    "<unk>",
    "a",
    "said",
]


def load(
    path: Path, words: list[str] = WORDS, seed: int = 3, scale: float = 0.5, **changes: Any
) -> Generator:
    network = make_network(len(words), context=changes.get("context"), seed=seed, scale=scale)
    metadata: dict[str, Any] = {"split_by": "words", "line_ends": "<eos>" in words}
    metadata["unknown"] = words.index("<unk>") if "<unk>" in words else None
    return Generator.load(export(path, network, words, **metadata | changes))


def after(keyboard: Keyboard, *texts: str) -> list[Suggestion]:
    for text in texts:
        keyboard.update(text)
    return keyboard.suggest(5)


def put(text: str, suggestion: Suggestion) -> str:
    return text[: len(text) - suggestion.replace] + suggestion.insert
