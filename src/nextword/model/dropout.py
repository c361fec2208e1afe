"""Dropout: what training leaves out at random, so that the network does not memorise its text."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Dropout:
    """The shares left out, each 0 for nothing; the rest is scaled up to keep the mean.

    - `values`: of the values before and between the layers, drawn anew for each word (Zaremba,
      Sutskever & Vinyals 2014).
    - `output`: the same after the last layer.
    - `locked`: of the values in all these places, the same ones throughout a step (variational
      dropout, Gal & Ghahramani 2016).
    - `embedding`: of the dictionary's words, whose vectors are zero throughout a step (Gal &
      Ghahramani 2016).
    - `weights`: of the weights from a layer's hidden state to its next one, throughout a step
      (DropConnect; weight-dropped LSTM, Merity, Keskar & Socher 2018).
    """

    values: float = 0.0
    output: float = 0.0
    locked: float = 0.0
    embedding: float = 0.0
    weights: float = 0.0

    def of_words(self, vectors: Tensor, ids: Tensor, dictionary: int) -> Tensor:
        """Leaves words out.

        **Arguments:**

        - `vectors`: the words' vectors, `(time, batch, embedding)`.
        - `ids`: of the same words, `(time, batch)`.
        - `dictionary`: the number of words in it.
        """
        if not self.embedding:
            return vectors
        kept = _leave_out(vectors.new_ones(dictionary), self.embedding)
        return vectors * kept[ids].unsqueeze(-1)

    def of_values(self, values: Tensor, *, is_output: bool = False) -> Tensor:
        """Leaves values out of `(time, batch, features)`; `is_output` if no layer follows."""
        share = self.output if is_output else self.values
        if share:
            values = _leave_out(values, share)
        if self.locked:
            values = values * _leave_out(values.new_ones(1, *values.shape[1:]), self.locked)
        return values

    def of_weights(self, layer: nn.Module) -> list[Tensor]:
        """The weights of a layer, in the order of its parameters, with some recurrent ones left out.

        In PyTorch's recurrent modules, the recurrent weights are the second parameter.
        """
        weights: list[Tensor] = list(layer.parameters())
        if self.weights:
            weights[1] = _leave_out(weights[1], self.weights)
        return weights


def _leave_out(values: Tensor, share: float) -> Tensor:
    """Sets a share of the values to zero, precise to 1/65536.

    PyTorch's own dropout draws a number for each value, which takes longer than a layer's products on
    some CPUs; 16 bits per value are enough.
    """
    drawn = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
    drawn.random_(-(2**63), None)  # None: up to the largest int64
    bits = drawn.view(torch.int16)[: values.numel()].view(values.shape)
    kept = bits >= round(share * 2**16) - 2**15
    return values * kept.to(values.dtype).div_(1 - share)
