"""prepare: a text → word ids and a dictionary."""

import sys

from nextword import errors
from nextword.training import corpus, params


def main() -> None:
    """Runs the stage."""
    prepared = corpus.prepare(params.load().prepare)
    print(f"{len(prepared.ids):,} words, {len(prepared.dictionary):,} of them different")


if __name__ == "__main__":
    sys.exit(errors.run(main))
