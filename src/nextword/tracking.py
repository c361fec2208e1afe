"""The progress of a stage: a progress bar on a terminal, occasional lines elsewhere."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import TypeVar

from tqdm import tqdm

_SECONDS = 1.0  # on a terminal: before anything is shown
_QUIET_SECONDS, _LINE_SECONDS = 5.0, 30.0  # elsewhere: before the first line, and between lines

Item = TypeVar("Item")


class Bar(tqdm):  # type: ignore[type-arg]
    """A progress bar on a terminal, without tqdm's thread, which might fail to start."""

    monitor_interval = 0


def track(
    items: Iterable[Item],
    what: str,
    total: int | None,
    size: Callable[[Item], int] = lambda _: 1,
    unit: str = "words",
) -> Iterator[Item]:
    """Passes items on, and shows progress and the time left.

    **Arguments:**

    - `what`: the activity, for example "counting words".
    - `total`: sum of the sizes of all items; `None` if unknown, and then there is no estimate.
    - `size`: of an item, in units.
    """
    started, done = time.monotonic(), 0
    due = started + _QUIET_SECONDS
    # `disable=None` makes tqdm check for a terminal.
    bar = Bar(
        total=total, desc=what, unit=f" {unit}", unit_scale=True, disable=None, leave=False, delay=_SECONDS
    )
    with bar:
        for item in items:
            yield item
            done += size(item)
            bar.update(size(item))
            now = time.monotonic()
            if bar.disable and now >= due:
                due = now + _LINE_SECONDS
                print(f"{what}: {_how_far(done, total, now - started, unit)}", flush=True)


@contextmanager
def phase(what: str) -> Iterator[None]:
    """Names an activity of unknown progress if it takes long."""
    timer = Timer(_SECONDS, lambda: print(f"{what} …", flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def left(seconds: float) -> str:
    """A time to wait, as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def _how_far(done: int, total: int | None, seconds: float, unit: str) -> str:
    if not total or not done:
        return f"{done:,} {unit}"
    return f"{done / total:.0%} of {total:,} {unit}, about {left(seconds * max(0, total - done) / done)} left"
