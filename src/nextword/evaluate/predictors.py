"""Predictors of a text, a network or counts, with the interface of a model file."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from nextword.evaluate.kneser_ney import KneserNey
from nextword.model import predictions
from nextword.model.cells import CELLS
from nextword.model.network import Network
from nextword.model.predictions import BATCH, Part
from nextword.runtime.model_file import State, Step
from nextword.runtime.reader import Model
from nextword.text import windows


class Predictor(Model, Protocol):
    """A model that can also predict all of a text at once."""

    def parts(self, ids: NDArray[Any], first: int) -> Iterator[Part]:
        """The distributions that it predicts for the ids of a text from number `first` onwards."""


class NetworkPredictor:
    """A network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.context = network.architecture.context
        self.axes: Mapping[str, int] = dict.fromkeys(CELLS[network.architecture.cell].states, 1)

    def parts(self, ids: NDArray[Any], first: int) -> Iterator[Part]:
        """The distributions that it predicts for all ids with a full context."""
        assert first == (self.context or 1)
        return predictions.log_probabilities(self._network, ids)

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> Step:
        """Reads ids, `(batch, time)`."""
        before = {name: torch.from_numpy(part) for name, part in state.items()} if state else None
        with torch.no_grad():
            logits, after = self._network(torch.from_numpy(ids), before)
        found = {} if self.context else {name: part.numpy() for name, part in after.items()}
        return Step(logits.numpy(), np.zeros((len(ids), 0), np.float32), found)


class CountPredictor:
    """Kneser-Ney."""

    def __init__(self, counted: KneserNey) -> None:
        self._counted = counted
        self.context = max(counted.order - 1, 1)
        self.axes: Mapping[str, int] = {}

    def parts(self, ids: NDArray[Any], first: int) -> Iterator[Part]:
        """The distributions that it predicts for a text."""
        return self._counted.parts(ids, first)

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> Step:  # noqa: ARG002
        """Reads ids, `(batch, time)`; −1 stands for a missing one."""
        missing = np.full((len(ids), self.context - ids.shape[1]), -1)
        logits = self._counted.log_probabilities(np.concatenate([missing, ids], axis=1))
        return Step(logits.astype(np.float32), np.zeros((len(ids), 0), np.float32), {})


class FrequencyPredictor:
    """The share of each word in the training part, whatever precedes it.

    **Arguments:**

    - `frequencies`: above 0, shape `(dictionary,)`.
    """

    context = 1

    def __init__(self, frequencies: NDArray[np.float64]) -> None:
        self._shares = np.log(frequencies)
        self.axes: Mapping[str, int] = {}

    def parts(self, ids: NDArray[Any], first: int) -> Iterator[Part]:
        """The same distribution for each id."""
        following = ids[first:].astype(np.int64)
        for part in windows.in_order(len(following), BATCH):
            words = following[part]
            yield np.broadcast_to(self._shares, (len(words), len(self._shares))), words

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> Step:  # noqa: ARG002
        """Reads ids, `(batch, time)`."""
        logits = np.broadcast_to(self._shares.astype(np.float32), (len(ids), len(self._shares)))
        return Step(logits, np.zeros((len(ids), 0), np.float32), {})
