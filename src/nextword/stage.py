"""How a stage runs: its inputs must not change, its standard output may be closed, and Ctrl-C ends it."""

import _thread
import hashlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from nextword import errors
from nextword.errors import NextwordError, StageError

_CODE = Path(__file__).parent
_NO_MEMORY = re.compile("alloc|out of memory|start new thread", re.IGNORECASE)


def begin() -> None:
    """Lets Ctrl-C end the stage while it imports modules, which takes seconds."""
    errors.leave_on_ctrl_c()


def run(main: Callable[[], None], used: Callable[[], Sequence[object]]) -> int:
    """Runs a stage as `errors.run` does, and checks that DVC's lock file will be correct.

    A stage continues if its standard output is closed. It ends with an error if there is not enough
    memory, or if its params, inputs or code changed while it ran, since the lock file would describe the
    changed ones.

    **Arguments:**

    - `main`: the stage.
    - `used`: returns what it uses, read afresh: params, and the paths of its inputs.

    **Returns:** the exit status, as from `errors.run`.
    """
    sys.stdout = cast("TextIO", _Unheard(sys.stdout))

    lost: list[BaseException] = []  # errors in threads, such as TensorBoard's, which writes its own files
    threading.excepthook = lambda thread: lost.append(thread.exc_value or RuntimeError("a thread has failed"))

    def work() -> None:
        code = {path: _digest(path) for path in (*_CODE.rglob("*.py"), Path(sys.argv[0]).resolve())}
        before = [_state(one) for one in used()]
        _within_memory(main)
        for error in lost:
            raise error
        files = {
            Path(getattr(module, "__file__", None) or ".").resolve() for module in [*sys.modules.values()]
        }
        changed = [_name(one) for one, state in zip(used(), before, strict=True) if _state(one) != state]
        changed += [
            _name(path)
            for path, digest in code.items()
            if path.resolve() in files and _digest(path) != digest
        ]
        if changed:
            raise StageError(f"{', '.join(changed)} changed while the stage ran; run `dvc repro` again")

    def interruptible() -> None:
        _hear_ctrl_c()
        try:
            work()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt

    return errors.run(interruptible)


def _hear_ctrl_c() -> None:
    """Makes Ctrl-C an exception that no library swallows."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Python can only report an exception in a destructor or a callback, so Ctrl-C is sent again.
    sys.unraisablehook = lambda lost: (
        _thread.interrupt_main() if lost.exc_type is KeyboardInterrupt else sys.__unraisablehook__(lost)
    )


def _within_memory(main: Callable[[], None]) -> None:
    """Runs a stage; too little memory is an error of one line."""
    try:
        main()
    except (NextwordError, OSError):
        raise
    except Exception as error:  # from Python, PyTorch or onnxruntime
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
    else:
        return
    raise StageError(
        "not enough memory; free some, or lower train.batch, train.hidden, train.embedding or "
        "prepare.max_words in params.yaml"
    )


def _state(used: object) -> object:
    """A comparable state: params themselves, or size and time of a file, or of each file in a folder."""
    if not isinstance(used, Path):
        return used
    files = [used] if used.is_file() else sorted(one for one in used.rglob("*") if one.is_file())
    return [(str(one), stat.st_size, stat.st_mtime_ns) for one in files for stat in [one.stat()]]


def _name(used: object) -> str:
    return os.path.relpath(used) if isinstance(used, Path) else "params.yaml"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


class _Unheard:
    """A stream that keeps working after its reader has ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._point_at_nothing()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._point_at_nothing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _point_at_nothing(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
