"""What training leaves out at random, so that the network does not learn its text by heart."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Dropout:
    """Shares that are left out, each 0 for nothing; what stays is scaled up to the same mean.

    - `values`: of the values before and between the LSTM layers, anew for each word (Zaremba,
      Sutskever & Vinyals 2014).
    - `output`: the same after the last layer.
    - `locked`: of the values in all these places, the same ones throughout a step (variational
      dropout, Gal & Ghahramani 2016).
    - `embedding`: of the dictionary's words, which are zero vectors throughout a step (Gal &
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
        - `dictionary`: number of words.
        """
        if not self.embedding:
            return vectors
        kept = nn.functional.dropout(vectors.new_ones(dictionary), self.embedding)
        return vectors * kept[ids].unsqueeze(-1)

    def of_values(self, values: Tensor, *, is_output: bool = False) -> Tensor:
        """Leaves values out of `(time, batch, features)`; `is_output` says that no layer follows."""
        share = self.output if is_output else self.values
        if share:
            values = nn.functional.dropout(values, share)
        if self.locked:
            values = values * nn.functional.dropout(torch.ones_like(values[:1]), self.locked)
        return values

    def of_recurrence(self, layer: nn.LSTM, values: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Runs an LSTM layer with some of its recurrent weights left out.

        **Arguments:**

        - `layer`: an `nn.LSTM` of one layer.
        - `values`: shape `(time, batch, input)`.
        - `state`: before the first word, each part `(1, batch, hidden)`, or `None` for zero.

        **Returns:** the hidden states, `(time, batch, hidden)`, and the state after the last word.
        """
        if not self.weights:
            found: tuple[Tensor, State] = layer(values, state)
            return found
        zero = values.new_zeros(1, values.shape[1], layer.hidden_size)
        into, recurrent, *biases = layer.parameters()
        some = [into, nn.functional.dropout(recurrent, self.weights), *biases]
        # What nn.LSTM calls, which itself takes no other weights than its own.
        hidden, *state_after = torch.lstm(
            values, state or (zero, zero), some, True, 1, 0.0, True, False, False
        )
        return hidden, (state_after[0], state_after[1])
