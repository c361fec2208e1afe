"""How well a keyboard understands a text typed with slips."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nextword.figures import SUGGESTIONS
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.text_field import is_word
from nextword.text.subwords import shown
from nextword.text.words import Joiner

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONGEST = 50_000  # characters in a text field
_SLIPS = ("neighbour", "missing", "extra", "swapped")


@dataclass(frozen=True)
class TypingQuality:
    """What a keyboard makes of a text, word by word, each after the correct words before it.

    - `words`: number of words typed, numbers and punctuation aside.
    - `mistyped`: how many of these were mistyped; only words that the dictionary has are.
    - `top_1`, `top_3`: share of the mistyped that was suggested first, or among the first three, once typed.
    - `corrected`: share of the mistyped that was corrected to what was meant once a blank was typed.
    - `changed`: share of the correctly typed words that was corrected to another.
    """

    words: int
    mistyped: int
    top_1: float
    top_3: float
    corrected: float
    changed: float


def evaluate_typing(
    keyboard: Keyboard, text: Iterable[tuple[str, str]], spell: Callable[[str], str | None]
) -> TypingQuality:
    """Types a text.

    **Arguments:**

    - `text`: each word with the text before it, as from `with_text_before`.
    - `spell`: a word → how it is mistyped, or `None`.
    """
    words = wrong = changed = right = right_3 = corrected = 0
    for before, word in text:
        if not is_word(word) or not word.isalpha():
            continue
        words += 1
        keyboard.update(f"{before}{word} ")
        changed += keyboard.correction() is not None
        typed = spell(word) if keyboard.knows(word) else None
        if typed is None or typed == word:
            continue
        wrong += 1
        keyboard.update(before + typed)
        suggested = [suggestion.word for suggestion in keyboard.suggest(SUGGESTIONS)]
        right += suggested[:1] == [word]
        right_3 += word in suggested
        keyboard.update(f"{before}{typed} ")
        correction = keyboard.correction()
        corrected += correction is not None and correction.word == word
    return TypingQuality(
        words=words,
        mistyped=wrong,
        top_1=right / max(wrong, 1),
        top_3=right_3 / max(wrong, 1),
        corrected=corrected / max(wrong, 1),
        changed=changed / max(words, 1),
    )


def with_text_before(words: Iterable[str], split_by: str, line_ends: bool) -> Iterator[tuple[str, str]]:
    """Each word of a text with the text before it, including its blank; restarts after many words."""
    joiner, before = Joiner(split_by, line_ends), ""
    for word in words:
        if len(before) > _LONGEST:
            joiner, before = Joiner(split_by, line_ends), ""
        piece = joiner.push(word)
        letters = shown(word) if split_by == "subwords" else word
        yield before + piece[: piece.startswith(" ")], letters
        before += piece


def mistyped(word: str, luck: random.Random, layout: Layout, share: float) -> str:
    """A word as fingers type it: a neighbouring key, a missing or extra letter, or two swapped.

    **Arguments:**

    - `share`: of the letters that are mistyped.
    """
    typed: list[str] = []
    for letter in word:
        slip = luck.choice(_SLIPS) if luck.random() < share else ""
        if slip == "neighbour":
            typed.append(beside(letter, luck, layout))
        elif slip == "extra":
            typed += [letter, luck.choice((letter, beside(letter, luck, layout)))]
        elif slip == "swapped" and typed:
            typed.insert(-1, letter)
        elif slip != "missing":
            typed.append(letter)
    return "".join(typed) or word


def beside(letter: str, luck: random.Random, layout: Layout) -> str:
    """A key next to a letter's, or the letter itself if none is known."""
    return luck.choice([key for key in _LETTERS if layout.are_beside(letter.lower(), key)] or [letter])
