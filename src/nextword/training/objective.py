"""What training minimises, as one module, so that distributed training sees all of it."""

from torch import Tensor, nn

from nextword.training.dropout import State
from nextword.training.model import NextWordModel
from nextword.training.softmax import SampledSoftmax


class Objective(nn.Module):
    """Words → the mean cross-entropy of the words that follow.

    **Arguments:**

    - `network`: what is trained.
    - `sampled`: a sampled softmax, or `None` for the full one.
    """

    def __init__(self, network: NextWordModel, sampled: SampledSoftmax | None = None) -> None:
        super().__init__()
        self.network = network
        self.sampled = sampled

    def forward(self, ids: Tensor, following: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The mean loss in nats.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        - `following`: the words that follow the last of them, shape `(batch, words)`.
        - `state`: before the first word, or `None` for zero.

        **Returns:** the loss, and the state after the last word.
        """
        features, state = self.network.read(ids, state)
        features = features[-following.shape[1] :].flatten(0, 1)
        targets = following.T.flatten()
        if self.sampled is not None:
            return self.sampled(features, targets, self.network.logits), state
        return nn.functional.cross_entropy(self.network.logits(features), targets), state
