"""Mixtures of a network and a model that counts."""

import numpy as np

from nextword.model.predictions import Predictions


def mixture(network: Predictions, counted: Predictions, weight: float) -> float:
    """The loss in nats of a mixture of a network and a model that counts.

    **Arguments:**

    - `weight`: of the network's probabilities.
    """
    mixed = weight * np.exp(network.log_probability) + (1 - weight) * np.exp(counted.log_probability)
    return float(-np.log(mixed).mean())


def best_weight(network: Predictions, counted: Predictions) -> float:
    """The weight of the network that gives the lowest loss, in steps of 0.05."""
    return float(min(np.linspace(0.05, 0.95, 19), key=lambda weight: mixture(network, counted, weight)))
