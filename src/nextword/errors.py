"""All errors that a user can cause, one class each, and how a program reports them.

A message is one line that says what is wrong and what to do about it.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_MOST_QUOTED = 100  # characters
_MOST_SAID = 500


class NextwordError(Exception):
    """Base of all errors that this package raises on purpose.

    A message that quotes its input, and is far too long for a line, loses its middle.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_shortened(message))


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
    """A keyboard's setting is not allowed, or what it saved cannot be read."""


class ModelFileError(NextwordError):
    """A model file is missing, damaged, or not one of ours."""


class PictureError(NextwordError):
    """A picture cannot be drawn: the extra `[plot]` is missing, or the file's name has another ending."""


class OutputError(NextwordError):
    """A file cannot be written under the name given for it."""


class StageError(NextwordError):
    """A stage cannot finish: an input is damaged or has changed, or there is not enough memory."""


class TrainingError(NextwordError):
    """Training cannot continue: the loss or a weight is not a finite number."""


class ParityError(NextwordError):
    """The exported file does not compute what the trained model computes."""


def quoted(text: str) -> str:
    """A text as a message shows it: quoted, escaped and, if long, cut."""
    return repr(text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…")


def run(main: Callable[[], None]) -> int:
    """Runs a program and reports an error as one line on standard error.

    **Arguments:**

    - `main`: the program.

    **Returns:** the exit status: 0, or 2 for an error that the user can fix, or 130 after Ctrl-C.
    """
    try:
        main()
        if sys.stdout:  # it may be closed
            sys.stdout.flush()
    except BrokenPipeError:
        _hush()  # the reader has ended (`nextword generate | head`)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except NextwordError as error:
        say(f"error: {error}")
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"error: {where}{error.strerror or error}")
        _hush()
        return 2
    return 0


def leave_on_ctrl_c() -> None:
    """Lets Ctrl-C end the process at once, with one line, while it imports modules.

    An imported module might catch an exception, and nothing has been written that needs cleaning up. If
    Ctrl-C is ignored, it remains so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


def say(message: str) -> None:
    """Prints one line on standard error, if it is open.

    Control characters are escaped, and a message that is far too long loses its middle.
    """
    line = "".join(_escaped(character) for character in " ".join(_shortened(message).split()))
    with contextlib.suppress(OSError):
        if sys.stderr:
            print(line, file=sys.stderr)


def _escaped(character: str) -> str:
    return f"\\x{ord(character):02x}" if character < " " or "\x7f" <= character < "\xa0" else character


def _shortened(message: str) -> str:
    if len(message) <= _MOST_SAID:
        return message
    return f"{message[:_MOST_QUOTED]} … {message[-_MOST_QUOTED:]}"


def _hush() -> None:
    """Points standard output at the null device, so that Python's flush at exit does not fail again."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        sys.stdout.flush()
        return
    with contextlib.suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
