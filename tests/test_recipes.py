"""The params files under experiments/ can be copied to params.yaml."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from runs import train
from tiny import PARAMS, PREPARED, ROOT, TEXT, TRAINED

from nextword import params
from nextword.evaluate.predictors import FrequencyPredictor
from nextword.model import network, predictions
from nextword.model.predictions import judge
from nextword.prepare import preparation

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))
YAML_1_2 = YAML(typ="safe", pure=True)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_has_the_keys_of_params_yaml_in_the_same_order(path: Path) -> None:
    shipped, own = YAML_1_2.load(ROOT / "params.yaml"), YAML_1_2.load(path)
    assert [(name, list(section)) for name, section in own.items()] == [
        (name, list(section)) for name, section in shipped.items()
    ]
    params.load(path)
    assert f"cp experiments/{path.name} params.yaml" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("in_directory")
def test_its_recipe_learns_more_than_word_frequencies(path: Path) -> None:
    values, recipe = YAML_1_2.load(path), YAML_1_2.load(path)["train"]
    Path("text.txt").write_text(TEXT * 300, encoding="utf-8")
    values["prepare"] |= {"text": "text.txt", "held_out": 0.1, "min_count": 1}
    values["train"] |= {"embedding": 32, "hidden": 64, "max_steps": 150, "warmup_steps": 5, "batch": 4}
    YAML_1_2.dump(values, PARAMS)
    text = preparation.prepare(params.load(PARAMS).prepare, PREPARED)
    train()
    trained, validation = network.load(TRAINED), text.held_out["validation"]
    unknown = text.dictionary.unknown
    loss = predictions.predict(trained, validation, unknown).quality.loss
    frequent = FrequencyPredictor(text.expected_frequencies).parts(validation, 1)
    by_frequency = judge(frequent, unknown).quality.loss
    assert by_frequency > 2
    assert loss < by_frequency / 2
    for key in ("context", "tied", "layers"):
        assert getattr(trained.architecture, key) == recipe[key]
