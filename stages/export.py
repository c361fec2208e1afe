"""export: weights → .onnx files, published only if they compute what the model computes."""

import json
import sys
from pathlib import Path

from nextword import errors
from nextword.export import publishing
from nextword.export.parity import Evidence
from nextword.metadata import Metadata
from nextword.training import batches, corpus, evaluation, model, params

METRICS = Path("metrics.json")  # of the evaluate stage
UNBOUNDED_WORDS, UNBOUNDED_WINDOWS = 32, 500


def main() -> None:
    """Runs the stage."""
    settings = params.load()
    text = corpus.load()
    architecture, weights = model.load_weights()
    network = model.from_weights(architecture, weights)
    metadata = Metadata(
        dictionary=list(text.dictionary.words),
        split_by=text.split_by,
        lowercase=text.lowercase,
        line_ends=text.line_ends,
        context=architecture.context,
        cell="lstm",
        layers=architecture.layers,
        hidden=architecture.hidden,
        unknown=text.dictionary.unknown,
        params=settings.model_dump(
            include={"prepare": {"split_by", "lowercase", "line_ends"}, "train": True}
        ),
        metrics=json.loads(METRICS.read_text(encoding="utf-8")),
        corpus_sha256=text.sha256,
    )
    # A model that reads all words before is compared on windows of some length, read from the start.
    windows = batches.windows(text.training, architecture.context or UNBOUNDED_WORDS)
    if architecture.context is None:
        windows = windows.some(UNBOUNDED_WINDOWS)
    samples = evaluation.sample(
        network,
        windows,
        settings.evaluate.samples,
        settings.evaluate.words,
        text.dictionary.unknown,
        carried=architecture.context is None,
    )
    pairs = [(sample.prompt, sample.continuation) for sample in samples]
    evidence = Evidence(windows.contexts, windows.next_words, pairs)
    print(*publishing.publish(weights, metadata, network, evidence, **dict(settings.export)), sep="\n")


if __name__ == "__main__":
    sys.exit(errors.run(main))
