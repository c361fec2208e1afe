"""`nextword learn`: a model and your own text → another model, without PyTorch."""

import argparse
import math
from pathlib import Path

from nextword import outputs
from nextword.errors import CorpusError, CountError, TrainingError
from nextword.runtime.learning.trainer import Settings, Trainer

_GRAPH = "nextword.train.onnx"
_LEARNED = 0.9  # share of the text; the rest is held out
_STREAM, _MOST_STREAMS = 3_000, 20  # rough number of words of a stream, and most streams
_WINDOWS = 64  # of a step
_READ, _LEAST_STEPS = 35, 8  # words of a stream in a step, and least steps
_MOST_RATE, _MOST_EPOCHS = 1.0, 1_000


def run(arguments: argparse.Namespace) -> None:
    """Teaches a model a text, and reports how much better it predicts the held-out part.

    **Raises:** `TrainingError` if it gets no better; then nothing is written. `OutputError`, before
    anything is learned, if the result could not be written.
    """
    rate, epochs = arguments.learning_rate, arguments.epochs
    if not 0 < rate <= _MOST_RATE:
        raise TrainingError(f"--learning-rate must be above 0 and at most {_MOST_RATE:g}; got {rate:g}")
    if not 1 <= epochs <= _MOST_EPOCHS:
        raise CountError(f"--epochs must be from 1 to {_MOST_EPOCHS:,}; got {epochs}")
    output = Path(arguments.output)
    outputs.check_file(output)
    model = Path(arguments.model)
    graph = Path(arguments.training_graph) if arguments.training_graph else model.parent / _GRAPH
    text, held_out = _parts(Path(arguments.file))
    trainer = Trainer(graph, model, text, _settings(graph, text, rate))
    first = best = trainer.loss(held_out)
    kept, best_epoch = trainer.keep(), 0
    _report("before learning", best)
    for epoch in range(1, epochs + 1):
        for _ in range(trainer.interval):
            trainer.learn()
        loss = trainer.loss(held_out)
        _report(f"epoch {epoch}", loss)
        if not loss < best:
            break
        best, kept, best_epoch = loss, trainer.keep(), epoch
    if not best_epoch:
        raise TrainingError(
            "the model did not improve on the last tenth of the text, so nothing was written; use a longer "
            "text or a lower --learning-rate"
        )
    trainer.restore(kept)
    trainer.save(output)
    print(
        f"{output}: perplexity {math.exp(best):,.2f} on the held-out part, {math.exp(first):,.2f} "
        f"before; epochs: {best_epoch}"
    )


def _settings(graph: Path, text: str, rate: float) -> Settings:
    """Steps that suit a text of this length."""
    from nextword.runtime.learning.training_file import TrainingFile

    is_stream = TrainingFile(graph).context is None
    words = len(text.split())
    streams = min(max(words // _STREAM, 1), _MOST_STREAMS)
    read = min(max(words // _LEAST_STEPS, 1), _READ)
    return Settings(learning_rate=rate, batch=streams if is_stream else _WINDOWS, words_per_step=read)


def _report(when: str, loss: float) -> None:
    print(f"{when}: perplexity {math.exp(loss):,.2f} on the held-out part", flush=True)


def _parts(path: Path) -> tuple[str, str]:
    """The learned and the held-out part of a text: whole lines, or words if it has few lines.

    **Raises:** `CorpusError` for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; specify a text file") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise CorpusError(f"{path} is not UTF-8 (byte 0x{byte:02x}); convert it to UTF-8") from None
    wanted = int(_LEARNED * len(text))
    place = text.rfind("\n", 0, wanted) + 1
    if place < wanted // 2:
        place = text.rfind(" ", 0, wanted) + 1
    return text[:place], text[place:]
