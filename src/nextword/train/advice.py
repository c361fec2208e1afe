"""Advice before a run begins: other params may suit the text or the machine better."""

from collections.abc import Iterator

from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.text.dictionary import amount
from nextword.train import processes

# The shipped experiments, and the least number of words in the training part that each one suits.
_EXPERIMENTS = (("novel", 50_000), ("book", 600_000), ("large", 50_000_000))


def advice(corpus: Corpus, params: TrainParams) -> Iterator[str]:
    """Lines for the user; none if there is nothing to advise."""
    words = len(corpus.training)
    fitting = [name for name, least in _EXPERIMENTS if words >= least]
    if fitting and params.context is not None and params.precision == "float64":
        yield (
            f"note: train.context {params.context} in float64 is meant for a short text; for "
            f"{amount(words, corpus.dictionary.unit)} use experiments/{fitting[-1]}.yaml"
        )
    if params.precision == "bfloat16" and processes.lacks_bfloat16():
        yield "note: this CPU has no bfloat16 instructions; training in float32 instead"
