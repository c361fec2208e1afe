"""train: word ids → weights, with learning curves."""

import sys
from pathlib import Path

from nextword import stage

stage.begin()

from nextword import params
from nextword.text import corpus
from nextword.train import loop
from nextword.train.loop import Outputs

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
OUTPUTS = Outputs(
    trained=Path("models/trained"),
    checkpoints=Path("models/checkpoints"),
    curves=Path("curves"),
    tensorboard=Path("tensorboard"),
)


def main() -> None:
    """Runs the stage."""
    loop.train(corpus.load(PREPARED), params.load(PARAMS).train, OUTPUTS)


if __name__ == "__main__":
    sys.exit(stage.run(main, lambda: [params.load(PARAMS).train, PREPARED]))
