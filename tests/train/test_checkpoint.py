import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import (
    LINES,
    OUTPUTS,
    STREAMS,
    checkpoint_files,
    curve,
    digests,
    run_stage,
    train,
)
from tiny import PARAMS, PREPARED, TEXT, TRAINED, prepare

from nextword import params
from nextword.model import network
from nextword.text import corpus
from nextword.train import processes
from nextword.train.checkpoint import Checkpoints
from nextword.train.progress import Point, Progress


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (TEXT, {"stop_within": 0, "max_steps": 400, "cell": "feedforward"}),
        (
            LINES,
            STREAMS
            | {"max_steps": 400, "precision": "float32", "averaging": 0.9, "cell": "gru", "layers": 3},
        ),
        (
            LINES,
            STREAMS | {"max_steps": 400, "precision": "bfloat16", "dropout": 0.2, "output_dropout": 0.1},
        ),
    ],
    ids=["windows", "averaged streams of a GRU in float32", "streams in bfloat16 with dropout"],
)
def test_a_run_resumed_after_ctrl_c_ends_with_the_same_bytes(
    in_directory: Path, text: str, changes: dict[str, Any]
) -> None:
    prepare(in_directory, text, **changes)
    with run_stage(in_directory) as whole:
        _, err = whole.communicate(timeout=100)
    assert whole.returncode == 0, err
    expected = digests(in_directory)

    TRAINED.rename("old")
    with run_stage(in_directory) as cut:
        assert cut.stdout
        # A CPU without bfloat16 says so first.
        assert next(line for line in cut.stdout if not line.startswith("note: ")).startswith("step 0: ")
        cut.send_signal(signal.SIGINT)
        out, err = cut.communicate(timeout=100)
    assert cut.returncode == 130
    assert "the next run continues from there" in out
    assert err == "interrupted\n"
    assert checkpoint_files()
    assert not TRAINED.exists()

    with run_stage(in_directory) as resumed:
        out, _ = resumed.communicate(timeout=100)
    assert resumed.returncode == 0
    assert "step 0: " not in out
    assert digests(in_directory) == expected
    assert not checkpoint_files()


def test_a_run_killed_repeatedly_ends_with_the_same_bytes(in_directory: Path) -> None:
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
    }
    prepare(in_directory, LINES, {"held_out": 0.2, "min_count": 2}, **STREAMS | everything)
    with run_stage(in_directory) as whole:
        assert whole.wait(100) == 0
    expected = digests(in_directory)
    TRAINED.rename("old")

    kills = 0
    random = np.random.default_rng(0)
    while not TRAINED.exists():
        with run_stage(in_directory, eager=True) as process:
            assert process.stdout
            process.stdout.readline()  # it has begun or resumed
            try:
                process.wait(random.uniform(0.05, 0.5) if kills < 5 else 100)
                assert process.returncode == 0
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
        assert len(checkpoint_files()) <= 3  # a third one exists for a moment
    assert kills >= 3
    assert digests(in_directory) == expected
    assert not checkpoint_files()


def test_if_a_checkpoint_is_corrupt_the_one_before_is_used(in_directory: Path) -> None:
    text = prepare(in_directory, LINES, **STREAMS)
    settings = params.load(PARAMS).train
    checkpoints = Checkpoints(OUTPUTS.checkpoints, text, settings)
    tensors = {"a": torch.arange(5.0)}
    points = [Point(0, 2.5, 0.25), Point(5, 0.1 + 0.2, 0.5, 1.5, 0.75, 0.01)]
    with processes.together(settings) as fabric:
        for step in (3, 7, 9):
            checkpoints.save(Progress(step=step, points=points, best_loss=0.1 + 0.2), tensors, fabric)
    newest, before = checkpoint_files()
    assert (newest.stem, before.stem) == ("000000009", "000000007")
    newest.write_bytes(newest.read_bytes()[:-4])
    progress, found = checkpoints.load()
    assert progress == Progress(step=7, points=points, best_loss=0.1 + 0.2)
    assert torch.equal(found["a"], tensors["a"])


def test_another_text_or_another_param_makes_another_run(in_directory: Path) -> None:
    text = prepare(in_directory, LINES, **STREAMS)
    settings = params.load(PARAMS).train
    with processes.together(settings) as fabric:
        Checkpoints(OUTPUTS.checkpoints, text, settings).save(Progress(step=3), {}, fabric)
    assert Checkpoints(OUTPUTS.checkpoints, corpus.load(PREPARED), settings).load()[0].step == 3
    other = settings.model_copy(update={"clip": 0.5})
    assert Checkpoints(OUTPUTS.checkpoints, text, other).load() == (Progress(), {})
    longer = prepare(in_directory, LINES + LINES, **STREAMS)
    assert Checkpoints(OUTPUTS.checkpoints, longer, settings).load() == (Progress(), {})


def test_a_checkpoint_of_another_run_is_not_used(in_directory: Path) -> None:
    prepare(in_directory, max_steps=1500, stop_within=0)
    with run_stage(in_directory) as cut:
        assert cut.stdout
        cut.stdout.readline()
        cut.send_signal(signal.SIGINT)
        assert cut.wait(100) == 130
    assert checkpoint_files()
    prepare(in_directory, max_steps=3, stop_within=0)
    train()
    assert curve("loss")[0][0] == 0
    assert network.trained_steps(TRAINED) == 3
