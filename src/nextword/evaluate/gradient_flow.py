"""How far back a loss reaches: the gradient of loss(t) with respect to the state k words before.

Where its norm vanishes, nothing can be learned from words that far back (Hochreiter 1991, Bengio,
Simard & Frasconi 1994); where it explodes, it derails training (Pascanu, Mikolov & Bengio 2013).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nextword.model.cells import CELLS
from nextword.model.network import Network
from nextword.text.windows import Windows

HIDDEN = "hidden"


def gradient_flow(network: Network, text: Windows) -> dict[str, NDArray[np.float64]]:
    """The norm of the gradient of loss(t) with respect to each part of the state at t − k, over all layers.

    Each window is read from the zero state; its loss is that of the word after it. Each part of the state
    counts for its direct effect only: `cell` of an LSTM for what it carries along, `hidden` for what the
    gates read. At k = 0 only `hidden` has an effect.

    **Arguments:**

    - `network`: ready to be evaluated.
    - `text`: the windows over which the norms are averaged.

    **Returns:** the mean L2 norms in nats by the name of the part, `(time,)`, from k = 0 onwards. Without a
    state, `hidden` is the output of the layers, which is not carried: 0 from k = 1 onwards.
    """
    contexts, next_words = text.take(slice(None))
    ids, following = torch.from_numpy(contexts), torch.from_numpy(next_words)
    if not CELLS[network.architecture.cell].states:
        features = network.read(ids)[0][-1].detach().requires_grad_()
        norms = np.zeros(ids.shape[1])
        norms[0] = _norm(torch.autograd.grad(_loss(network, features, following), [features])[0][None])
        return {HIDDEN: norms}
    state = None
    states = []
    for place in range(ids.shape[1]):
        _, state = network.read(ids[:, place : place + 1], state)
        states.append(state)
    top = states[-1][HIDDEN][-1]  # (batch, hidden)
    features = top if network.projection is None else network.projection(top)
    loss = _loss(network, features, following)
    return {
        name: np.array(
            [_norm(gradient) for gradient in _gradients(loss, [one[name] for one in states])[::-1]]
        )
        for name in states[0]
    }


def _loss(network: Network, features: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
    """The sum over the windows, so that the gradient of each window is unaffected by the others."""
    return nn.functional.cross_entropy(network.logits(features), following, reduction="sum")


def _gradients(loss: torch.Tensor, parts: list[torch.Tensor]) -> list[torch.Tensor]:
    found = torch.autograd.grad(loss, parts, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(part) if gradient is None else gradient
        for part, gradient in zip(parts, found, strict=True)
    ]


def _norm(gradient: torch.Tensor) -> float:
    """The mean over the batch of the norm over layers and units, from `(layers, batch, hidden)`."""
    return float(gradient.transpose(0, 1).flatten(1).norm(dim=1).mean())
