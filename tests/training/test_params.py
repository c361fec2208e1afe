from pathlib import Path

import pytest

from nextword.errors import ParamsError
from nextword.training import params

SHIPPED = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
BATCH_LINE = 1 + [line.split(":")[0] for line in SHIPPED.splitlines()].index("  batch")


def load(directory: Path, text: str) -> params.Params:
    path = directory / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return params.load(path)


def test_shipped_params_are_valid_and_are_the_tutorials_regime(tmp_path: Path) -> None:
    train = load(tmp_path, SHIPPED).train
    assert (train.context, train.layers, train.hidden, train.precision) == (3, 2, 512, "float64")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("layers: 2", "layers: 0", "train.layers: 0 is not allowed; allowed: a whole number from 1 to 16"),
        ("layers: 2", "layers: true", "train.layers: true is not allowed; allowed: a whole number"),
        ("layers: 2", 'layers: "2"', 'train.layers: "2" is not allowed; allowed: a whole number'),
        ("layers: 2", "layers: 2.5", "train.layers: 2.5 is not allowed; allowed: a whole number"),
        ("layers: 2", "layer: 2", "train.layer: 2: unknown key (did you mean layers?); allowed: seed, "),
        ("layers: 2", "", "train.layers is missing; allowed: a whole number from 1 to 16"),
        ("float64 #", "float16 #", 'train.precision: "float16" is not allowed; allowed: float64, float32'),
        ("3e-3", ".nan", "train.learning_rate: NaN is not allowed; allowed: a number above 0, up to 1"),
        ("3e-3", "0", "train.learning_rate: 0 is not allowed; allowed: a number above 0"),
        (
            "split_by: whitespace",
            "split_by: blanks",
            'split_by: "blanks" is not allowed; allowed: whitespace',
        ),
        ("lowercase: false", "lowercase: no", 'lowercase: "no" is not allowed; allowed: true or false'),
        ("context: 3", "context: 0", "train.context: 0 is not allowed; allowed: a whole number from 1 to"),
        ("\ntrain:", "\ntrian:", "(did you mean train?); allowed: prepare, train, evaluate, export"),
        ("batch: 256", "batch: [256", f"line {BATCH_LINE + 1}: not valid YAML: "),
        ("seed: 1", "seed: 1\n  seed: 2", 'not valid YAML: found duplicate key "seed"'),
    ],
)
def test_a_wrong_value_is_one_line_with_key_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in SHIPPED
    with pytest.raises(ParamsError) as raised:
        load(tmp_path, SHIPPED.replace(old, new, 1))
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "3", "- a", "train: 3\nprepare: x\nevaluate: 1\nexport: 1"])
def test_a_file_of_another_shape_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ParamsError, match="allowed: "):
        load(tmp_path, text)


@pytest.mark.usefixtures("in_directory")
def test_a_missing_file_says_where_to_run_from() -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml not found; run from the directory"):
        params.load()


def test_yaml_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    # YAML 1.1 would read 1e-2 as a string.
    assert load(tmp_path, SHIPPED.replace("3e-3", "1e-2")).train.learning_rate == 0.01


def test_an_unbounded_context_is_null(tmp_path: Path) -> None:
    assert load(tmp_path, SHIPPED.replace("context: 3", "context: null")).train.context is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "patience: 0",
            "patience: 3",
            "patience: 3 with train.context 3 is not allowed; allowed: 0, or context",
        ),
        (
            "warmup_steps: 0",
            "warmup_steps: 2001",
            "warmup_steps: 2001 is not allowed; allowed: at most train.max_steps, 2000",
        ),
    ],
)
def test_values_that_do_not_fit_together_are_an_error(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(ParamsError) as raised:
        load(tmp_path, SHIPPED.replace(old, new))
    assert f"train.{expected}" in str(raised.value)
