"""`nextword learn`, from its arguments to the file and what it prints."""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny import SUBWORDS, make_network, make_wordy_network, write_files

from nextword import Generator, errors
from nextword.command import arguments, learning
from nextword.errors import TrainingError
from nextword.runtime.learning.trainer import Learned, Trainer

WORDS = ["the", "mouse", "cat", "ran", "said", ".", "<unk>"]
TEXT = "the mouse ran .\nthe cat said .\n" * 60

Learn = Callable[..., str]


@pytest.fixture
def learn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Learn:
    """Runs the command; what it prints, or its error if `status` is not 0."""

    def run(*given: str | Path, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["nextword", "learn", *map(str, given)])
        found = errors.run(lambda: learning.run(arguments.parse()))
        said = capsys.readouterr()
        assert found == status, said
        return said.out if status == 0 else said.err

    return run


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises `KeyboardInterrupt`, also where a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads streams, with its training graph beside it."""
    network = make_network(len(WORDS), context=None, scale=1.0)
    return write_files(tmp_path_factory.mktemp("model"), network, WORDS, unknown=6)[1]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text that can be learned."""
    path = tmp_path / "mine.txt"
    path.write_text(TEXT)
    return path


def test_it_writes_a_model_that_knows_the_text_better(
    learn: Learn, model: Path, text: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.onnx"
    lines = learn(model, text, "-o", mine, "--learning-rate", "0.02", "--epochs", "4").splitlines()
    assert lines[1].startswith("before learning: perplexity ")
    before, after = (float(line.split()[3].replace(",", "")) for line in (lines[1], lines[-2]))
    assert after < before
    assert lines[-1].startswith(f"{mine}: perplexity ")
    assert (
        Generator.load(mine).score("the mouse ran .").perplexity
        < Generator.load(model).score("the mouse ran .").perplexity
    )


def test_an_error_is_one_line_and_nothing_is_written(
    learn: Learn, model: Path, text: Path, tmp_path: Path
) -> None:
    mine, other = tmp_path / "mine.onnx", tmp_path / "other.txt"
    other.write_text("the mouse ran .\n" * 40 + "cat cat cat cat\n" * 5)
    for given, message in [
        ((model, tmp_path / "none.txt"), "specify a text file"),
        ((model, text, "--learning-rate", "0"), "--learning-rate must be above 0"),
        ((model, text, "--epochs", "0"), "--epochs must be from 1"),
        ((model, other), "did not improve on the last tenth of the text, so nothing was written"),
        ((model, text, "--training-graph", text), "not an ONNX model"),
    ]:
        error = learn(*given, "-o", mine, status=2)
        assert message in error
        assert error.count("\n") == 1
        assert not mine.exists()


def test_a_missing_file_is_named(learn: Learn, model: Path, text: Path, tmp_path: Path) -> None:
    mine, alone = tmp_path / "mine.onnx", tmp_path / "alone.onnx"
    said = learn(tmp_path / "none.onnx", text, "-o", mine, status=2)
    assert said == f"error: {tmp_path / 'none.onnx'}: no such model file; give the name of another\n"
    alone.write_bytes(model.read_bytes())
    said = learn(alone, text, "-o", mine, status=2)
    graph = tmp_path / "nextword.train.onnx"
    assert said == f"error: {graph}: no such training graph; give its name with --training-graph\n"


def test_a_name_that_cannot_be_written_is_refused_before_learning(
    learn: Learn, model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("nextword.runtime.learning.trainer.Trainer.learn")
    for name, message in [
        (".", ". is a directory; give the name of a file"),
        ("mine.txt/mine.onnx", "mine.txt/mine.onnx cannot be written: Not a directory; give another name"),
        (f"{'x' * 300}.onnx", "cannot be written: File name too long"),
    ]:
        error = learn(model, text, "-o", name, status=2)
        assert error.startswith(f"error: {name[:80]}")
        assert message in error
    assert text.read_text() == TEXT


@pytest.mark.parametrize(
    ("text", "held_out"),
    [
        ("the mouse ran .\n" * 100, "the last 40 words"),
        (("the mouse ran . the cat said . " * 50 + "\n") * 2, "the last 80 words"),
        ("the mouse ran . " * 88 + "\n" + "the mouse ran . " * 12, "the last 48 words"),
    ],
    ids=["many lines", "two lines", "a line end nearby"],
)
def test_about_a_tenth_is_held_out(
    learn: Learn, model: Path, tmp_path: Path, text: str, held_out: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text)
    said = learn(model, path, "-o", tmp_path / "mine.onnx", "--learning-rate", "0.01", "--epochs", "1")
    assert said.startswith(f"held out: {held_out}, 0.000% unknown\n")


def test_the_share_of_unknown_words_is_that_of_the_evaluation(
    learn: Learn, model: Path, tmp_path: Path
) -> None:
    path, held_out = tmp_path / "text.txt", tmp_path / "held-out.txt"
    path.write_text("the mouse ran .\n" * 90 + "the snail ran .\n" * 10)
    held_out.write_text("the snail ran .\n" * 10)
    lines = learn(model, path, "-o", tmp_path / "mine.onnx", "--epochs", "1").splitlines()
    share = f"{Generator.load(model).evaluate(held_out).unknown_share:.3%}"
    assert lines[0] == f"held out: the last 40 words, {share} unknown"
    assert f"; unknown words: {share}; " in lines[-1]
    assert not any("subwords" in line for line in lines)


def test_it_says_that_a_model_lacks_most_words(learn: Learn, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the dog slept all day\n" * 100)
    lines = learn(model, path, "-o", tmp_path / "mine.onnx", "--epochs", "1").splitlines()
    assert lines[1] == "the model lacks most words of this text; a model with subwords lacks none"


def test_a_text_without_blanks_is_learned(learn: Learn, tmp_path: Path) -> None:
    _, model = write_files(tmp_path, make_wordy_network(None), SUBWORDS, split_by="subwords")
    text = tmp_path / "text.txt"
    text.write_text("世界和平天下大同" * 60)
    said = learn(model, text, "-o", tmp_path / "mine.onnx", "--learning-rate", "0.01", "--epochs", "1")
    subwords = re.match(r"held out: the last ([\d,]+) subwords, 0\.000% unknown\n", said)
    assert subwords
    assert int(subwords[1]) == pytest.approx(3 * 48, abs=10)  # bytes of 48 characters


@pytest.mark.parametrize(
    ("text", "found"),
    [("the mouse ran", "3 words"), ("the\n", "1 word"), ("", "0 words"), (" \n", "0 words")],
)
def test_the_error_for_a_short_text_counts_all_of_it(
    learn: Learn, model: Path, tmp_path: Path, text: str, found: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_text(text)
    said = learn(model, path, "-o", tmp_path / "mine.onnx", status=2)
    assert f"the text has {found}; its last tenth, which is held out, must have at least 3\n" in said


def test_divergence_after_a_better_epoch_writes_the_best_weights_so_far(
    learn: Learn, model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, alone = tmp_path / "mine.onnx", tmp_path / "alone.onnx"
    learn(model, text, "-o", alone, "--epochs", "1")
    step = Trainer.learn

    def diverge(trainer: Trainer) -> Learned:
        if trainer.step >= 20:
            raise TrainingError("training has diverged")
        return step(trainer)

    monkeypatch.setattr(Trainer, "learn", diverge)
    lines = learn(model, text, "-o", mine).splitlines()
    assert lines[-2] == "training has diverged; the best weights so far are written"
    assert lines[-1].startswith(f"{mine}: perplexity ")
    assert Generator.load(mine).score("the mouse ran .") == Generator.load(alone).score("the mouse ran .")


def interrupting(at: int) -> Callable[[Trainer], Learned]:
    """`Trainer.learn`, with Ctrl-C in a step and, if learning went on, in the next ones."""
    learn = Trainer.learn

    def step(trainer: Trainer) -> Learned:
        if trainer.step >= at:
            signal.raise_signal(signal.SIGINT)
        return learn(trainer)

    return step


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_writes_the_best_weights_so_far(
    learn: Learn, model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, alone = tmp_path / "mine.onnx", tmp_path / "alone.onnx"
    learn(model, text, "-o", alone, "--epochs", "1")
    monkeypatch.setattr(Trainer, "learn", interrupting(at=20))
    before = signal.getsignal(signal.SIGINT)
    lines = learn(model, text, "-o", mine).splitlines()
    assert lines[-2] == "interrupted; the best weights so far are written"
    assert lines[-1].endswith("; epochs: 1")
    assert mine.read_bytes() == alone.read_bytes()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_before_the_model_is_better_writes_nothing(
    learn: Learn, model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "learn", interrupting(at=3))
    assert learn(model, text, "-o", tmp_path / "mine.onnx", status=130) == "interrupted\n"
    assert not (tmp_path / "mine.onnx").exists()


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_stops_at_once(
    learn: Learn, model: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(_: Trainer) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the step went on")

    monkeypatch.setattr(Trainer, "learn", twice)
    assert learn(model, text, "-o", tmp_path / "mine.onnx", status=130) == "interrupted\n"
