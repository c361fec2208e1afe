"""The course's made-up texts: python course/texts.py countries|gym, into data/.

They are drawn from a seed, and each is a rule that can be checked.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from nextword import errors, outputs

DATA = Path("data")
DISTANCES = (4, 8, 16, 32)  # words from a country to its language
LANGUAGES = {
    "france": "french",
    "spain": "spanish",
    "japan": "japanese",
    "greece": "greek",
    "norway": "norwegian",
    "turkey": "turkish",
    "poland": "polish",
    "finland": "finnish",
}
BETWEEN = ("the", "old", "market", "on", "a", "fine", "day", "with", "friends")
SPEAKS = "speaks"
WEEK = ("shoulders", "biceps", "cardio", "legs", "back")  # the exercise of a day turns on the one before it
MISSED = "missed"
_DAYS_A_LINE = 20


def countries(distance: int, lines: int, seed: int) -> Iterator[str]:
    """Lines in which a country says which language follows, so many words later."""
    random = np.random.default_rng([seed, distance])
    for _ in range(lines):
        country = tuple(LANGUAGES)[random.integers(len(LANGUAGES))]
        between = [BETWEEN[place] for place in random.integers(len(BETWEEN), size=distance - 2)]
        yield " ".join([country, *between, SPEAKS, LANGUAGES[country], "."])


def days(count: int, missed: float, seed: int) -> Iterator[str]:
    """The days of a gym: each exercise follows the last one that was done, whatever days were missed."""
    random = np.random.default_rng(seed)
    exercise = 0
    for _ in range(count):
        if random.random() < missed:
            yield MISSED
        else:
            yield WEEK[exercise % len(WEEK)]
            exercise += 1


def main() -> None:
    """Writes the texts that the command names."""
    params = YAML(typ="safe", pure=True).load(Path("params.yaml"))["texts"]
    if sys.argv[1] == "countries":
        for distance in DISTANCES:
            lines = countries(distance, params["countries"], params["seed"])
            outputs.write_text(DATA / f"countries-{distance}.txt", "".join(f"{line}\n" for line in lines))
    else:
        every = list(days(params["days"], params["missed"], params["seed"]))
        lines = (" ".join(every[day : day + _DAYS_A_LINE]) for day in range(0, len(every), _DAYS_A_LINE))
        outputs.write_text(DATA / "gym.txt", "".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(errors.run(main))
