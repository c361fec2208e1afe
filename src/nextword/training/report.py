"""What the evaluate stage writes: metrics, samples, and the windows that the model gets wrong."""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nextword import files, words
from nextword.training import baselines, batches, evaluation
from nextword.training.baselines import KneserNey
from nextword.training.batches import Windows
from nextword.training.corpus import Corpus
from nextword.training.evaluation import Predictions, Sample
from nextword.training.model import Architecture, NextWordModel
from nextword.training.numbers import significant
from nextword.training.params import EvaluateParams

METRICS = Path("metrics.json")
SAMPLES = Path("samples.txt")
WRONG_WINDOWS = Path("plots/wrong_windows.csv")

_MOST_WRONG_WINDOWS = 100  # more than a person reads


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
    windows = batches.windows(corpus.training, architecture.context)
    predictions = evaluation.predict(model, windows)
    samples = evaluation.sample(model, windows, params.samples, params.words, corpus.dictionary.unknown)
    size = len(corpus.dictionary)
    kneser_ney = baselines.KneserNey(corpus.training, architecture.context + 1, size)
    frequent = partial(baselines.most_frequent_word, corpus.training, size)
    metrics = {
        "model": {
            **predictions.quality.rounded(),
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "bytes": sum(2 * weight.numel() for weight in model.parameters()),  # as float16
            "steps": architecture.steps,
        },
        "int8": {**evaluation.predict(int8[0], windows).quality.rounded(), "bytes": int8[1]},
        "best_possible": evaluation.best_possible(windows).rounded(),
        "baselines": {
            "most_frequent_word": frequent(windows).quality.rounded(),
            "kneser_ney": kneser_ney.predict(windows).quality.rounded(),
        },
        "samples": {
            "words": sum(len(sample.right) for sample in samples),
            "right": sum(sum(sample.right) for sample in samples),
        },
        "text": {"words": len(corpus.ids), "dictionary": size, "windows": len(windows)},
        **{
            name: _held_out(batches.windows(ids, architecture.context), model, kneser_ney, frequent)
            for name, ids in corpus.held_out.items()
        },
    }
    files.write_json(METRICS, metrics)
    files.write_text(SAMPLES, "\n".join(_sample(sample, corpus) for sample in samples))
    _write_wrong_windows(WRONG_WINDOWS, predictions, windows, corpus)
    return metrics


def _held_out(
    windows: Windows,
    model: NextWordModel,
    kneser_ney: KneserNey,
    frequent: Callable[[Windows], Predictions],
) -> dict[str, Any]:
    """The model and its peers on a part that none of them has seen."""
    return {
        "model": evaluation.predict(model, windows).quality.rounded(),
        "baselines": {
            "most_frequent_word": frequent(windows).quality.rounded(),
            "kneser_ney": kneser_ney.predict(windows).quality.rounded(),
        },
        "windows": len(windows),
    }


def _sample(sample: Sample, corpus: Corpus) -> str:
    """A sample as four lines."""
    prompt, model, text = (
        words.join(corpus.dictionary.decode(ids), corpus.split_by)
        for ids in (sample.prompt, sample.continuation, sample.truth)
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
                    words.join(decode(windows.contexts[row]), corpus.split_by),
                    next_word,
                    significant(np.exp(predictions.log_probability[row])),
                    predicted,
                    significant(np.exp(predictions.likeliest_log_probability[row])),
                ]
            )
