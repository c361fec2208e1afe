"""Weights averaged over the last steps, which are better than those of any single step."""

import copy

import torch

from nextword.model.network import Network


class Average:
    """An exponential moving average of a network's weights (Polyak & Juditsky 1992).

    It forgets faster in the first steps, so that the initial weights do not linger.

    **Arguments:**

    - `network`: the network to average.
    - `decay`: the share of the average that each step keeps.

    **Attributes:** `network`, a copy with the averaged weights.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network)
        self._decay = decay

    def update(self, network: Network, step: int) -> None:
        """Adds the weights after a step; steps are numbered from 0."""
        decay = min(self._decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, weight in zip(self.network.parameters(), network.parameters(), strict=True):
                mean.lerp_(weight, 1 - decay)
