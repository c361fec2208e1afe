"""Why a model expects a word: its gates, and the words that mattered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import WORDS, export, make_network

from nextword import Generator
from nextword.errors import PromptError, UnknownWordError
from nextword.model.cells import CELLS
from nextword.runtime.explanation import explain, gates
from nextword.runtime.model_file import ModelFile
from nextword.runtime.onnx_file import OnnxFile

RECURRENT = [name for name, cell in CELLS.items() if cell.states]


@pytest.mark.parametrize("weights", ["float16", "int8"])
@pytest.mark.parametrize("cell", RECURRENT)
def test_the_state_computed_with_the_gates_is_that_of_the_file(
    tmp_path: Path, cell: str, weights: str
) -> None:
    path = export(tmp_path / "m.onnx", make_network(cell=cell, context=None, layers=3), weights=weights)
    model, file = ModelFile(path), OnnxFile(path.read_bytes())

    @given(st.lists(st.integers(0, len(WORDS) - 1), min_size=1, max_size=12))
    def check(ids: list[int]) -> None:
        after = model.run(np.array([ids])).state
        layers = gates(file, np.array(ids))
        assert len(layers) == 3
        for name in CELLS[cell].states:
            found = np.stack([layer[name][-1] for layer in layers])
            # The file's activations in 8 bits are less precise than the values used for gates.
            tolerance = 0.2 if weights == "int8" and cell == "lstm" else 1e-3
            assert np.allclose(found, after[name][:, 0], atol=tolerance)

    check()


def test_a_file_with_a_cell_of_a_later_version_is_explained_by_its_words_alone() -> None:
    found = explain(Path(__file__).parents[1] / "conformance/quibble.onnx", "the mice some")
    assert len(found.lost) == 3
    assert found.layers == []


def rename(model: onnx.ModelProto, names: dict[str, str]) -> None:
    graph = model.graph
    for named in (*graph.input, *graph.output, *graph.initializer):
        named.name = names.get(named.name, named.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def with_weights_of_other_names(model: onnx.ModelProto) -> None:
    rename(model, {weight.name: f"own_{weight.name}" for weight in model.graph.initializer})


def with_states_of_other_names(model: onnx.ModelProto) -> None:
    states = [put.name for put in model.graph.input if put.name != "ids"]
    rename(model, {f"{prefix}{name}": f"{prefix}own_{name}" for name in states for prefix in ("", "next_")})


def with_attribute(name: str, value: object) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            if node.op_type in {"LSTM", "GRU", "RNN"}:
                kept = [one for one in node.attribute if one.name != name]
                del node.attribute[:]
                node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])

    return change


def changed(path: Path, cell: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A file whose graph a later version might have written."""
    model = onnx.load(export(path, make_network(cell=cell, context=None)))
    change(model)
    onnx.save(model, path)
    return path


FOREIGN = [
    ("lstm", with_weights_of_other_names),
    ("gru", with_weights_of_other_names),
    ("rnn", with_weights_of_other_names),
    ("lstm", with_attribute("activations", ["Sigmoid", "Softsign", "Tanh"])),
    ("lstm", with_attribute("input_forget", 1)),
    ("gru", with_attribute("linear_before_reset", 0)),
    ("rnn", with_attribute("activations", ["Relu"])),
]


@pytest.mark.parametrize(("cell", "change"), FOREIGN)
def test_gates_that_the_graph_does_not_have_are_not_shown(
    tmp_path: Path, cell: str, change: Callable[[onnx.ModelProto], None]
) -> None:
    found = explain(changed(tmp_path / "m.onnx", cell, change), "the cat ran")
    assert found.has_state
    assert found.layers == []
    assert len(found.lost) == 3


@pytest.mark.parametrize("cell", RECURRENT)
def test_gates_are_shown_whatever_the_names_of_the_states(tmp_path: Path, cell: str) -> None:
    found = explain(changed(tmp_path / "m.onnx", cell, with_states_of_other_names), "the cat ran")
    assert len(found.layers) == 2


def test_gates_lie_between_0_and_1_and_have_a_row_for_each_word(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network(context=None))
    found = explain(path, "the cat said the mouse ran")
    assert [sorted(layer) for layer in found.layers] == [["cell", "forget", "hidden", "input", "output"]] * 2
    for layer in found.layers:
        for name in ("forget", "input", "output"):
            assert layer[name].shape == (6, 8)
            assert ((layer[name] > 0) & (layer[name] < 1)).all()


@pytest.mark.parametrize("cell", CELLS)
def test_the_loss_from_leaving_out_a_word_is_the_difference_without_it(tmp_path: Path, cell: str) -> None:
    path = export(tmp_path / "m.onnx", make_network(cell=cell, context=3))
    found = explain(path, "bell said the cat ran")
    generator = Generator.load(path)
    assert found.words == ["bell", "said", "the", "cat", "ran"]
    word, probability = generator.suggest("bell said the cat ran ", 1)[0]
    assert found.next_word == word
    assert np.exp(found.log_probability) == pytest.approx(probability, rel=1e-5)
    without = dict(generator.suggest("bell said the ran ", len(WORDS)))[word]
    assert found.lost[3] == pytest.approx(np.log(probability / without), abs=1e-5)
    assert found.lost[:2] == [0, 0]  # words beyond the context of the model
    assert found.read == 3
    assert bool(found.layers) == bool(CELLS[cell].states)


def test_the_error_for_a_text_that_cannot_be_explained_says_why(tmp_path: Path) -> None:
    path = export(tmp_path / "m.onnx", make_network())
    with pytest.raises(PromptError, match="one word"):
        explain(path, "the")
    with pytest.raises(UnknownWordError, match="'dog'"):
        explain(path, "the dog")
