import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import WORDS, make_network, metadata_of, weights_of

from nextword.export import step
from nextword.model.cells import CELLS
from nextword.runtime.model_file import ModelFile


@settings(max_examples=60)
@given(
    cell=st.sampled_from([*CELLS]),
    layers=st.integers(1, 3),
    hidden=st.integers(1, 64),
    embedding=st.integers(1, 33),
    dictionary=st.integers(1, 40),
    batch=st.integers(1, 5),
    time=st.integers(1, 7),
    seed=st.integers(0, 100),
    tied=st.booleans(),
)
def test_the_graph_computes_what_pytorch_computes(
    tmp_path_factory: pytest.TempPathFactory,
    cell: str,
    layers: int,
    hidden: int,
    embedding: int,
    dictionary: int,
    batch: int,
    time: int,
    seed: int,
    tied: bool,
) -> None:
    sizes: dict[str, Any] = {"embedding": embedding, "hidden": hidden, "layers": layers, "cell": cell}
    network = make_network(dictionary, **sizes, seed=seed, scale=1.5, tied=tied)
    words = [f"w{id}" for id in range(dictionary)]
    properties = metadata_of(network, words).to_properties()
    path = tmp_path_factory.mktemp("graph") / "m.onnx"
    path.write_bytes(step.build(weights_of(network), network.architecture, properties).SerializeToString())
    random = np.random.default_rng(seed)
    ids = random.integers(0, dictionary, (batch, time))
    states = {
        name: random.standard_normal((layers, batch, hidden)).astype(np.float32)
        for name in CELLS[cell].states
    }
    found = ModelFile(path).run(ids, states)
    with torch.no_grad():
        before = {name: torch.from_numpy(part).double() for name, part in states.items()}
        features, after = network.read(torch.from_numpy(ids), before)
        logits = network.logits(features[-1])
    assert np.allclose(found.logits, logits, atol=1e-4)
    assert np.allclose(found.features, features[-1], atol=1e-4)
    assert list(found.state) == list(after)
    for name, part in after.items():
        assert np.allclose(found.state[name], part, atol=1e-5)


def build() -> onnx.ModelProto:
    network = make_network()
    return step.build(weights_of(network), network.architecture, metadata_of(network, WORDS).to_properties())


def test_only_standard_operators_of_opset_20() -> None:
    graph = build()
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 20)]
    operators = {node.op_type for node in graph.graph.node}
    assert operators == {"Cast", "Transpose", "Gather", "Split", "LSTM", "Squeeze", "Concat", "Gemm"}
    assert all(onnx.defs.has(operator, 20, "") for operator in operators)


def test_weights_are_float16_and_each_is_cast_once() -> None:
    graph = build().graph
    weights = [tensor for tensor in graph.initializer if tensor.data_type != onnx.TensorProto.INT64]
    casts = [node.input[0] for node in graph.node if node.op_type == "Cast"]
    assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}
    assert sorted(casts) == sorted(tensor.name for tensor in weights)


def test_inputs_and_outputs_follow_the_contract() -> None:
    graph = build().graph

    def shapes(values: list[onnx.ValueInfoProto]) -> dict[str, tuple[int, list[str | int]]]:
        return {
            value.name: (
                value.type.tensor_type.elem_type,
                [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim],
            )
            for value in values
        }

    state = (onnx.TensorProto.FLOAT, [2, "batch", 8])
    assert shapes(list(graph.input)) == {
        "ids": (onnx.TensorProto.INT64, ["batch", "time"]),
        "hidden": state,
        "cell": state,
    }
    assert shapes(list(graph.output)) == {
        "logits": (onnx.TensorProto.FLOAT, ["batch", len(WORDS)]),
        "features": (onnx.TensorProto.FLOAT, ["batch", 8]),
        "next_hidden": state,
        "next_cell": state,
    }


def test_the_metadata_have_everything_that_a_runtime_needs() -> None:
    properties = {entry.key: entry.value for entry in build().metadata_props}
    assert properties["format"] == "nextword/2"
    assert json.loads(properties["dictionary"]) == WORDS
    assert set(properties) == {
        *("format", "dictionary", "split_by", "lowercase", "line_ends", "context", "cell", "layers"),
        *("hidden", "weights", "unknown", "params", "metrics", "corpus_sha256", "unicode"),
    }


def test_the_same_weights_give_the_same_bytes() -> None:
    first, second = (build().SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_a_tied_matrix_is_stored_once(tmp_path: Path) -> None:
    network = make_network(embedding=8, hidden=8, tied=True)
    properties = metadata_of(network, WORDS).to_properties()
    graph = step.build(weights_of(network), network.architecture, properties)
    assert [list(tensor.dims) for tensor in graph.graph.initializer].count([len(WORDS), 8]) == 1
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())
    ids = np.array([[1, 2, 3]])
    with torch.no_grad():
        expected = network(torch.from_numpy(ids))[0]
    assert np.allclose(ModelFile(tmp_path / "m.onnx").run(ids).logits, expected, atol=1e-4)
