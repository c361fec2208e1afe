"""Several runs of one script side by side, as many at once as there are processors.

With one thread each, they write what they would write one after the other, in less time.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor


def settings(pairs: Sequence[str]) -> list[list[str]]:
    """`KEY=VALUE,VALUE …` → the pairs `KEY=VALUE` of each run, for all combinations of the values."""
    keys_and_values = [pair.split("=") for pair in pairs]
    choices = [[f"{key}={value}" for value in values.split(",")] for key, values in keys_and_values]
    return [list(choice) for choice in itertools.product(*choices)]


def run(commands: Sequence[Sequence[str]]) -> None:
    """Runs this script with each list of arguments; exits with the status of one that failed."""

    def one(arguments: Sequence[str]) -> int:
        command = [sys.executable, sys.argv[0], *arguments]
        return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False).returncode

    with ThreadPoolExecutor(os.cpu_count()) as processes:
        failed = [status for status in processes.map(one, commands) if status]
    if failed:
        sys.exit(failed[0])
