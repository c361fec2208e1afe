"""Learning without PyTorch, compared with the train stage and its files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import LINES, STREAMS, train
from safetensors.numpy import load_file, save
from tiny import (
    SUBWORDS,
    TEXT,
    TRAINED,
    export,
    make_network,
    make_wordy_network,
    prepare,
    write_files,
)

from nextword import Generator
from nextword.errors import (
    ModelFileError,
    NextwordError,
    OutputError,
    PromptError,
    TrainingError,
    UnknownWordError,
)
from nextword.model import network
from nextword.runtime.learning.rewriting import rewritten
from nextword.runtime.learning.stored import Stored
from nextword.runtime.learning.trainer import Settings, Trainer
from nextword.runtime.model_file import ModelFile
from nextword.text.word_filter import WordFilter

WORDS = ["the", "mouse", "cat", "ran", "said", ".", "<unk>"]
LEARNED = "the mouse ran . the cat said . " * 12


@pytest.fixture(scope="module", params=[None, 3], ids=["streams", "windows"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("learning")
    trained = make_network(len(WORDS), context=request.param, scale=1.0)
    return write_files(directory, trained, WORDS, unknown=6)


def learned(graph: Path, model: Path, text: str = LEARNED, steps: int = 0, **changes: Any) -> Trainer:
    trainer = Trainer(graph, model, text, Settings(batch=2, words_per_step=10, **changes))
    for _ in range(steps):
        trainer.learn()
    return trainer


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (TEXT, {"stop_within": 0, "max_steps": 12, "weight_decay": 0.1, "layers": 2}),
        (TEXT, {"stop_within": 0, "max_steps": 12, "cell": "feedforward"}),
        (TEXT, {"stop_within": 0, "max_steps": 12, "cell": "gru", "tied": True, "hidden": 20}),
        (
            LINES,
            STREAMS
            | {"precision": "float64", "dropout": 0.0, "output_dropout": 0.0, "schedule": "constant"}
            | {"max_steps": 40, "hidden": 24},
        ),
    ],
    ids=["windows", "a cell without a state", "tied and projected", "streams"],
)
def test_the_bytes_equal_those_of_the_train_stage(
    in_directory: Path, text: str, changes: dict[str, Any]
) -> None:
    corpus = prepare(in_directory, text, **changes)
    train()
    by_pytorch = network.load(TRAINED)
    other = make_network(3, cell=by_pytorch.architecture.cell, context=by_pytorch.architecture.context)
    words = [*corpus.dictionary.words]
    graph, model = write_files(in_directory, by_pytorch, words)
    used = {"learning_rate": 0.03, "batch": 16} | changes
    names = ("learning_rate", "weight_decay", "batch", "words_per_step")
    trainer = Trainer(
        graph,
        model,
        text,
        Settings(**{name: used[name] for name in names if name in used}),
        from_nothing=True,
    )
    for _ in range(changes["max_steps"]):
        trainer.learn()
    assert other.size != trainer.weights["logits.bias"].size
    assert [*trainer.dictionary.words] == words
    rounded = {name: weight.astype(np.float32).astype(np.float16) for name, weight in trainer.weights.items()}
    expected = load_file(TRAINED / "weights.safetensors")
    assert save({name: rounded[name] for name in expected if name in rounded}) == save(
        {name: weight for name, weight in expected.items() if name in rounded}
    )


def test_a_learned_model_is_a_file_with_the_same_dictionary(files: tuple[Path, Path], tmp_path: Path) -> None:
    trainer = learned(*files, steps=60, learning_rate=0.03)
    trainer.save(tmp_path / "mine.onnx")
    mine, before = Generator.load(tmp_path / "mine.onnx"), Generator.load(files[1])
    assert mine.info.dictionary == before.info.dictionary
    assert mine.info.params == before.info.params
    assert mine.score(LEARNED).perplexity < 2 < before.score(LEARNED).perplexity
    assert mine.generate("the mouse ran .", 4) == "the mouse ran . the cat said ."


def test_a_model_never_replaces_a_directory(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    with pytest.raises(OutputError, match="is a directory; give the name of a file"):
        learned(*files).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_from_scratch_the_dictionary_is_that_of_the_text(files: tuple[Path, Path], tmp_path: Path) -> None:
    graph, model = files
    text = "one two three four five six seven eight nine ten " * 8
    trainer = Trainer(
        graph, model, text, Settings(batch=4, words_per_step=9, learning_rate=0.05), from_nothing=True
    )
    for _ in range(150):
        trainer.learn()
    trainer.save(tmp_path / "mine.onnx")
    mine = Generator.load(tmp_path / "mine.onnx")
    assert mine.info.dictionary == text.split()[:10]
    assert mine.info.unknown is None
    assert mine.generate("one two three", 4) == "one two three four five six seven"


def test_learning_that_diverges_goes_back_to_weights_that_had_not_begun_to(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    trainer = learned(*files, learning_rate=10.0, weight_decay=0.5)
    before = []

    def go_on() -> None:
        for _ in range(50):
            before.append(trainer.weights)
            trainer.learn()

    with pytest.raises(
        TrainingError, match=r"diverged at step \d+: loss .* lower the learning rate"
    ) as raised:
        go_on()
    assert f"at step {len(before)}:" in str(raised.value)
    assert trainer.step < len(before) - 1
    for name, weight in trainer.weights.items():
        np.testing.assert_array_equal(weight, before[trainer.step][name])
    trainer.save(tmp_path / "mine.onnx")
    mine, model = (Generator.load(path) for path in (tmp_path / "mine.onnx", files[1]))
    assert mine.score(LEARNED).perplexity < 4 * model.score(LEARNED).perplexity
    trainer.learn()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("learning_rate", -1, "from 0 to 10; got -1"),
        ("learning_rate", float("nan"), "from 0 to 10; got nan"),
        ("learning_rate", float("inf"), "from 0 to 10; got inf"),
        ("learning_rate", "x", "a number; got str"),
        ("weight_decay", -0.1, "from 0 to 10; got -0.1"),
        ("clip", 0, "from 1e-06 to 1e+06; got 0"),
        ("batch", 0, "from 1 to 65536; got 0"),
        ("batch", 2.5, "a whole number; got 2.5"),
        ("words_per_step", 0, "from 1 to 65536; got 0"),
        ("seed", -1, "from 0 to 4.29497e+09; got -1"),
        ("seed", 1.5, "a whole number; got 1.5"),
        ("threads", None, "a number; got None"),
    ],
)
def test_a_setting_that_cannot_be_used_is_rejected(name: str, value: Any, message: str) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(TrainingError) as raised:
        Settings(**settings)
    assert str(raised.value) == f"{name} must be {message}"


def test_a_negative_number_of_threads_is_rejected() -> None:
    with pytest.raises(TrainingError, match="threads must be from 1 to"):
        Settings(threads=-1)


def test_paths_may_be_strings(files: tuple[Path, Path], tmp_path: Path) -> None:
    graph, model = map(str, files)
    trainer = Trainer(graph, model, LEARNED, Settings(batch=2, words_per_step=10))
    trainer.save(str(tmp_path / "mine.onnx"))
    assert Generator.load(tmp_path / "mine.onnx").info.dictionary == WORDS
    with pytest.raises(ModelFileError, match="the path of a file must be a string or a Path; got int"):
        Trainer(graph, 3, LEARNED)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="the path of a file must be a string or a Path; got None"):
        trainer.save(None)  # type: ignore[arg-type]


def test_weights_are_restored(files: tuple[Path, Path]) -> None:
    trainer = learned(*files, steps=3, learning_rate=0.03)
    kept, loss = trainer.keep(), trainer.loss("the cat ran .")
    trainer.learn()
    assert trainer.loss("the cat ran .") != loss
    trainer.restore(kept)
    assert trainer.loss("the cat ran .") == loss


@pytest.mark.parametrize("before", [0, 3, 14])
def test_a_checkpoint_resumes_bit_for_bit(files: tuple[Path, Path], before: int) -> None:
    graph, model = files
    trainer = learned(graph, model, steps=before)
    other = learned(graph, model)
    other.resume(trainer.checkpoint())
    assert other.step == before
    for _ in range(20):
        assert other.learn() == trainer.learn()
    for name, weight in trainer.weights.items():
        np.testing.assert_array_equal(other.weights[name], weight)


def test_a_checkpoint_that_does_not_fit_is_rejected(files: tuple[Path, Path]) -> None:
    graph, model = files
    data = learned(graph, model, steps=2).checkpoint()
    trainer = learned(graph, model, steps=1)
    weights = trainer.weights
    for found in (b"", data[:-200], data[:100], b"PK" + data[2:60]):
        with pytest.raises(TrainingError, match="not a checkpoint"):
            trainer.resume(found)
    for other in (learned(graph, model, seed=2), learned(graph, model, LEARNED + "the cat ran .")):
        with pytest.raises(TrainingError, match="belongs to other files, another text"):
            other.resume(data)
    assert trainer.step == 1
    assert all((trainer.weights[name] == weight).all() for name, weight in weights.items())


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", PromptError, "no words"),
        ("a b c d " * 20, PromptError, "knows no word of the text"),
        ("the", TrainingError, "the text has 1 word; learning needs at least"),
    ],
)
def test_a_text_that_cannot_be_learned_is_rejected(
    files: tuple[Path, Path], text: str, error: type[NextwordError], message: str
) -> None:
    with pytest.raises(error, match=message):
        learned(*files, text=text)


def test_the_error_for_an_unknown_word_names_it_if_there_is_no_unk(tmp_path: Path) -> None:
    files = write_files(tmp_path, make_network(len(WORDS)), WORDS)
    with pytest.raises(UnknownWordError, match="'dog' is not in the dictionary"):
        learned(*files, text="the dog ran . the dog ran .")


def test_files_that_do_not_belong_together_are_rejected(files: tuple[Path, Path], tmp_path: Path) -> None:
    graph, model = files
    for number, other in enumerate(
        [
            make_network(len(WORDS), hidden=9),
            make_network(len(WORDS), layers=3),
            make_network(len(WORDS), cell="gru"),
        ]
    ):
        path = export(tmp_path / f"{number}.onnx", other, WORDS)
        with pytest.raises(ModelFileError, match="belong to different networks"):
            learned(graph, path)
    with pytest.raises(ModelFileError, match="belong to different networks"):
        learned(graph, export(tmp_path / "int8.onnx", make_network(len(WORDS)), WORDS, weights="int8"))
    with pytest.raises(ModelFileError, match="is not a training graph"):
        learned(model, model)
    (tmp_path / "cut.onnx").write_bytes(graph.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match="is not an ONNX model"):
        learned(tmp_path / "cut.onnx", model)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=300, unique=True
    )
)
def test_a_rewritten_file_has_the_new_contents_and_the_rest_unchanged(
    files: tuple[Path, Path], words: list[str]
) -> None:
    import onnx
    from onnx import numpy_helper

    data = files[1].read_bytes()
    assert rewritten(data, {}, {}, len(WORDS)) == data
    embedding = np.arange(6 * len(words), dtype=np.float16).reshape(-1, 6)
    found = onnx.load_from_string(
        rewritten(data, {"embedding_float16": embedding}, {"dictionary": str(words)}, len(words))
    )
    stored = {one.name: numpy_helper.to_array(one) for one in found.graph.initializer}
    assert np.array_equal(stored["embedding_float16"], embedding)
    assert {one.key: one.value for one in found.metadata_props}["dictionary"] == str(words)
    [logits] = [one for one in found.graph.output if one.name == "logits"]
    assert logits.type.tensor_type.shape.dim[1].dim_value == len(words)
    before = onnx.load_from_string(data)
    assert found.graph.node == before.graph.node
    assert len(found.metadata_props) == len(before.metadata_props)


@given(gates=st.permutations([0, 1, 2, 3]), count=st.integers(1, 2), rows=st.integers(1, 3))
def test_stored_weights_can_be_recovered(gates: list[int], count: int, rows: int) -> None:
    random = np.random.default_rng(rows)
    names = tuple("ab"[:count])
    for shape in [(4 * rows, 3), (4 * rows,)]:
        weights = {name: random.standard_normal(shape) for name in names}
        for stored in (Stored(names, tuple(gates)), Stored(names), Stored(names, transposed=len(shape) > 1)):
            found = stored.part(stored.join(weights))
            assert all(np.array_equal(found[name], weight) for name, weight in weights.items())


def test_the_words_of_a_learned_text_count_as_words_of_the_training_text(tmp_path: Path) -> None:
    about: dict[str, Any] = {"split_by": "subwords", "training_words": WordFilter.of(["cat"]).text}
    graph, model = write_files(tmp_path, make_wordy_network(None), SUBWORDS, **about)
    mine = tmp_path / "mine.onnx"
    learned(graph, model, "the mouse said, the mouses ran. " * 12, steps=1).save(mine)
    found = WordFilter.from_text(ModelFile(mine).metadata.training_words)
    assert found is not None
    assert all(word in found for word in ("cat", "the", "mouses", ","))
    assert "mouser" not in found
