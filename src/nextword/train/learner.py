"""What a run changes: the network, its optimiser, and the other weights that are kept."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from nextword.figures import Quality
from nextword.model.cells import CELLS, State
from nextword.model.dropout import Dropout
from nextword.model.network import Architecture, Network
from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.train import processes
from nextword.train.averaging import Average
from nextword.train.loss import Loss, SampledSoftmax
from nextword.train.progress import Progress


@dataclass(frozen=True)
class Learner:
    """What a run changes.

    - `network`: the network that learns.
    - `loss`: the loss of `network` to minimise; like `optimizer`, it is set up for all processes.
    - `average`: the average of the network's weights, or `None`.
    - `measured`: the network that is measured and published: the averaged one, if there is one.
    - `best`: a copy of the best one so far; `measured` itself if `train.patience` is 0.
    """

    network: Network
    loss: Any  # Fabric's wrapper of a `Loss`
    optimizer: Optimizer
    average: Average | None
    measured: Network
    best: Network

    def keep_best(self, quality: Quality, progress: Progress) -> None:
        """Keeps the measured weights if they are the best so far."""
        if quality.loss < progress.best_loss and self.best is not self.measured:
            self.best.load_state_dict(self.measured.state_dict())

    def set_learning_rate(self, rate: float) -> None:
        """Sets the learning rate of the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def tensors(self, state: State | None, fabric: Fabric) -> dict[str, Tensor]:
        """Everything that a checkpoint must hold, by name; every process must call this."""
        found: dict[str, Tensor] = {}
        for name, weight in self.network.named_parameters():
            found[f"network.{name}"] = weight
            for key, value in self.optimizer.state[weight].items():
                found[f"optimizer.{key}.{name}"] = value
        for kind, other in self._others.items():
            found |= {f"{kind}.{name}": weight for name, weight in other.named_parameters()}
        for name, part in (state or {}).items():
            found[f"state.{name}"] = processes.of_all_streams(part, fabric)
        return found

    def restore(self, tensors: dict[str, Tensor], fabric: Fabric) -> State | None:
        """Restores the contents of a checkpoint; returns the state that this process carried."""
        with torch.no_grad():
            for name, weight in self.network.named_parameters():
                weight.copy_(tensors[f"network.{name}"])
                for key in ("step", "exp_avg", "exp_avg_sq"):  # what AdamW keeps for each weight
                    value = tensors[f"optimizer.{key}.{name}"]
                    self.optimizer.state[weight][key] = value.to(weight.device)
            for kind, other in self._others.items():
                for name, weight in other.named_parameters():
                    weight.copy_(tensors[f"{kind}.{name}"])
        names = CELLS[self.network.architecture.cell].states
        return {
            name: processes.of_own_streams(tensors[f"state.{name}"], fabric)
            for name in names
            if f"state.{name}" in tensors
        } or None

    @property
    def _others(self) -> dict[str, Network]:
        """The networks kept in addition to the one that learns."""
        averaged = {"average": self.measured} if self.measured is not self.network else {}
        return averaged | ({"best": self.best} if self.best is not self.measured else {})


def make_learner(corpus: Corpus, params: TrainParams, fabric: Fabric) -> Learner:
    """A learner at the beginning of a run."""
    dropout = Dropout(
        values=params.dropout,
        output=params.output_dropout,
        locked=params.locked_dropout,
        embedding=params.embedding_dropout,
        weights=params.weight_dropout,
    )
    network = Network(_architecture(corpus, params), params.seed, dropout)
    if params.context is None:
        network.expect(corpus.expected_frequencies)
    # Sampling half of the words or more would save nothing.
    is_sampled = 0 < params.softmax_samples < len(corpus.dictionary) / 2
    sampled = SampledSoftmax(corpus.expected_frequencies, params.softmax_samples) if is_sampled else None
    network = network.to(fabric.device)
    # Biases are not decayed: that would pull every word's frequency towards the same one.
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    biases = [weight for weight in network.parameters() if weight.ndim == 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, params.learning_rate, weight_decay=params.weight_decay, fused=True)
    loss, optimizer = fabric.setup(Loss(network, sampled), adamw)
    average = Average(network, params.averaging) if params.averaging else None
    measured = average.network if average else network
    best = copy.deepcopy(measured) if params.patience else measured
    return Learner(network, loss, optimizer, average, measured, best)


def _architecture(corpus: Corpus, params: TrainParams) -> Architecture:
    return Architecture(
        dictionary=len(corpus.dictionary),
        cell=params.cell,
        embedding=params.embedding,
        hidden=params.hidden,
        layers=params.layers,
        context=params.context,
        tied=params.tied,
        precision="float32" if params.precision == "bfloat16" else params.precision,
    )
