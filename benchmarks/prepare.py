"""Preparing a text of any size: time and peak memory, compared with the `tokenizers` library.

    pip install tokenizers
    python benchmarks/prepare.py TEXT [--megabytes 10 100 1000]

The lines of TEXT are repeated in random order up to each size. Ours is the prepare stage with
`split_by: words`, a dictionary of 10,000 words and a tenth held out. Theirs splits and counts the same file
by the same rule (a regular expression), but writes no ids. Each runs in its own process.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from edge import LAUNCH, table
from generation import ROOT

OURS = """
import json, sys
from pathlib import Path
from nextword.prepare import preparation
from nextword.params import PrepareParams
params = PrepareParams(
    text=sys.argv[1], split_by="words", lowercase=False, line_ends=False, max_words=10_000, min_count=1,
    held_out=0.1, validation=None, test=None,
)
print(len(preparation.prepare(params, Path(sys.argv[1]).parent / "prepared").ids))
"""
THEIRS = """
import sys
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
tokenizer.normalizer = normalizers.NFC()
rule = r"[\\\\w\\\\p{M}]+(?:['’\\\\-][\\\\w\\\\p{M}]+)*|[^\\\\s\\\\w]"
tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(rule), "removed", invert=True)
trainer = trainers.WordLevelTrainer(vocab_size=10_000, special_tokens=["<unk>"], show_progress=False)
tokenizer.train([sys.argv[1]], trainer)
"""


def write(lines: list[str], path: Path, megabytes: int) -> None:
    """Writes a text of the given number of megabytes, with its lines in random order."""
    order = random.Random(0)
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < 1e6 * megabytes:
            order.shuffle(lines)
            for line in lines:
                written += file.write(line)
                if written >= 1e6 * megabytes:
                    break


def measure(program: str, path: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds, megabytes = done.stderr.split()
    return float(milliseconds) / 1000, float(megabytes)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Time and memory of preparing a text.")
    parser.add_argument("text", help="a UTF-8 text file with many lines")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 1000])
    arguments = parser.parse_args()
    lines = Path(arguments.text).read_text(encoding="utf-8").splitlines(keepends=True)
    rows = []
    for megabytes in arguments.megabytes:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "text.txt"
            write(lines, path, megabytes)
            row = [f"{megabytes:,}"]
            for program in (OURS, THEIRS):
                seconds, peak = measure(program, path)
                row += [f"{seconds:.1f}", f"{megabytes / seconds:.1f}", f"{peak:.0f}"]
            report = json.loads((Path(directory) / "prepared" / "report.json").read_text(encoding="utf-8"))
            row.append(f"{sum(part['words'] for part in report['parts'].values()):,}")
            rows.append(row)
    columns = ["MB", "ours, s", "MB/s", "peak MB", "`tokenizers`, s", "MB/s", "peak MB", "words"]
    table("Preparing a text", columns, rows)


if __name__ == "__main__":
    main()
