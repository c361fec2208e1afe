from pathlib import Path

import numpy as np
import pytest
from tiny import WORDS, make_network, metadata_of, weights_of

from nextword import Generator
from nextword.errors import ParityError
from nextword.evaluate import samples
from nextword.evaluate.predictors import NetworkPredictor
from nextword.evaluate.samples import Whole
from nextword.export import publishing
from nextword.export.parity import Evidence
from nextword.params import ExportParams
from nextword.text import windows

WINDOWS = windows.windows(np.random.default_rng(0).integers(0, 12, 60), 3)


def publish(tolerance: float) -> list[str]:
    network = make_network(seed=4)
    found = samples.sample(NetworkPredictor(network), Whole(None), WINDOWS, 2, 10)
    evidence = Evidence(WINDOWS, [(one.prompt, one.continuation) for one in found])
    params = ExportParams(tolerance=tolerance, max_accuracy_drop=1.0)
    metadata = metadata_of(network, WORDS)
    return publishing.publish(network, weights_of(network), metadata, evidence, params, Path("models"))


def test_five_files_are_published_with_one_line_each(in_directory: Path) -> None:
    lines = publish(1e-4)
    names = ["nextword.onnx", "nextword.int8.onnx", "nextword.text.onnx", "nextword.int8.text.onnx"]
    names.append("nextword.train.onnx")
    assert [line.split(":")[0] for line in lines] == [f"models/{name}" for name in names]
    assert sorted(path.name for path in (in_directory / "models").iterdir()) == sorted(names)
    for name in names[:2]:
        assert Generator.load(Path("models") / name).info.dictionary == WORDS


def test_if_one_file_fails_none_is_published_and_the_old_ones_stay(in_directory: Path) -> None:
    (in_directory / "models").mkdir()
    old = in_directory / "models" / "nextword.onnx"
    old.write_bytes(b"old")
    with pytest.raises(ParityError, match=r"export\.tolerance 1e-12"):
        publish(1e-12)
    assert [path.name for path in (in_directory / "models").iterdir()] == [old.name]
    assert old.read_bytes() == b"old"
