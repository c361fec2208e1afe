"""prepare: a text → word ids and a dictionary."""

import sys
from pathlib import Path

from nextword import errors, params
from nextword.prepare import preparation

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")


def main() -> None:
    """Runs the stage."""
    prepared = preparation.prepare(params.load(PARAMS).prepare, PREPARED)
    print(f"{len(prepared.ids):,} words, a dictionary of {len(prepared.dictionary):,}")
    for name, ids in prepared.held_out.items():
        print(f"of them held out for {name}: {len(ids):,}")


if __name__ == "__main__":
    sys.exit(errors.run(main))
