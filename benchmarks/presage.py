"""Keystrokes saved, compared with Presage, which suggests words from n-grams (Debian's package).

    apt-get install presage libpresage-dev g++
    python benchmarks/presage.py MODEL TRAINING_TEXT TEXT [--words N]

MODEL was trained on TRAINING_TEXT, and Presage gets the n-grams of that; TEXT is another part of the same
book. Both are asked for three words before each character. A word must be suggested with the capitals that it
has in the text; both complete "Th" to "The".
"""

import argparse
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from keyboard import keystrokes, saved_by, text_of

from nextword import Generator
from nextword.figures import SUGGESTIONS
from nextword.runtime.keyboard.capitals import in_case_of

PROFILE = Path("/etc/presage.xml")  # settings not given below are Debian's
CONTEXT = 500  # characters before the cursor that Presage is given; it uses two and a half words


@contextmanager
def presage(text: Path, folder: Path) -> Iterator[Callable[[str], list[str]]]:
    """Presage with the n-grams of a text: the text before a cursor → candidates for the next word.

    **Arguments:**

    - `folder`: for its database, profile and program.
    """
    database, profile, program = folder / "ngrams.db", folder / "profile.xml", folder / "presage"
    for n in "123":
        subprocess.run(
            ["text2ngram", "-n", n, "-f", "sqlite", "-o", database, text],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    write_profile(profile, database)
    source = Path(__file__).with_suffix(".cpp")
    subprocess.run(["g++", source, "-lpresage", "-o", program], check=True)
    with subprocess.Popen(
        [program, profile],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",  # Presage works on bytes, and may split a letter
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def suggest(before: str) -> list[str]:
            shown = before[-CONTEXT:].replace("\n", " ")
            print(shown, file=asked, flush=True)
            typed = re.split(r"\W", shown)[-1]
            return [in_case_of(word, typed) for word in answered.readline().split("\t")[:-1]]

        yield suggest


def write_profile(path: Path, database: Path) -> None:
    """Writes Debian's settings, but with our n-grams only, their capitals, 3 suggestions, and no learning.

    Learning fails with an assertion. A suggestion that was not taken is not repeated while the same word is
    typed: this is Debian's setting, and Presage saves more keystrokes with it.
    """
    profile = ElementTree.parse(PROFILE)
    for name, value in {
        "PredictorRegistry/PREDICTORS": "DefaultSmoothedNgramPredictor DefaultRecencyPredictor",
        "Predictors/DefaultSmoothedNgramPredictor/DBFILENAME": str(database),
        "ContextTracker/LOWERCASE_MODE": "no",
        "ContextTracker/ONLINE_LEARNING": "no",
        "Selector/SUGGESTIONS": str(SUGGESTIONS),
    }.items():
        setting = profile.find(name)
        assert setting is not None, f"{PROFILE} has no {name}"
        setting.text = value
    profile.write(path)


def main() -> None:
    """Prints the keystrokes saved by each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("training_text", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--words", type=int, default=3000)
    given = parser.parse_args()
    generator = Generator.load(given.model)
    print(f"keystrokes saved (of {given.words:,} words, line ends and punctuation marks):")
    with (
        tempfile.TemporaryDirectory() as folder,
        presage(given.training_text, Path(folder)) as suggest,
    ):
        text = text_of(generator, given.text, given.words)
        print(f"  Presage: {keystrokes(text, suggest):.2%}")
    for name, learns in (("nothing learned", False), ("learned", True)):
        keyboard = generator.keyboard(adapts=learns, punctuation=False)
        text = text_of(generator, given.text, given.words)
        print(f"  keyboard, {name}: {saved_by(keyboard, text, learns):.2%}")


if __name__ == "__main__":
    main()
