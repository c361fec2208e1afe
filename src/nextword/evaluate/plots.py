"""The plots that the evaluate stage writes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nextword import outputs
from nextword.evaluate import breakdown, heat_map
from nextword.evaluate.breakdown import Group
from nextword.evaluate.report import Report, context_windows
from nextword.model.predictions import Predictions
from nextword.text.corpus import PARTS, Corpus
from nextword.text.windows import Windows
from nextword.text.words import END_OF_LINE, Joiner

_MOST_WRONG = 100  # windows; more than anyone reads
_PASSAGE = 250  # words of the heat map


def write(report: Report, corpus: Corpus, context: int | None, directory: Path) -> None:
    """Writes all plots.

    **Arguments:**

    - `context`: of the model; if it is unbounded, a few words before each mistake are shown.
    """
    ids = report.texts[report.shown].astype(np.int64)
    model, counted = report.predictions[report.shown], report.counted[report.shown]
    words = ids[len(ids) - len(model) :]
    line_end = corpus.dictionary.encode([END_OF_LINE])[0] if corpus.line_ends else None
    places = breakdown.places_in_lines(ids, line_end)[len(ids) - len(model) :]
    outputs.write_table(
        directory / "calibration.csv",
        ["confidence", "accuracy", "ideal", "words"],
        ([one.expected, one.accuracy, one.expected, one.words] for one in breakdown.by_confidence(model)),
    )
    for name, groups in {
        "by_frequency": [breakdown.by_frequency(one, words, corpus.frequencies) for one in (model, counted)],
        "by_place": [breakdown.by_place(one, places) for one in (model, counted)],
    }.items():
        _write_groups(directory / f"{name}.csv", *groups)
    _write_surprise(directory / "surprise.svg", corpus, report.shown, len(ids) - len(model), model)
    names = [*report.gradient_flow]
    outputs.write_table(
        directory / "gradient_flow.csv",
        ["words_back", *names],
        (
            [back, *(float(report.gradient_flow[name][back]) for name in names)]
            for back in range(len(report.gradient_flow[names[0]]))
        ),
    )
    learnt = context_windows(report.texts[PARTS[0]], context)
    of_learnt = report.predictions[PARTS[0]].last(len(learnt))
    outputs.write_table(
        directory / "wrong_windows.csv",
        ["context", "next_word", "probability", "predicted", "predicted_probability"],
        _wrong_windows(of_learnt, learnt, corpus),
    )


def _write_groups(path: Path, model: Iterable[Group], counted: Iterable[Group]) -> None:
    outputs.write_table(
        path,
        ["group", "model_perplexity", "kneser_ney_perplexity", "words"],
        (
            [one.name, one.perplexity, other.perplexity, one.words]
            for one, other in zip(model, counted, strict=True)
        ),
    )


def _write_surprise(path: Path, corpus: Corpus, part: str, read: int, model: Predictions) -> None:
    """Draws the beginning of a part, each word as red as it was surprising; the first `read` are not red."""
    joiner = Joiner(corpus.split_by, corpus.line_ends)
    bits = np.concatenate([np.zeros(read), -model.log_probability / np.log(2)])[:_PASSAGE]
    pieces = [joiner.push(word) for word in islice(corpus.words_of(part), len(bits))]
    title = f"The beginning of the {part} part: how surprising each word is (−log₂ P)"
    outputs.write_text(path, heat_map.draw(pieces, bits, title))


def _wrong_windows(predictions: Predictions, windows: Windows, corpus: Corpus) -> Iterator[list[Any]]:
    """The windows whose next word is not the likeliest, most confident mistakes first."""
    wrong = np.flatnonzero(predictions.rank > 0)
    confidence = [outputs.significant(value) for value in predictions.likeliest_log_probability[wrong]]
    wrong = wrong[np.argsort(np.negative(confidence), kind="stable")][:_MOST_WRONG]
    for row in wrong:
        next_word, predicted = corpus.show([windows.next_words[row], predictions.likeliest[row]])
        probability = float(np.exp(predictions.log_probability[row]))
        of_predicted = float(np.exp(predictions.likeliest_log_probability[row]))
        yield [corpus.join(windows.contexts[row]), next_word, probability, predicted, of_predicted]
