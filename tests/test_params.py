from pathlib import Path

import pytest
from tiny import PARAMS, ROOT

from nextword import params
from nextword.errors import ParamsError

SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")
BATCH_LINE = 1 + [line.split(":")[0] for line in SHIPPED.splitlines()].index("  batch")


def load(directory: Path, text: str) -> params.Params:
    path = directory / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return params.load(path)


def test_shipped_params_are_valid_and_follow_the_tutorial(tmp_path: Path) -> None:
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
        ("3e-3", ".inf", "train.learning_rate: Infinity is not allowed; allowed: a number above 0, up to 1"),
        ("held_out: 0.0", "held_out: .nan", "prepare.held_out: NaN is not allowed; allowed: a number from 0"),
        ("clip: 1.0", "clip: .inf", "train.clip: Infinity is not allowed; allowed: a number above 0, up to"),
        ("dropout: 0.0", "dropout: -.inf", "train.dropout: -Infinity is not allowed; allowed: a number from"),
        ("3e-3", "0", "train.learning_rate: 0 is not allowed; allowed: a number above 0"),
        (
            "split_by: whitespace",
            "split_by: blanks",
            'split_by: "blanks" is not allowed; allowed: whitespace',
        ),
        ("lowercase: false", "lowercase: no", 'lowercase: "no" is not allowed; allowed: true or false'),
        (
            "cell: lstm",
            "cell: lstn",
            'train.cell: "lstn" is not allowed; allowed: lstm, gru, rnn, feedforward',
        ),
        ("context: 3", "context: 0", "train.context: 0 is not allowed; allowed: a whole number from 1 to"),
        ("\ntrain:", "\ntrian:", "(did you mean train?); allowed: prepare, train, evaluate, export"),
        ("batch: 256", "batch: [256", f"line {BATCH_LINE + 1}: not valid YAML: "),
        ("seed: 1", "seed: 1\n  seed: 2", 'not valid YAML: found duplicate key "seed"'),
    ],
)
def test_the_error_for_a_wrong_value_gives_key_value_and_allowed_values(
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
def test_the_error_for_a_missing_file_says_where_to_run() -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml not found; run from the directory"):
        params.load(PARAMS)


def test_yaml_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    # In YAML 1.1, 1e-2 is a string.
    assert load(tmp_path, SHIPPED.replace("3e-3", "1e-2")).train.learning_rate == 0.01


def test_an_unbounded_context_is_null(tmp_path: Path) -> None:
    assert load(tmp_path, SHIPPED.replace("context: 3", "context: null")).train.context is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"patience: 0": "patience: 3"},
            "train.patience: 3 with train.context 3 is not allowed; allowed: 0, or train.context null",
        ),
        (
            {"patience: 0": "patience: 3", "context: 3": "context: null"},
            "train.patience: 3 without a validation part is not allowed; allowed: 0, or prepare.held_out "
            "above 0, or prepare.validation",
        ),
        (
            {"patience: 0": "patience: 3", "context: 3": "context: null", "test: null": "test: t.txt"},
            "train.patience: 3 without a validation part is not allowed; allowed: 0, or prepare.held_out "
            "above 0, or prepare.validation",
        ),
        (
            {"cell: lstm": "cell: feedforward", "context: 3": "context: null"},
            "train.cell: feedforward without train.context is not allowed; allowed: lstm, gru, rnn, or a "
            "train.context",
        ),
        (
            {"cell: lstm": "cell: feedforward", "weight_dropout: 0.0": "weight_dropout: 0.1"},
            "train.weight_dropout: 0.1 with train.cell feedforward, which has no recurrent weights, is not "
            "allowed; allowed: 0",
        ),
        (
            {"warmup_steps: 0": "warmup_steps: 2001"},
            "train.warmup_steps: 2001 is not allowed; allowed: at most train.max_steps, 2000",
        ),
        (
            {"max_words: 0": "max_words: 1"},
            "prepare.max_words: 1 leaves no word besides <unk> and is not allowed; allowed: 0, or at least 2",
        ),
        (
            {"held_out: 0.0": "held_out: 0.1", "validation: null": "validation: v.txt"},
            "prepare.held_out: 0.1 together with prepare.validation is not allowed; allowed: 0, or null for "
            "prepare.validation and prepare.test",
        ),
        (
            {"held_out: 0.0": "held_out: 0.25", "test: null": "test: t.txt"},
            "prepare.held_out: 0.25 together with prepare.test is not allowed; allowed: 0, or null for "
            "prepare.validation and prepare.test",
        ),
    ],
)
def test_the_error_for_incompatible_values_names_one_of_them(
    tmp_path: Path, changes: dict[str, str], expected: str
) -> None:
    with pytest.raises(ParamsError) as raised:
        load(tmp_path, changed(changes))
    assert str(raised.value) == f"{tmp_path / 'params.yaml'}: {expected}"


@pytest.mark.parametrize(
    "changes",
    [
        {"max_words: 0": "max_words: 2"},
        {"warmup_steps: 0": "warmup_steps: 2000"},
        {"cell: lstm": "cell: feedforward", "tied: false": "tied: true"},
        {
            "cell: lstm": "cell: gru",
            "context: 3": "context: null",
            "weight_dropout: 0.0": "weight_dropout: 0.1",
        },
        {"validation: null": "validation: v.txt", "test: null": "test: t.txt"},
        {"patience: 0": "patience: 3", "context: 3": "context: null", "held_out: 0.0": "held_out: 0.1"},
        {
            "patience: 0": "patience: 3",
            "context: 3": "context: null",
            "validation: null": "validation: v.txt",
        },
    ],
)
def test_compatible_values_are_allowed(tmp_path: Path, changes: dict[str, str]) -> None:
    load(tmp_path, changed(changes))


def changed(changes: dict[str, str]) -> str:
    text = SHIPPED
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text
