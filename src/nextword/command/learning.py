"""`nextword learn`: a model and your own text → another model, without PyTorch."""

import argparse
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

from nextword import outputs
from nextword.command.arguments import existing
from nextword.errors import CorpusError, CountError, ModelFileError, TrainingError
from nextword.runtime.learning.trainer import Settings, Trainer
from nextword.runtime.model_file import ModelFile
from nextword.text.dictionary import amount

_GRAPH = "nextword.train.onnx"
_LEAST_LEARNED, _LEARNED, _MOST_LEARNED = 0.85, 0.9, 0.95  # share of the text; the rest is held out
_STREAM, _MOST_STREAMS = 3_000, 20  # rough number of words of a stream, and most streams
_WINDOWS = 64  # of a step
_READ, _LEAST_STEPS = 35, 8  # words of a stream in a step, and least steps
_LEAST_READ = 2  # words of the shortest stream, before its last
_MOST_UNKNOWN = 0.5  # share of the held-out words
_MOST_RATE, _MOST_EPOCHS = 1.0, 1_000


def run(arguments: argparse.Namespace) -> None:
    """Teaches a model a text, and reports how much better it predicts the held-out part.

    **Raises:** `TrainingError` if it gets no better, or `KeyboardInterrupt` if it was no better yet; then
    nothing is written. `OutputError`, before anything is learned, if the result could not be written.
    """
    rate, epochs = arguments.learning_rate, arguments.epochs
    if not 0 < rate <= _MOST_RATE:
        raise TrainingError(f"--learning-rate must be above 0 and at most {_MOST_RATE:g}; got {rate:g}")
    if not 1 <= epochs <= _MOST_EPOCHS:
        raise CountError(f"--epochs must be from 1 to {_MOST_EPOCHS:,}; got {epochs}")
    output = Path(arguments.output)
    outputs.check_file(output)
    trainer, held_out, unknown = _begin(arguments)
    first = best = trainer.loss(held_out)
    kept, best_epoch = trainer.keep(), 0
    _report("before learning", best)
    with _until_ctrl_c() as interrupted:
        for epoch in range(1, epochs + 1):
            if not _learn_epoch(trainer, interrupted, is_first=not best_epoch):
                break
            loss = trainer.loss(held_out)
            _report(f"epoch {epoch}", loss)
            if not loss < best:
                break
            best, kept, best_epoch = loss, trainer.keep(), epoch
    if not best_epoch:
        if interrupted.is_set():
            raise KeyboardInterrupt
        raise TrainingError(
            "the model did not improve on the last tenth of the text, so nothing was written; use a longer "
            "text or a lower --learning-rate"
        )
    trainer.restore(kept)
    trainer.save(output)
    if interrupted.is_set():
        print("interrupted; the best weights so far are written")
    print(
        f"{output}: perplexity {math.exp(best):,.2f} on the held-out part, {math.exp(first):,.2f} "
        f"before; unknown words: {unknown:.3%}; epochs: {best_epoch}"
    )


def _begin(arguments: argparse.Namespace) -> tuple[Trainer, str, float]:
    """A trainer of the text's first part, the held-out rest, and the share of unknown words in that."""
    model = existing(arguments.model)
    graph = Path(arguments.training_graph) if arguments.training_graph else model.parent / _GRAPH
    if not graph.exists():
        raise ModelFileError(f"{graph}: no such training graph; give its name with --training-graph")
    base = ModelFile(model)
    learned, held_out = _parts(base, _read(Path(arguments.file)))
    settings = _settings(base, len(_ids(base, learned)), arguments.learning_rate)
    trainer = Trainer(graph, model, learned, settings)
    unknown = _unknown(base, held_out)
    print(f"held out: the last {_counted(base, held_out)}, {unknown:.3%} unknown", flush=True)
    if unknown > _MOST_UNKNOWN:
        print("the model lacks most words of this text; a model with subwords lacks none", flush=True)
    return trainer, held_out, unknown


def _learn_epoch(trainer: Trainer, interrupted: Event, *, is_first: bool) -> bool:
    """Takes the steps of an epoch.

    **Arguments:**

    - `is_first`: whether nothing better has been learned before.

    **Returns:** whether it took them all, without Ctrl-C and without diverging.

    **Raises:** `TrainingError` if the first one diverges.
    """
    for _ in range(trainer.interval):
        if interrupted.is_set():
            return False
        try:
            trainer.learn()
        except TrainingError as error:
            if is_first:
                raise
            print(f"{error}; the best weights so far are written", flush=True)
            return False
    return not interrupted.is_set()


@contextmanager
def _until_ctrl_c() -> Iterator[Event]:
    """Provides an event that the first Ctrl-C sets; the second raises `KeyboardInterrupt`."""
    interrupted, before = Event(), signal.getsignal(signal.SIGINT)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _ids(base: ModelFile, text: str) -> list[int]:
    return base.dictionary.encode(base.split(text)) if text.strip() else []


def _counted(base: ModelFile, text: str) -> str:
    """How many words, or subwords, the model reads in a text."""
    return amount(len(_ids(base, text)), base.dictionary.unit)


def _unknown(base: ModelFile, text: str) -> float:
    """The share of words that the dictionary lacks, of those that are predicted."""
    predicted = _ids(base, text)[base.metadata.least_context :]
    return sum(id == base.dictionary.unknown for id in predicted) / len(predicted)


def _settings(base: ModelFile, words: int, rate: float) -> Settings:
    """Steps that suit a text of so many words."""
    streams = min(max(words // _STREAM, 1), _MOST_STREAMS)
    read = min(max(words // _LEAST_STEPS, 1), _READ)
    return Settings(
        learning_rate=rate, batch=streams if base.context is None else _WINDOWS, words_per_step=read
    )


def _report(when: str, loss: float) -> None:
    print(f"{when}: perplexity {math.exp(loss):,.2f} on the held-out part", flush=True)


def _read(path: Path) -> str:
    """A text.

    **Raises:** `CorpusError` for a file that cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; specify a text file") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise CorpusError(f"{path} is not UTF-8 (byte 0x{byte:02x}); convert it to UTF-8") from None


def _parts(base: ModelFile, text: str) -> tuple[str, str]:
    """The learned and the held-out part of a text.

    **Raises:** `CorpusError` for a text that is too short.
    """
    place, least = _cut(text), (base.context or _LEAST_READ) + 1
    if len(_ids(base, text)) < 10 * least or len(_ids(base, text[place:])) < least:
        raise CorpusError(
            f"the text has {_counted(base, text)}; its last tenth, which is held out, must have at least "
            f"{least:,}"
        )
    return text[:place], text[place:]


def _cut(text: str) -> int:
    """Where the held-out part begins: at the line end or, failing that, the blank nearest to nine tenths."""
    least, wanted, most = (round(share * len(text)) for share in (_LEAST_LEARNED, _LEARNED, _MOST_LEARNED))
    for mark in "\n ":
        before, after = text.rfind(mark, least, wanted) + 1, text.find(mark, wanted, most) + 1
        if before or after:
            return min(filter(None, (before, after)), key=lambda place: abs(place - wanted))
    return wanted
