"""Models that learn from the text that they read: in sessions, in evaluation and in a keyboard."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import SUBWORDS, export, make_network, make_wordy_network, write_files

from nextword import Generator
from nextword.errors import KeyboardError, ModelFileError, NextwordError, SessionError, TrainingError
from nextword.model.network import Network
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile

WORDS = ["the", "mouse", "cat", "ran", "said", ".", "<unk>"]
TEXT = "the mouse ran . the cat said . " * 30
BLOCK = 20
Files = tuple[Path, Path]  # a training graph and a model


def write(directory: Path, trained: Network, words: list[str] = WORDS, **changes: Any) -> Files:
    unknown = {"unknown": words.index("<unk>")} if "<unk>" in words else {}
    return write_files(directory, trained, words, **unknown, **changes)


@pytest.fixture(scope="module", params=[None, 3], ids=["streams", "windows"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    trained = make_network(len(WORDS), context=request.param, scale=1.0)
    return write(tmp_path_factory.mktemp("dynamic"), trained)


@pytest.fixture
def streams(tmp_path: Path) -> Files:
    return write(tmp_path, make_network(len(WORDS), context=None, scale=1.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"context": None},
        {"context": 3, "cell": "gru", "tied": True},
        {"context": 3, "cell": "feedforward", "layers": 1},
        {"context": None, "cell": "rnn", "precision": "float32"},
    ],
    ids=["lstm", "gru, tied and projected", "feedforward", "rnn"],
)
def test_reading_a_text_makes_it_likelier(tmp_path: Path, changes: dict[str, Any]) -> None:
    graph, model = write(tmp_path, make_network(len(WORDS), scale=1.0, **changes))
    (tmp_path / "text.txt").write_text(4 * TEXT)
    generator = Generator.load(model)
    alone = generator.evaluate(tmp_path / "text.txt")
    found = generator.evaluate(tmp_path / "text.txt", training_graph=graph)
    assert found.perplexity < 0.9 * alone.perplexity
    assert found.words == alone.words
    assert generator.evaluate(tmp_path / "text.txt") == alone  # the model itself has not changed


def test_reading_a_text_of_subwords_makes_it_likelier(tmp_path: Path) -> None:
    graph, model = write(tmp_path, make_wordy_network(context=None), SUBWORDS, split_by="subwords")
    (tmp_path / "text.txt").write_text("the mouse sat, the cat sat. " * 20)
    generator = Generator.load(model)
    alone = generator.evaluate(tmp_path / "text.txt")
    found = generator.evaluate(tmp_path / "text.txt", training_graph=graph)
    assert found.perplexity < 0.9 * alone.perplexity
    assert found.words == alone.words


@pytest.mark.parametrize("context", [None, 3], ids=["streams", "windows"])
def test_a_block_changes_the_weights_by_a_clipped_gradient_of_low_rank(
    tmp_path: Path, context: int | None
) -> None:
    trained = make_network(len(WORDS), context=context, scale=1.0)
    graph, path = write(tmp_path, trained)
    dynamic = DynamicEvaluation(ModelFile(path), graph, learning_rate=0.5)
    ids = np.random.default_rng(3).integers(6, size=(context or 1) + BLOCK)
    for id in [*ids.tolist()[:-1], 2]:
        dynamic.note(id, None)
    ids[-1] = 2

    if context:
        read, following = np.lib.stride_tricks.sliding_window_view(ids[:-1], context), ids[context:]
    else:
        read, following = ids[None, :-1], ids[1:]
    features, _ = trained.read(torch.from_numpy(read.copy()))
    features = features[-1] if context else features[:, 0]
    torch.nn.functional.cross_entropy(trained.logits(features), torch.from_numpy(following)).backward()
    torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
    with torch.no_grad():
        for name, weight in trained.named_parameters():
            assert weight.grad is not None
            change = -0.5 * weight.grad.numpy()
            if weight.ndim == 2:
                projection = dynamic.projections[name]
                assert projection.shape == (4, weight.shape[1])
                change = change @ projection.T @ projection
            weight.data += torch.from_numpy(change)
        read = ids[None, -3:]
        expected = trained(torch.from_numpy(read), None)[0].numpy()
    np.testing.assert_allclose(dynamic.model.run(read).logits, expected, atol=1e-5)


def fed(session: Any, text: str) -> Any:
    for word in text.split():
        session.feed(word)
    return session


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(1, 50), taken=st.integers(1, 60), seed=st.integers(0, 99))
def test_undo_also_undoes_learning(files: Files, before: int, taken: int, seed: int) -> None:
    graph, model = files
    generator = Generator.load(model)
    words = np.random.default_rng(seed).choice(WORDS[:6], before + taken).tolist()
    session = fed(generator.session(training_graph=graph), " ".join(words[:before]))
    expected = session.suggest(6)
    fed(session, " ".join(words[before:]))
    later = session.suggest(6)
    assert [session.undo() for _ in range(taken)] == words[before:][::-1]
    assert session.suggest(6) == expected
    assert fed(session, " ".join(words[before:])).suggest(6) == later


@pytest.mark.parametrize("words", [1, 19, 20, 47])
def test_a_resumed_session_learns_on_bit_for_bit(files: Files, words: int) -> None:
    graph, model = files
    generator = Generator.load(model)
    text = TEXT.split()
    session = fed(generator.session(4, 0.1, training_graph=graph), " ".join(text[:words]))
    other = Generator.load(model).resume(session.save(), training_graph=graph)
    assert other.suggest(6) == session.suggest(6)
    rest = " ".join(text[words : words + 50])
    assert fed(other, rest).suggest(6) == fed(session, rest).suggest(6)
    assert [other.undo() for _ in range(50)] == rest.split()[::-1]
    assert other.suggest(6) == generator.resume(session_bytes(generator, graph, text, words), graph).suggest(
        6
    )


def session_bytes(generator: Generator, graph: Path, text: list[str], words: int) -> bytes:
    saved: bytes = fed(generator.session(4, 0.1, training_graph=graph), " ".join(text[:words])).save()
    return saved


def test_a_resumed_session_can_start_to_learn(streams: Files) -> None:
    graph, model = streams
    generator = Generator.load(model)
    saved = fed(generator.session(), TEXT).save()
    session = generator.resume(saved, training_graph=graph)
    alone = generator.resume(saved)
    assert session.suggest(6) == alone.suggest(6)
    assert fed(session, TEXT[:400]).suggest(6) != fed(alone, TEXT[:400]).suggest(6)


def changed(data: bytes, **arrays: Any) -> bytes:
    with np.load(io.BytesIO(data)) as found:
        kept = dict(found)
    saved = io.BytesIO()
    np.savez(saved, **{**kept, **arrays})
    return saved.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-500], "not a saved session"),
        (lambda data: changed(data, block=np.array([99])), "not a saved session"),
        (lambda data: changed(data, block=np.zeros(5000, np.int64)), "not a saved session"),
        (lambda data: changed(data, training_graph=np.array("0" * 64)), "another training graph"),
        (lambda data: changed(data, learning_rate=np.array(0.5)), "learning_rate of 0.5"),
        (lambda data: changed(data, **{"learned.logits.bias": np.full(7, np.nan, "f4")}), "not a saved"),
    ],
    ids=["cut", "foreign words", "too many words", "graph", "rate", "no number"],
)
def test_a_saved_session_that_does_not_fit_is_rejected(
    streams: Files, change: Callable[[bytes], bytes], message: str
) -> None:
    graph, model = streams
    generator = Generator.load(model)
    data = fed(generator.session(training_graph=graph), TEXT[:200]).save()
    with pytest.raises(SessionError, match=message):
        generator.resume(change(data), training_graph=graph)
    with pytest.raises(SessionError, match="give its training_graph"):
        generator.resume(data)


def test_models_that_cannot_learn_are_rejected(streams: Files, tmp_path: Path) -> None:
    graph, model = streams
    generator = Generator.load(model)
    other = make_network(len(WORDS), context=None, hidden=9)
    int8 = export(tmp_path / "int8.onnx", make_network(len(WORDS), context=None), WORDS, weights="int8")
    cases: list[tuple[type[NextwordError], str, Callable[[], object]]] = [
        (ModelFileError, "int8, which cannot", lambda: Generator.load(int8).session(training_graph=graph)),
        (ModelFileError, "different networks", lambda: wrong.session(training_graph=graph)),
        (ModelFileError, "no such model file", lambda: generator.session(training_graph="none.onnx")),
        (ModelFileError, "not a training graph", lambda: generator.session(training_graph=model)),
        (TrainingError, "learning_rate", lambda: generator.session(training_graph=graph, learning_rate=-1)),
        (TrainingError, "of 0", lambda: generator.session(training_graph=graph, learning_rate=0)),
        (TrainingError, "give both", lambda: generator.session(learning_rate=0.5)),
        (KeyboardError, "does not adapt", lambda: generator.keyboard(adapts=False, training_graph=graph)),
        (KeyboardError, "got 2", lambda: Keyboard.of([generator], training_graphs=[graph, None])),
    ]
    wrong = Generator.load(export(tmp_path / "other.onnx", other, WORDS))
    for error, message, use in cases:
        with pytest.raises(error, match=message):
            use()


def test_a_learning_rate_that_is_far_too_high_does_not_break_a_session(files: Files) -> None:
    graph, model = files
    session = fed(Generator.load(model).session(training_graph=graph, learning_rate=100), TEXT)
    assert sum(probability for _, probability in session.suggest(6)) <= 1 + 1e-6


def test_a_keyboard_learns_undoes_and_saves(files: Files) -> None:
    graph, model = files
    generator = Generator.load(model)
    keyboard = generator.keyboard(training_graph=graph, learning_rate=10)
    plain = generator.keyboard()
    for _ in range(100):  # short texts
        for one in (keyboard, plain):
            one.update("the cat said . the mouse ran . the cat said . the mouse ")
            one.commit()
            one.update("")
    for one in (keyboard, plain):
        one.update("the cat said . the mouse ran . the cat said . the mouse ")
    assert keyboard.probability("ran") > 2 * plain.probability("ran")
    before = [(one.word, one.probability) for one in keyboard.suggest(5)]
    keyboard.update("the cat said . the mouse ran . the cat said . the mouse " + "said . the the the " * 8)
    keyboard.update("the cat said . the mouse ran . the cat said . the mouse ")
    assert [(one.word, one.probability) for one in keyboard.suggest(5)] == before

    keyboard.update("")
    saved = keyboard.save()
    again = generator.keyboard(saved=saved, training_graph=graph, learning_rate=10)
    for one in (keyboard, again):
        one.update("the mouse ")
    # The bias is saved to four decimals.
    assert again.probability("ran") == pytest.approx(keyboard.probability("ran"), abs=1e-3)
    plain = generator.keyboard(saved=saved)
    plain.update("the mouse ")
    assert abs(plain.probability("ran") - keyboard.probability("ran")) > 5e-3


def test_a_keyboard_ignores_what_another_model_learned(streams: Files, tmp_path: Path) -> None:
    graph, model = streams
    keyboard = Generator.load(model).keyboard(training_graph=graph)
    keyboard.update(TEXT)
    keyboard.commit()
    (tmp_path / "other").mkdir()
    other_graph, other = write(tmp_path / "other", make_network(len(WORDS), context=None, seed=5))
    found = Generator.load(other).keyboard(saved=keyboard.save(), training_graph=other_graph)
    plain = Generator.load(other).keyboard(saved=keyboard.save())
    for one in (found, plain):
        one.update("the ")
    assert found.probability("cat") == pytest.approx(plain.probability("cat"), abs=1e-6)


@pytest.mark.parametrize(
    "value", ["", "AAAA", "!", 5, None, base64.b64encode(b"\xff" * 28).decode()], ids=repr
)
def test_damaged_weights_of_a_keyboard_are_rejected(streams: Files, value: Any) -> None:
    graph, model = streams
    generator = Generator.load(model)
    keyboard = generator.keyboard(training_graph=graph)
    keyboard.update(TEXT)
    saved = json.loads(keyboard.save())
    saved["languages"][0]["learned_weights"]["values"]["logits.bias"] = value
    with pytest.raises(KeyboardError, match="not a saved keyboard"):
        generator.keyboard(saved=json.dumps(saved).encode(), training_graph=graph)
