"""The model: embedding → LSTM layers → logits, and its place on disk.

A layer's cell at one time step (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et
al. 2000):

    i = σ(W_i x + U_i h + b_i)     input gate
    f = σ(W_f x + U_f h + b_f)     forget gate
    g = tanh(W_g x + U_g h + b_g)  candidate
    o = σ(W_o x + U_o h + b_o)     output gate
    c ← f ⊙ c + i ⊙ g              cell state
    h ← o ⊙ tanh(c)                hidden state
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from nextword import files
from nextword.errors import TrainingError

TRAINED = Path("models/trained")

State = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Architecture:
    """What has to be known to build a model for its weights.

    - `dictionary`: number of words.
    - `embedding`, `hidden`, `layers`: sizes.
    - `context`: words that the model reads to predict the next one.
    - `precision`: `float64` or `float32`, in which it was trained and is evaluated.
    - `steps`: optimiser steps that it was trained for.
    """

    dictionary: int
    embedding: int
    hidden: int
    layers: int
    context: int
    precision: str
    steps: int = 0


class NextWordModel(nn.Module):
    """Word ids → logits of the next word.

    **Arguments:**

    - `architecture`: its sizes.
    - `seed`: of the initial weights.
    """

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__()
        size = architecture
        self.embedding = nn.Embedding(size.dictionary, size.embedding)
        self.lstm = nn.LSTM(size.embedding, size.hidden, size.layers)
        self.logits = nn.Linear(size.hidden, size.dictionary)
        self.to(getattr(torch, size.precision))
        self._initialise(np.random.default_rng(seed))

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads words.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `state`: hidden and cell state before the first word, each of shape
          `(layers, batch, hidden)`; zero if left out.

        **Returns:** the logits of the word after the last one, `(batch, dictionary)`, and the
        state after the last word.
        """
        vectors = self.embedding(ids.T)  # (time, batch, embedding)
        hidden, state = self.lstm(vectors, state)  # (time, batch, hidden)
        return self.logits(hidden[-1]), state

    def _initialise(self, random: np.random.Generator) -> None:
        """Draws PyTorch's default distributions.

        They come from numpy, whose generator gives the same numbers on every machine.
        """
        bound = self.lstm.hidden_size**-0.5
        for name, weight in self.named_parameters():
            if name == "embedding.weight":
                drawn = random.standard_normal(weight.shape)
            else:
                drawn = random.uniform(-bound, bound, weight.shape)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(drawn))


def rounded(model: NextWordModel) -> NextWordModel:
    """A copy whose weights are those that `publish` would write: rounded once to float16.

    **Raises:** `TrainingError` for a weight that float16 cannot hold.
    """
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for name, weight in copied.named_parameters():
            weight.copy_(weight.half())
            if not weight.isfinite().all():
                raise TrainingError(
                    f"a weight of {name} is no number that float16 can hold (at most 65504); "
                    "lower train.learning_rate"
                )
    return copied


def publish(model: NextWordModel, architecture: Architecture, directory: Path = TRAINED) -> None:
    """Writes a model: its weights in float16, and its architecture.

    Training in float64 leaves differences of 1e-13 between machines; the rounding swallows them.

    **Raises:** `TrainingError` for a weight that float16 cannot hold.
    """
    weights = {name: weight.half().numpy() for name, weight in rounded(model).state_dict().items()}
    with files.replacing(directory) as temporary:
        temporary.mkdir()
        (temporary / "weights.safetensors").write_bytes(save(weights))
        files.write_json(temporary / "architecture.json", asdict(architecture))


def load_weights(directory: Path = TRAINED) -> tuple[Architecture, dict[str, NDArray[Any]]]:
    """The architecture of a published model and its float16 weights by name."""
    description = json.loads((directory / "architecture.json").read_text(encoding="utf-8"))
    return Architecture(**description), load_file(directory / "weights.safetensors")


def from_weights(architecture: Architecture, weights: Mapping[str, NDArray[Any]]) -> NextWordModel:
    """A model with these weights in the precision of its architecture, ready to be evaluated."""
    model = NextWordModel(architecture)
    model.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return model.eval()


def load(directory: Path = TRAINED) -> tuple[Architecture, NextWordModel]:
    """A published model, ready to be evaluated."""
    architecture, weights = load_weights(directory)
    return architecture, from_weights(architecture, weights)
