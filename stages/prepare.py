"""prepare: a text → word ids and a dictionary."""

import sys

from nextword import errors
from nextword.training import params, preparation


def main() -> None:
    """Runs the stage."""
    prepared = preparation.prepare(params.load().prepare)
    print(f"{len(prepared.ids):,} words, a dictionary of {len(prepared.dictionary):,}")
    for name, ids in prepared.held_out.items():
        print(f"of them held out for {name}: {len(ids):,}")


if __name__ == "__main__":
    sys.exit(errors.run(main))
