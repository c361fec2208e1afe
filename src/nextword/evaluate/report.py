"""How good a model is on each part of its text, beside what is possible and what counting achieves."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import tracking
from nextword.evaluate import baselines, breakdown, originality, samples
from nextword.evaluate.gradient_flow import gradient_flow
from nextword.evaluate.kneser_ney import KneserNey
from nextword.evaluate.originality import Originality
from nextword.evaluate.samples import Sample
from nextword.figures import Quality, perplexity
from nextword.model import predictions
from nextword.model.network import Network
from nextword.model.predictions import Part, Predictions
from nextword.params import EvaluateParams
from nextword.runtime.keystrokes import KeystrokeCounter
from nextword.text import windows
from nextword.text.corpus import PARTS, Corpus
from nextword.text.letters import LetterModel
from nextword.text.windows import Windows
from nextword.text.words import Joiner

# Where the model reads all words before, Kneser-Ney counts this many, and samples begin with them.
_COUNTED_CONTEXT = 4
_COUNTED_WORDS = 20_000_000  # the last ones of the training part: 2 GB while they are counted
_SHOWN = 50_000  # words of the training part on which such a model is shown
_LETTERS = 5  # order of the letter model
_SPELT = 200_000  # words that it is made from at most
_FLOW_WORDS, _FLOW_WINDOWS = 32, 100  # over which a gradient is followed, where the context is unbounded


@dataclass(frozen=True)
class ModelFigures:
    """What a model is worth on a part of the text.

    - `accuracy`, `top_3_accuracy`, `loss`, `perplexity`: as of `figures.Quality`.
    - `bits_per_character`: of the file; the letters of a word that the dictionary lacks are paid for
      by a letter 5-gram of the training part's different words (`text.letters`), of 200,000 at most.
    - `calibration_error`: as of `breakdown.calibration_error`.
    - `keystrokes_saved`: share of keystrokes, as `runtime.keystrokes` counts them.
    """

    accuracy: float
    top_3_accuracy: float
    loss: float
    perplexity: float
    bits_per_character: float
    calibration_error: float
    keystrokes_saved: float


@dataclass(frozen=True)
class Mixture:
    """The best mixture of the network and Kneser-Ney, its weight found on the validation part."""

    network_weight: float
    loss: float
    perplexity: float


@dataclass(frozen=True)
class PartReport:
    """What was found on a part of the text.

    - `words`: how many were predicted.
    - `unknown_share`: share of them that the dictionary lacks.
    - `model`, `int8`: the network, and the same with its weights as 8 bits hold them.
    - `baselines`: what needs no network, by name.
    - `mixture`: of a held-out part.
    """

    words: int
    unknown_share: float
    model: ModelFigures
    int8: Quality
    baselines: dict[str, Quality]
    mixture: Mixture | None = None


@dataclass(frozen=True)
class Size:
    """How many weights the model has, their bytes in float16 and int8, and its optimiser steps."""

    parameters: int
    bytes: int
    int8_bytes: int
    steps: int


@dataclass(frozen=True)
class Report:
    """Everything that the evaluate stage finds.

    - `parts`: the training part and those held out that are not empty, by name.
    - `best_possible`: on the training part, where the context is a number.
    - `samples`, `drawn`: continued with the likeliest words, and by draws; `originality` of both.
    - `predictions`, `counted`: what the network and Kneser-Ney predict for each word of each part.
    - `texts`: the ids of each part, the training part as far as it is looked at.
    - `shown`: name of the part that prompts and plots are of.
    - `gradient_flow`: how far back the loss is felt on it, as `gradient_flow.gradient_flow` has it.
    """

    parts: dict[str, PartReport]
    best_possible: Quality | None
    size: Size
    samples: list[Sample]
    drawn: list[Sample]
    originality: dict[str, Originality]
    predictions: dict[str, Predictions]
    counted: dict[str, Predictions]
    texts: dict[str, NDArray[Any]]
    shown: str
    gradient_flow: dict[str, NDArray[np.float64]]


def report(corpus: Corpus, network: Network, int8: Network, size: Size, params: EvaluateParams) -> Report:
    """Evaluates a model on its text.

    With a fixed context each word counts that has one before it; otherwise each word but the first
    of a part, all words before it in that part having been read. `<eos>`, if there is one, counts.
    Kneser-Ney counts the last 20 million words of the training part.

    **Arguments:**

    - `int8`: the network with its weights as 8 bits hold them.
    - `size`: of the model.
    """
    context, unknown = network.architecture.context, corpus.dictionary.unknown
    training = corpus.training[:_SHOWN] if context is None else corpus.training
    texts = {PARTS[0]: training, **corpus.held_out}
    with tracking.phase("counting n-grams"):
        kneser_ney = KneserNey(
            corpus.training[-_COUNTED_WORDS:], (context or _COUNTED_CONTEXT) + 1, len(corpus.dictionary)
        )
        spelt = islice(corpus.learnt_words, _SPELT if unknown is not None else 0)
        letters = LetterModel(spelt, _LETTERS)
    predicted, counted, figures, int8_quality = {}, {}, {}, {}
    for name, ids in texts.items():
        predicted[name], figures[name] = _of_part(corpus, network, letters, name, ids)
        in_int8 = _tracked(predictions.log_probabilities(int8, ids), f"int8, {name}", ids)
        int8_quality[name] = predictions.judge(in_int8, unknown).quality
        counted[name] = kneser_ney.predict(ids, context or 1, unknown)
    mixtures = _mixtures(predicted, counted)
    parts = {}
    for name, ids in texts.items():
        next_words = ids[len(ids) - len(predicted[name]) :]
        frequent = baselines.most_frequent_word(corpus.expected_frequencies, next_words, unknown)
        parts[name] = PartReport(
            words=len(next_words),
            unknown_share=float((next_words == unknown).mean()) if unknown is not None else 0.0,
            model=figures[name],
            int8=int8_quality[name],
            baselines={"most_frequent_word": frequent.quality, "kneser_ney": counted[name].quality},
            mixture=mixtures.get(name),
        )
    shown = [*texts][-1]  # prompts that the model has not learnt from, where there are some
    prompts = context_windows(texts[shown], context)
    likeliest, drawn = (
        samples.sample(network, prompts, params.samples, params.words, unknown, temperature)
        for temperature in (0.0, 1.0)
    )
    with tracking.phase("comparing the samples with the text"):
        best = predictions.best_possible(windows.windows(training, context), unknown) if context else None
        originalities = {
            name: originality.examine([sample.continuation for sample in some], corpus.training)
            for name, some in (("likeliest", likeliest), ("drawn", drawn))
        }
    return Report(
        parts=parts,
        best_possible=best,
        size=size,
        samples=likeliest,
        drawn=drawn,
        originality=originalities,
        predictions=predicted,
        counted=counted,
        texts=texts,
        shown=shown,
        gradient_flow=_gradient_flow(network, texts[shown]),
    )


def _gradient_flow(network: Network, ids: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    length = network.architecture.context or min(_FLOW_WORDS, len(ids) - 1)
    with tracking.phase("following gradients back"):
        return gradient_flow(network, windows.windows(ids, length).some(_FLOW_WINDOWS))


def context_windows(ids: NDArray[Any], context: int | None) -> Windows:
    """The contexts that samples begin with, shorter in a part that has hardly a word."""
    return windows.windows(ids, context or min(_COUNTED_CONTEXT, len(ids) - 1))


def _of_part(
    corpus: Corpus, network: Network, letters: LetterModel, part: str, ids: NDArray[Any]
) -> tuple[Predictions, ModelFigures]:
    """What a network predicts for a part of the text, and what that is worth."""
    counter = KeystrokeCounter(corpus.dictionary, Joiner(corpus.split_by, corpus.line_ends))
    words, spelling = corpus.words_of(part), 0.0

    def typed(parts: Iterator[Part]) -> Iterator[Part]:
        """Lets a user type the words that follow, as they are predicted; their letters are paid for."""
        nonlocal spelling
        for log_probabilities, next_words in parts:
            for row, id in zip(log_probabilities, next_words.tolist(), strict=True):
                word = next(words)
                counter.type(word, id, row)
                if id == corpus.dictionary.unknown:
                    spelling -= letters.log_probability(word)
            yield log_probabilities, next_words

    for word in islice(words, network.architecture.context or 1):
        counter.show(word)
    predicted = _tracked(predictions.log_probabilities(network, ids), f"model, {part}", ids)
    found = predictions.judge(typed(predicted), corpus.dictionary.unknown)
    quality = found.quality
    nats = quality.loss + spelling / len(found)
    return found, ModelFigures(
        **asdict(quality),
        bits_per_character=nats / float(np.log(2)) / corpus.characters_per_word[part],
        calibration_error=breakdown.calibration_error(found),
        keystrokes_saved=counter.saved,
    )


def _tracked(parts: Iterator[Part], what: str, ids: NDArray[Any]) -> Iterator[Part]:
    return tracking.track(parts, f"evaluating {what}", len(ids), lambda part: len(part[1]))


def _mixtures(predicted: dict[str, Predictions], counted: dict[str, Predictions]) -> dict[str, Mixture]:
    """The best mixture on the first part that is held out, there and on the last one."""
    held_out = list(predicted)[1:]
    if not held_out:
        return {}
    first, last = held_out[0], held_out[-1]
    weight = baselines.best_weight(predicted[first], counted[first])
    losses = {name: baselines.mixture(predicted[name], counted[name], weight) for name in (first, last)}
    return {name: Mixture(weight, loss, perplexity(loss)) for name, loss in losses.items()}
