"""A .onnx file → generate, stream, suggest, score, evaluate. Needs only numpy and onnxruntime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from nextword.errors import CorpusError, ModelFileError, PromptError, SamplingError, TrainingError
from nextword.runtime import arguments
from nextword.runtime.continuation import continuation
from nextword.runtime.learning import LEARNING_RATE
from nextword.runtime.metadata import Metadata
from nextword.runtime.model_file import ModelFile
from nextword.runtime.sampling import Sampling

# What continuing a text does not need is imported where it is used, so that it starts quickly.
if TYPE_CHECKING:
    from nextword.runtime.evaluation import Evaluation
    from nextword.runtime.keyboard.keyboard import Keyboard
    from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
    from nextword.runtime.scoring import Score
    from nextword.runtime.session import Session

MOST_WORDS = 1_000_000
MOST_SAMPLES = 1_024

_LIKELIEST = Sampling()
_FLATNESS = 0.3  # of the cache, the best that Grave et al. found


class Generator:
    """Continues texts with a model from one file.

    Where the file's context is a number, the model reads exactly that many of the last words; a
    shorter prompt is read as it is, from the zero state. A model with a state was trained on full
    contexts only, so the first words after a short prompt are less reliable. Where the context is
    `null`, the model has read every word and carries its state: a word costs one step however long
    the text is.

    Where the file's dictionary is of subwords (`split_by: subwords`), no word is unknown, but counts,
    suggestions and scores are still of whole words; a context that is a number counts subwords.

    An argument of the wrong type raises the same error as a value out of range: `PromptError` for a
    text, `CountError` for a number of words, and so on.

    Created by `Generator.load`.
    """

    def __init__(self, model: ModelFile) -> None:
        self._model = model

    @classmethod
    def load(cls, path: str | PathLike[str], threads: int = 1) -> Generator:
        """Loads a model file.

        **Arguments:**

        - `path`: for instance `models/nextword.onnx`.
        - `threads`: threads that compute a word; at most 8, or as many as the machine has.

        The file may come from an untrusted source: everything in it is checked before use (SECURITY.md).

        **Raises:** `ModelFileError` for a file that is missing, damaged, foreign or of another
        version; `CountError` for a number of threads out of range.
        """
        return cls(ModelFile(arguments.path(ModelFileError, path), threads))

    @property
    def info(self) -> Metadata:
        """What the file says about itself: dictionary, context, sizes, params and metrics."""
        return self._model.metadata

    def generate(self, prompt: str, words: int = 32, sampling: Sampling = _LIKELIEST) -> str:
        """Continues a text, word by word.

        **Arguments:**

        - `prompt`: at least one word.
        - `words`: number of words to add, from 1 to 1,000,000. In a script without blanks each subword
          is a word.
        - `sampling`: how words are picked; by default, always the likeliest.

        **Returns:** the prompt as it was given, and the continuation.

        **Raises:** `PromptError` for a prompt without a word, `UnknownWordError` for a word that is
        not in the dictionary, `CountError` for a number of words out of range, `SamplingError` for
        settings that do not fit the model or leave no word.
        """
        return prompt + "".join(self.stream(prompt, words, sampling))

    def stream(self, prompt: str, words: int = 32, sampling: Sampling = _LIKELIEST) -> Iterator[str]:
        """The continuation that `generate` gives, piece by piece as it comes.

        Arguments and errors are those of `generate`; errors that can be known beforehand are raised
        before the first piece.

        **Returns:** an iterator over pieces of text, one word each, with the blank before it, if any.
        Where `sampling.stop` is set, a piece that may begin a stop string waits for the next.
        """
        arguments.count("words", words, MOST_WORDS)
        return (pieces[0] for pieces in continuation(self._model, prompt, words, sampling, 1))

    def samples(self, prompt: str, n: int, words: int = 32, sampling: Sampling = _LIKELIEST) -> list[str]:
        """Continues a text in several ways at once; a step computes a word of each.

        **Arguments:** those of `generate`, and

        - `n`: number of samples, from 1 to 1,024; sample i (from 0) is what `generate` gives with
          the seed `sampling.seed` + i.

        **Returns:** the prompt with each continuation.

        **Raises:** as `generate`, and `SamplingError` where all samples would be the same.
        """
        arguments.count("words", words, MOST_WORDS)
        arguments.count("samples", n, MOST_SAMPLES)
        if n > 1 and not sampling.temperature:
            raise SamplingError("without a temperature above 0, all samples are the same; set one")
        written = [prompt] * n
        for pieces in continuation(self._model, prompt, words, sampling, n):
            written = [text + piece for text, piece in zip(written, pieces, strict=True)]
        return written

    def suggest(self, prompt: str, n: int = 3) -> list[tuple[str, float]]:
        """The likeliest next words, or completions of a half-typed word.

        A last word without a blank after it that is not in the dictionary counts as half typed: words
        that begin with it are suggested. With a dictionary of subwords, a last word counts as half typed
        if it is likelier to go on than to end there.

        **Arguments:**

        - `prompt`: at least one whole word.
        - `n`: number of suggestions, at most the dictionary's size; fewer words may begin with a
          half-typed one.

        **Returns:** pairs of word and probability, best first. The probabilities of completions are
        renormalised over all words that begin with what was typed. With a dictionary of subwords they
        include the probability that the word ends there, and a word that the training text lacks comes
        as late as if it were e³ times less likely.

        **Raises:** `PromptError` for a prompt without a whole word, `UnknownWordError` for a word
        that is neither in the dictionary nor the beginning of a word in it, `CountError`.
        """
        from nextword.runtime import completion

        return completion.suggest(self._model, prompt, n)

    def score(self, text: str) -> Score:
        """How likely a text is, word by word.

        Every word with a full context before it is scored: from the second word on where the context
        is `null`, from the fourth on where it is 3. The probability of a word of several subwords is
        their product.

        **Arguments:**

        - `text`: at least one word more than the context, and at least two.

        **Raises:** `PromptError` for fewer words, `UnknownWordError` for a word that is not in the
        dictionary.
        """
        return self.score_all([arguments.text(text)])[0]

    def score_all(self, texts: Iterable[str]) -> list[Score]:
        """How likely each of several texts is, for ranking; many are read at once.

        Arguments and errors are those of `score`.
        """
        from nextword.runtime import scoring

        return scoring.scores(self._model, arguments.strings(PromptError, "texts", texts))

    def session(
        self,
        cache_size: int = 0,
        cache_weight: float = 0.0,
        cache_flatness: float = _FLATNESS,
        training_graph: str | PathLike[str] | None = None,
        learning_rate: float = LEARNING_RATE,
    ) -> Session:
        """A text that grows word by word, as with a keyboard.

        **Arguments:**

        - `cache_size`: words of this text that a neural cache remembers; 0 is off.
        - `cache_weight`: the cache's share of the probability.
        - `cache_flatness`: how sharply it prefers words from similar contexts.
        - `training_graph`: the file `nextword.train.onnx` of the same `dvc repro`: the model then learns
          from what it reads, block by block (dynamic evaluation); `None` is off.
        - `learning_rate`: of dynamic evaluation.

        **Raises:** `SamplingError` for a value that is out of range or has no effect, `ModelFileError` for
        a training graph that does not fit the model, `TrainingError` for a learning rate out of range.
        """
        from nextword.runtime.cache import CacheSettings
        from nextword.runtime.session import Session

        settings = CacheSettings(cache_size, cache_weight, cache_flatness).check()
        return Session(self._model, settings, self.dynamic_evaluation(training_graph, learning_rate))

    def resume(
        self,
        data: bytes,
        training_graph: str | PathLike[str] | None = None,
        learning_rate: float = LEARNING_RATE,
    ) -> Session:
        """Resumes a session written by `Session.save`.

        The bytes may come from an untrusted source: they are checked before use (SECURITY.md).

        **Arguments:**

        - `training_graph`, `learning_rate`: as for `session`; those of the saved session, if it was
          learning.

        **Raises:** `SessionError` for bytes that are not a session, or belong to other files.
        """
        session = self.session(training_graph=training_graph, learning_rate=learning_rate)
        session.restore(data)
        return session

    def keyboard(
        self,
        layout: str | Sequence[str] = "qwerty",
        punctuation: bool = True,
        adapts: bool = True,
        saved: bytes | None = None,
        training_graph: str | PathLike[str] | None = None,
        learning_rate: float = LEARNING_RATE,
    ) -> Keyboard:
        """Suggestions, corrections and learning for a text field; of several languages: `Keyboard.of`.

        **Arguments:**

        - `layout`: of the keys: `qwerty`, `qwertz`, `azerty`, `dvorak`, or the letters of each row of keys.
        - `punctuation`: whether punctuation marks and line ends are suggested as well as words.
        - `adapts`: whether the keyboard adapts to what is written.
        - `saved`: bytes from `Keyboard.save`.
        - `training_graph`, `learning_rate`: as for `session`.

        **Raises:** as `session`; `KeyboardError` for a layout that does not exist, or for bytes that are
        not from `Keyboard.save`.
        """
        from nextword.runtime.keyboard.keyboard import Keyboard

        graphs = [] if training_graph is None else [training_graph]
        return Keyboard.of([self], layout, punctuation, adapts, saved, graphs, learning_rate)

    def evaluate(
        self,
        path: str | PathLike[str],
        cache_size: int = 0,
        cache_weight: float = 0.0,
        cache_flatness: float = _FLATNESS,
        training_graph: str | PathLike[str] | None = None,
        learning_rate: float = LEARNING_RATE,
    ) -> Evaluation:
        """How good the model is on a text file, which may be larger than memory.

        **Arguments:**

        - `path`: a UTF-8 text file.
        - the others as for `session`.

        **Raises:** as `session`; `CorpusError` for a file that is missing or not UTF-8, `PromptError` for
        one that is too short, `UnknownWordError` for a word that is not in the dictionary.
        """
        from nextword.runtime import evaluation
        from nextword.runtime.cache import CacheSettings
        from nextword.text import reading

        settings = CacheSettings(cache_size, cache_weight, cache_flatness).check()
        file = arguments.path(CorpusError, path)
        tokens = reading.read_words(file, self.info.split_by, self.info.lowercase, self.info.line_ends)
        dynamic = self.dynamic_evaluation(training_graph, learning_rate)
        return evaluation.evaluate(self._model, tokens, settings, dynamic)

    def dynamic_evaluation(
        self, training_graph: str | PathLike[str] | None, learning_rate: float
    ) -> DynamicEvaluation | None:
        """What learns while a text is read, if a training graph is given."""
        if training_graph is None:
            if learning_rate != LEARNING_RATE:
                raise TrainingError("learning_rate has no effect without a training_graph; give both")
            return None
        from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation

        graph = arguments.path(ModelFileError, training_graph)
        return DynamicEvaluation(self._model, graph, learning_rate)
