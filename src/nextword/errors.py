"""Everything that a user can get wrong, one class each, and how a program reports it.

A message is one line that says what was wrong and what to do about it.
"""

import os
import sys
from collections.abc import Callable

_MOST_QUOTED = 100  # characters
_MOST_SAID = 600


class NextwordError(Exception):
    """Base of all errors that this package raises on purpose.

    A message that is far too long for a line, since it tells what it was given, loses its middle.
    """

    def __init__(self, message: str = "") -> None:
        if len(message) > _MOST_SAID:
            half = _MOST_QUOTED
            message = f"{message[:half]} … {message[-half:]}"
        super().__init__(message)


class ParamsError(NextwordError):
    """`params.yaml` cannot be read, or a value in it is not allowed."""


class CorpusError(NextwordError):
    """A text cannot be read, or is too short to learn from."""


class UnknownWordError(NextwordError):
    """A word is not in the dictionary, and the dictionary has no `<unk>`.

    **Attributes:** `word`, and `neighbours`, the words of the dictionary that are spelt most alike.
    """

    def __init__(self, word: str, neighbours: list[str]) -> None:
        self.word = word
        self.neighbours = neighbours
        hint = f"; nearest: {', '.join(neighbours)}" if neighbours else ""
        super().__init__(f"{quoted(word)} is not in the dictionary{hint}")


class PromptError(NextwordError):
    """A prompt or a text to score has too few words."""


class CountError(NextwordError):
    """A number of words or suggestions is out of range."""


class SamplingError(NextwordError):
    """A knob of generation is out of range, has no effect, or leaves no word to write."""


class SessionError(NextwordError):
    """A saved session cannot be resumed, or there is nothing to undo."""


class KeyboardError(NextwordError):
    """A setting of a keyboard is not allowed, or what it saved cannot be read."""


class ModelFileError(NextwordError):
    """A model file is missing, damaged, or not one of ours."""


class StageError(NextwordError):
    """What a stage of the pipeline read has changed while it ran."""


class TrainingError(NextwordError):
    """Training cannot go on: the loss or a weight is not a finite number."""


class ParityError(NextwordError):
    """The exported file does not compute what the trained model computes."""


def quoted(text: str) -> str:
    """A text as a message shows it: in quotation marks, escaped, and not all of a long one."""
    return repr(text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…")


def run(main: Callable[[], None]) -> int:
    """Runs a program and turns what went wrong into one line on standard error.

    **Arguments:**

    - `main`: the program.

    **Returns:** the exit status: 0, or 2 for an error that the user can mend, or 130 after Ctrl-C.
    """
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`nextword generate | head`). Python would complain once more when
        # it flushes at exit, so standard output is pointed at nothing first.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except NextwordError as error:
        print(f"error: {_one_line(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {_one_line(f'{where}{error.strerror or error}')}", file=sys.stderr)
        return 2
    return 0


def _one_line(message: str) -> str:
    return " ".join(message.split())
