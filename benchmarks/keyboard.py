"""The keyboard: typing errors, misspellings, false corrections, learning, languages, time and memory.

    python benchmarks/keyboard.py MODEL TEXT [--misspellings FILE] [--kind TEXT] [--other MODEL TEXT]

MODEL was trained on another part of the book that TEXT comes from. Each line of output gives the number of
words that its figure is based on. The costs of typing errors were fitted on other texts, and are the same for
all models.
"""

import argparse
import math
import random
import statistics
import string
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from nextword import Generator
from nextword.figures import SUGGESTIONS
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.slips import beside, evaluate_typing, mistyped, with_text_before
from nextword.runtime.keyboard.text_field import is_word
from nextword.text import reading
from nextword.text.words import END_OF_LINE, split

SLIPS = 0.05  # share of mistyped letters
TURNS = (3, 1)  # lines of one language before the other takes over
KEYS = Layout("qwerty")


def text_of(generator: Generator, path: Path, words: int) -> Iterator[tuple[str, str]]:
    """The first words of a text, each with all of the text before it."""
    info = generator.info
    read = reading.read_words(path, info.split_by, info.lowercase, info.line_ends)
    return with_text_before(islice(read, words), info.split_by, info.line_ends)


def shares(right: dict[str, int], of: int) -> str:
    """Counts as percentages."""
    return ", ".join(f"{name} {count / max(of, 1):.1%}" for name, count in right.items()) + f" (of {of:,})"


def slips(generator: Generator, path: Path, words: int, spell: Callable[[str], str | None]) -> None:
    """Words typed with an error: how often the intended one is suggested; right and false corrections."""
    found = evaluate_typing(generator.keyboard(), text_of(generator, path, words), spell)
    print(
        f"  top 1 {found.top_1:.1%}, top 3 {found.top_3:.1%}, corrected {found.corrected:.1%} (of "
        f"{found.mistyped:,}); right words changed {found.changed:.2%} (of {found.words:,})"
    )


def misspelled(
    path: Path, typed: Callable[[str], bool], allowed: Callable[[str], bool]
) -> Callable[[str], str | None]:
    """How people misspell a word: a random one of its misspellings from a file of word, tab, misspelling.

    **Arguments:**

    - `typed`: whether to misspell a word at all.
    - `allowed`: whether a misspelling counts.
    """
    known: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        right, wrong = line.split("\t")
        if typed(right) and wrong.isalpha() and allowed(wrong):
            known[right].append(wrong)
    luck = random.Random(1)
    return lambda word: luck.choice(known[word]) if word in known else None


class Norvig:
    """Norvig's spelling corrector (norvig.com/spell-correct.html): the most frequent word of the nearest.

    **Arguments:**

    - `words`: of a dictionary, most frequent first.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._ranks = {word: rank for rank, word in enumerate(words)}

    def candidates(self, typed: str) -> list[str]:
        """The words that may be meant, most frequent first."""
        once = self._edits(typed)
        for found in ([typed], once, (twice for one in once for twice in self._edits(one))):
            if known := {word for word in found if word in self._ranks}:
                return sorted(known, key=lambda word: self._ranks[word])
        return [typed]

    def _edits(self, word: str) -> set[str]:
        parts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
        letters = string.ascii_lowercase
        return {
            *(one + other[1:] for one, other in parts if other),
            *(one + other[1] + other[0] + other[2:] for one, other in parts if len(other) > 1),
            *(one + letter + other[1:] for one, other in parts if other for letter in letters),
            *(one + letter + other for one, other in parts for letter in letters),
        }


def by_norvig(generator: Generator, path: Path, words: int, spell: Callable[[str], str | None]) -> None:
    """Norvig's corrector for the same words with the same errors."""
    corrector, keyboard = Norvig(generator.info.dictionary), generator.keyboard()
    right, count = {"Norvig's corrector: top 1": 0, "top 3": 0}, 0
    for _, word in text_of(generator, path, words):
        typed = spell(word) if is_word(word) and word.isalpha() and keyboard.knows(word) else None
        if typed and typed != word:
            count += 1
            found = corrector.candidates(typed)
            right["Norvig's corrector: top 1"] += found[0] == word
            right["top 3"] += word in found[:SUGGESTIONS]
    print(f"  {shares(right, count)}")


def beginnings(generator: Generator, path: Path, words: int) -> None:
    """Three suggestions after three letters, one or none of which is wrong."""
    luck, keyboard = random.Random(2), generator.keyboard()
    right: dict[str, int] = dict.fromkeys(("one wrong", "none wrong", "none wrong, exact beginnings only"), 0)
    count = 0
    for before, word in text_of(generator, path, words):
        if not word.isalpha() or len(word) < 5 or word not in generator.info.dictionary:
            continue
        count += 1
        place = luck.randrange(3)
        letter = beside(word[place], luck, KEYS)
        keyboard.update(before + word[:place] + letter + word[place + 1 : 3])
        right["one wrong"] += word in [suggestion.word for suggestion in keyboard.suggest()]
        keyboard.update(before + word[:3])
        found = keyboard.suggest(100)
        right["none wrong"] += word in [suggestion.word for suggestion in found[:SUGGESTIONS]]
        exact = [one.word for one in found if one.word.startswith(word[:3])]
        right["none wrong, exact beginnings only"] += word in exact[:SUGGESTIONS]
    print(f"  {shares(right, count)}")


def keystrokes(text: Iterator[tuple[str, str]], suggest: Callable[[str], list[str]]) -> float:
    """The share of keystrokes that three suggestions save, counted as by `KeystrokeCounter`."""
    characters = pressed = 0
    for before, word in text:
        # The length of a word is that of the text that it adds, including the blank before it.
        length = 1 if word == END_OF_LINE else len(word) + before.endswith(" ")
        characters += length
        takes = (typed + 1 for typed in range(length - 1) if word in suggest(before + word[:typed]))
        pressed += next(takes, length)
    return 1 - pressed / characters


def read(keyboard: Keyboard, before: str, learns: bool) -> None:
    """Gives a keyboard the text before its cursor; if it learns, sends each line."""
    keyboard.update(before)
    if learns and before.endswith("\n"):
        keyboard.commit()


def saved_by(keyboard: Keyboard, text: Iterator[tuple[str, str]], learns: bool) -> float:
    """The share of keystrokes that a keyboard saves."""

    def suggest(before: str) -> list[str]:
        read(keyboard, before, learns)
        return [suggestion.word for suggestion in keyboard.suggest()]

    return keystrokes(text, suggest)


def losses(keyboard: Keyboard, text: Iterator[tuple[str, str]], learns: bool = False) -> Iterator[float]:
    """The loss of each word in nats; unknown words are spelled letter by letter."""
    for before, word in text:
        # A blank finishes the word before a punctuation mark, so that it is read.
        read(keyboard, before if not before or before[-1].isspace() else before + " ", learns)
        yield -math.log(max(keyboard.probability(word), 1e-300))


def perplexity(losses: Iterable[float]) -> float:
    """The perplexity of a text."""
    return math.exp(statistics.fmean(losses))


def new_words(generator: Generator, path: Path, words: int) -> None:
    """How often a word that the dictionary lacks is suggested at its second use; each line is sent."""
    keyboard = generator.keyboard()
    uses: dict[str, int] = defaultdict(int)
    right: dict[str, int] = dict.fromkeys(("after 2 letters", "after 3 letters"), 0)
    names = dict(right)
    count = count_of_names = 0
    for before, word in text_of(generator, path, words):
        read(keyboard, before, learns=True)
        if not word.isalpha() or len(word) < 4 or word in generator.info.dictionary:
            continue
        uses[word] += 1
        if uses[word] != 2:
            continue
        count += 1
        count_of_names += word[0].isupper()
        for letters in (2, 3):
            keyboard.update(before + word[:letters])
            found = [suggestion.word for suggestion in keyboard.suggest()]
            right[f"after {letters} letters"] += word in found
            names[f"after {letters} letters"] += word in found and word[0].isupper()
    print(f"  {shares(right, count)}; with a capital: {shares(names, count_of_names)}")


def milliseconds(generator: Generator, path: Path, words: int, before: str = "") -> str:
    """The time of a keystroke: update, three suggestions and the correction."""
    keyboard = generator.keyboard()
    keyboard.update(before)
    keyboard.suggest()
    times = []
    text = path.read_text(encoding="utf-8")[: 6 * words]
    for place in range(1, len(text)):
        start = time.perf_counter()
        keyboard.update(before + text[:place])
        keyboard.suggest()
        keyboard.correction()
        times.append(1000 * (time.perf_counter() - start))
    times.sort()
    slow = times[len(times) * 95 // 100]
    return f"median {statistics.median(times):.2f} ms, 95 % {slow:.2f} ms (of {len(times):,})"


def megabytes(generator: Generator, path: Path) -> float:
    """The memory of a keyboard after a text, in addition to its model."""
    tracemalloc.start()
    keyboard = generator.keyboard()
    text = path.read_text(encoding="utf-8")[:3000]
    for place in range(len(text)):
        keyboard.update(text[:place])
        keyboard.suggest()
    size = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    return size


def main() -> None:
    """Prints every figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--misspellings", type=Path, help="lines of a word, a tab, and a misspelling")
    parser.add_argument("--other", type=Path, nargs=2, help="a model of another language, and a text in it")
    parser.add_argument("--kind", type=Path, help="a text of another kind")
    parser.add_argument("--words", type=int, default=4000)
    given = parser.parse_args()
    generator = Generator.load(given.model)
    print("typed with 5 % slips:")
    luck = random.Random(1)
    slips(generator, given.text, given.words, lambda word: mistyped(word, luck, KEYS, SLIPS))
    if given.misspellings:
        knows = generator.keyboard().knows
        for title, allowed in (
            ("misspelled by people:", str.isalpha),
            ("… so that it is no word of the dictionary:", lambda wrong: not knows(wrong)),
        ):
            print(title)
            for measure in (slips, by_norvig):
                measure(generator, given.text, given.words, misspelled(given.misspellings, knows, allowed))
    print("after three letters:")
    beginnings(generator, given.text, given.words)
    if given.kind:
        print("text of another kind, keystrokes saved and perplexity:")
        for name, learns in (("nothing learned", False), ("learned", True)):
            text, again = (text_of(generator, given.kind, given.words) for _ in range(2))
            saved = saved_by(generator.keyboard(adapts=learns), text, learns)
            found = perplexity(losses(generator.keyboard(adapts=learns), again, learns))
            print(f"  {name}: {saved:.2%}, {found:.2f}")
        print("new words at their second use:")
        new_words(generator, given.kind, 10 * given.words)
    if given.other:
        print("two languages, perplexity with unknown words' letters:")
        languages([generator, Generator.load(given.other[0])], [given.text, given.other[1]], given.words)
    print(f"a keystroke: {milliseconds(generator, given.text, 300)}")
    long = given.text.read_text(encoding="utf-8")[:30_000] + "\n"
    print(f"… after 5,000 words: {milliseconds(generator, given.text, 300, long)}")
    print(f"memory beside the model: {megabytes(generator, given.text):.1f} MB")


def languages(generators: list[Generator], paths: list[Path], words: int) -> None:
    """Lines of two languages in turns, and of each alone: compared with an oracle that knows the language."""
    lines = [lines_of(path, words // 2) for path in paths]
    for turn in TURNS:
        text = [
            (line, number)
            for start in range(0, min(map(len, lines)), turn)
            for number, own in enumerate(lines)
            for line in own[start : start + turn]
        ]
        beside_oracle(f"lines of each in turn: {turn}", generators, text)
    for number, path in enumerate(paths):
        beside_oracle(f"{path.stem} alone", generators, [(line, number) for line in lines_of(path, words)])


def beside_oracle(title: str, generators: list[Generator], text: list[tuple[str, int]]) -> None:
    """The perplexity of lines, each with the number of its language, beside that of one keyboard for each."""
    info = generators[0].info

    def words_of(lines: list[str]) -> Iterator[tuple[str, str]]:
        words = split("".join(lines), info.split_by, info.lowercase, info.line_ends)
        return with_text_before(words, info.split_by, info.line_ends)

    found = list(losses(Keyboard.of(generators), words_of([line for line, _ in text])))
    by_oracle: list[float] = []
    for number, generator in enumerate(generators):
        own = [line for line, of in text if of == number]
        by_oracle += losses(generator.keyboard(), words_of(own))
    both, oracle = perplexity(found), perplexity(by_oracle)
    print(f"  {title}: {both:.1f}, oracle {oracle:.1f}: {both / oracle - 1:+.1%} (of {len(found):,} words)")


def lines_of(path: Path, words: int) -> list[str]:
    """The first lines of a text, with at least `words` words if it has them."""
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        lines.append(line)
        words -= len(line.split())
        if words < 0:
            break
    return lines


if __name__ == "__main__":
    main()
