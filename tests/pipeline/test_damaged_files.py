"""Missing or damaged files under data/prepared and models/trained: always an error of one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import LINES
from safetensors.numpy import save
from tiny import make_network, prepare

from nextword.errors import NextwordError, StageError
from nextword.export import parity
from nextword.model import network
from nextword.text import corpus

READ: dict[str, Callable[[Path], Any]] = {
    "prepared": corpus.load,
    "trained": lambda path: (network.load(path), network.trained_steps(path)),
}
NAMES = [
    *("prepared/text.json", "prepared/dictionary.json", "prepared/spellings.json"),
    *("prepared/ids.npy", "prepared/unknown.npy", "prepared/frequencies.npy"),
    *("trained/architecture.json", "trained/training.json", "trained/weights.safetensors"),
]


@pytest.fixture
def whole(in_directory: Path) -> Path:
    prepare(in_directory, LINES, {"max_words": 8, "held_out": 0.2})
    (in_directory / "data" / "prepared").rename(in_directory / "prepared")
    network.publish(make_network(), 3, in_directory / "trained")
    for name, read in READ.items():
        read(in_directory / name)
    return in_directory


@pytest.mark.parametrize("name", NAMES)
def test_the_error_for_a_missing_empty_or_truncated_file_names_its_folder(whole: Path, name: str) -> None:
    path = whole / name
    content = path.read_bytes()
    for damaged in (None, b"", content[: len(content) // 2], content[:-3], b"\x80" * 99, b"[" * 9999):
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
        with pytest.raises(StageError, match=rf"{path.parent.name}.*(damaged|not found).* run `dvc repro`"):
            READ[path.parent.name](path.parent)


@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.integers(0, 255))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_is_rejected_or_harmless(whole: Path, name: str, place: int, byte: int) -> None:
    path = whole / name
    content = path.read_bytes()
    place %= len(content)
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    try:
        READ[path.parent.name](path.parent)
    except NextwordError:
        pass
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("prepared/ids.npy", lambda ids: ids + 7),
        ("prepared/ids.npy", lambda ids: ids[:-1]),
        ("prepared/ids.npy", lambda ids: ids.astype(np.float64)),
        ("prepared/ids.npy", lambda ids: ids[None]),
        ("prepared/unknown.npy", lambda places: places + 99),
        ("prepared/frequencies.npy", lambda counts: counts[1:]),
        ("prepared/frequencies.npy", np.negative),
    ],
)
def test_inconsistent_arrays_are_rejected(whole: Path, name: str, change: Callable[[Any], Any]) -> None:
    np.save(whole / name, change(np.load(whole / name)))
    with pytest.raises(StageError, match="is damaged: its files are inconsistent"):
        corpus.load(whole / "prepared")


def test_weights_of_another_shape_and_weights_that_are_not_numbers_are_rejected(whole: Path) -> None:
    for other in (make_network(hidden=7), make_network()):
        with np.errstate(all="ignore"):
            other.logits.bias.data[0] = float("inf") if other.architecture.hidden == 8 else 0
        weights = {name: weight.half().numpy() for name, weight in other.state_dict().items()}
        (whole / "trained" / "weights.safetensors").write_bytes(save(weights))
        with pytest.raises(StageError, match="trained is damaged: its files are inconsistent"):
            network.load_weights(whole / "trained")


@pytest.mark.parametrize(
    "samples",
    [
        {},
        [3],
        [{"prompt": [1]}],
        [{"prompt": [1], "continuation": [99]}],
        [{"prompt": [], "continuation": [1]}],
    ],
)
def test_invalid_samples_are_rejected(tmp_path: Path, samples: Any) -> None:
    (tmp_path / "samples.json").write_text(json.dumps(samples), encoding="utf-8")
    with pytest.raises(StageError, match=r"samples\.json is damaged"):
        parity.read_samples(tmp_path / "samples.json", 12)
