"""Experiments: run, queued, compared, applied."""

import csv
import json

import pytest
from clone import Clone, small_clone

from nextword import Generator


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with an experiment that has been queued and run."""
    clone = small_clone(tmp_path_factory.mktemp("experiments"))
    changes = ("-S", "train.layers=1", "-S", "train.hidden=12")
    clone.run("dvc", "exp", "run", "--queue", "--name", "shallow", *changes)
    clone.run("dvc", "exp", "run", "--run-all")
    return clone


def layers(clone: Clone) -> int:
    return Generator.load(clone.path / "models" / "nextword.onnx").info.layers


def test_a_queued_experiment_runs_elsewhere_and_can_be_applied(clone: Clone) -> None:
    assert layers(clone) == 2  # this test is the first, before others apply the experiment
    clone.run("dvc", "exp", "apply", "shallow")
    assert layers(clone) == 1
    assert "layers: 1" in (clone.path / "params.yaml").read_text(encoding="utf-8")


def test_an_experiment_is_compared_with_the_last_commit(clone: Clone) -> None:
    clone.run("dvc", "exp", "apply", "shallow")
    assert layers(clone) == 1
    differing = json.loads(clone.run("dvc", "params", "diff", "--json"))["params.yaml"]
    assert differing == {
        "train.layers": {"old": 2, "new": 1, "diff": -1},
        "train.hidden": {"old": 16, "new": 12, "diff": -4},
    }
    metrics = json.loads(clone.run("dvc", "metrics", "diff", "--json"))["metrics.json"]
    assert metrics["model.parameters"]["diff"] < 0
    assert "baselines.kneser_ney.perplexity" not in metrics  # it is unchanged
    clone.run("dvc", "plots", "diff")
    page = (clone.path / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    for title in ("Loss", "Accuracy", "Windows that the model gets wrong"):
        assert title in page


def test_experiments_are_listed_with_params_and_metrics(clone: Clone) -> None:
    rows = list(csv.DictReader(clone.run("dvc", "exp", "show", "--csv").splitlines()))
    (row,) = [row for row in rows if row["Experiment"] == "shallow"]
    assert (row["train.layers"], row["train.hidden"]) == ("1", "12")
    assert 0 < float(row["model.accuracy"]) <= 1


def test_a_mistyped_param_starts_no_experiment(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "-S", "train.layer=1", status=255)
    assert "train.layer" in output
    output = clone.run("dvc", "exp", "run", "-S", "train.layers=one", status=255)
    assert 'train.layers: "one" is not allowed; allowed: a whole number from 1 to 16' in output
    assert "Traceback" not in output
