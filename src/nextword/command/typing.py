"""`nextword type`: a line on a terminal with suggestions below it, as on a phone."""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nextword import outputs
from nextword.errors import KeyboardError

if TYPE_CHECKING:
    from nextword.runtime.generator import Generator
    from nextword.runtime.keyboard.keyboard import Keyboard
    from nextword.runtime.keyboard.suggestion import Suggestion

_ENTER, _TAB, _BACKSPACE, _ESCAPE = "\r\n", "\t", "\x7f\b", "\x1b"
_END = "\x04"  # Ctrl-D
_JOINERS = "\u200c\u200d"  # invisible characters between letters or emoji
_SHOWN = 3  # suggestions
_HELP = "Tab: accept a suggestion; again: the next one. Backspace after a correction: undo it. Ctrl-D: quit."


class Line:
    """The line being written.

    **Arguments:**

    - `keyboard`: suggests and corrects.

    **Attributes:** `text`, and `over`, whether the user has left.
    """

    def __init__(self, keyboard: "Keyboard") -> None:
        self._keyboard = keyboard
        self.text = ""
        self.over = False
        self._before: str | None = None  # the text before the last suggestion or correction
        self._choices: list[Suggestion] = []  # that Tab cycles through
        self._taken = -1  # the choice now in the text
        self._keyboard.update("")

    def press(self, key: str) -> str | None:
        """Handles a key. **Returns:** the line, if it is sent."""
        if key == _END:
            self.over = True
        elif key == _TAB:
            self._take_next()
            return None
        elif key in _ENTER:
            return self._send()
        elif key in _BACKSPACE:
            undone = self._before if self._before is not None else self.text[:-1]
            self._change(undone)
        elif key.isprintable() or key in _JOINERS:
            self._change(self.text + key)
            self._correct()
        return None

    def suggestions(self) -> list["Suggestion"]:
        """The suggestions that can be taken now."""
        return self._choices if self._taken >= 0 else self._found()

    @property
    def taken(self) -> int:
        """The place of the suggestion now in the text, or −1."""
        return self._taken

    def _change(self, text: str) -> None:
        self.text, self._before, self._taken = text, None, -1
        self._keyboard.update(text)

    def _take_next(self) -> None:
        if self._taken < 0:
            self._choices = self._found()
            before = self.text
        else:
            before = self._before or ""
        if self._choices:
            taken = (self._taken + 1) % len(self._choices)
            self._put(before, self._choices[taken])
            self._taken = taken

    def _found(self) -> list["Suggestion"]:
        """What the keyboard suggests, except to end the line, which Enter does."""
        return [one for one in self._keyboard.suggest(2 * _SHOWN) if "\n" not in one.insert][:_SHOWN]

    def _correct(self) -> None:
        """Corrects the word just finished by a blank or a punctuation mark."""
        correction = None if self.text[-1].isalnum() else self._keyboard.correction()
        if correction:
            self._put(self.text, correction)

    def _put(self, before: str, suggestion: "Suggestion") -> None:
        self._change(before[: len(before) - suggestion.replace] + suggestion.insert)
        self._before = before

    def _send(self) -> str:
        sent = self.text
        self._keyboard.update(sent)
        self._keyboard.commit()
        self._change("")
        return sent


def run(generator: "Generator", arguments: argparse.Namespace) -> None:
    """Lets a person type until Ctrl-D; what was learned is kept in a file, if one is named.

    **Raises:** `KeyboardError` if standard input or output is not a terminal; `OutputError` if the file
    cannot be written.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise KeyboardError("`nextword type` needs a terminal; in a pipe, use `nextword suggest`")
    from nextword.runtime.generator import Generator
    from nextword.runtime.keyboard.keyboard import Keyboard

    learned = Path(arguments.learned) if arguments.learned else None
    if learned:
        outputs.check_file(learned)
    saved = learned.read_bytes() if learned and learned.exists() else None
    generators = [generator, *map(Generator.load, arguments.also)]
    keyboard = Keyboard.of(generators, layout=arguments.layout, saved=saved)
    print(_HELP)
    line = Line(keyboard)
    try:
        with _single_keys() as keys:
            _show(line)
            for key in keys:
                sent = line.press(key)
                if sent is not None:
                    sys.stdout.write(f"\r\x1b[J{sent}\n")
                if line.over:
                    break
                _show(line)
    finally:
        sys.stdout.write("\r\x1b[J")
        if learned:
            outputs.write_text(learned, keyboard.save().decode())


def _show(line: Line) -> None:
    width = shutil.get_terminal_size().columns
    below = "   ".join(
        f"[{one.word}]" if place == line.taken else one.word for place, one in enumerate(line.suggestions())
    )
    # The cursor returns to the end of the text; the suggestions are below it.
    shown = line.text[-width + 1 :]
    sys.stdout.write(f"\r\x1b[J{shown}\n{below[: width - 1]}\x1b[1A\r\x1b[{max(len(shown), 1)}C")
    if not shown:
        sys.stdout.write("\r")
    sys.stdout.flush()


@contextlib.contextmanager
def _single_keys() -> Iterator[Iterator[str]]:
    """The keys pressed, each at once; those that send several characters are left out."""
    if sys.platform == "win32":
        import msvcrt

        yield iter(msvcrt.getwch, None)
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _keys()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _keys() -> Iterator[str]:
    while key := sys.stdin.read(1):
        if key == _ESCAPE and sys.stdin.read(1) == "[":
            while not sys.stdin.read(1).isalpha():
                pass
        else:
            yield key
