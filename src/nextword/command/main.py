"""The `nextword` command: a model file on the command line, in a pipe, or in conversation.

Nothing slow is imported before Ctrl-C is handled.
"""

import signal
import sys
from typing import TYPE_CHECKING

from nextword import errors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import TextIO

    from nextword.runtime.generator import Generator


def main() -> None:
    """Runs the command and exits."""
    errors.leave_on_ctrl_c()
    status = errors.run(_main)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sys.exit(status)


def _main() -> None:
    from nextword.command import arguments as command_line

    if sys.stdout is None:
        raise errors.NextwordError("standard output is closed; connect it to a terminal, a file or a pipe")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # the same bytes on every platform
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = command_line.parse()
    # Imported here, because onnxruntime takes longer to import than --help may take.
    from nextword.runtime.generator import Generator

    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if arguments.command == "explain":
        from nextword.command import explaining

        explaining.run(arguments)
        return
    if arguments.command == "learn":
        from nextword.command import learning

        learning.run(arguments)
        return
    generator = Generator.load(arguments.model)
    _serve(generator, arguments)


def _serve(generator: "Generator", arguments: "argparse.Namespace") -> None:
    from nextword.command import answers, typing

    if arguments.command == "info":
        answers.info(generator, arguments)
    elif arguments.command == "evaluate":
        answers.evaluate(generator, arguments)
    elif arguments.command == "type":
        typing.run(generator, arguments)
    elif arguments.text is not None:
        answers.answer(generator, arguments.text, arguments)
    elif sys.stdin is None:
        raise errors.PromptError("standard input is closed; give a text as an argument")
    elif sys.stdin.isatty():
        _converse(generator, arguments)
    else:
        for number, text in _lines(sys.stdin):
            try:
                answers.answer(generator, text, arguments)
            except errors.NextwordError as error:
                raise errors.NextwordError(f"line {number}: {error}") from None


def _converse(generator: "Generator", arguments: "argparse.Namespace") -> None:
    """Asks for texts until Ctrl-D, even after an error."""
    from nextword.command import answers

    while True:
        try:
            text = input("prompt: ")
        except EOFError:
            print()
            return
        try:
            answers.answer(generator, text, arguments)
        except errors.NextwordError as error:
            errors.say(f"error: {error}")


def _lines(file: "TextIO") -> "Iterator[tuple[int, str]]":
    """The non-blank lines of a pipe, with their numbers."""
    number = blank = 0
    for number, line in enumerate(file.buffer, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise errors.PromptError(
                f"line {number} is not UTF-8 (byte 0x{byte:02x}); convert it to UTF-8"
            ) from None
        if text.strip():
            yield number, text
        else:
            blank += 1
    if number == blank:
        raise errors.PromptError("standard input has no text; give one text per line, or one as an argument")
