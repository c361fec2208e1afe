"""What training minimises: the cross-entropy of the next words, against all words or a sample of them."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextword.model.cells import State
from nextword.model.network import Network


class Loss(nn.Module):
    """Words → the mean cross-entropy of the next words.

    It contains the network, so that distributed training sees everything that is trained.

    **Arguments:**

    - `network`: the network to train.
    - `sampled`: a sampled softmax, or `None` for the full one.
    """

    def __init__(self, network: Network, sampled: "SampledSoftmax | None" = None) -> None:
        super().__init__()
        self.network = network
        self.sampled = sampled

    def forward(
        self, ids: Tensor, following: Tensor, state: State | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The mean loss in nats.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `following`: the words that follow the last of them, shape `(batch, words)`.
        - `state`: before the first word, or `None` for zero.

        **Returns:** the loss, and the state after the last word.
        """
        features, after = self.network.read(ids, state, last=following.shape[1])
        features = features.flatten(0, 1)  # (words · batch, features)
        targets = following.T.flatten()
        if self.sampled is not None:
            return self.sampled(features, targets, self.network.logits), after
        return nn.functional.cross_entropy(self.network.logits(features), targets), after


class SampledSoftmax(nn.Module):
    """Cross-entropy against a few other words, drawn anew for each step (Jean et al. 2015).

    The other words are drawn without repetition, a word w with a weight q(w), the square root of its
    frequency. Its logit is lowered by the logarithm of the probability that it is among the n words drawn,
    1 − exp(−λ q(w)), with λ such that these add up to n (Efraimidis & Spirakis 2006), so that the loss
    tends to that of the full softmax as n grows. The exported model computes all logits.

    **Arguments:**

    - `frequencies`: the share of each word in the training part, above 0, shape `(dictionary,)`.
    - `samples`: n, fewer than the words of the dictionary.
    """

    _weights: Tensor
    _corrections: Tensor

    def __init__(self, frequencies: NDArray[np.float64], samples: int) -> None:
        super().__init__()
        weights = np.sqrt(frequencies)
        weights /= weights.max()
        self.samples = samples
        self.register_buffer("_weights", torch.from_numpy(weights).float())
        self.register_buffer("_corrections", torch.from_numpy(np.log(_inclusion(weights, samples))).float())

    def forward(self, features: Tensor, following: Tensor, logits: nn.Linear) -> Tensor:
        """The mean loss in nats.

        **Arguments:**

        - `features`: the input of the logits, shape `(words, features)`.
        - `following`: ids of the words that follow, shape `(words,)`.
        - `logits`: the layer that would compute all logits.
        """
        drawn = torch.multinomial(self._weights, self.samples)
        # All rows at once: the gradient of each indexing operation is as large as the whole matrix.
        ids = torch.cat([following, drawn])
        weight, bias, words = logits.weight[ids], logits.bias[ids], len(following)
        true = (features * weight[:words]).sum(1) + bias[:words]
        others = nn.functional.linear(features, weight[words:], bias[words:])
        others = others - self._corrections[drawn].to(others.dtype)
        others = others.masked_fill(drawn == following[:, None], -math.inf)
        found = torch.cat([true[:, None], others], dim=1)
        return nn.functional.cross_entropy(found, torch.zeros_like(following))


def _inclusion(weights: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """The approximate probability that each word is drawn."""
    low, high = 0.0, samples / weights.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if -np.expm1(-middle * weights).sum() < samples else (low, middle)
    found: NDArray[np.float64] = -np.expm1(-high * weights)
    return found
