"""The runtime knows no cell: everything that a graph reads besides words is its state."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import quibble
from tiny import WORDS, export, make_network, metadata_of

from nextword import Generator, Sampling
from nextword.errors import ModelFileError, SamplingError
from nextword.model.cells import CELLS

DRAWN = Sampling(temperature=1.5, seed=3)


def write_quibble(path: Path, **changes: Any) -> onnx.ModelProto:
    metadata = metadata_of(make_network(), WORDS, context=None, cell="quibble", **changes)
    graph = quibble.build(metadata)
    onnx.save(graph, path)
    return graph


CASES = [
    *((cell, layers, context) for cell in CELLS for layers in (1, 2, 3) for context in (3, None)),
    ("quibble", 1, None),
]


@pytest.fixture(
    params=[case for case in CASES if case[0] == "quibble" or CELLS[case[0]].states or case[2]],
    ids=lambda case: "-".join(map(str, case)),
)
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    cell, layers, context = request.param
    path = tmp_path / "m.onnx"
    if cell == "quibble":
        write_quibble(path)
    else:
        export(path, make_network(seed=4, cell=cell, layers=layers, context=context))
    return Generator.load(path)


def test_a_continuation_equals_that_of_rereading_the_text(generator: Generator) -> None:
    text = "the cat ran . the mouse"
    written = generator.generate(text, 8)
    for _ in range(8):
        ((word, _),) = generator.suggest(f"{text} ", 1)
        text += f" {word}"
    assert written == text


def test_samples_side_by_side_equal_those_of_each_seed(generator: Generator) -> None:
    samples = generator.samples("the cat", 5, 8, DRAWN)
    assert samples == [
        generator.generate("the cat", 8, Sampling(temperature=1.5, seed=3 + i)) for i in range(5)
    ]
    assert len(set(samples)) > 1


def test_a_session_suggests_undoes_and_can_be_resumed(generator: Generator) -> None:
    session = generator.session(cache_size=4, cache_weight=0.2)
    session.feed("the cat ran")
    before = session.suggest(5)
    saved = session.save()
    session.feed(". the mouse")
    after = session.suggest(5)
    assert after != before
    resumed = generator.resume(saved)
    assert resumed.suggest(5) == before
    resumed.feed(". the mouse")
    assert resumed.suggest(5) == after
    assert resumed.save() == session.save()
    for word in ("mouse", "the", "."):
        assert session.undo() == word
    assert session.suggest(5) == before


def test_texts_scored_side_by_side_have_the_same_scores_as_alone(generator: Generator) -> None:
    texts = ["the cat ran . the mouse", "the mouse said the", "cat cat cat cat cat cat cat"]
    together = [score.log_probability for score in generator.score_all(texts)]
    assert together == pytest.approx([generator.score(text).log_probability for text in texts], rel=1e-5)


def test_a_file_is_evaluated_with_a_cache(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("über cat ( don't bell , mouse ran . " * 20, encoding="utf-8")
    plain = generator.evaluate(path)
    assert plain.words == 180 - (generator.info.context or 1)
    assert generator.evaluate(path, cache_size=50, cache_weight=0.3).perplexity < plain.perplexity


@pytest.mark.parametrize(
    ("cell", "context"),
    [(cell, context) for cell in CELLS for context in (3, None) if CELLS[cell].states or context],
)
def test_in_8_bits_a_text_does_not_depend_on_those_beside_it(
    tmp_path: Path, cell: str, context: int | None
) -> None:
    network = make_network(seed=4, cell=cell, context=context, hidden=32, embedding=24, scale=1.0)
    generator = Generator.load(export(tmp_path / "m.onnx", network, weights="int8"))
    texts = ["the cat ran . the mouse", "( ( ( ( (", "cat bell cat bell über über ,"]
    together = [score.log_probability for score in generator.score_all(texts)]
    assert together == [generator.score(text).log_probability for text in texts]
    samples = generator.samples("the cat", 6, 20, DRAWN)
    assert samples == [
        generator.generate("the cat", 20, Sampling(temperature=1.5, seed=3 + i)) for i in range(6)
    ]


def test_in_8_bits_a_model_of_sixteen_layers_loads(tmp_path: Path) -> None:
    network = make_network(layers=16, context=None, scale=1.0)
    generator = Generator.load(export(tmp_path / "m.onnx", network, weights="int8"))
    session = generator.session()
    session.feed("the cat")
    assert session.suggest(3) == generator.suggest("the cat ", 3)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("context", [3, None])
def test_in_8_bits_a_text_does_not_depend_on_how_many_words_are_read_at_once(
    tmp_path: Path, layers: int, context: int | None
) -> None:
    network = make_network(seed=4, layers=layers, context=context, hidden=32, embedding=24)
    path = export(tmp_path / "m.onnx", network, weights="int8")
    generator = Generator.load(path)
    prompt = "( the cat über , said . the bell"
    session = generator.session()
    for word in prompt.split():
        session.feed(word)
    assert generator.suggest(f"{prompt} ", 12) == session.suggest(12)
    at_once = generator.session()
    at_once.feed(prompt)
    assert at_once.save() == session.save()
    for word, probability in generator.suggest(f"{prompt} ", 12):
        (*_, (_, log_probability)) = generator.score(f"{prompt} {word}").per_word
        assert log_probability == pytest.approx(math.log(probability), abs=1e-12)


def test_a_file_without_features_has_no_cache(tmp_path: Path) -> None:
    graph = write_quibble(tmp_path / "m.onnx")
    del graph.graph.output[1]
    onnx.save(graph, tmp_path / "m.onnx")
    generator = Generator.load(tmp_path / "m.onnx")
    session = generator.session()
    session.feed("the cat")
    assert generator.resume(session.save()).suggest(3) == session.suggest(3)
    with pytest.raises(SamplingError, match="has no output for features, which a cache needs"):
        generator.session(cache_size=5, cache_weight=0.1)


@pytest.mark.parametrize(
    "broken", ["another dictionary", "a state that does not come back", "no axis of a batch"]
)
def test_a_graph_whose_states_cannot_be_carried_is_an_error(tmp_path: Path, broken: str) -> None:
    graph = write_quibble(tmp_path / "m.onnx")
    if broken == "another dictionary":
        properties = metadata_of(make_network(), WORDS[:-1], context=None, cell="quibble").to_properties()
        onnx.helper.set_model_props(graph, properties)
    elif broken == "no axis of a batch":
        graph.graph.input[2].type.tensor_type.shape.dim[2].dim_value = 1
    else:
        graph.graph.output[3].name = "clock_after"
        graph.graph.node.append(onnx.helper.make_node("Identity", ["next_clock"], ["clock_after"]))
    onnx.save(graph, tmp_path / "m.onnx")
    with pytest.raises(ModelFileError, match="does not match its metadata"):
        Generator.load(tmp_path / "m.onnx")


def test_the_state_of_a_cell_is_everything_that_its_graph_reads_besides_words(tmp_path: Path) -> None:
    for cell, entry in CELLS.items():
        graph = onnx.load(export(tmp_path / "m.onnx", make_network(cell=cell)))
        names = [put.name for put in graph.graph.input]
        assert names == ["ids", *entry.states]
        assert {f"next_{name}" for name in entry.states} <= {put.name for put in graph.graph.output}
        assert np.all([put.type.tensor_type.elem_type == 1 for put in graph.graph.input[1:]])
