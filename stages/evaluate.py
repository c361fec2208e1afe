"""evaluate: weights → metrics, samples, wrong windows."""

import sys

from nextword import errors
from nextword.training import corpus, model, params, report


def main() -> None:
    """Runs the stage."""
    settings = params.load().evaluate
    metrics = report.report(corpus.load(), *model.load(), settings)
    ours, best = metrics["model"], metrics["best_possible"]
    print(f"accuracy {ours['accuracy']:.3%} (at best {best['accuracy']:.3%})")
    print(f"perplexity {ours['perplexity']:.4f} (at best {best['perplexity']:.4f})")


if __name__ == "__main__":
    sys.exit(errors.run(main))
