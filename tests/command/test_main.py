import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import SUBWORDS, WORDS, export, make_network, make_wordy_network

from nextword import Generator, Sampling
from nextword.text.subwords import SubwordDictionary

COMMAND = [sys.executable, "-c", "from nextword.command.main import main; main()"]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("cli") / "m.onnx", make_network(seed=4))


def nextword(*arguments: str | Path, stdin: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=60, check=False)


def test_generate_prints_prompt_and_continuation(model_file: Path) -> None:
    done = nextword("generate", "the cat", "--words", "5", "--model", model_file)
    assert done.returncode == 0
    assert done.stdout.decode() == Generator.load(model_file).generate("the cat", 5) + "\n"
    assert done.stderr == b""


def test_a_pipe_has_one_prompt_per_line(model_file: Path) -> None:
    done = nextword("generate", "--words", "3", "--model", model_file, stdin="the cat\r\n\nüber\n")
    generator = Generator.load(model_file)
    assert done.stdout.decode().splitlines() == [generator.generate(text, 3) for text in ("the cat", "über")]


def test_json_is_one_object_per_line(model_file: Path) -> None:
    generator = Generator.load(model_file)
    lines = ["über the cat ran", "the bell ran ."]
    expected: dict[str, list[object]] = {"generate": [], "suggest": [], "score": []}
    for text in lines:
        whole, score = generator.generate(text), generator.score(text)
        expected["generate"].append({"prompt": text, "continuation": whole.removeprefix(text), "text": whole})
        expected["suggest"].append(
            {
                "prompt": text,
                "suggestions": [{"word": word, "probability": p} for word, p in generator.suggest(text)],
            }
        )
        expected["score"].append(
            {
                "text": text,
                "log_probability": score.log_probability,
                "perplexity": score.perplexity,
                "per_word": [{"word": word, "log_probability": p} for word, p in score.per_word],
            }
        )
    for command, objects in expected.items():
        done = nextword(command, "--json", "--model", model_file, stdin="\n".join(lines))
        assert [json.loads(line) for line in done.stdout.decode().splitlines()] == objects
    assert "über" in done.stdout.decode()  # readable, not escaped


def test_suggest_and_score_print_readable_tables(model_file: Path) -> None:
    done = nextword("suggest", "the cat", "-n", "2", "--model", model_file)
    assert re.fullmatch(r"( *\d+\.\d{4}%  \S+\n){2}", done.stdout.decode())
    done = nextword("score", "the cat ran . the", "--model", model_file)
    assert re.fullmatch(
        r"( *\d+\.\d{4}%  \S+\n){2}log-probability -\d+\.\d{4}, perplexity \d+\.\d{4}\n", done.stdout.decode()
    )


def test_suggest_says_so_if_nothing_is_suggested(tmp_path: Path) -> None:
    network = make_wordy_network(None)
    with torch.no_grad():
        network.logits.bias[
            [id for id, begins in enumerate(SubwordDictionary(SUBWORDS).begins) if begins]
        ] -= 99
    model = export(tmp_path / "m.onnx", network, SUBWORDS, split_by="subwords", context=None)
    done = nextword("suggest", "the " + "e" * 10_000, "--model", model)
    assert done.stdout == b""
    assert done.stderr.decode() == "nothing is suggested: no word begins like the last one\n"
    done = nextword("suggest", "--json", "the " + "e" * 10_000, "--model", model)
    assert json.loads(done.stdout)["suggestions"] == []


def test_sampling_options_are_those_of_the_library(model_file: Path) -> None:
    options = "--temperature 1.5 --top-k 5 --top-p 0.9 --seed 7 --repetition-penalty 1.2 "
    options += "--repetition-window 4 --no-repeat-ngram 3 --ban cat --ban ran --stop never --min-words 2"
    done = nextword("generate", "the mouse", *options.split(), "--model", model_file)
    sampling = Sampling(1.5, 5, 0.9, 7, 1.2, 4, 3, ["cat", "ran"], ["never"], 2)
    assert done.stdout.decode() == Generator.load(model_file).generate("the mouse", 32, sampling) + "\n"


def test_each_sample_is_a_line(model_file: Path) -> None:
    options = ["--samples", "3", "--words", "4", "--temperature", "2", "--seed", "1", "--model"]
    expected = Generator.load(model_file).samples("the", 3, 4, Sampling(temperature=2, seed=1))
    assert nextword("generate", "the", *options, model_file).stdout.decode().splitlines() == expected
    objects = [
        json.loads(line)
        for line in nextword("generate", "the", "--json", *options, model_file).stdout.splitlines()
    ]
    assert [one["text"] for one in objects] == expected


def test_evaluate_shows_how_good_a_model_is_on_a_text_file(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the cat ran . the mouse said ,\nthe bell ran", encoding="utf-8")
    found = Generator.load(model_file).evaluate(path)
    done = nextword("evaluate", path, "--model", model_file)
    assert f"perplexity        {found.perplexity:.4f}\n" in done.stdout.decode()
    assert f"keystrokes saved  {found.keystrokes_saved:.3%}\n" in done.stdout.decode()
    machine = json.loads(nextword("evaluate", path, "--json", "--model", model_file).stdout)
    assert machine["words"] == found.words == 8
    assert machine["keystrokes_saved"] == found.keystrokes_saved


def test_figures_of_an_impossible_text_are_valid_json(tmp_path: Path) -> None:
    network, path = make_network(seed=4), tmp_path / "text.txt"
    with torch.no_grad():
        network.logits.bias[WORDS.index("bell")] = 60_000
    model = export(tmp_path / "m.onnx", network)
    path.write_text("the cat ran . the mouse said", encoding="utf-8")
    for command in (["score", path.read_text(encoding="utf-8")], ["evaluate", path]):
        done = nextword(*command, "--json", "--model", model)
        assert done.returncode == 0

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        assert json.loads(done.stdout, parse_constant=refuse)["perplexity"] > 1e300


def test_info_shows_the_model_and_what_it_achieves(tmp_path: Path) -> None:
    metrics = {
        "model": {"accuracy": 0.5, "perplexity": 3.25},
        "best_possible": {"accuracy": 0.75, "perplexity": 2.0},
    }
    path = export(tmp_path / "m.onnx", make_network(), metrics=metrics)
    shown = nextword("info", "--model", path).stdout.decode()
    for part in (
        "LSTM, 2 x 8, reads the last 3 words",
        "12 words",
        "50.000% on its own text; at best 75.000%",
    ):
        assert part in shown
    assert "3.2500 on its own text; at best 2.0000" in shown
    machine = json.loads(nextword("info", "--json", "--model", path).stdout)
    assert machine["dictionary"] == WORDS
    assert machine["bytes"] == path.stat().st_size


def test_info_of_an_unbounded_model_without_metrics(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network(), context=None)
    assert "reads every word before" in nextword("info", "--model", path).stdout.decode()


def test_the_command_shows_words_for_a_model_of_subwords(tmp_path: Path) -> None:
    path = export(
        tmp_path / "m.onnx",
        make_wordy_network(None),
        SUBWORDS,
        split_by="subwords",
        line_ends=True,
        context=None,
    )
    shown = nextword("info", "--model", path).stdout.decode()
    assert "reads every subword before" in shown
    assert f"{len(SUBWORDS)} subwords, split by subwords, each line end <eos>" in shown
    suggested = nextword("suggest", "the cat mous", "--model", path).stdout.decode()
    assert [line.split()[1][:4] for line in suggested.splitlines()] == ["mous"] * 3
    scored = nextword("score", "--json", "the mouses mé", "--model", path).stdout
    assert [row["word"] for row in json.loads(scored)["per_word"]] == ["mouses", "mé"]
    assert nextword("generate", "the", "--words", "3", "--model", path).stdout.decode().startswith("the")


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["generate", "the mouze"], b"", "'mouze' is not in the dictionary; nearest: mouse"),
        (["generate", ""], b"", "the text has no words; give at least one"),
        (["generate", "the", "--words", "0"], b"", "words must be from 1 to 1,000,000; got 0"),
        (["generate", "the", "--words", "-3"], b"", "words must be from 1 to 1,000,000; got -3"),
        (["generate", "the", "--words", "9999999"], b"", "got 9,999,999"),
        (["generate", "the", "--words", "many"], b"", "invalid int value: 'many'; see nextword generate"),
        (["suggest", "the", "-n", "99"], b"", "n must be from 1 to 12; got 99"),
        (["score", "the"], b"", "give at least 4"),
        (["generate"], b"", "standard input has no text"),
        (["generate"], b"\n \n", "standard input has no text"),
        (["generate"], b"the\nmouze\n", "line 2: 'mouze' is not in the dictionary"),
        (["generate"], b"the\n\xff\n", "line 2 is not UTF-8 (byte 0xff)"),
        (["generate", os.fsdecode(b"caf\xe9")], b"", "is not in the dictionary"),
        (["generate", "the", "--top-k", "3"], b"", "top_k has no effect without a temperature above 0"),
        (["generate", "the", "--temperature", "-1"], b"", "temperature must be from 0 to 100; got -1"),
        (["generate", "the", "--samples", "2"], b"", "all samples are the same"),
        (["generate", "the", "--ban", "mouze"], b"", "'mouze' is not in the dictionary; nearest: mouse"),
        (["suggest", "the qu"], b"", "'qu' is not in the dictionary"),
        (["evaluate", "none.txt"], b"", "none.txt: No such file or directory; specify a text file"),
        (
            ["evaluate", os.devnull],
            b"",
            f"{os.devnull} is not a regular file; specify a text file, or /dev/stdin",
        ),
        (["evaluate", "/dev/stdin"], b"", "the text has too few words to evaluate"),
        (["evaluate", "none.txt", "--cache-size", "9"], b"", "no effect without each other; give both"),
        (["generate", "the", "--samples", "0"], b"", "samples must be from 1 to 1,024; got 0"),
        (["generate", "the", "--words", "9" * 4000], b"", "got a number of about 4,001 digits"),
        (["generate", "the", "--words", "9" * 5000], b"", "argument --words: invalid int value: '999"),
        (["generate", "the", "--temperature", "nan"], b"", "temperature must be from 0 to 100; got nan"),
        (["generate", "x" * 9000], b"", "x…' is not in the dictionary"),
        (["info", "-m", "/dev/zero"], b"", "/dev/zero is not a regular file; specify a model file"),
        (["info", "-m", "m" * 5000], b"", "m: File name too long; specify a model file that can be read"),
        (["frobnicate"], b"", "invalid choice: 'frobnicate'"),
        ([], b"", "required: COMMAND; see nextword --help"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    model_file: Path, arguments: list[str], stdin: bytes, message: str
) -> None:
    has_model = not arguments or arguments[0] == "frobnicate" or "-m" in arguments
    model = [] if has_model else ["--model", str(model_file)]
    done = nextword(*arguments, *model, stdin=stdin)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
    assert len(done.stderr) < 500


@pytest.mark.parametrize(
    ("closed", "message"),
    [
        ("info >&-", "error: standard output is closed; connect it to a terminal, a file or a pipe\n"),
        ("info >/dev/full", "error: No space left on device\n"),
        ("generate <&-", "error: standard input is closed; give a text as an argument\n"),
        ("generate mouze 2>&-", ""),
        ("generate mouze 2>/dev/full", ""),
    ],
)
def test_closed_and_full_descriptors_are_errors(model_file: Path, closed: str, message: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" "$@" {closed} -m "$M"', *COMMAND],
        env=os.environ | {"M": str(model_file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_a_model_file_that_cannot_be_loaded_is_one_line(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "cut.onnx").write_bytes(model_file.read_bytes()[:-500])
    (tmp_path / "foreign.onnx").write_text("hello")
    for name in ("missing", "empty", "cut", "foreign"):
        done = nextword("info", "--model", tmp_path / f"{name}.onnx")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {tmp_path}/{name}.onnx".encode())
        assert done.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_early_is_not_an_error(model_file: Path) -> None:
    command = [*COMMAND, "generate", "the cat", "--words", "100000", "--model", str(model_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(7) == b"the cat"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


# If a shell starts the tests in the background, they and the command ignore Ctrl-C.
HEEDS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "


def converse(model_file: Path, typed: list[bytes]) -> tuple[int, str]:
    """Types lines at the command's prompts on a terminal; returns exit status and screen."""
    command, terminal = pty.openpty()
    python, option, program = COMMAND
    process = subprocess.Popen(
        [python, option, HEEDS_CTRL_C + program, "generate", "--words", "3", "--model", str(model_file)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    try:
        screen = b""
        for line in typed:
            asked = screen.count(b"prompt: ")
            while screen.count(b"prompt: ") == asked:
                piece = read_screen(command)
                assert piece, f"the command left after {screen.decode()!r}"
                screen += piece
            if line == b"\x03":
                interrupt(process)
            else:
                os.write(command, line)
        while piece := read_screen(command):
            screen += piece
        return process.wait(30), screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(command)


def read_screen(command: int) -> bytes:
    """The next output on the screen; empty once the command has ended."""
    ready, _, _ = select.select([command], [], [], 60)
    assert ready, "the command is silent"
    try:
        return os.read(command, 1024)
    except OSError:  # the command has closed the terminal
        return b""


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Presses Ctrl-C until it works: Python's `input` misses it between its prompt and its read."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
            return


def test_on_a_terminal_it_asks_until_ctrl_d(model_file: Path) -> None:
    status, screen = converse(model_file, [b"the cat\n", b"the mouze\n", b"ran\n", b"\x04"])
    generator = Generator.load(model_file)
    assert generator.generate("the cat", 3) in screen
    assert "error: 'mouze' is not in the dictionary; nearest: mouse" in screen
    assert generator.generate("ran", 3) in screen
    assert status == 0


def test_ctrl_c_leaves_with_130(model_file: Path) -> None:
    status, screen = converse(model_file, [b"\x03"])
    assert status == 130
    assert "Traceback" not in screen


def test_ctrl_c_while_the_command_imports_leaves_with_130(tmp_path: Path) -> None:
    # A slow import that catches all exceptions.
    (tmp_path / "onnxruntime.py").write_text(
        "import time\nprint('imports', flush=True)\ntry: time.sleep(60)\nexcept BaseException: pass\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    python, option, program = COMMAND
    with subprocess.Popen(
        [python, option, HEEDS_CTRL_C + program, "info"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"imports\n"
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert (process.returncode, complaint) == (130, b"interrupted\n")


def test_a_terminal_shows_control_characters_of_a_dictionary_escaped(tmp_path: Path) -> None:
    words = [f"{word}\x1b[2J" if word != "the" else word for word in WORDS]
    path = export(tmp_path / "m.onnx", make_network(seed=4), words)
    _, screen = converse(path, [b"the\n", b"mouze\n", b"\x04"])
    assert "\\x1b[2J" in screen
    assert "\x1b[2J" not in screen
    text = Generator.load(path).generate("the", 3)
    assert nextword("generate", "the", "--words", "3", "-m", path).stdout.decode() == f"{text}\n"


def test_metrics_of_an_unexpected_shape_are_left_out(tmp_path: Path) -> None:
    metrics = {
        "model": {"accuracy": "high"},
        "best_possible": {"accuracy": 10**999},
        "test": {"model": {"perplexity": 2.5}},
    }
    path = export(tmp_path / "m.onnx", make_network(), metrics=metrics)
    done = nextword("info", "-m", path)
    assert "accuracy" not in done.stdout.decode()
    assert "perplexity  2.5000 on text that it has not seen\n" in done.stdout.decode()
    assert f"{path.stat().st_size / 1e3:.1f} kB\n" in done.stdout.decode()


def test_help_shows_examples_without_loading_onnxruntime() -> None:
    program = "import sys; from nextword.command.main import main\ntry: main()\n"
    program += "finally: print('onnxruntime' in sys.modules)"
    for arguments, example in {
        ("--help",): 'nextword generate "long ago ,"',
        ("suggest", "--help"): "example: nextword suggest",
    }.items():
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert example in done.stdout
        assert done.stdout.endswith("False\n")


def test_a_confident_model_shows_its_probability(tmp_path: Path) -> None:
    model = make_network()
    with torch.no_grad():
        model.logits.bias[4] = 1e4
    path = export(tmp_path / "m.onnx", model)
    assert nextword("suggest", "the", "-n", "1", "--model", path).stdout == b"100.0000%  cat\n"
