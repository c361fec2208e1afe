"""The params files under experiments/ are ones that a copy makes params.yaml."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tiny import ROOT, TEXT

from nextword.training import corpus, params, preparation, trainer

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))
YAML_1_2 = YAML(typ="safe", pure=True)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_has_the_keys_of_params_yaml_in_its_order(path: Path) -> None:
    shipped, own = YAML_1_2.load(ROOT / "params.yaml"), YAML_1_2.load(path)
    assert [(name, list(section)) for name, section in own.items()] == [
        (name, list(section)) for name, section in shipped.items()
    ]
    params.load(path)
    assert f"cp experiments/{path.name} params.yaml" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_its_recipe_trains(path: Path, in_directory: Path) -> None:
    values = YAML_1_2.load(path)
    Path("text.txt").write_text(TEXT * 300, encoding="utf-8")
    values["prepare"] |= {"text": "text.txt", "held_out": 0.1, "min_count": 1}
    values["train"] |= {"embedding": 12, "hidden": 16, "max_steps": 30, "warmup_steps": 5, "batch": 4}
    YAML_1_2.dump(values, Path("params.yaml"))
    preparation.prepare(params.load().prepare)
    trainer.train(corpus.load(), params.load().train)
    assert (in_directory / "models" / "trained" / "weights.safetensors").exists()
