"""How good a model is on each part of its text, compared with the best possible and with counting."""

from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import tracking
from nextword.evaluate import breakdown, mixing, originality, samples
from nextword.evaluate.gradient_flow import gradient_flow
from nextword.evaluate.in_words import SubwordJudge
from nextword.evaluate.judging import Judge, Judged, WordJudge
from nextword.evaluate.kneser_ney import KneserNey
from nextword.evaluate.originality import Originality
from nextword.evaluate.predictors import CountPredictor, FrequencyPredictor, NetworkPredictor, Predictor
from nextword.evaluate.samples import Sample
from nextword.figures import Quality, perplexity
from nextword.model import predictions
from nextword.model.network import Network
from nextword.model.predictions import Predictions
from nextword.params import EvaluateParams
from nextword.text import windows
from nextword.text.corpus import PARTS, Corpus
from nextword.text.letters import LetterModel
from nextword.text.subwords import SubwordDictionary
from nextword.text.windows import Windows

# If the context is unbounded, this many words are the context of Kneser-Ney and the prompts of samples.
_COUNTED_CONTEXT = 4
_COUNTED_WORDS = 20_000_000  # at the end of the training part; they take 2 GB while counted
_SHOWN = 50_000  # words of the training part that are evaluated if the context is unbounded
_LETTERS = 5  # order of the letter model
_SPELT = 200_000  # the most words that it learns from
_FLOW_WORDS, _FLOW_WINDOWS = 32, 100  # over which a gradient is followed if the context is unbounded


@dataclass(frozen=True)
class ModelFigures:
    """How good a model is on a part of the text.

    - `accuracy`, `top_3_accuracy`, `loss`, `perplexity`: as in `figures.Quality`.
    - `bits_per_character`: of the file; the letters of a word that the dictionary lacks are charged
      at the cost of a letter 5-gram of at most 200,000 distinct words of the training part (`text.letters`).
    - `calibration_error`: as in `breakdown.calibration_error`.
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
    """The best mixture of the network and Kneser-Ney, with the weight found on the validation part."""

    network_weight: float
    loss: float
    perplexity: float


@dataclass(frozen=True)
class PartReport:
    """The results on a part of the text.

    - `words`: how many were predicted. If the text is split into subwords, accuracies, calibration and
      keystrokes cover the first 2,000 of them.
    - `unknown_share`: share of them that the dictionary lacks.
    - `model`, `int8`: the network, and the same network with its weights rounded to 8 bits.
    - `baselines`: predictors that need no network, by name.
    - `mixture`: for a held-out part.
    """

    words: int
    unknown_share: float
    model: ModelFigures
    int8: Quality
    baselines: dict[str, Quality]
    mixture: Mixture | None = None


@dataclass(frozen=True)
class Size:
    """The number of weights of the model, their bytes in float16 and int8, and its optimiser steps."""

    parameters: int
    bytes: int
    int8_bytes: int
    steps: int


@dataclass(frozen=True)
class Report:
    """All results of the evaluate stage.

    - `parts`: the training part and the held-out parts that are not empty, by name.
    - `best_possible`: on the training part, if the context is fixed.
    - `samples`, `drawn`: continued with the likeliest words, and by sampling; `originality` of both.
    - `predictions`, `counted`: what the network and Kneser-Ney predict for each word of each part.
    - `texts`: the ids of each part in `seen`, as far as it is evaluated.
    - `seen`: the text as a user sees it: each id is a word.
    - `shown`: name of the part that prompts and plots are taken from.
    - `gradient_flow`: how far back the loss reaches on it, from `gradient_flow.gradient_flow`.
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
    seen: Corpus
    shown: str
    gradient_flow: dict[str, NDArray[np.float64]]


def report(corpus: Corpus, network: Network, int8: Network, size: Size, params: EvaluateParams) -> Report:
    """Evaluates a model on its text.

    With a fixed context, each word with a full context counts; otherwise each word but the first of a
    part, after all preceding words of that part. `<eos>`, if there is one, counts.
    Kneser-Ney learns from the last 20 million words of the training part.

    **Arguments:**

    - `int8`: the network with its weights rounded to 8 bits.
    - `size`: of the model.
    """
    context, unknown = network.architecture.context, corpus.dictionary.unknown
    training = corpus.training[:_SHOWN] if context is None else corpus.training
    texts = {PARTS[0]: training, **corpus.held_out}
    judge = _judge(corpus, texts, context or 1)
    with tracking.phase("counting n-grams"):
        kneser_ney = KneserNey(
            corpus.training[-_COUNTED_WORDS:], (context or _COUNTED_CONTEXT) + 1, len(corpus.dictionary)
        )
        spelt = islice(corpus.learnt_words, _SPELT if unknown is not None else 0)
        letters = LetterModel(spelt, _LETTERS)
    predictors: dict[str, Predictor] = {
        "model": NetworkPredictor(network),
        "int8": NetworkPredictor(int8),
        "Kneser-Ney": CountPredictor(kneser_ney),
        "the most frequent word": FrequencyPredictor(corpus.expected_frequencies),
    }
    judged = {
        part: {
            name: judge.judge(predictor, name, part, ids, types=name == "model")
            for name, predictor in predictors.items()
        }
        for part, ids in texts.items()
    }
    mixtures = _mixtures(judged)
    parts = {}
    for part, ids in texts.items():
        of_model, of_int8, counted, frequent = judged[part].values()
        next_words = ids[len(ids) - len(of_model.entries) :]
        spelling = _spelling(corpus, part, ids, len(next_words), letters)
        parts[part] = PartReport(
            words=of_model.words,
            unknown_share=float((next_words == unknown).mean()) if unknown is not None else 0.0,
            model=_figures(of_model, spelling, corpus.characters_per_word[part]),
            int8=of_int8.quality,
            baselines={"most_frequent_word": frequent.quality, "kneser_ney": counted.quality},
            mixture=mixtures.get(part),
        )
    shown = [*texts][-1]  # a part that the model has not learned from, if there is one
    prompts = context_windows(judge.in_words(texts[shown]), context)
    likeliest, drawn = (
        samples.sample(
            predictors["model"], judge.spelling, prompts, params.samples, params.words, temperature
        )
        for temperature in (0.0, 1.0)
    )
    with tracking.phase("comparing the samples with the text"):
        best = None
        if context and not isinstance(judge, SubwordJudge):
            best = predictions.best_possible(windows.windows(training, context), unknown)
        originalities = {
            name: originality.examine([sample.continuation for sample in some], judge.training)
            for name, some in (("likeliest", likeliest), ("drawn", drawn))
        }
    return Report(
        parts=parts,
        best_possible=best,
        size=size,
        samples=likeliest,
        drawn=drawn,
        originality=originalities,
        predictions={part: found["model"].predictions for part, found in judged.items()},
        counted={part: found["Kneser-Ney"].predictions for part, found in judged.items()},
        texts={part: _ranked(judge.in_words(ids), judged[part]["model"]) for part, ids in texts.items()},
        seen=judge.seen,
        shown=shown,
        gradient_flow=_gradient_flow(network, texts[shown]),
    )


def _gradient_flow(network: Network, ids: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    length = network.architecture.context or min(_FLOW_WORDS, len(ids) - 1)
    with tracking.phase("following gradients back"):
        return gradient_flow(network, windows.windows(ids, length).some(_FLOW_WINDOWS))


def _judge(corpus: Corpus, texts: dict[str, NDArray[Any]], first: int) -> Judge:
    if isinstance(corpus.dictionary, SubwordDictionary):
        return SubwordJudge(corpus, corpus.dictionary, texts, first)
    return WordJudge(corpus, first)


def _ranked(words: NDArray[Any], judged: Judged) -> NDArray[Any]:
    """The words of a text up to the last one that was ranked."""
    return words[: len(words) - judged.words + len(judged.predictions)]


def context_windows(ids: NDArray[Any], context: int | None) -> Windows:
    """The contexts that samples begin with; shorter in a part of only a few words."""
    return windows.windows(ids, context or min(_COUNTED_CONTEXT, len(ids) - 1))


def _spelling(corpus: Corpus, part: str, ids: NDArray[Any], count: int, letters: LetterModel) -> float:
    """The cost in nats of the letters of those of the last `count` words that the dictionary lacks."""
    words, first = corpus.words_of(part), len(ids) - count
    return -sum(
        letters.log_probability(word)
        for word, id in islice(zip(words, ids.tolist(), strict=False), first, None)
        if id == corpus.dictionary.unknown
    )


def _figures(judged: Judged, spelling: float, characters: float) -> ModelFigures:
    """How good a model is on a part of the text.

    **Arguments:**

    - `spelling`: nats for the letters of unknown words.
    - `characters`: the mean number per id.
    """
    nats = judged.quality.loss * judged.words + spelling
    return ModelFigures(
        **asdict(judged.quality),
        bits_per_character=nats / float(np.log(2)) / (characters * len(judged.entries)),
        calibration_error=breakdown.calibration_error(judged.predictions),
        keystrokes_saved=judged.keystrokes_saved,
    )


def _mixtures(judged: dict[str, dict[str, Judged]]) -> dict[str, Mixture]:
    """The mixture that is best on the first held-out part, evaluated there and on the last one."""
    held_out = list(judged)[1:]
    if not held_out:
        return {}
    weight = mixing.best_weight(*_mixed(judged[held_out[0]]))
    losses = {}
    for part in (held_out[0], held_out[-1]):
        of_model, counted = _mixed(judged[part])
        per_word = len(of_model) / judged[part]["model"].words
        losses[part] = mixing.mixture(of_model, counted, weight) * per_word
    return {part: Mixture(weight, loss, perplexity(loss)) for part, loss in losses.items()}


def _mixed(judged: dict[str, Judged]) -> tuple[Predictions, Predictions]:
    return judged["model"].entries, judged["Kneser-Ney"].entries
