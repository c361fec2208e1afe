"""prepare: a text → word ids and a dictionary."""

import sys
from pathlib import Path

from nextword import stage

stage.begin()

from nextword import params
from nextword.params import PrepareParams
from nextword.prepare import preparation

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")


def used() -> tuple[PrepareParams, Path]:
    """What the stage reads."""
    settings = params.load(PARAMS).prepare
    return settings, Path(settings.text)


def main() -> None:
    """Runs the stage."""
    settings = params.load(PARAMS).prepare
    prepared = preparation.prepare(settings, PREPARED)
    print(*preparation.summary(prepared, settings), sep="\n")


if __name__ == "__main__":
    sys.exit(stage.run(main, used))
