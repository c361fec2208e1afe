"""evaluate: weights → metrics, samples, wrong windows."""

import sys

from nextword import errors
from nextword.export import quantize
from nextword.training import corpus, model, params, report


def main() -> None:
    """Runs the stage."""
    settings = params.load().evaluate
    architecture, weights = model.load_weights()
    graph = quantize.build(weights, architecture.layers, {})
    rounded = quantize.dequantised(graph, weights, architecture.layers)
    int8 = model.from_weights(architecture, rounded), quantize.size(graph)
    metrics = report.report(
        corpus.load(), architecture, model.from_weights(architecture, weights), int8, settings
    )
    print(*report.summary(metrics), sep="\n")


if __name__ == "__main__":
    sys.exit(errors.run(main))
