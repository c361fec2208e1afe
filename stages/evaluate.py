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
    best = metrics["best_possible"]
    for name in ("model", "int8"):
        found = metrics[name]
        print(
            f"{name}: accuracy {found['accuracy']:.3%} (at best {best['accuracy']:.3%}), "
            f"perplexity {found['perplexity']:.4f} (at best {best['perplexity']:.4f})"
        )


if __name__ == "__main__":
    sys.exit(errors.run(main))
