import dataclasses
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import LINES, OUTPUTS, STREAMS, checkpoint_files, curve, digests, run_stage, train, train_params
from tiny import ROOT, TEXT, TRAINED, prepare

from nextword.errors import CorpusError, TrainingError
from nextword.figures import Quality
from nextword.model import network, predictions
from nextword.model.network import Network
from nextword.outputs import significant
from nextword.text.corpus import Corpus
from nextword.text.dictionary import Dictionary
from nextword.text.windows import windows
from nextword.train import processes
from nextword.train.advice import advice
from nextword.train.measuring import Meter


def test_training_stops_close_to_the_floor(in_directory: Path) -> None:
    text = prepare(in_directory, stop_within=0.1, max_steps=2000)
    train()
    quality = predictions.predict(network.load(TRAINED), text.ids, None).quality
    best = predictions.best_possible(windows(text.ids, 3), None)
    losses = curve("loss")
    assert quality.loss <= best.loss + 0.1
    assert losses[-2][1] > best.loss + 0.1  # not an epoch too late
    assert losses[-1] == (network.trained_steps(TRAINED), significant(quality.loss))
    assert curve("lowest_loss")[-1][1] == significant(best.loss)
    assert not checkpoint_files()


def test_training_stops_after_max_steps_even_within_an_epoch(in_directory: Path) -> None:
    text = prepare(in_directory, stop_within=0, batch=5, max_steps=7)
    train()
    quality = predictions.predict(network.load(TRAINED), text.ids, None).quality
    assert network.trained_steps(TRAINED) == 7
    # 24 words have 21 windows: an epoch is 5 steps.
    assert [step for step, _ in curve("accuracy")] == [0, 5, 7]
    assert curve("accuracy")[-1][1] == significant(quality.accuracy)


def test_a_long_text_is_measured_on_a_sample_and_at_the_end_on_everything(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextword.train.data._SAMPLE", 4)
    text = prepare(in_directory, stop_within=0.1, max_steps=2000)
    train()
    every = windows(text.ids, 3)
    sample = every.chosen(np.sort(np.random.default_rng([1, 4]).choice(len(every), 4, replace=False)))
    untrained = network.rounded(Network(network.load(TRAINED).architecture, 1))
    losses = curve("loss")
    assert losses[0][1] == significant(predictions.predict(untrained, sample, None).quality.loss)
    # It ends when the loss on all windows is within reach, not only that on the sample.
    quality = predictions.predict(network.load(TRAINED), text.ids, None).quality
    assert losses[-1][1] == significant(quality.loss) <= predictions.best_possible(every, None).loss + 0.1


def test_the_speed_excludes_the_time_for_measuring(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(*arguments: Any) -> Quality | None:
        time.sleep(0.3)
        return original(*arguments)

    original = Meter._quality
    monkeypatch.setattr(Meter, "_quality", slow)
    monkeypatch.setattr("nextword.train.curves._LINE_SECONDS", 0)
    prepare(in_directory, stop_within=0, max_steps=4, embedding=2, hidden=2, layers=1)
    train()
    told = re.findall(r"([\d,]+) words/s", capsys.readouterr().out)
    assert int(told[-1].replace(",", "")) > 17 * 4 / 0.6  # 17 windows per step; it measures at least twice


def test_a_run_needs_no_commit_and_creates_no_repository(in_directory: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    prepare(in_directory, max_steps=2)
    train()
    assert curve("loss")
    assert not Path(".dvc").exists()


@pytest.mark.parametrize(
    ("words", "changes", "expected"),
    [
        (49_999, {}, ""),
        (
            50_000,
            {},
            "note: train.context 3 in float64 is meant for a short text; for 50,000 words use "
            "experiments/novel.yaml",
        ),
        (1_000_000, {}, "experiments/book.yaml"),
        (1_000_000, {"context": None}, ""),
        (1_000_000, {"precision": "float32"}, ""),
        (
            9,
            {"precision": "bfloat16"},
            "note: this CPU has no bfloat16 instructions; training in float32 instead",
        ),
    ],
)
def test_advice_names_what_suits_the_text_and_the_machine_better(
    monkeypatch: pytest.MonkeyPatch, words: int, changes: dict[str, Any], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, "avx2": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    text = Corpus(*[np.zeros(words, np.uint16), [words] * 3], *[None] * 11)  # type: ignore[arg-type]
    text = dataclasses.replace(text, dictionary=Dictionary([]))
    lines = [*advice(text, train_params(**changes))]
    assert len(lines) == bool(expected)
    assert "".join(lines).endswith(expected)
    assert all((ROOT / line.split()[-1]).exists() for line in lines if "experiments" in line)


def test_a_cpu_where_no_lstm_runs_in_bfloat16_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(
            "could not create a primitive descriptor for the LSTM forward propagation primitive"
        )

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.nn.LSTM, "forward", fail)
    assert processes.lacks_bfloat16()


def test_layers_and_precision_are_those_of_the_params(in_directory: Path) -> None:
    prepare(in_directory, layers=3, hidden=5, precision="float32", max_steps=2)
    train()
    trained = network.load(TRAINED)
    architecture = trained.architecture
    assert (architecture.layers, architecture.hidden, architecture.precision) == (3, 5, "float32")
    assert {str(weight.dtype) for weight in trained.parameters()} == {"torch.float32"}


def test_a_text_shorter_than_the_context_writes_nothing(in_directory: Path) -> None:
    prepare(in_directory, text="one two three", context=3)
    with pytest.raises(CorpusError, match=r"train\.context is 3"):
        train()
    assert not Path("models").exists()
    assert not Path("curves").exists()


@pytest.mark.parametrize(("context", "lines"), [(None, "yes\nno\n"), (9, "the cat ran .\n" * 2)])
def test_a_held_out_part_that_leaves_nothing_to_predict_is_rejected_before_training(
    in_directory: Path, context: int | None, lines: str
) -> None:
    reading = {"held_out": 0.1, "min_count": 2}
    prepare(in_directory, "the cat ran .\n" * 18 + lines, reading, **STREAMS | {"context": context})
    with pytest.raises(
        CorpusError, match=r"the validation part has .* after the first .*; hold out more lines"
    ):
        train()
    assert not Path("models").exists()


def test_weights_that_are_not_numbers_stop_the_run(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expect_nothing(network: Network, _frequencies: object) -> None:
        network.logits.bias.data.fill_(float("nan"))

    monkeypatch.setattr(Network, "expect", expect_nothing)
    prepare(in_directory, LINES, **STREAMS)
    with pytest.raises(TrainingError, match=r"lower train\.learning_rate"):
        train()
    assert not Path("models").exists()


def test_the_error_for_a_diverged_run_says_where_how_and_what_to_change(in_directory: Path) -> None:
    # Such decay multiplies each matrix by −9.
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
    assert not TRAINED.exists()


def test_streams_learn_from_all_preceding_words(in_directory: Path) -> None:
    text = prepare(in_directory, LINES, {"held_out": 0.2, "min_count": 2}, **STREAMS)
    train()
    trained = network.load(TRAINED)
    assert (trained.architecture.context, trained.architecture.tied) == (None, True)
    assert network.trained_steps(TRAINED) == 300
    validation = text.held_out["validation"]
    quality = predictions.predict(trained, validation, text.dictionary.unknown).quality
    assert curve("loss")[-1] == (300, significant(quality.loss))
    assert curve("accuracy")[-1] == (300, significant(quality.accuracy))
    # The numbers depend on that of the line, and repeat after 12 lines; everything else is certain.
    assert quality.perplexity < 1.35


def test_patience_ends_training_and_publishes_the_best_weights(in_directory: Path) -> None:
    # Three lines to memorise, and others to measure: the loss soon rises.
    text = TEXT * 3 + "the mouse the cat the bell ran said too .\n" * 2
    learning = {
        "patience": 3,
        "max_steps": 5000,
        "schedule": "constant",
        "dropout": 0.0,
        "output_dropout": 0.0,
        "words_per_step": 4,
    }
    prepared = prepare(in_directory, text, {"held_out": 0.4}, **STREAMS | learning)
    train()
    losses = curve("loss")
    best_step, best_loss = min(losses, key=lambda point: point[1])
    assert network.trained_steps(TRAINED) == best_step
    validation = prepared.held_out["validation"]
    quality = predictions.predict(network.load(TRAINED), validation, prepared.dictionary.unknown).quality
    assert significant(quality.loss) == best_loss
    epoch = losses[1][0]
    assert losses[-1][0] == best_step + 3 * epoch < 5000


def test_averaged_weights_are_published(in_directory: Path) -> None:
    found = {}
    for averaging in (0.0, 0.9):
        prepare(in_directory, LINES, **STREAMS | {"max_steps": 40, "averaging": averaging})
        train()
        found[averaging] = network.load(TRAINED).logits.bias.detach()
    assert not found[0.0].equal(found[0.9])
    assert (found[0.0] - found[0.9]).abs().max() < 0.2


def test_curves_show_learning_rate_loss_and_gradients(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS | {"max_steps": 200, "warmup_steps": 10})
    train()
    assert curve("learning_rate")[-1] == (200, significant(0.02 * (1 - 189 / 190)))
    assert curve("training_loss")[-1][1] < curve("training_loss")[0][1]
    assert all(norm > 0 for _, norm in curve("gradient_norm"))
    assert curve("perplexity")[-1][1] == pytest.approx(np.exp(curve("loss")[-1][1]), rel=1e-4)
    assert list(OUTPUTS.tensorboard.rglob("events.*"))


def test_a_run_shorter_than_an_epoch_has_curves_and_shows_progress(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nextword.train.curves._QUIET_SECONDS", 0)
    prepare(in_directory, LINES * 20, {"held_out": 0.0}, **STREAMS | {"max_steps": 14, "words_per_step": 4})
    train()
    assert [step for step, _ in curve("loss")] == [0, 2, 4, 6, 8, 10, 12, 14]
    line = re.compile(
        r"^step (\d+): training loss (\d\.\d+), [\d,]+ words/s, at most \d:\d\d:\d\d left$", re.MULTILINE
    )
    shown = line.findall(capsys.readouterr().out)
    assert [int(step) for step, _ in shown] == list(range(1, 15))
    of_first = [float(loss) for _, loss in shown[:2]]
    assert curve("training_loss")[0][1] == pytest.approx(np.mean(of_first), abs=1e-4)


def test_a_run_on_subwords_says_that_its_figures_are_of_subwords(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nextword.train.curves._LINE_SECONDS", 0)
    reading = {"split_by": "subwords", "max_words": 300, "held_out": 0.0}
    prepare(in_directory, LINES * 20, reading, **STREAMS | {"max_steps": 8, "words_per_step": 4})
    train()
    shown = capsys.readouterr().out
    assert re.search(r"^step 8: .*, accuracy [\d.]+% of subwords, [\d,]+ subwords/s", shown, re.MULTILINE)
    assert re.search(r"^8 steps: .*, accuracy [\d.]+% of subwords$", shown, re.MULTILINE)


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
        {"OMP_NUM_THREADS": "2", "ATEN_CPU_CAPABILITY": "default"},
    ]
    for environment in environments:
        with run_stage(in_directory, environment) as process:
            assert process.wait(100) == 0
        found.append(digests(in_directory))
    assert len(found[0]) == 12
    assert found[0] == found[1]
