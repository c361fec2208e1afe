"""evaluate: weights → metrics, samples, plots."""

import sys
from pathlib import Path

from nextword import stage

stage.begin()

from nextword import params
from nextword.evaluate import report, writing
from nextword.evaluate.report import Size
from nextword.evaluate.writing import Outputs
from nextword.model import int8, network
from nextword.text import corpus

PARAMS = Path("params.yaml")
PREPARED = Path("data/prepared")
TRAINED = Path("models/trained")
OUTPUTS = Outputs(
    metrics=Path("metrics.json"),
    samples=Path("samples.txt"),
    sample_ids=Path("data/samples.json"),
    plots=Path("plots"),
)


def main() -> None:
    """Runs the stage."""
    settings, text = params.load(PARAMS).evaluate, corpus.load(PREPARED)
    architecture, weights = network.load_weights(TRAINED)
    whole = network.from_weights(architecture, weights)
    in_int8 = network.from_weights(architecture, int8.dequantised(weights, architecture))
    size = Size(
        parameters=whole.size,
        bytes=2 * whole.size,  # as float16
        int8_bytes=int8.size(weights, architecture),
        steps=network.trained_steps(TRAINED),
    )
    found = report.report(text, whole, in_int8, size, settings)
    writing.write(found, text, architecture.context, OUTPUTS)
    print(*writing.summary(found), sep="\n")


if __name__ == "__main__":
    sys.exit(stage.run(main, lambda: [params.load(PARAMS).evaluate, PREPARED, TRAINED]))
