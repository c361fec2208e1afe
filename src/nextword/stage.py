"""How a stage runs: what it read must not change meanwhile, and nobody has to listen to it."""

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from nextword import errors
from nextword.errors import StageError

_CODE = Path(__file__).parent


def run(main: Callable[[], None], used: Callable[[], Sequence[object]]) -> int:
    """Runs a stage as `errors.run` does, and checks that DVC's lock will tell the truth of it.

    That its standard output is closed is no reason for a stage to stop. It ends with an error if its
    params, its inputs or its code have changed while it ran, since the lock would speak of those.

    **Arguments:**

    - `main`: the stage.
    - `used`: gives what it uses, read anew: params, and the paths of its inputs.

    **Returns:** the exit status, as of `errors.run`.
    """
    sys.stdout = cast("TextIO", _Unheard(sys.stdout))

    def checked() -> None:
        code = {path: _digest(path) for path in (*_CODE.rglob("*.py"), Path(sys.argv[0]).resolve())}
        before = [_state(one) for one in used()]
        main()
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

    return errors.run(checked)


def _state(used: object) -> object:
    """What can be compared: params as they are; size and time of a file, or of each in a folder."""
    if not isinstance(used, Path):
        return used
    files = [used] if used.is_file() else sorted(one for one in used.rglob("*") if one.is_file())
    return [(str(one), stat.st_size, stat.st_mtime_ns) for one in files for stat in [one.stat()]]


def _name(used: object) -> str:
    return os.path.relpath(used) if isinstance(used, Path) else "params.yaml"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


class _Unheard:
    """A stream that goes on when its reader has gone."""

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
