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
from nextword.training.dropout import Dropout, State

TRAINED = Path("models/trained")


@dataclass(frozen=True)
class Architecture:
    """What has to be known to build a model for its weights.

    - `dictionary`: number of words.
    - `embedding`, `hidden`, `layers`: sizes.
    - `context`: words that the model reads to predict the next one; `None` if its state is carried.
    - `tied`: whether embedding and logits share their matrix.
    - `precision`: `float64` or `float32`, in which it was trained and is evaluated.
    - `steps`: optimiser steps that it was trained for.
    """

    dictionary: int
    embedding: int
    hidden: int
    layers: int
    context: int | None
    precision: str
    steps: int = 0
    tied: bool = False


class NextWordModel(nn.Module):
    """Word ids → logits of the next word.

    A tied model whose embedding is of another size than its hidden state has a projection from the
    one to the other before the shared matrix (Press & Wolf 2017, section 3).

    **Arguments:**

    - `architecture`: its sizes.
    - `seed`: of the initial weights.
    - `dropout`: what is left out while training; nothing if left out.
    """

    def __init__(self, architecture: Architecture, seed: int = 0, dropout: Dropout | None = None) -> None:
        super().__init__()
        size = architecture
        inputs = [size.embedding] + [size.hidden] * (size.layers - 1)
        self.embedding = nn.Embedding(size.dictionary, size.embedding)
        self.layers = nn.ModuleList(nn.LSTM(input, size.hidden) for input in inputs)
        is_projected = size.tied and size.embedding != size.hidden
        self.projection = nn.Linear(size.hidden, size.embedding, bias=False) if is_projected else None
        self.logits = nn.Linear(size.embedding if size.tied else size.hidden, size.dictionary)
        if size.tied:
            self.logits.weight = self.embedding.weight
        self.architecture = architecture
        self._dropout = dropout or Dropout()
        self.to(getattr(torch, size.precision))
        self._initialise(np.random.default_rng(seed), size.hidden**-0.5)

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads words.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `state`: hidden and cell state before the first word, each of shape
          `(layers, batch, hidden)`; zero if left out.

        **Returns:** the logits of the word after the last one, `(batch, dictionary)`, and the
        state after the last word.
        """
        features, state = self.read(ids, state)
        return self.logits(features[-1]), state

    def after_each_word(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads words, as `forward` does.

        **Returns:** the logits after each word, `(time, batch, dictionary)`, and the state after the
        last.
        """
        features, state = self.read(ids, state)
        return self.logits(features), state

    def read(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads words, as `forward` does.

        **Returns:** what the logits are computed from after each word, `(time, batch, hidden)`, or
        `(time, batch, embedding)` in a tied model; and the state after the last word.
        """
        dropout = self._dropout if self.training else Dropout()
        vectors = dropout.of_words(self.embedding(ids.T), ids.T, self.embedding.num_embeddings)
        values = dropout.of_values(vectors)  # (time, batch, embedding)
        hidden, cell = [], []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, nn.LSTM)
            own = slice(number, number + 1)
            before = None if state is None else (state[0][own], state[1][own])
            values, (last_hidden, last_cell) = dropout.of_recurrence(layer, values, before)
            is_output = number + 1 == len(self.layers)
            values = dropout.of_values(values, is_output=is_output)  # (time, batch, hidden)
            hidden.append(last_hidden)
            cell.append(last_cell)
        features = values if self.projection is None else self.projection(values)
        return features, (torch.cat(hidden), torch.cat(cell))

    def expect(self, frequencies: NDArray[Any]) -> None:
        """Sets the logits' bias so that, at first, each word is expected with its frequency.

        Otherwise the first few hundred steps drive the states to their limits to learn just that.

        **Arguments:**

        - `frequencies`: how often each word stands in the text, shape `(dictionary,)`.
        """
        seen = np.maximum(frequencies, 0.5)
        with torch.no_grad():
            self.logits.bias.copy_(torch.from_numpy(np.log(seen / seen.sum())))

    def _initialise(self, random: np.random.Generator, bound: float) -> None:
        """Draws PyTorch's default distributions; a shared matrix has that of the logits.

        They come from numpy, whose generator gives the same numbers on every machine.
        """
        tied = self.logits.weight is self.embedding.weight
        for name, weight in self.named_parameters():
            if name == "embedding.weight" and not tied:
                drawn = random.standard_normal(weight.shape)
            else:
                drawn = random.uniform(-bound, bound, weight.shape)
            with torch.no_grad():
                weight.copy_(torch.from_numpy(drawn))


def rounded(model: NextWordModel) -> NextWordModel:
    """A copy whose weights are those that `publish` would write: rounded once to float16.

    **Raises:** `TrainingError` for a weight that float16 cannot hold.
    """
    copied = copy.deepcopy(model).eval()
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
