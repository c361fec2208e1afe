"""A text field → suggestions and corrections, and what to insert where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from nextword.errors import CountError, KeyboardError
from nextword.runtime import arguments
from nextword.runtime.keyboard import capitals, saving, text_field
from nextword.runtime.keyboard.corrections import POOL, Corrections, total_of
from nextword.runtime.keyboard.language import Language
from nextword.runtime.keyboard.languages import language_of
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.mixture import Mixture
from nextword.runtime.keyboard.personal import LONGEST
from nextword.runtime.keyboard.suggestion import Suggestion
from nextword.runtime.keyboard.text_field import TextField
from nextword.runtime.keyboard.uses import Uses
from nextword.runtime.learning import LEARNING_RATE
from nextword.runtime.model_file import ModelFile
from nextword.text.characters import normalise, well_formed
from nextword.text.subwords import SubwordDictionary

if TYPE_CHECKING:
    from nextword.runtime.generator import Generator

MOST_SUGGESTIONS = 100

_READ = 512  # words read of a text that arrives at once
_TYPED = 3.0  # cost in nats of suggesting the text as typed, if it is unknown


class Keyboard:
    """Suggests and corrects words in a text field, and learns from what is sent.

    Created by `Generator.keyboard`, or for several languages at once by `Keyboard.of`.
    """

    def __init__(
        self, languages: Sequence[Language], layout: Layout, field: TextField, saved: bytes | None
    ) -> None:
        self._lowercase = languages[0].model.metadata.lowercase
        self._field = field
        self._mixture = Mixture(languages, layout)
        self._personal = self._mixture.personal
        self._uses = Uses(field, self._mixture)
        self._corrections = Corrections(field, self._mixture)
        if saved is not None:
            saving.restore(saved, self._mixture)
            self._mixture.restart()  # with the weights as they are now

    @classmethod
    def of(
        cls,
        generators: Sequence[Generator],
        layout: str | Sequence[str] = "qwerty",
        punctuation: bool = True,
        adapts: bool = True,
        saved: bytes | None = None,
        training_graphs: Sequence[str | PathLike[str] | None] = (),
        learning_rate: float = LEARNING_RATE,
    ) -> Keyboard:
        """A keyboard of several languages at once; their weights follow what is written.

        **Arguments:** those of `Generator.keyboard`, and

        - `generators`: one per language; they must split texts in the same way; `words` and `subwords` count
          as the same.
        - `training_graphs`: one per language, `None` for one that does not learn; or none at all.

        **Raises:** as `Generator.keyboard`.
        """
        if not generators:
            raise KeyboardError("a keyboard needs a model; give at least one")
        models = [generator._model for generator in generators]
        rules = {
            (_words_of(one.split_by), one.lowercase, one.line_ends)
            for one in (model.metadata for model in models)
        }
        if len(rules) > 1:
            raise KeyboardError(
                "the models of a keyboard must split texts in the same way; their split_by, lowercase or "
                "line_ends differ"
            )
        graphs = [*training_graphs] or [None] * len(models)
        if len(graphs) != len(models):
            raise KeyboardError(
                f"a keyboard of {len(models)} languages needs as many training graphs, or none; got "
                f"{len(graphs)}"
            )
        if any(graphs) and not adapts:
            raise KeyboardError("a keyboard that does not adapt does not learn; leave the training graph out")
        keys = Layout(layout)
        languages = [
            language_of(model, adapts, keys, punctuation, generator.dynamic_evaluation(graph, learning_rate))
            for model, generator, graph in zip(models, generators, graphs, strict=True)
        ]
        return cls(languages, keys, _field_of(models), saved)

    def update(self, text_before_cursor: str) -> None:
        """Takes the text before the cursor after any change: typed, deleted, pasted, cursor moved.

        What it shares with the last one is not read again. Of a text that arrives at once, the last 512
        words are read.

        **Raises:** `PromptError` for anything but text.
        """
        text = well_formed(arguments.text(text_before_cursor))
        gone, new = self._field.update(text)
        self._uses.compare(text)
        if not gone and not new:
            return
        kept = len(self._field.words) - len(new)
        self._uses.remove(kept)
        if gone and self._mixture.can_take_back(len(gone), kept + len(gone)):
            self._mixture.take_back(len(gone))
        elif gone:
            self._mixture.restart()
            for word in self._field.words[max(kept - _READ, 0) : kept]:
                self._mixture.read(word, is_new=False)
        if len(new) > _READ:
            self._mixture.restart()
        for word in new[-_READ:]:
            self._mixture.read(word)
        self._uses.add(kept)
        self._corrections.update()

    def suggest(self, n: int = 3) -> list[Suggestion]:
        """The likeliest next words, or what the unfinished word before the cursor may become.

        A word is unfinished until a blank or a punctuation mark follows it, even if the dictionary has it:
        after `the`, `them` is suggested too.

        **Arguments:**

        - `n`: from 1 to 100; fewer are returned if fewer words agree with what was typed.

        **Returns:** the suggestions, best first.

        **Raises:** `CountError` for an `n` out of range.
        """
        if type(n) is not int or not 1 <= n <= MOST_SUGGESTIONS:
            raise CountError(f"n must be a whole number from 1 to {MOST_SUGGESTIONS}; got {n!r:.40}")
        typed, expected = self._field.typed, self._mixture.expected()
        assert expected
        is_name = self._field.is_name(len(self._field.surfaces))
        found = self._mixture.candidates(typed, expected, max(POOL, 4 * n), is_name=is_name)
        if typed and not self._is_known(typed) and not self._personal.is_blocked(typed):
            own = self._mixture.as_typed(typed, expected)
            found = sorted([*found, own._replace(score=own.score - _TYPED)], key=lambda one: -one.score)
        total = total_of(found) if typed else 1.0
        suggestions: dict[str, Suggestion] = {}
        for score, word in found:
            shown = self._shown(word, typed)
            # A suggestion that differs from a better one only in its capitals wastes a place.
            place = shown.casefold() if typed else shown
            if place not in suggestions:
                probability = math.exp(score) / total
                replace, insert = self._field.insertion(shown)
                named = shown if self._mixture.has(shown) else word
                suggestions[place] = Suggestion(named, probability, self._kind(word, typed), replace, insert)
                if len(suggestions) == n:
                    break
        return list(suggestions.values())

    def correction(self) -> Suggestion | None:
        """What the last finished word should become, if the evidence beats the word as it was typed.

        Once a correction was put into the text and undone, what was typed is never corrected again.
        """
        return self._corrections.last()

    def commit(self) -> None:
        """Learns the new words of the text, which was sent, and keeps what was adapted to it.

        A text that is only written on and sent again counts once.
        """
        self._uses.commit()
        self._mixture.keep()
        self._corrections.clear()

    @property
    def learned(self) -> Mapping[str, int]:
        """The words that were learned, and how often each was sent."""
        return dict(self._personal.learned)

    @property
    def blocked(self) -> list[str]:
        """The words that are never suggested."""
        return self._personal.blocked

    def forget(self, word: str) -> None:
        """Forgets that a word was ever learned or kept or, whatever its capitals, blocked."""
        self._personal.forget(_normal(word))
        self._corrections.clear()

    def block(self, word: str) -> None:
        """Never suggests a word again, nor corrects another to it, whatever its capitals.

        If the user writes it, it is not corrected either, nor learned.

        **Raises:** `KeyboardError` for a word that is empty or has more than 64 characters.
        """
        normal = _normal(word)
        if not 1 <= len(normal) <= LONGEST:
            raise KeyboardError(f"a blocked word has 1 to {LONGEST} characters; got {len(normal):,}")
        self._personal.block(normal)
        self._corrections.clear()

    def save(self) -> bytes:
        """What was learned, blocked, kept and adapted; `saved` of another keyboard.

        The last 500 words that it adapted to are in it too, for the cache.
        """
        return saving.save(self._mixture)

    def knows(self, word: str) -> bool:
        """Whether a word can be suggested without being learned: a dictionary has it, or is of subwords."""
        return self._mixture.can_write(word)

    def probability(self, word: str) -> float:
        """P(word | the finished words before the cursor).

        Over all strings, these add up to 1; for a model in lower case, over all in lower case.
        """
        expected = self._mixture.expected()
        assert expected
        return self._mixture.probability(_normal(word), expected)

    def _is_known(self, word: str) -> bool:
        return word in self._personal or self._mixture.has(word)

    def _shown(self, word: str, typed: str) -> str:
        """A word with its capitals as in the text."""
        if not typed and self._lowercase and text_field.begins_sentence(self._field.surfaces):
            return capitals.capitalised(word)
        return capitals.in_case_of(word, typed)

    def _kind(self, word: str, typed: str) -> str:
        if typed and capitals.in_case_of(word, typed) == typed:
            return "as typed"
        if word in self._personal and not self._mixture.has(word):
            return "learned"
        if not typed:
            return "prediction"
        return "completion" if word.casefold().startswith(typed.casefold()) else "correction"


def _normal(word: str) -> str:
    """A word as it is compared with others."""
    return normalise(well_formed(arguments.text(word, "the word")))


def _words_of(split_by: str) -> str:
    """The way of splitting that gives the same words."""
    return "words" if split_by == "subwords" else split_by


def _field_of(models: Sequence[ModelFile]) -> TextField:
    """The text field that all models can read."""
    info = models[0].metadata
    spelt = [one.dictionary for one in models if isinstance(one.dictionary, SubwordDictionary)]
    return TextField(_words_of(info.split_by), info.lowercase, info.line_ends, spelt[0] if spelt else None)
