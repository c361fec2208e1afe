"""A run: all that changes while a model is trained, and how it is kept and taken up."""

import copy
import dataclasses
import hashlib
import json
import math
import time
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from nextword.errors import TrainingError
from nextword.training import checkpoint, machines, model
from nextword.training.averaging import Average
from nextword.training.corpus import Corpus
from nextword.training.curves import Curves, Point
from nextword.training.dropout import Dropout, State
from nextword.training.evaluation import Quality
from nextword.training.model import Architecture, NextWordModel
from nextword.training.objective import Objective
from nextword.training.params import TrainParams
from nextword.training.regimes import Batch, Regime, StreamRegime, WindowRegime
from nextword.training.schedule import learning_rate
from nextword.training.softmax import SampledSoftmax

_CHECKPOINT_SECONDS = 60
_EXPLODED = 50  # nats a word: no model that learns is ever so wrong


class Run:
    """All that changes while a model is trained."""

    def __init__(self, corpus: Corpus, params: TrainParams, fabric: Fabric) -> None:
        self._params = params
        self._fabric = fabric
        self._identity = _identity(corpus, params)
        self._architecture = _architecture(corpus, params)
        dropout = Dropout(
            values=params.dropout,
            output=params.output_dropout,
            locked=params.locked_dropout,
            embedding=params.embedding_dropout,
            weights=params.weight_dropout,
        )
        network = NextWordModel(self._architecture, params.seed, dropout)
        if params.context is None:
            network.expect(corpus.frequencies)
        # Half of the words and more are not a sample.
        is_sampled = 0 < params.softmax_samples < len(corpus.dictionary) / 2
        sampled = SampledSoftmax(corpus.frequencies, params.softmax_samples) if is_sampled else None
        self._network = network.to(fabric.device)
        # Biases are not decayed: that would pull every word's frequency towards the same one.
        matrices = [weight for weight in self._network.parameters() if weight.ndim > 1]
        biases = [weight for weight in self._network.parameters() if weight.ndim == 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, params.learning_rate, weight_decay=params.weight_decay)
        objective = Objective(self._network, sampled)
        self._objective, self._optimizer = fabric.setup(objective, optimizer)
        self._average = Average(self._network, params.averaging) if params.averaging else None
        self._measured = self._average.network if self._average else self._network
        self._best = copy.deepcopy(self._measured) if params.patience else self._measured
        self.progress, tensors = checkpoint.load(self._identity)
        state = self._restore(tensors) if tensors else None
        self._saved = time.monotonic()
        rank, processes = fabric.global_rank, fabric.world_size
        self.regime: Regime
        if params.context is None:
            machines.check_batch(params.batch, fabric)
            self.regime = StreamRegime(corpus, params, state, rank, processes)
        else:
            self.regime = WindowRegime(corpus, params, params.context, self.progress.step, rank, processes)

    def is_over(self, shown: Curves | None) -> bool:
        """Measures the model where it is time to, and says whether training ends."""
        progress, params = self.progress, self._params
        is_last = progress.step == params.max_steps
        if progress.step % self.regime.interval and not is_last:
            return False
        if not progress.points or progress.points[-1].step < progress.step:
            self._measure(shown)
        point = progress.points[-1]
        if params.context is not None:
            return is_last or point.loss <= self.regime.best.loss + params.stop_within
        stale = (point.step - progress.best_step) // self.regime.interval
        return is_last or bool(params.patience and stale >= params.patience)

    def step(self, shown: Curves | None) -> None:
        """One step of the optimiser on what the regime reads."""
        progress, params = self.progress, self._params
        # What is dropped or drawn turns on these alone, so that a stopped run goes on as it would have.
        seed = np.random.SeedSequence([params.seed, progress.step, self._fabric.global_rank])
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1)))
        rate = learning_rate(params, progress.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss, norm = self._descend(self.regime.batch(progress.step))
        if not math.isfinite(norm) or not loss < _EXPLODED:
            raise TrainingError(
                f"training has diverged at step {progress.step + 1}: loss {loss:.4g}, gradient norm "
                f"{norm:.4g}, learning rate {rate:.3g}; lower train.learning_rate or train.clip, or raise "
                "train.warmup_steps"
            )
        if self._average:
            self._average.update(self._network, progress.step)
        progress.step += 1
        progress.loss += loss
        progress.gradient_norm += norm
        if shown:
            shown.stepped(progress.step, loss, norm, rate)

    def _descend(self, batch: Batch) -> tuple[float, float]:
        """The loss of a batch and the norm of its gradients, after which the weights are changed."""
        ids, following, state = self._fabric.to_device((batch.ids, batch.following, batch.state))
        loss, (hidden, cell) = self._objective(ids, following, state)
        self.regime.state = hidden.detach(), cell.detach()
        loss = loss * batch.share if batch.share != 1 else loss
        self._optimizer.zero_grad()
        self._fabric.backward(loss)
        norm = self._fabric.clip_gradients(
            self._objective, self._optimizer, max_norm=self._params.clip, error_if_nonfinite=False
        )
        assert norm is not None
        mean = self._fabric.all_reduce(loss.detach(), reduce_op="mean")
        assert isinstance(mean, Tensor)
        if mean.isfinite() and norm.isfinite():
            self._optimizer.step()
        return mean.item(), norm.item()

    def _measure(self, shown: Curves | None) -> None:
        progress = self.progress
        quality = self.quality()
        steps = progress.step - (progress.points[-1].step if progress.points else 0)
        point = Point(progress.step, quality.loss, quality.accuracy)
        if steps:
            point = point._replace(
                training_loss=progress.loss / steps,
                gradient_norm=progress.gradient_norm / steps,
                learning_rate=learning_rate(self._params, progress.step - 1),
            )
        progress.points.append(point)
        progress.loss = progress.gradient_norm = 0.0
        if quality.loss < progress.best_loss:
            progress.best_loss, progress.best_step = quality.loss, progress.step
            if self._best is not self._measured:
                self._best.load_state_dict(self._measured.state_dict())
        if shown:
            shown.measured(point)

    def quality(self) -> Quality:
        """The quality of the weights as they would be published."""
        # One process measures; the others take what it found, so that all end at the same step.
        found = self.regime.measure(model.rounded(self._measured)) if self._fabric.is_global_zero else None
        quality = self._fabric.broadcast(found)
        assert quality is not None
        return quality

    @property
    def is_save_due(self) -> bool:
        """Whether the last checkpoint is long ago."""
        return time.monotonic() - self._saved > _CHECKPOINT_SECONDS

    def agree(self, wanted: int) -> int:
        """What the process wants that wants most."""
        if self._fabric.world_size == 1:
            return wanted
        agreed = self._fabric.all_reduce(torch.tensor(wanted), reduce_op="max")
        assert isinstance(agreed, Tensor)
        return int(agreed.item())

    def save(self) -> None:
        """Writes a checkpoint."""
        tensors: dict[str, Tensor] = {}
        for name, weight in self._network.named_parameters():
            tensors[f"network.{name}"] = weight
            for key, value in self._optimizer.state[weight].items():
                tensors[f"optimizer.{key}.{name}"] = value
        for kind, other in self._others.items():
            tensors |= {f"{kind}.{name}": weight for name, weight in other.named_parameters()}
        if self._params.context is None and self.regime.state:
            for name, part in zip(("hidden", "cell"), self.regime.state, strict=True):
                tensors[f"state.{name}"] = self._of_all_streams(part)
        if self._fabric.is_global_zero:
            checkpoint.save(self._identity, self.progress, tensors)
        self._fabric.barrier()
        self._saved = time.monotonic()

    @property
    def _others(self) -> dict[str, NextWordModel]:
        """The networks that are kept beside the one that learns."""
        averaged = {"average": self._measured} if self._params.averaging else {}
        return averaged | ({"best": self._best} if self._params.patience else {})

    def _restore(self, tensors: dict[str, Tensor]) -> State | None:
        """Takes up what a checkpoint has; returns the state that was carried."""
        with torch.no_grad():
            for name, weight in self._network.named_parameters():
                weight.copy_(tensors[f"network.{name}"])
                for key in ("step", "exp_avg", "exp_avg_sq"):  # what AdamW keeps of each weight
                    value = tensors[f"optimizer.{key}.{name}"]
                    self._optimizer.state[weight][key] = value if key == "step" else value.to(weight.device)
            for kind, other in self._others.items():
                for name, weight in other.named_parameters():
                    weight.copy_(tensors[f"{kind}.{name}"])
        if "state.hidden" not in tensors:
            return None
        rank, processes = self._fabric.global_rank, self._fabric.world_size
        hidden, cell = (tensors[f"state.{name}"][:, rank::processes] for name in ("hidden", "cell"))
        return hidden.contiguous(), cell.contiguous()

    def _of_all_streams(self, part: Tensor) -> Tensor:
        """The state of all processes' streams, in the order of the text, from `(layers, batch, hidden)`."""
        if self._fabric.world_size == 1:
            return part
        gathered = self._fabric.all_gather(part)  # (processes, layers, batch, hidden)
        assert isinstance(gathered, Tensor)
        return gathered.permute(1, 2, 0, 3).flatten(1, 2)

    def summary(self) -> str:
        """How the run ended, for a person."""
        point, best, params = self.progress.points[-1], self.regime.best, self._params
        loss, accuracy = f"loss {point.loss:.4f}", f"accuracy {point.accuracy:.2%}"
        if params.context is not None:
            loss += f" (its floor is {best.loss:.4f})"
            accuracy += f" (its ceiling is {best.accuracy:.2%})"
        text = f"{point.step} steps: {loss}, {accuracy}"
        if params.patience:
            text += f"; published: step {self.progress.best_step}, loss {self.progress.best_loss:.4f}"
        return text

    def publish(self) -> None:
        """Writes the model, and removes the checkpoints."""
        step = self.progress.best_step if self._params.patience else self.progress.step
        model.publish(self._best.cpu(), dataclasses.replace(self._architecture, steps=step))
        checkpoint.clear(self._identity)


def _architecture(corpus: Corpus, params: TrainParams) -> Architecture:
    return Architecture(
        dictionary=len(corpus.dictionary),
        embedding=params.embedding,
        hidden=params.hidden,
        layers=params.layers,
        context=params.context,
        precision="float32" if params.precision == "bfloat16" else params.precision,
        tied=params.tied,
    )


def _identity(corpus: Corpus, params: TrainParams) -> str:
    """What a run computes, so that a checkpoint of another run is not taken up."""
    parts = [
        params.model_dump(),
        corpus.sha256,
        corpus.split_by,
        corpus.lowercase,
        corpus.line_ends,
        corpus.ends,
        corpus.dictionary.words,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
