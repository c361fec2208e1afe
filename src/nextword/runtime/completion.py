"""Logits and what was typed of a word → what the word may become."""

import numpy as np
from numpy.typing import NDArray

from nextword.errors import UnknownWordError
from nextword.runtime import arguments, draw
from nextword.text.dictionary import Dictionary


def complete(
    dictionary: Dictionary, logits: NDArray[np.float32], n: int, prefix: str
) -> list[tuple[str, float]]:
    """The likeliest words that begin with `prefix`, with their share of the probability.

    **Arguments:**

    - `logits`: shape `(dictionary,)`; log-probabilities will do.
    - `n`: from 1 to the number of words that can be suggested.

    **Raises:** `CountError`, `UnknownWordError`, `PromptError` for a prefix that is not a string.
    """
    most = len(dictionary) - (dictionary.unknown is not None)
    arguments.count("n", n, most)
    if not arguments.text(prefix, "prefix"):
        return [
            (dictionary.words[id], p) for id, p in draw.likeliest(draw.ban(logits, dictionary.unknown), n)
        ]
    ids = [id for id in sorted(dictionary.starting_with(prefix)) if id != dictionary.unknown]
    if not ids:
        raise UnknownWordError(prefix, dictionary.neighbours(prefix))
    return [
        (dictionary.words[ids[place]], p)
        for place, p in draw.likeliest(logits[np.array(ids)], min(n, len(ids)))
    ]
