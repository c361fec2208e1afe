"""The network: embedding → layers of a cell → logits, and how it is stored on disk."""

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor, nn

from nextword import outputs
from nextword.errors import StageError, TrainingError
from nextword.model import beginning
from nextword.model.cells import CELLS, State
from nextword.model.dropout import Dropout

Weights = Mapping[str, NDArray[Any]]

NO_WORD = -1  # an id that stands for a zero vector, for a cell without a state


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build the network for given weights.

    - `dictionary`: number of words.
    - `cell`: its name in `cells.CELLS`.
    - `embedding`, `hidden`, `layers`: sizes.
    - `context`: words that the network reads to predict the next one; `None` if its state is carried,
      which needs a cell with a state.
    - `tied`: whether embedding and logits share their matrix.
    - `precision`: `float64` or `float32`, in which it was trained and is evaluated.
    """

    dictionary: int
    cell: str
    embedding: int
    hidden: int
    layers: int
    context: int | None
    tied: bool
    precision: str

    @property
    def features(self) -> int:
        """The number of values that the logits are computed from."""
        return self.embedding if self.tied else self.hidden


class Network(nn.Module):
    """Word ids → logits of the next word.

    A cell without a state reads the vectors of the last `context` words side by side; if there are
    fewer words, they are padded with zero vectors at the front.

    A tied network whose embedding and hidden state differ in size has a projection from the hidden state
    to the embedding's size before the shared matrix (Press & Wolf 2017, section 3).

    **Arguments:**

    - `architecture`: its sizes.
    - `seed`: of the initial weights.
    - `dropout`: for training; nothing is dropped if omitted.
    """

    def __init__(self, architecture: Architecture, seed: int = 0, dropout: Dropout | None = None) -> None:
        super().__init__()
        self.architecture = size = architecture
        self._cell = CELLS[size.cell]
        inputs = [self._width] + [size.hidden] * (size.layers - 1)
        self.embedding = nn.Embedding(size.dictionary, size.embedding)
        self.layers = nn.ModuleList(self._cell.layer(input, size.hidden) for input in inputs)
        is_projected = size.tied and size.embedding != size.hidden
        self.projection = nn.Linear(size.hidden, size.embedding, bias=False) if is_projected else None
        self.logits = nn.Linear(size.features, size.dictionary)
        if size.tied:
            self.logits.weight = self.embedding.weight
        self._dropout = dropout or Dropout()
        self.to(getattr(torch, size.precision))
        beginning.draw(self, size.hidden, np.random.default_rng(seed), is_tied=size.tied)

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Reads words.

        **Arguments:**

        - `ids`: shape `(batch, time)`; a cell without a state may be given `NO_WORD`s.
        - `state`: before the first word, its parts by name, each of shape `(layers, batch, hidden)`;
          zero if omitted.

        **Returns:** the logits of the word after the last one, `(batch, dictionary)`, and the
        state after the last word.
        """
        features, after = self.read(ids, state, last=1)
        return self.logits(features[0]), after

    def after_each_word(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Reads words, as `forward` does.

        **Returns:** the logits after each word, `(time, batch, dictionary)`, and the state after the
        last.
        """
        features, after = self.read(ids, state)
        return self.logits(features), after

    def read(
        self, ids: Tensor, state: State | None = None, last: int | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Reads words, as `forward` does.

        **Arguments:**

        - `last`: how many of the last words something is computed after; all if omitted.

        **Returns:** the input of the logits after each of these words, `(last, batch, hidden)`, or
        `(last, batch, embedding)` in a tied network; and the state after the last word.
        """
        wanted = slice(None if last is None else -last, None)
        dropout = self._dropout if self.training else Dropout()
        vectors = dropout.of_words(self._vectors(ids.T), ids.T, self.embedding.num_embeddings)
        values = dropout.of_values(vectors)  # (time, batch, embedding)
        if not self._cell.states:
            values = self._side_by_side(values)[wanted]  # (last, batch, context · embedding)
        states = []
        for number, layer in enumerate(self.layers):
            before = state and {name: part[number : number + 1] for name, part in state.items()}
            values, after = self._cell.run(dropout.of_weights(layer), values, before)
            values = dropout.of_values(
                values, is_output=number + 1 == len(self.layers)
            )  # (time, batch, hidden)
            states.append(after)
        values = values[wanted]
        features = values if self.projection is None else self.projection(values)
        return features, {name: torch.cat([one[name] for one in states]) for name in self._cell.states}

    def _vectors(self, ids: Tensor) -> Tensor:
        """The vectors of words, `(…, embedding)`."""
        if self._cell.states:
            return self.embedding(ids)  # type: ignore[no-any-return]
        is_word = (ids >= 0).unsqueeze(-1)
        return self.embedding(ids.clamp(min=0)) * is_word  # type: ignore[no-any-return]

    def _side_by_side(self, values: Tensor) -> Tensor:
        """Puts each word's vector after those of the preceding words, from `(time, batch, embedding)`."""
        context, time = self._context, len(values)
        padded = torch.cat([values.new_zeros(context - 1, *values.shape[1:]), values])
        return torch.cat([padded[place : place + time] for place in range(context)], dim=2)

    @property
    def _context(self) -> int:
        """The number of words that a cell without a state reads side by side; 1 for others."""
        return (not self._cell.states and self.architecture.context) or 1

    @property
    def _width(self) -> int:
        """The number of values that the first layer reads."""
        return self._context * self.architecture.embedding

    @property
    def size(self) -> int:
        """The number of weights; a shared matrix counts once."""
        return sum(weight.numel() for weight in self.parameters())

    def expect(self, frequencies: NDArray[np.float64]) -> None:
        """Sets the bias of the logits so that, at first, each word is expected with its frequency.

        Otherwise the first few hundred steps saturate the states just to learn the frequencies.

        **Arguments:**

        - `frequencies`: the share of each word, above 0, shape `(dictionary,)`.
        """
        with torch.no_grad():
            self.logits.bias.copy_(torch.from_numpy(np.log(frequencies)))


def rounded(network: Network) -> Network:
    """A copy with the weights that `publish` would write: rounded once to float16.

    **Raises:** `TrainingError` for a weight that float16 cannot hold.
    """
    copied = copy.deepcopy(network).eval()
    with torch.no_grad():
        for name, weight in copied.named_parameters():
            weight.copy_(weight.half())
            if not weight.isfinite().all():
                raise TrainingError(
                    f"a weight of {name} cannot be stored in float16 (at most 65504); "
                    "lower train.learning_rate"
                )
    return copied


def publish(network: Network, steps: int, directory: Path) -> None:
    """Writes a network: its weights in float16, its architecture, and how long it was trained.

    Training in float64 differs by 1e-13 between machines; rounding removes the difference.

    **Arguments:**

    - `steps`: the number of optimiser steps that it was trained for.

    **Raises:** `TrainingError` for a weight that float16 cannot hold.
    """
    weights = {name: weight.half().numpy() for name, weight in rounded(network).state_dict().items()}
    with outputs.replacing(directory) as temporary:
        temporary.mkdir()
        (temporary / "weights.safetensors").write_bytes(save(weights))
        outputs.write_json(temporary / "architecture.json", asdict(network.architecture))
        outputs.write_json(temporary / "training.json", {"steps": steps})


def load_weights(directory: Path) -> tuple[Architecture, dict[str, NDArray[Any]]]:
    """The architecture of a published network and its float16 weights by name.

    **Raises:** `StageError` if a file is missing, or is not what `publish` wrote.
    """
    description = outputs.read_json(directory / "architecture.json", dict)
    path = directory / "weights.safetensors"
    try:
        architecture = Architecture(**description)
        with torch.device("meta"):  # shapes only
            expected = Network(architecture).state_dict()
        weights = load_file(path)
        is_whole = {name: (tuple(weight.shape), "float16") for name, weight in expected.items()} == {
            name: (weight.shape, weight.dtype.name) for name, weight in weights.items()
        } and all(np.isfinite(weight).all() for weight in weights.values())
    except FileNotFoundError:
        raise StageError(f"{path} not found; run `dvc repro` to create it") from None
    except (SafetensorError, TypeError, ValueError, KeyError, AttributeError, RuntimeError):
        is_whole = False
    if not is_whole:
        raise StageError(
            f"{directory} is damaged: its files are inconsistent; run `dvc repro` to recreate it"
        )
    return architecture, weights


def trained_steps(directory: Path) -> int:
    """The number of optimiser steps that a published network was trained for.

    **Raises:** as `load_weights`.
    """
    steps = outputs.read_json(directory / "training.json", dict).get("steps")
    if type(steps) is not int or steps < 0:
        raise StageError(f"{directory / 'training.json'} is damaged; run `dvc repro` to recreate it")
    return steps


def from_weights(architecture: Architecture, weights: Weights) -> Network:
    """A network with these weights in the precision of its architecture, ready to be evaluated."""
    network = Network(architecture)
    network.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return network.eval()


def load(directory: Path) -> Network:
    """A published network, ready to be evaluated."""
    return from_weights(*load_weights(directory))
