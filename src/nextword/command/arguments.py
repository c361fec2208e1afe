"""The arguments of the `nextword` command, and their help."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from nextword import __version__
from nextword.errors import ModelFileError, NextwordError
from nextword.runtime.learning import LEARNING_RATE

KNOBS = (
    "temperature",
    "top_k",
    "top_p",
    "seed",
    "repetition_penalty",
    "repetition_window",
    "no_repeat_ngram",
    "banned",
    "stop",
    "min_words",
)

_EXAMPLES = """\
examples:
  nextword generate "long ago ,"           continue a text with 32 more words
  nextword generate                        ask for prompts; Ctrl-D quits
  nextword generate < prompts.txt          continue each line of a file
  nextword suggest "the old" -n 5          the likeliest next words
  nextword suggest "the old mo"            completions of a half-typed word
  nextword score --json < sentences.txt    how likely each line is, for scripts
  nextword evaluate book.txt               perplexity and keystrokes saved on a whole text
  nextword explain MODEL "the old mouse"   which word mattered; --output FILE.svg draws the gates
  nextword learn MODEL mine.txt -o my.onnx train a model further on your own text
  nextword type                            write with suggestions and corrections, as on a phone
  nextword info --model my.onnx            what a model file contains

exit status: 0, or 2 after an error (one line on standard error), or 130 after Ctrl-C
"""


def parse() -> argparse.Namespace:
    """The arguments of this process.

    **Raises:** `NextwordError` for invalid arguments.
    """
    return _parser().parse_args()


def existing(model: str) -> Path:
    """The path of a model file that is an argument of its own, not of `--model`.

    **Raises:** `ModelFileError` if there is none.
    """
    if not os.path.exists(model):  # noqa: PTH110 (Path.exists() raises for names that are too long)
        raise ModelFileError(f"{model}: no such model file; give the name of another")
    return Path(model)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        raise NextwordError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nextword",
        description="Continue a text with a next-word model from one .onnx file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nextword {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    common = _Parser(add_help=False)
    common.add_argument(
        "-m",
        "--model",
        default="models/nextword.onnx",
        metavar="FILE",
        help="model file (default: %(default)s)",
    )
    for_scripts = _Parser(add_help=False)
    for_scripts.add_argument(
        "--json", action="store_true", help="print one JSON object per line, for scripts"
    )

    def add(
        name: str, help: str, text: str, example: str, is_for_scripts: bool = True
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog=f"example: {example}",
            parents=[common, for_scripts] if is_for_scripts else [common],
        )
        if text:
            command.add_argument(
                "text",
                nargs="?",
                metavar=text,
                help="default: each line of standard input, or ask on a terminal",
            )
        return command

    _add_knobs(
        add(
            "generate",
            "continue a text",
            "PROMPT",
            'nextword generate "long ago ," --words 10 --temperature 0.8 --top-k 5 --seed 7',
        )
    )
    suggest = add(
        "suggest",
        "list the likeliest next words, or completions of a half-typed last one",
        "PROMPT",
        'nextword suggest "the cat ." -n 2',
    )
    suggest.add_argument(
        "-n", type=int, default=3, metavar="N", help="number of suggestions (default: %(default)s)"
    )
    add(
        "score",
        "show the probability of each word of a text, and the text's perplexity",
        "TEXT",
        'nextword score "some said this , and"',
    )
    evaluate = add(
        "evaluate",
        "show perplexity, accuracy and keystrokes saved on a text file of any length",
        "",
        "nextword evaluate data/story.txt",
    )
    evaluate.add_argument("file", metavar="FILE", help="a UTF-8 text file")
    evaluate.add_argument(
        "--cache-size", type=int, default=0, metavar="N", help="words that a neural cache remembers"
    )
    evaluate.add_argument(
        "--cache-weight", type=float, default=0.0, metavar="X", help="the cache's share of the probability"
    )
    evaluate.add_argument(
        "--training-graph",
        metavar="FILE",
        help="learn from the text while it is read (dynamic evaluation), with this training graph",
    )
    evaluate.add_argument(
        "--learning-rate",
        type=float,
        default=LEARNING_RATE,
        metavar="X",
        help="learning rate of dynamic evaluation (default: %(default)s)",
    )
    evaluate.add_argument(
        "--typing",
        action="store_true",
        help="also type the text with one letter in twenty wrong, and measure suggestions and corrections",
    )
    _add_keyboard(
        add(
            "type",
            "write on a terminal with suggestions and corrections, as on a phone",
            "",
            "nextword type --learned mine.json",
            is_for_scripts=False,
        )
    )
    explain = commands.add_parser(
        "explain",
        help="show which earlier word mattered, and draw the gates of each unit",
        description="Show which earlier word mattered for the next one, and draw the gates of each unit.",
        epilog='example: nextword explain models/nextword.onnx "the old mouse said" --output gates.svg',
    )
    explain.add_argument("model", metavar="MODEL", help="model file")
    explain.add_argument("text", metavar="TEXT", help="at least two words")
    explain.add_argument("--output", metavar="FILE", help="SVG file to write; needs the extra [plot]")
    explain.add_argument("--json", action="store_true", help="print one JSON object, for scripts")
    learn = commands.add_parser(
        "learn",
        help="train a model further on your own text, and write another model file",
        description="Train a model further on your own text, without PyTorch, and write another model file. "
        "About a tenth of the text is held out: learning stops when the model no longer improves on it. "
        "Ctrl-C stops it too, and still writes the best weights so far if they are better than the model's; "
        "a second Ctrl-C writes nothing.",
        epilog="example: nextword learn models/nextword.onnx letters.txt -o mine.onnx",
    )
    learn.add_argument("model", metavar="MODEL", help="model file in float16, such as nextword.onnx")
    learn.add_argument("file", metavar="TEXT", help="a UTF-8 text file")
    learn.add_argument("-o", "--output", required=True, metavar="FILE", help="model file to write")
    learn.add_argument(
        "--training-graph", metavar="FILE", help="training graph (default: nextword.train.onnx next to MODEL)"
    )
    learn.add_argument(
        "--learning-rate",
        type=float,
        default=1e-3,
        metavar="X",
        help="learning rate of AdamW (default: %(default)s)",
    )
    learn.add_argument(
        "--epochs", type=int, default=20, metavar="N", help="at most N epochs (default: %(default)s)"
    )
    add("info", "show what a model file contains", "", "nextword info --json")
    return parser


def _add_keyboard(command: argparse.ArgumentParser) -> None:
    """The options of `type`."""
    command.add_argument("--learned", metavar="FILE", help="file for what is learned; created if missing")
    command.add_argument(
        "--layout",
        default="qwerty",
        metavar="NAME",
        help="qwerty, qwertz, azerty or dvorak (default: %(default)s)",
    )
    command.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="FILE",
        help="model file of another language; may be repeated",
    )


def _add_knobs(generate: argparse.ArgumentParser) -> None:
    """The options of `generate`; their defaults are those of `Sampling`."""
    generate.add_argument(
        "--words", type=int, default=32, metavar="N", help="words to add (default: %(default)s)"
    )
    generate.add_argument("--samples", type=int, metavar="N", help="print N continuations, one per line")
    knobs = generate.add_argument_group("how words are picked (default: always the likeliest)")
    knobs.add_argument("--temperature", type=float, metavar="X", help="sample words; higher is more random")
    knobs.add_argument("--top-k", type=int, metavar="N", help="sample from the N likeliest words")
    knobs.add_argument(
        "--top-p", type=float, metavar="X", help="sample from the fewest words whose probabilities reach X"
    )
    knobs.add_argument("--seed", type=int, metavar="N", help="the same seed picks the same words")
    knobs.add_argument(
        "--repetition-penalty", type=float, metavar="X", help="above 1: recent words become less likely"
    )
    knobs.add_argument(
        "--repetition-window", type=int, metavar="N", help="how many words count as recent (default: 64)"
    )
    knobs.add_argument("--no-repeat-ngram", type=int, metavar="N", help="never repeat a run of N words")
    knobs.add_argument(
        "--ban", dest="banned", action="append", metavar="WORD", help="never write WORD; may be repeated"
    )
    knobs.add_argument("--stop", action="append", metavar="STRING", help="end before STRING; may be repeated")
    knobs.add_argument("--min-words", type=int, metavar="N", help="write N words before a stop counts")
