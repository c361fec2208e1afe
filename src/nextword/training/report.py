"""What the evaluate stage writes: metrics, samples and plots."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import files
from nextword.keyboard import Keyboard
from nextword.training import baselines, batches, breakdown, evaluation, figures, parroting
from nextword.training.batches import Windows
from nextword.training.corpus import PARTS, Corpus
from nextword.training.evaluation import Predictions, Sample
from nextword.training.model import Architecture, NextWordModel
from nextword.training.numbers import significant
from nextword.training.params import EvaluateParams
from nextword.words import Joiner

METRICS = Path("metrics.json")
SAMPLES = Path("samples.txt")

# Where the model reads all words before, Kneser-Ney counts this many, and samples begin with them.
_COUNTED_CONTEXT = 4
_COUNTED_WORDS = 20_000_000  # the last ones of the training part: 2 GB while they are counted
_FORMS = (("accuracy", ".3%"), ("perplexity", ".4f"))
_SHOWN = 50_000  # words of the training part on which such a model is shown


def report(
    corpus: Corpus,
    architecture: Architecture,
    model: NextWordModel,
    int8: tuple[NextWordModel, int],
    params: EvaluateParams,
) -> dict[str, Any]:
    """Evaluates a model on its text and writes metrics, samples and plots.

    With a fixed context each word counts that has one before it; otherwise each word but the first
    of a part, all words before it in that part having been read. `<eos>`, if there is one, counts.
    Kneser-Ney counts the last 20 million words of the training part.

    **Arguments:**

    - `int8`: the model with its weights as 8 bits hold them, and the bytes that these take.

    **Returns:** what metrics.json holds.
    """
    judges = _Judges(corpus, architecture, model, int8[0])
    training = corpus.training if architecture.context else corpus.training[:_SHOWN]
    windows = _windows(training, architecture)
    found = {PARTS[0]: judges.judge(PARTS[0], training)}
    metrics = found[PARTS[0]].metrics
    metrics["model"] |= {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "bytes": sum(2 * weight.numel() for weight in model.parameters()),  # as float16
        "steps": architecture.steps,
    }
    metrics["int8"]["bytes"] = int8[1]
    if architecture.context:
        metrics["best_possible"] = evaluation.best_possible(windows).rounded()
    for name, ids in corpus.held_out.items():
        found[name] = judges.judge(name, ids)
        metrics[name] = found[name].metrics | {"words": len(found[name].model.rank)}
    if corpus.held_out:
        first, *_, last = corpus.held_out if len(corpus.held_out) > 1 else [*corpus.held_out] * 2
        weight = baselines.best_weight(found[first].model, found[first].counted)
        for name in {first, last}:
            loss = baselines.mixture(found[name].model, found[name].counted, weight)
            metrics[name]["mixture"] = {
                "network_weight": significant(weight),
                "loss": significant(loss),
                "perplexity": significant(np.exp(loss)),
            }
    # Prompts that the model has not learnt from, where there are some.
    part, ids = list({PARTS[0]: training, **corpus.held_out}.items())[-1]
    prompts = windows if part == PARTS[0] else _windows(ids, architecture)
    take = partial(
        evaluation.sample,
        model,
        prompts,
        params.samples,
        params.words,
        corpus.dictionary.unknown,
        carried=architecture.context is None,
    )
    samples, drawn = take(), take(temperature=1.0)
    metrics["samples"] = {
        "words": sum(len(sample.right) for sample in samples),
        "right": sum(sum(sample.right) for sample in samples),
        "likeliest": _originality(samples, corpus),
        "drawn": _originality(drawn, corpus),
    }
    metrics["text"] = {
        "words": len(corpus.ids),
        "dictionary": len(corpus.dictionary),
        "windows": len(windows),
    }
    files.write_json(METRICS, metrics)
    shown = [_sample(*pair, corpus) for pair in zip(samples, drawn, strict=True)]
    files.write_text(SAMPLES, "\n".join(shown))
    of_windows = found[PARTS[0]].model if architecture.context else _last(found[PARTS[0]].model, len(windows))
    figures.write(corpus, part, ids, found[part].model, found[part].counted, windows, of_windows)
    return metrics


class _Judged:
    """What was found on a part: the predictions of the network and of Kneser-Ney, and the metrics."""

    def __init__(self, model: Predictions, counted: Predictions, metrics: dict[str, Any]) -> None:
        self.model, self.counted, self.metrics = model, counted, metrics


class _Judges:
    """The network, whole and in 8 bits, and what it is compared with."""

    def __init__(
        self, corpus: Corpus, architecture: Architecture, model: NextWordModel, int8: NextWordModel
    ) -> None:
        self._corpus = corpus
        self._context = architecture.context
        self._model, self._int8 = model, int8
        order = (architecture.context or _COUNTED_CONTEXT) + 1
        counted = corpus.training[-_COUNTED_WORDS:]
        self._kneser_ney = baselines.KneserNey(counted, order, len(corpus.dictionary))

    def judge(self, part: str, ids: NDArray[Any]) -> _Judged:
        """The quality on a part of the text."""
        corpus = self._corpus
        keyboard = Keyboard(corpus.dictionary, Joiner(corpus.split_by, corpus.line_ends))
        for word in corpus.dictionary.decode(ids[: self._context or 1]):
            keyboard.show(word)
        model = self._predict(self._model, ids, keyboard)
        windows = batches.windows(ids, self._context or 1)
        counted = self._kneser_ney.predict(windows) if self._context else self._kneser_ney.predict_text(ids)
        frequent = baselines.most_frequent_word(corpus.frequencies, windows)
        metrics = {
            "model": model.quality.rounded()
            | {
                "bits_per_character": significant(
                    model.quality.loss / np.log(2) / corpus.characters_per_word[part]
                ),
                "calibration_error": significant(breakdown.calibration_error(model)),
                "keystrokes_saved": significant(keyboard.saved),
            },
            "int8": self._predict(self._int8, ids).quality.rounded(),
            "baselines": {
                "most_frequent_word": frequent.quality.rounded(),
                "kneser_ney": counted.quality.rounded(),
            },
        }
        return _Judged(model, counted, metrics)

    def _predict(
        self, network: NextWordModel, ids: NDArray[Any], keyboard: Keyboard | None = None
    ) -> Predictions:
        if self._context:
            return evaluation.predict(network, batches.windows(ids, self._context), keyboard)
        return evaluation.predict_text(network, ids, keyboard)


def _windows(ids: NDArray[Any], architecture: Architecture) -> Windows:
    """The contexts that samples begin with, shorter in a part that has hardly a word."""
    return batches.windows(ids, architecture.context or min(_COUNTED_CONTEXT, len(ids) - 1))


def _last(predictions: Predictions, count: int) -> Predictions:
    """The predictions of the last words."""
    return Predictions(*(values[-count:] for values in vars(predictions).values()))


def _originality(samples: list[Sample], corpus: Corpus) -> dict[str, Any]:
    """As metrics.json has it."""
    found = parroting.examine([sample.continuation for sample in samples], corpus.training)
    return {
        name: {str(n): significant(share) for n, share in value.items()}
        if isinstance(value, dict)
        else value
        if isinstance(value, int)
        else significant(value)
        for name, value in asdict(found).items()
    }


def summary(metrics: dict[str, Any]) -> Iterator[str]:
    """The model, whole and in 8 bits, on each part of the text, a line each."""
    for part, found in (("", metrics), *((f", {name}", metrics.get(name, {})) for name in PARTS[1:])):
        for name in ("model", "int8"):
            if name in found:
                accuracy, perplexity = found[name]["accuracy"], found[name]["perplexity"]
                best = found.get("best_possible")
                ceiling, floor = (f" (at best {best[key]:{form}})" if best else "" for key, form in _FORMS)
                yield f"{name}{part}: accuracy {accuracy:.3%}{ceiling}, perplexity {perplexity:.4f}{floor}"


def _sample(sample: Sample, drawn: Sample, corpus: Corpus) -> str:
    """A sample as five lines."""
    prompt, model, other, text = (
        corpus.join(ids).replace("\n", " / ")
        for ids in (sample.prompt, sample.continuation, drawn.continuation, sample.truth)
    )
    right = f"{sum(sample.right)} of {len(sample.right)} words stand in the text after the words before them"
    return f"prompt  {prompt}\nmodel   {model}\ndrawn   {other}\ntext    {text}\nright   {right}\n"
