"""Why a model expects a word: its gates, and the words that mattered."""

from pathlib import Path

import numpy as np
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
