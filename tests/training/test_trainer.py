import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import ROOT, TEXT, write_params

from nextword.errors import CorpusError, TrainingError
from nextword.training import batches, checkpoint, corpus, evaluation, model, params, preparation, trainer
from nextword.training.checkpoint import CHECKPOINTS, Progress
from nextword.training.model import NextWordModel
from nextword.training.numbers import significant

OUTPUTS = ("models/trained/weights.safetensors", "models/trained/architecture.json")


def prepare(directory: Path, text: str = TEXT, reading: dict[str, Any] | None = None, **changes: Any) -> None:
    """A directory in which the train stage can run."""
    (directory / "data").mkdir(exist_ok=True)
    (directory / "data" / "story.txt").write_text(text, encoding="utf-8")
    write_params(directory, prepare=reading or {}, train=changes)
    preparation.prepare(params.load().prepare)


def train() -> None:
    trainer.train(corpus.load(), params.load().train)


def curve(name: str) -> list[tuple[int, float]]:
    with Path(f"curves/plots/metrics/{name}.tsv").open(encoding="utf-8") as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file, delimiter="\t")]


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of each file that the train stage gives to DVC."""
    outputs = [*(directory / name for name in OUTPUTS), *(directory / "curves").rglob("*.*")]
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in outputs
        if path.is_file()
    }


def test_training_stops_within_reach_of_the_floor(in_directory: Path) -> None:
    prepare(in_directory, stop_within=0.1, max_steps=2000)
    train()
    architecture, network = model.load()
    windows = batches.windows(corpus.load().ids, 3)
    quality = evaluation.predict(network, windows).quality
    best = evaluation.best_possible(windows)
    losses = curve("loss")
    assert quality.loss <= best.loss + 0.1
    assert losses[-2][1] > best.loss + 0.1  # not a pass too late
    assert losses[-1] == (architecture.steps, significant(quality.loss))
    assert curve("lowest_loss")[-1][1] == significant(best.loss)
    assert not list(CHECKPOINTS.rglob("*.safetensors"))


def test_training_stops_after_max_steps_even_within_an_epoch(in_directory: Path) -> None:
    prepare(in_directory, stop_within=0, batch=5, max_steps=7)
    train()
    architecture, network = model.load()
    quality = evaluation.predict(network, batches.windows(corpus.load().ids, 3)).quality
    assert architecture.steps == 7
    # 24 words have 21 windows: an epoch is 5 steps.
    assert [step for step, _ in curve("accuracy")] == [0, 5, 7]
    assert curve("accuracy")[-1][1] == significant(quality.accuracy)


def test_layers_and_precision_are_those_of_the_params(in_directory: Path) -> None:
    prepare(in_directory, layers=3, hidden=5, precision="float32", max_steps=2)
    train()
    architecture, network = model.load()
    assert (architecture.layers, architecture.hidden, architecture.precision) == (3, 5, "float32")
    assert {str(weight.dtype) for weight in network.parameters()} == {"torch.float32"}


def test_a_text_shorter_than_the_context_writes_nothing(in_directory: Path) -> None:
    prepare(in_directory, text="one two three", context=3)
    with pytest.raises(CorpusError, match=r"train\.context is 3"):
        train()
    assert not Path("models").exists()
    assert not Path("curves").exists()


@pytest.mark.parametrize(("context", "lines"), [(None, "yes\nno\n"), (9, "the cat ran .\n" * 2)])
def test_a_held_out_part_that_leaves_nothing_to_predict_is_refused_before_training(
    in_directory: Path, context: int | None, lines: str
) -> None:
    reading = {"held_out": 0.1, "min_count": 2}
    prepare(in_directory, "the cat ran .\n" * 18 + lines, reading, **STREAMS | {"context": context})
    with pytest.raises(
        CorpusError, match=r"the validation part has .* after the first .*; hold out more lines"
    ):
        train()
    assert not Path("models").exists()


def test_weights_that_are_no_numbers_stop_the_run(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(in_directory)

    def expect_nothing(network: NextWordModel, _frequencies: object) -> None:
        network.logits.bias.data.fill_(float("nan"))

    monkeypatch.setattr(NextWordModel, "expect", expect_nothing)
    prepare(in_directory, LINES, **STREAMS)
    with pytest.raises(TrainingError, match=r"lower train\.learning_rate"):
        train()
    assert not Path("models").exists()


def test_a_run_that_diverges_says_where_and_how_and_what_to_look_at(in_directory: Path) -> None:
    # Such decay makes each matrix −9 times what it was.
    prepare(in_directory, LINES, **STREAMS | {"learning_rate": 1.0, "weight_decay": 10.0})
    with pytest.raises(TrainingError) as raised:
        train()
    found = re.fullmatch(
        r"training has diverged at step (\d+): loss (\S+), gradient norm (\S+), learning rate (\S+); lower "
        r"train\.learning_rate or train\.clip, or raise train\.warmup_steps",
        str(raised.value),
    )
    assert found
    step, loss = int(found[1]), float(found[2])
    assert not loss < 50
    assert float(found[4]) == pytest.approx(1 - (step - 1) / 300, abs=0.01)
    assert not Path("models/trained").exists()


# The stage, with a checkpoint after each step.
EAGER = "import runpy, sys; from nextword.training import run; run._CHECKPOINT_SECONDS = 0; "
EAGER += "runpy.run_path(sys.argv[1], run_name='__main__')"


def run_stage(
    directory: Path, environment: dict[str, str] | None = None, *, eager: bool = False
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *(["-c", EAGER] if eager else []), str(ROOT / "stages" / "train.py")],
        cwd=directory,
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


STREAMS: dict[str, Any] = {
    "context": None,
    "batch": 3,
    "words_per_step": 5,
    "tied": True,
    "embedding": 16,
    "hidden": 16,
    "dropout": 0.2,
    "output_dropout": 0.2,
    "schedule": "linear",
    "learning_rate": 0.02,
    "max_steps": 300,
}
LINES = "".join(
    f"the cat ran , the mouse said {number % 4} , the bell {number % 3} .\n" for number in range(60)
)


def test_streams_learn_what_the_words_before_tell(in_directory: Path) -> None:
    prepare(in_directory, LINES, {"held_out": 0.2, "min_count": 2}, **STREAMS)
    train()
    architecture, network = model.load()
    assert (architecture.context, architecture.tied, architecture.steps) == (None, True, 300)
    quality = evaluation.predict_text(network, corpus.load().held_out["validation"]).quality
    assert curve("loss")[-1] == (300, significant(quality.loss))
    # The numbers turn on the line's number, which comes back after 12 lines; all else is sure.
    assert quality.perplexity < 1.35


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (TEXT, {"stop_within": 0, "max_steps": 400}),
        (LINES, STREAMS | {"max_steps": 800}),
        (LINES, STREAMS | {"max_steps": 800, "precision": "float32"}),
        (LINES, STREAMS | {"max_steps": 800, "averaging": 0.9}),
    ],
    ids=["windows", "streams", "streams in float32", "averaged streams"],
)
def test_ctrl_c_leaves_a_checkpoint_from_which_the_run_ends_with_the_same_bytes(
    in_directory: Path, text: str, changes: dict[str, Any]
) -> None:
    prepare(in_directory, text, **changes)
    with run_stage(in_directory) as whole:
        assert whole.wait(100) == 0
    expected = digests(in_directory)

    (in_directory / "models" / "trained").rename(in_directory / "old")
    with run_stage(in_directory) as cut:
        assert cut.stdout
        assert cut.stdout.readline().startswith("step 0: ")
        cut.send_signal(signal.SIGINT)
        out, err = cut.communicate(timeout=100)
    assert cut.returncode == 130
    assert "the next run goes on from there" in out
    assert err == "interrupted\n"
    assert list(CHECKPOINTS.rglob("*.safetensors"))
    assert not Path("models/trained").exists()

    with run_stage(in_directory) as resumed:
        out, _ = resumed.communicate(timeout=100)
    assert resumed.returncode == 0
    assert "step 0: " not in out
    assert digests(in_directory) == expected
    assert not list(CHECKPOINTS.rglob("*.safetensors"))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_run_that_was_killed_again_and_again_ends_with_the_same_bytes(
    in_directory: Path, precision: str
) -> None:
    everything = {
        "embedding": 12,
        "locked_dropout": 0.1,
        "embedding_dropout": 0.1,
        "weight_dropout": 0.2,
        "warmup_steps": 20,
        "schedule": "cosine",
        "weight_decay": 0.1,
        "averaging": 0.95,
        "softmax_samples": 5,
        "patience": 100,
        "max_steps": 400,
        "precision": precision,
    }
    prepare(in_directory, LINES, {"held_out": 0.2, "min_count": 2}, **STREAMS | everything)
    with run_stage(in_directory) as whole:
        assert whole.wait(100) == 0
    expected = digests(in_directory)
    (in_directory / "models" / "trained").rename(in_directory / "old")

    kills = 0
    random = np.random.default_rng(0)
    while not Path("models/trained").exists():
        with run_stage(in_directory, eager=True) as process:
            assert process.stdout
            process.stdout.readline()  # it has begun, or taken up what there was
            try:
                process.wait(random.uniform(0.05, 0.5) if kills < 5 else 100)
                assert process.returncode == 0
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
        assert len(list(CHECKPOINTS.rglob("*.safetensors"))) <= 3  # a third one for the blink of an eye
    assert kills >= 3
    assert digests(in_directory) == expected
    assert not list(CHECKPOINTS.rglob("*.safetensors"))


def test_a_checkpoint_that_the_disk_has_spoilt_leaves_the_one_before(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS)
    tensors = {"a": torch.arange(5.0)}
    for step in (3, 7, 9):
        checkpoint.save("run", Progress(step=step, best_loss=0.1 + 0.2), tensors)
    newest, before = sorted(CHECKPOINTS.rglob("*.safetensors"), reverse=True)
    assert (newest.stem, before.stem) == ("000000009", "000000007")
    newest.write_bytes(newest.read_bytes()[:-4])
    progress, found = checkpoint.load("run")
    assert (progress.step, progress.best_loss) == (7, 0.1 + 0.2)
    assert torch.equal(found["a"], tensors["a"])
    assert checkpoint.load("other") == (Progress(), {})


def test_patience_ends_training_and_publishes_the_best_weights(in_directory: Path) -> None:
    # Three lines to learn by heart, and others to be measured on: it soon gets worse.
    text = TEXT * 3 + "the mouse the cat the bell ran said too .\n" * 2
    learning = {
        "patience": 3,
        "max_steps": 5000,
        "schedule": "constant",
        "dropout": 0.0,
        "output_dropout": 0.0,
        "words_per_step": 4,
    }
    prepare(in_directory, text, {"held_out": 0.4}, **STREAMS | learning)
    train()
    losses = curve("loss")
    best_step, best_loss = min(losses, key=lambda point: point[1])
    architecture, network = model.load()
    assert architecture.steps == best_step
    quality = evaluation.predict_text(network, corpus.load().held_out["validation"]).quality
    assert significant(quality.loss) == best_loss
    epoch = losses[1][0]
    assert losses[-1][0] == best_step + 3 * epoch < 5000


def test_patience_needs_a_validation_part(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS | {"patience": 3})
    with pytest.raises(CorpusError, match=r"train\.patience needs a validation part"):
        train()


def test_averaged_weights_are_published(in_directory: Path) -> None:
    found = {}
    for averaging in (0.0, 0.9):
        prepare(in_directory, LINES, **STREAMS | {"max_steps": 40, "averaging": averaging})
        train()
        found[averaging] = model.load()[1].logits.bias.detach()
    assert not torch.equal(found[0.0], found[0.9])
    assert (found[0.0] - found[0.9]).abs().max() < 0.2


def test_curves_say_what_was_learnt_how_fast_and_with_what_gradients(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS | {"max_steps": 200, "warmup_steps": 10})
    train()
    assert curve("learning_rate")[-1] == (200, significant(0.02 * (1 - 189 / 190)))
    assert curve("training_loss")[-1][1] < curve("training_loss")[0][1]
    assert all(norm > 0 for _, norm in curve("gradient_norm"))
    assert curve("perplexity")[-1][1] == pytest.approx(np.exp(curve("loss")[-1][1]), rel=1e-4)
    assert list(Path("tensorboard").rglob("events.*"))


def test_a_run_that_does_not_reach_the_end_of_its_text_has_curves_and_says_how_it_goes(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nextword.training.curves._QUIET_SECONDS", 0)
    prepare(in_directory, LINES * 20, {"held_out": 0.0}, **STREAMS | {"max_steps": 14, "words_per_step": 4})
    train()
    assert [step for step, _ in curve("loss")] == [0, 2, 4, 6, 8, 10, 12, 14]
    line = re.compile(r"^step (\d+): training loss (\d\.\d+), [\d,]+ words/s$", re.MULTILINE)
    shown = line.findall(capsys.readouterr().out)
    assert [int(step) for step, _ in shown] == list(range(1, 15))
    of_first = [float(loss) for _, loss in shown[:2]]
    assert curve("training_loss")[0][1] == pytest.approx(np.mean(of_first), abs=1e-4)


def test_a_checkpoint_of_another_run_is_not_taken_up(in_directory: Path) -> None:
    prepare(in_directory, max_steps=1500, stop_within=0)
    with run_stage(in_directory) as cut:
        assert cut.stdout
        cut.stdout.readline()
        cut.send_signal(signal.SIGINT)
        assert cut.wait(100) == 130
    assert list(CHECKPOINTS.rglob("*.safetensors"))
    prepare(in_directory, max_steps=3, stop_within=0)
    train()
    assert curve("loss")[0][0] == 0
    assert model.load()[0].steps == 3


def test_threads_and_instruction_sets_leave_the_same_bytes(in_directory: Path) -> None:
    prepare(
        in_directory,
        text=(ROOT / "data" / "story.txt").read_text(encoding="utf-8"),
        embedding=96,
        hidden=96,
        batch=256,
        max_steps=25,
    )
    found = []
    environments: list[dict[str, str]] = [
        {"OMP_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2"},
        {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default"},
    ]
    for environment in environments:
        with run_stage(in_directory, environment) as process:
            assert process.wait(100) == 0
        found.append(digests(in_directory))
    assert len(found[0]) == 11
    assert found[0] == found[1] == found[2]
