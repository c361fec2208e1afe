"""A suggestion, and what an app does with it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """A word, and how to put it into the text.

    - `word`: as in a dictionary, or as the user wrote it before.
    - `probability`: of the word, given the text and what was typed of it, among the candidates.
    - `kind`: `prediction`, of the next word; `completion` or `correction` of what was typed; `learned`, for
      a word that the user wrote before and no dictionary has; or `as typed`.
    - `replace`: how many characters before the cursor to remove.
    - `insert`: the text to put in their place, with its capitals and the blanks that belong there.
    """

    word: str
    probability: float
    kind: str
    replace: int
    insert: str
