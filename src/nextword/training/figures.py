"""The plots that the evaluate stage writes."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import files
from nextword.training import breakdown, heat_map
from nextword.training.batches import Windows
from nextword.training.breakdown import Group
from nextword.training.corpus import Corpus
from nextword.training.evaluation import Predictions
from nextword.training.numbers import significant
from nextword.words import END_OF_LINE, Joiner

PLOTS = Path("plots")
WRONG_WINDOWS = PLOTS / "wrong_windows.csv"

_MOST_WRONG = 100  # windows; more than a person reads
_PASSAGE = 250  # words of the heat map


def write(
    corpus: Corpus,
    part: str,
    ids: NDArray[Any],
    model: Predictions,
    counted: Predictions,
    windows: Windows,
    of_windows: Predictions,
) -> None:
    """Writes all plots.

    **Arguments:**

    - `part`, `ids`: name and words of the part that is looked at.
    - `model`, `counted`: what the network and Kneser-Ney predict for its last words.
    - `windows`, `of_windows`: of the part whose mistakes are listed, and what the network predicts.
    """
    words = ids[len(ids) - len(model.rank) :].astype(np.int64)
    line_end = corpus.dictionary.encode([END_OF_LINE])[0] if corpus.line_ends else None
    places = breakdown.places_in_lines(ids.astype(np.int64), line_end)[len(ids) - len(words) :]
    _write_table(
        PLOTS / "calibration.csv",
        ["confidence", "accuracy", "ideal", "words"],
        (
            [*map(significant, (one.expected, one.accuracy, one.expected)), one.words]
            for one in breakdown.by_confidence(model)
        ),
    )
    for name, groups in {
        "by_frequency": [breakdown.by_frequency(one, words, corpus.frequencies) for one in (model, counted)],
        "by_place": [breakdown.by_place(one, places) for one in (model, counted)],
    }.items():
        _write_groups(PLOTS / f"{name}.csv", *groups)
    _write_surprise(PLOTS / "surprise.svg", corpus, part, ids, model)
    _write_wrong_windows(of_windows, windows, corpus)


def _write_groups(path: Path, model: list[Group], counted: list[Group]) -> None:
    header = ["group", "model_perplexity", "kneser_ney_perplexity", "words"]
    rows = (
        [one.name, significant(one.perplexity), significant(other.perplexity), one.words]
        for one, other in zip(model, counted, strict=True)
    )
    _write_table(path, header, rows)


def _write_surprise(path: Path, corpus: Corpus, part: str, ids: NDArray[Any], model: Predictions) -> None:
    """The beginning of a part, each word as red as it was surprising."""
    joiner = Joiner(corpus.split_by, corpus.line_ends)
    pieces = [joiner.push(word) for word in corpus.dictionary.decode(ids[:_PASSAGE])]
    read = len(ids) - len(model.rank)  # words that were only read
    bits = np.concatenate([np.zeros(read), -model.log_probability / np.log(2)])[:_PASSAGE]
    title = f"The beginning of the {part} part: how surprising each word is (−log₂ P)"
    files.write_text(path, heat_map.draw(pieces, bits, title))


def _write_wrong_windows(predictions: Predictions, windows: Windows, corpus: Corpus) -> None:
    """The windows whose next word is not the likeliest, the most confident mistakes first."""
    wrong = np.flatnonzero(predictions.rank > 0)
    confidence = [significant(value) for value in predictions.likeliest_log_probability[wrong]]
    wrong = wrong[np.argsort(np.negative(confidence), kind="stable")][:_MOST_WRONG]
    decode = corpus.dictionary.decode
    rows = []
    for row in wrong:
        next_word, predicted = decode([windows.next_words[row], predictions.likeliest[row]])
        probability = significant(np.exp(predictions.log_probability[row]))
        of_predicted = significant(np.exp(predictions.likeliest_log_probability[row]))
        rows.append([corpus.join(windows.contexts[row]), next_word, probability, predicted, of_predicted])
    header = ["context", "next_word", "probability", "predicted", "predicted_probability"]
    _write_table(WRONG_WINDOWS, header, rows)


def _write_table(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)
