"""What the evaluate stage writes: metrics, samples, and the windows that the model gets wrong."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import files
from nextword.training import baselines, batches, evaluation
from nextword.training.batches import Windows
from nextword.training.corpus import PARTS, Corpus
from nextword.training.evaluation import Predictions, Sample
from nextword.training.model import Architecture, NextWordModel
from nextword.training.numbers import significant
from nextword.training.params import EvaluateParams

METRICS = Path("metrics.json")
SAMPLES = Path("samples.txt")
WRONG_WINDOWS = Path("plots/wrong_windows.csv")

_MOST_WRONG_WINDOWS = 100  # more than a person reads
# Where the model reads all words before, Kneser-Ney counts this many, and samples begin with them.
_COUNTED_CONTEXT = 4
_FORMS = (("accuracy", ".3%"), ("perplexity", ".4f"))
_SHOWN = 50_000  # words of the training part on which such a model is shown


def report(
    corpus: Corpus,
    architecture: Architecture,
    model: NextWordModel,
    int8: tuple[NextWordModel, int],
    params: EvaluateParams,
) -> dict[str, Any]:
    """Evaluates a model on its text and writes the three files.

    **Arguments:**

    - `int8`: the model with its weights as 8 bits hold them, and the bytes that these take.

    **Returns:** what metrics.json holds.
    """
    size = len(corpus.dictionary)
    context = architecture.context or _COUNTED_CONTEXT
    training = corpus.training if architecture.context else corpus.training[:_SHOWN]
    windows = batches.windows(training, context)
    kneser_ney = baselines.KneserNey(corpus.training, context + 1, size)
    frequent = partial(baselines.most_frequent_word, corpus.training, size)

    def judge(network: NextWordModel, ids: NDArray[Any]) -> Predictions:
        """What a network predicts for each word that has a counted context before it."""
        if architecture.context:
            return evaluation.predict(network, batches.windows(ids, context))
        return evaluation.predict_text(network, ids).without_first(context - 1)

    def compare(ids: NDArray[Any], predictions: Predictions) -> dict[str, Any]:
        """The quality of the model, whose predictions these are, of its int8 weights and its peers."""
        own = batches.windows(ids, context)
        return {
            "model": predictions.quality.rounded(),
            "int8": judge(int8[0], ids).quality.rounded(),
            "baselines": {
                "most_frequent_word": frequent(own).quality.rounded(),
                "kneser_ney": kneser_ney.predict(own).quality.rounded(),
            },
        }

    predictions = judge(model, training)
    samples = evaluation.sample(
        model,
        windows,
        params.samples,
        params.words,
        corpus.dictionary.unknown,
        carried=architecture.context is None,
    )
    metrics = compare(training, predictions)
    metrics["model"] |= {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "bytes": sum(2 * weight.numel() for weight in model.parameters()),  # as float16
        "steps": architecture.steps,
    }
    metrics["int8"]["bytes"] = int8[1]
    if architecture.context:
        metrics["best_possible"] = evaluation.best_possible(windows).rounded()
    metrics["samples"] = {
        "words": sum(len(sample.right) for sample in samples),
        "right": sum(sum(sample.right) for sample in samples),
    }
    metrics["text"] = {"words": len(corpus.ids), "dictionary": size, "windows": len(windows)}
    for name, ids in corpus.held_out.items():
        metrics[name] = compare(ids, judge(model, ids)) | {"windows": len(batches.windows(ids, context))}
    files.write_json(METRICS, metrics)
    files.write_text(SAMPLES, "\n".join(_sample(sample, corpus) for sample in samples))
    _write_wrong_windows(WRONG_WINDOWS, predictions, windows, corpus)
    return metrics


def summary(metrics: dict[str, Any]) -> Iterator[str]:
    """The model, whole and in 8 bits, on each part of the text, a line each."""
    for part, found in (("", metrics), *((f", {name}", metrics.get(name, {})) for name in PARTS[1:])):
        for name in ("model", "int8"):
            if name in found:
                accuracy, perplexity = found[name]["accuracy"], found[name]["perplexity"]
                best = found.get("best_possible")
                ceiling, floor = (f" (at best {best[key]:{form}})" if best else "" for key, form in _FORMS)
                yield f"{name}{part}: accuracy {accuracy:.3%}{ceiling}, perplexity {perplexity:.4f}{floor}"


def _sample(sample: Sample, corpus: Corpus) -> str:
    """A sample as four lines."""
    prompt, model, text = (
        corpus.join(ids).replace("\n", " / ") for ids in (sample.prompt, sample.continuation, sample.truth)
    )
    right = f"{sum(sample.right)} of {len(sample.right)} words stand in the text after the words before them"
    return f"prompt  {prompt}\nmodel   {model}\ntext    {text}\nright   {right}\n"


def _write_wrong_windows(path: Path, predictions: Predictions, windows: Windows, corpus: Corpus) -> None:
    """The windows whose next word is not the likeliest, the most confident mistakes first."""
    wrong = np.flatnonzero(predictions.rank > 0)
    confidence = [significant(value) for value in predictions.likeliest_log_probability[wrong]]
    wrong = wrong[np.argsort(np.negative(confidence), kind="stable")][:_MOST_WRONG_WINDOWS]
    decode = corpus.dictionary.decode
    with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["context", "next_word", "probability", "predicted", "predicted_probability"])
        for row in wrong:
            next_word, predicted = decode([windows.next_words[row], predictions.likeliest[row]])
            table.writerow(
                [
                    corpus.join(windows.contexts[row]),
                    next_word,
                    significant(np.exp(predictions.log_probability[row])),
                    predicted,
                    significant(np.exp(predictions.likeliest_log_probability[row])),
                ]
            )
