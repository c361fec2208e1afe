"""`dvc repro`: what runs, when, and with what results."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import console
import pytest
from clone import Clone, fresh_clone, small_clone
from tiny import ROOT, write_params

from nextword import Generator

STAGES = ["prepare", "train", "evaluate", "export"]


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


def metrics_of(clone: Clone) -> Any:
    return json.loads((clone.path / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, str]:
    """A fresh clone with the shipped params after all stages have run, and what they printed.

    The run is forced: the outputs of `evaluate` are in git, so it would be skipped otherwise.
    """
    clone = fresh_clone(tmp_path_factory.mktemp("shipped"))
    return clone, clone.run("dvc", "repro", "--force")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return small_clone(tmp_path_factory.mktemp("small"))


def test_a_fresh_clone_runs_all_stages_and_reproduces_every_hash(shipped: tuple[Clone, str]) -> None:
    clone, output = shipped
    assert stages_run(output) == STAGES
    assert clone.run("git", "status", "--porcelain") == ""


def test_the_story_is_learned_as_well_as_possible(shipped: tuple[Clone, str]) -> None:
    metrics = metrics_of(shipped[0])
    model, best = metrics["model"], metrics["best_possible"]
    assert best["accuracy"] == pytest.approx(199 / 201, rel=1e-5)
    assert model["accuracy"] == best["accuracy"]
    assert model["perplexity"] <= 1.02 * best["perplexity"]
    assert model["steps"] <= 25
    samples = metrics["samples"]
    assert (samples["words"], samples["right"], samples["likeliest"]["loops"]) == (128, 128, 0)


def test_the_exported_story_is_continued_word_by_word(shipped: tuple[Clone, str]) -> None:
    clone, _ = shipped
    story = (clone.path / "data" / "story.txt").read_text(encoding="utf-8").split()
    generator = Generator.load(clone.path / "models" / "nextword.onnx")
    written = generator.generate("long ago ,").split()
    assert len(written) == 35
    places = [story[start : start + 4] for start in range(len(story) - 3)]
    assert all(written[start : start + 4] in places for start in range(32))
    score = generator.score(" ".join(story))
    assert score.perplexity == pytest.approx(metrics_of(clone)["model"]["perplexity"], rel=1e-5)


def test_the_published_file_is_small_and_contains_no_path(shipped: tuple[Clone, str]) -> None:
    path = shipped[0].path / "models" / "nextword.onnx"
    assert path.stat().st_size < 8.8e6
    metadata = Generator.load(path).info
    assert metadata.params["train"]["layers"] == 2
    assert metadata.metrics == metrics_of(shipped[0])
    content = path.read_bytes()
    assert str(shipped[0].path).encode() not in content
    assert b"story.txt" not in content


def test_a_second_repro_runs_nothing(shipped: tuple[Clone, str]) -> None:
    output = shipped[0].run("dvc", "repro")
    assert stages_run(output) == []
    assert output.count("didn't change, skipping") == 4


def test_a_colleague_pulls_the_model_without_training(shipped: tuple[Clone, str], tmp_path: Path) -> None:
    clone, _ = shipped
    clone.run("dvc", "remote", "add", "--local", "store", str(tmp_path / "store"))
    clone.run("dvc", "push", "--remote", "store")
    clone.run("git", "clone", "--quiet", str(clone.path), str(tmp_path / "colleague"))
    colleague = Clone(tmp_path / "colleague")
    colleague.run("dvc", "remote", "add", "--local", "store", str(tmp_path / "store"))
    colleague.run("dvc", "pull", "--remote", "store")
    name = Path("models") / "nextword.onnx"
    assert (colleague.path / name).read_bytes() == (clone.path / name).read_bytes()
    assert stages_run(colleague.run("dvc", "repro")) == []


def test_the_blocks_of_the_readme_work_in_order(shipped: tuple[Clone, str]) -> None:
    clone, _ = shipped
    _link_environment(clone)
    modules = ROOT / "examples" / "node" / "node_modules"
    steps = [
        step
        for step in console.steps_of((clone.path / "README.md").read_text(encoding="utf-8"))
        if modules.exists() or not step.command.startswith(("npm ", "node "))
    ]
    # What npm would download is here already.
    in_clone = [step._replace(command=re.sub(r"^npm ci .*", ":", step.command)) for step in steps]
    if modules.exists():
        (clone.path / "examples" / "node" / "node_modules").symlink_to(modules)
    printed = console.run(in_clone, clone.path, clone.environment)
    assert len(printed) == len(steps) > 10
    for step, found in zip(steps, printed, strict=True):
        assert console.is_as_shown(found, step.shown), f"{step.command} printed:\n{found}"


def _link_environment(clone: Clone) -> None:
    """Links this Python's packages as `.venv` of the clone, so that `make` finds them installed."""
    (clone.path / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        if (Path(sys.prefix) / name).exists():
            (clone.path / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    (clone.path / ".venv" / "train.installed").touch()


def test_a_change_to_the_model_runs_training_and_later_stages(small: Clone) -> None:
    before = metrics_of(small)
    write_params(small.path, train={"layers": 1})
    assert stages_run(small.run("dvc", "repro")) == ["train", "evaluate", "export"]
    assert metrics_of(small)["model"]["parameters"] < before["model"]["parameters"]
    assert Generator.load(small.path / "models" / "nextword.onnx").info.layers == 1
    assert small.run("git", "status", "--porcelain", "samples.txt", "curves", "plots")

    # Restoring the params restores their results from the cache, without a run.
    small.run("git", "checkout", "--quiet", "params.yaml")
    output = small.run("dvc", "repro")
    assert stages_run(output) == []
    assert re.findall(r"Stage '(\w+)' is cached", output) == ["train", "evaluate", "export"]
    assert small.run("git", "status", "--porcelain") == ""
    assert Generator.load(small.path / "models" / "nextword.onnx").info.layers == 2


def test_metrics_and_plots_can_be_shown(small: Clone) -> None:
    assert small.run("dvc", "metrics", "show").startswith("Path")
    assert small.run("dvc", "plots", "show").startswith("file:")


def test_a_change_to_the_samples_leaves_the_weights(small: Clone) -> None:
    write_params(small.path, evaluate={"words": 3})
    assert stages_run(small.run("dvc", "repro")) == ["evaluate", "export"]
    small.run("git", "checkout", "--quiet", ".")
    small.run("dvc", "checkout")


def test_wrong_params_stop_with_one_line_before_any_work(small: Clone) -> None:
    status = small.run("git", "status", "--porcelain")
    write_params(small.path, train={"layers": 0}, prepare={"lowercase": True})
    output = small.run("dvc", "repro", status=255)
    assert (
        "error: params.yaml: train.layers: 0 is not allowed; allowed: a whole number from 1 to 16" in output
    )
    assert "Traceback" not in output
    assert stages_run(output) == ["prepare"]
    small.run("git", "checkout", "--quiet", ".")
    small.run("dvc", "checkout")
    assert small.run("git", "status", "--porcelain") == status
    assert stages_run(small.run("dvc", "repro")) == []


def test_a_text_with_an_unbounded_context_goes_through_all_stages(small: Clone) -> None:
    lines = [f"The {kind} {number} said: “don't run!”\n" for number in range(90) for kind in ("cat", "mouse")]
    (small.path / "data" / "story.txt").write_text("".join(lines), encoding="utf-8")
    write_params(
        small.path,
        prepare={"split_by": "words", "lowercase": True, "min_count": 3, "held_out": 0.2},
        train={"context": None, "batch": 4, "words_per_step": 8, "max_steps": 200, "learning_rate": 0.01},
    )
    output = small.run("dvc", "repro")
    assert "model, test: accuracy" in output
    metrics = metrics_of(small)
    assert (
        metrics["test"]["model"]["perplexity"]
        < metrics["test"]["baselines"]["most_frequent_word"]["perplexity"]
    )
    assert metrics["validation"]["model"]["accuracy"] > 0.7
    generator = Generator.load(small.path / "models" / "nextword.onnx")
    assert generator.info.context is None
    assert generator.generate("The cat 5 said: “don't", 3) == "The cat 5 said: “don't run!”"
    text = small.path / "held.txt"
    text.write_text("".join(lines[-18:]), encoding="utf-8")
    found = generator.evaluate(text)
    assert found.perplexity == pytest.approx(metrics["test"]["model"]["perplexity"], rel=0.05)
