"""export: weights → one .onnx file, published only if it computes what the model computes."""

import json
import sys
from pathlib import Path

from nextword import errors, files
from nextword.export import parity, step_graph
from nextword.metadata import Metadata
from nextword.training import batches, corpus, evaluation, model, params

MODEL = Path("models/nextword.onnx")
METRICS = Path("metrics.json")  # of the evaluate stage


def main() -> None:
    """Runs the stage."""
    settings = params.load()
    text = corpus.load()
    architecture, weights = model.load_weights()
    _, network = model.load()
    metadata = Metadata(
        dictionary=list(text.dictionary.words),
        split_by=text.split_by,
        lowercase=text.lowercase,
        line_ends=False,
        context=architecture.context,
        cell="lstm",
        layers=architecture.layers,
        hidden=architecture.hidden,
        unknown=text.dictionary.unknown,
        params=settings.model_dump(include={"prepare": {"split_by", "lowercase"}, "train": True}),
        metrics=json.loads(METRICS.read_text(encoding="utf-8")),
        corpus_sha256=text.sha256,
    )
    graph = step_graph.build(weights, architecture.layers, metadata.to_properties())
    windows = batches.windows(text.ids, architecture.context)
    samples = evaluation.sample(network, windows, settings.evaluate.samples, settings.evaluate.words)
    continuations = [(sample.prompt, sample.continuation) for sample in samples]
    with files.replacing(MODEL) as temporary:
        temporary.write_bytes(graph.SerializeToString(deterministic=True))
        difference = parity.check(
            temporary, network, windows.contexts, continuations, settings.export.tolerance
        )
    print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.1f} MB; logits within {difference:.1g} of PyTorch's")


if __name__ == "__main__":
    sys.exit(errors.run(main))
