"""Logits → word ids. All functions take logits of shape `(dictionary,)` or `(batch, dictionary)`.

Each step of the draw is defined exactly, so that the same seed gives the same words in Python, in
JavaScript and in the text graph:

- words are ranked by falling logit (float32), equals by rising id;
- `top_k` keeps that many from the top; their weights are exp((logit − largest) / temperature) in
  float64, and are cumulated in rank order;
- `top_p` keeps the fewest words whose cumulated weight reaches that share of the total
  (nucleus sampling, Holtzman et al. 2020);
- the word drawn is the first whose cumulated weight exceeds `uniform(seed, step)` times the total kept.
"""

import numpy as np
from numpy.typing import NDArray

# Three rounds of a quadratic polynomial modulo the Mersenne prime 2³¹ − 1. All products fit into
# int64, the widest type that onnxruntime multiplies on every platform.
PRIME = 2**31 - 1
SQUARE, LINEAR, CONSTANT = 1_403_580_543, 810_728_357, 527_612_351


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-probabilities in nats, in float64 whatever the type of the logits."""
    shifted: NDArray[np.float64] = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def ban(logits: NDArray[np.floating], id: int | None) -> NDArray[np.floating]:
    """The logits with the word `id` made impossible; `None` bans nothing."""
    if id is None:
        return logits
    banned = logits.copy()
    banned[..., id] = -np.inf
    return banned


def penalise(logits: NDArray[np.float32], ids: NDArray[np.int64], penalty: float) -> None:
    """Makes words less likely, in place: positive logits are divided, others multiplied.

    **Arguments:**

    - `logits`: shape `(dictionary,)`.
    - `ids`: the words, each once.
    - `penalty`: above 1 to discourage (Keskar et al. 2019, section 4.1).
    """
    found = logits[ids]
    logits[ids] = np.where(found > 0, found / np.float32(penalty), found * np.float32(penalty))


def greedy(logits: NDArray[np.floating]) -> int:
    """The id of the likeliest word; the smallest id among equals. `logits`: `(dictionary,)`."""
    return int(np.argmax(logits))


def ranked(logits: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """The ids of the `n` largest logits, largest first, equals by rising id.

    **Arguments:**

    - `logits`: shape `(dictionary,)`.
    - `n`: at most the dictionary's size.
    """
    # Logit and id become one whole number: numpy sorts those several times as fast, and no two
    # are equal. Adding 0 turns −0 into 0. A float's bits rise with its value once the sign bit
    # is flipped, or all bits for negative floats; here they must fall.
    bits = (logits + np.float32(0)).view(np.uint32)
    falling = np.where(bits >> 31, bits, ~bits & np.uint32(0x7FFFFFFF))
    keys = (falling.astype(np.uint64) << np.uint64(32)) | np.arange(len(logits), dtype=np.uint64)
    if n < len(keys):
        keys = np.partition(keys, n - 1)[:n]
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)


def likeliest(logits: NDArray[np.float32], n: int) -> list[tuple[int, float]]:
    """The `n` likeliest words, best first.

    **Arguments:**

    - `logits`: shape `(dictionary,)`.
    - `n`: how many; at most the dictionary's size.

    **Returns:** pairs of id and probability.
    """
    log_probabilities = log_softmax(logits)
    return [(int(id), float(np.exp(log_probabilities[id]))) for id in ranked(logits, n)]


def uniform(seed: int, step: int) -> float:
    """A number from the open interval (0, 1), the same everywhere for the same seed and step.

    **Arguments:**

    - `seed`: from 0 to 2³¹ − 2.
    - `step`: number of words drawn before.
    """
    value = _round(seed)
    value = _round((value + step) % PRIME)
    value = _round(value)
    return (value + 0.5) / PRIME


def draw(
    logits: NDArray[np.float32], uniform: float, temperature: float, top_k: int = 0, top_p: float = 1.0
) -> int:
    """Draws a word as defined at the top of this file.

    **Arguments:**

    - `logits`: shape `(dictionary,)`.
    - `uniform`: a number from (0, 1).
    - `temperature`: above 0; the higher, the more even the draw. Taken as a float32.
    - `top_k`: words kept, 0 for all.
    - `top_p`: share of the probability kept. Taken as a float32.
    """
    order = ranked(logits, min(top_k or len(logits), len(logits)))
    kept = logits[order].astype(np.float64)
    cumulated = np.exp((kept - kept[0]) / np.float64(np.float32(temperature))).cumsum()
    # A word is kept if the weights before it fall short of top_p. The first always is.
    count = 1 + np.searchsorted(cumulated[:-1], np.float64(np.float32(top_p)) * cumulated[-1])
    return int(order[np.searchsorted(cumulated[: count - 1], uniform * cumulated[count - 1], "right")])


def _round(value: int) -> int:
    return (SQUARE * (value * value % PRIME) + LINEAR * value + CONSTANT) % PRIME
