from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import WORDS, export, make_network

from nextword.errors import CountError, ModelFileError
from nextword.runtime.model_file import ModelFile


def test_the_state_before_the_first_word_is_zero(tmp_path: Path) -> None:
    file = ModelFile(export(tmp_path / "m.onnx", make_network()))
    zero = np.zeros((2, 1, 8), np.float32)
    ids = np.array([[1, 2]])
    assert (file.run(ids).logits == file.run(ids, {"hidden": zero, "cell": zero}).logits).all()


def test_more_threads_compute_the_same_words(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network())
    ids = np.random.default_rng(0).integers(0, 12, (20, 3))
    one, two = (ModelFile(path, threads).run(ids).logits for threads in (1, 2))
    assert np.allclose(one, two, atol=1e-5)


@pytest.mark.parametrize("threads", [0, -1, 100000])
def test_threads_out_of_range_are_an_error(tmp_path: Path, threads: int) -> None:
    with pytest.raises(CountError, match="threads must be from 1 to"):
        ModelFile(export(tmp_path / "m.onnx", make_network()), threads)


def test_a_missing_file_and_a_directory_are_errors(tmp_path: Path) -> None:
    for path, message in {
        tmp_path / "none.onnx": "no such model file; specify another, with --model",
        tmp_path: "is not a regular file; specify a model file",
        tmp_path / ("n" * 5000): "File name too long; specify a model file",
    }.items():
        with pytest.raises(ModelFileError, match=message):
            ModelFile(path)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    with pytest.raises(ModelFileError, match="is empty; copy or export it again"):
        ModelFile(tmp_path / "m.onnx")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 0.999))
def test_a_truncated_file_is_an_error_wherever_it_is_cut(tmp_path: Path, share: float) -> None:
    whole = export(tmp_path / "m.onnx", make_network()).read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelFileError):
        ModelFile(cut)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1))
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelFileError):
        ModelFile(tmp_path / "m.onnx")


def test_a_foreign_onnx_model_is_an_error(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network())
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match=r"m\.onnx is not a nextword model"):
        ModelFile(path)


def test_metadata_of_another_graph_are_an_error(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network(), WORDS[:-1])
    with pytest.raises(ModelFileError, match="does not match its metadata"):
        ModelFile(path)


def test_an_operator_that_this_onnxruntime_lacks_is_named(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network())
    model = onnx.load(path)
    model.opset_import[0].version = 19
    model.graph.node.append(onnx.helper.make_node("Gelu", ["features"], ["more"]))  # came with 20
    onnx.save(model, path)
    with pytest.raises(ModelFileError, match=r"needs the operator Gelu, which onnxruntime .* lacks"):
        ModelFile(path)
