"""train: word ids → weights, with learning curves."""

import sys

from nextword import errors
from nextword.training import corpus, params, trainer


def main() -> None:
    """Runs the stage."""
    trainer.train(corpus.load(), params.load().train)


if __name__ == "__main__":
    sys.exit(errors.run(main))
