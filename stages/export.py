"""export: weights → .onnx files, published only if they compute what the model computes."""

import sys
from pathlib import Path
from typing import Any

from nextword import stage

stage.begin()

from nextword import outputs, params
from nextword.export import parity, publishing
from nextword.model import network
from nextword.runtime.metadata import Metadata
from nextword.text import corpus, unicode, windows

PARAMS = Path("params.yaml")
PREPARED, TRAINED = Path("data/prepared"), Path("models/trained")
METRICS, SAMPLES = Path("metrics.json"), Path("data/samples.json")  # of the evaluate stage
MODELS = Path("models")
# A model with an unbounded context is compared on windows of this length, read from the zero state.
UNBOUNDED_WORDS, UNBOUNDED_WINDOWS = 32, 500


def used(settings: params.Params) -> dict[str, Any]:
    """The params that dvc.yaml names for this stage."""
    return settings.model_dump(
        include={"prepare": {"split_by", "lowercase", "line_ends"}, "train": True, "export": True}
    )


def main() -> None:
    """Runs the stage."""
    settings, text = params.load(PARAMS), corpus.load(PREPARED)
    architecture, weights = network.load_weights(TRAINED)
    metadata = Metadata(
        dictionary=list(text.dictionary.words),
        split_by=text.split_by,
        lowercase=text.lowercase,
        line_ends=text.line_ends,
        context=architecture.context,
        cell=architecture.cell,
        layers=architecture.layers,
        hidden=architecture.hidden,
        unknown=text.dictionary.unknown,
        params={name: section for name, section in used(settings).items() if name != "export"},
        metrics=outputs.read_json(METRICS, dict),
        corpus_sha256=text.sha256,
        unicode=unicode.VERSION,
        training_words=known.text if (known := text.training_words) else "",
    )
    compared = windows.windows(text.training, architecture.context or UNBOUNDED_WORDS)
    compared = compared if architecture.context else compared.some(UNBOUNDED_WINDOWS)
    evidence = parity.Evidence(compared, parity.read_samples(SAMPLES, len(text.dictionary)))
    whole = network.from_weights(architecture, weights)
    print(*publishing.publish(whole, weights, metadata, evidence, settings.export, MODELS), sep="\n")


if __name__ == "__main__":
    sys.exit(stage.run(main, lambda: [used(params.load(PARAMS)), PREPARED, TRAINED, METRICS, SAMPLES]))
