"""Checks Python and the text graph against the tables that all languages must agree on."""

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import save
from tiny import make_network

from nextword import Generator, NextwordError, Sampling
from nextword.evaluate.gradient_flow import gradient_flow
from nextword.runtime import draw
from nextword.runtime.explanation import explain
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.keyboard.suggestion import Suggestion
from nextword.runtime.learning.trainer import Settings, Trainer
from nextword.text import characters, words
from nextword.text.dictionary import Dictionary
from nextword.text.subwords import SubwordDictionary
from nextword.text.windows import Windows
from nextword.text.word_filter import WordFilter

HERE = Path(__file__).parent / "conformance"
MODELS = ["fixed", "unbounded", "lines", "characters", "gru", "feedforward", "subwords", "subwords_fixed"]
IN_THE_GRAPH = {"temperature", "top_k", "top_p", "seed"}


def table(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def test_words() -> None:
    for case in table("words"):
        found = words.split(case["text"], case["split_by"], case["lowercase"], case["line_ends"])
        assert found == case["words"]
        assert words.join(found, case["split_by"], case["line_ends"]) == case["joined"]


def test_clusters() -> None:
    for case in table("clusters"):
        assert characters.clusters(case["text"]) == case["clusters"]


def test_sampling() -> None:
    cases = table("sampling")
    for case in cases["uniform"]:
        assert draw.uniform(case["seed"], case["step"]) == case["number"]
    for case in cases["draws"]:
        logits = np.array(case["logits"], np.float32)
        knobs = case["temperature"], case["top_k"], case["top_p"]
        assert draw.draw(logits, case["number"], *knobs) == case["id"]


def test_dictionary() -> None:
    cases = table("dictionary")
    dictionary = Dictionary(cases["dictionary"])
    for case in cases["neighbours"]:
        assert dictionary.neighbours(case["word"]) == case["neighbours"]
    for case in cases["prefixes"]:
        assert sorted(dictionary.starting_with(case["prefix"])) == case["ids"]


def test_word_filters() -> None:
    for case in table("word_filters"):
        found = WordFilter.of(case["words"])
        assert found.text == case["filter"]
        assert {word: word in found for word in case["has"]} == case["has"]


def test_subwords() -> None:
    cases = table("subwords")
    dictionary = SubwordDictionary(Generator.load(HERE / "subwords.onnx").info.dictionary)
    for case in cases["split"]:
        spelt = [(one["word"], tuple(one["ids"])) for one in case["spelt"]]
        assert dictionary.spelt(case["words"]) == spelt


@pytest.mark.parametrize("model", [*MODELS, "quibble"])
def test_generator(model: str) -> None:
    generator = Generator.load(HERE / f"{model}.onnx")
    cases = table(model)
    for case in cases["generate"]:
        check(case, lambda c: generator.generate(c["prompt"], c["words"], Sampling(**c["sampling"])))
    for case in cases["suggest"]:
        check(case, lambda c: generator.suggest(c["prompt"], c["n"]))
    for case in cases["score"]:
        check(case, lambda c: generator.score(c["text"]).log_probability)


def test_a_file_of_the_previous_format_gives_the_same_answers() -> None:
    generator = Generator.load(HERE / "format-1.onnx")
    for case in table("fixed")["generate"]:
        check(case, lambda c: generator.generate(c["prompt"], c["words"], Sampling(**c["sampling"])))
    session = generator.session(cache_size=5, cache_weight=0.2)
    session.feed("the mouse the mouse")
    assert generator.resume(session.save()).suggest(3) == session.suggest(3)


def test_errors() -> None:
    generator = Generator.load(HERE / "fixed.onnx")
    cases = table("errors")
    asked = {
        "score": lambda c: generator.score(c["text"]),
        "suggest": lambda c: generator.suggest(c["prompt"]),
        "generate": lambda c: generator.generate("the", 3, Sampling(**c["sampling"])),
        "samples": lambda c: generator.samples("the", c["n"], c["words"]),
        "session": lambda c: generator.session(*c["cache"]),
        "layout": lambda c: generator.keyboard(c["layout"]),
        "saved": lambda c: generator.keyboard(saved=c["saved"].encode()),
        "keyboard": lambda c: generator.keyboard().suggest(c["n"]),
    }
    assert asked.keys() == cases.keys()
    for name, ask in asked.items():
        for case in cases[name]:
            check(case, ask)


@pytest.mark.parametrize("case", table("sessions"), ids=lambda case: case["model"])
def test_sessions(case: Any) -> None:
    generator = Generator.load(HERE / f"{case['model']}.onnx")
    fed = generator.session(*case["cache"])
    fed.feed(case["text"])
    assert [fed.undo() for _ in case["undone"]] == case["undone"]
    if case["more"]:
        fed.feed(case["more"])
    saved = base64.b64decode(case["saved"])
    resumed = generator.resume(saved)
    assert resumed.save() == saved
    for session in (fed, resumed):
        check({"result": case["suggest"]}, lambda _, session=session: session.suggest(5))
        check({"result": case["completed"]}, lambda _, session=session: session.suggest(5, "m"))


@pytest.mark.parametrize("case", table("evaluation"), ids=lambda case: case["model"])
def test_evaluation(case: Any, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(case["text"].encode())
    generator = Generator.load(HERE / f"{case['model']}.onnx")
    graph = HERE / f"{case['model']}.train.onnx" if case["learns"] else None
    cache: tuple[int, float, float] = case["cache"]
    if "error" in case:
        check(case, lambda _: generator.evaluate(path, *cache, graph))
        return
    # The third digit of what an int8 graph computes depends on the CPU.
    tolerance = 0.05 if case["model"].endswith("int8") else 1e-5
    found = dataclasses.asdict(generator.evaluate(path, *cache, graph))
    assert found == pytest.approx(case["result"], rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("case", table("cells"), ids=lambda case: case["model"])
def test_cells(case: Any) -> None:
    generator = Generator.load(HERE / "cells" / f"{case['model']}.onnx")
    prompt, more = case["prompt"], case["more"]
    # The third digit of what an int8 graph computes depends on the CPU.
    tolerance = 0.05 if case["model"].endswith("int8") else 1e-4

    def near(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
        assert dict(found) == pytest.approx(dict(expected), abs=tolerance)

    for one in case["generate"]:
        assert generator.generate(prompt, 12, Sampling(**one["sampling"])) == one["text"]
    near(generator.suggest(prompt, len(generator.info.dictionary)), case["suggest"])
    assert generator.score(prompt + more).log_probability == pytest.approx(case["score"], rel=tolerance)
    session = generator.session(cache_size=3, cache_weight=0.25)
    session.feed(prompt + more)
    near(session.suggest(len(generator.info.dictionary)), case["session"])
    session.undo()
    session.undo()
    near(session.suggest(len(generator.info.dictionary)), case["undone"])


@pytest.mark.parametrize("case", table("gradient_flow"), ids=lambda case: case["model"])
def test_gradient_flow(case: Any) -> None:
    words = Generator.load(HERE / f"{case['model']}.onnx").info.dictionary
    network = make_network(len(words), seed=11, scale=2.0, **{"context": None} | case["sizes"])
    found = gradient_flow(network, Windows(np.array(case["ids"]), np.array(case["following"])))
    for part, norms in found.items():
        np.testing.assert_allclose(norms, case[part], rtol=1e-5)


@pytest.mark.parametrize("case", table("explanation"), ids=lambda case: case["model"])
def test_explanation(case: Any) -> None:
    found = explain(HERE / f"{case['model']}.onnx", case["text"])
    assert (found.words, found.next_word, found.read) == (case["words"], case["next_word"], case["read"])
    # The third digit of what an int8 graph computes depends on the CPU.
    tolerance = 0.1 if case["model"].endswith("int8") else 1e-4
    assert found.log_probability == pytest.approx(case["log_probability"], abs=tolerance)
    assert found.lost == pytest.approx(case["lost"], abs=tolerance)
    assert (found.has_state, len(found.layers)) == (case["has_state"], len(case["layers"]))
    for layer, expected in zip(found.layers, case["layers"], strict=True):
        assert list(layer) == list(expected)
        for name, values in expected.items():
            assert np.allclose(layer[name], values, atol=1e-5)


@pytest.mark.parametrize(
    "case", table("learning"), ids=lambda case: f"{case['model']} {case['from_nothing']}"
)
def test_learning(case: Any) -> None:
    graph, model = (HERE / f"{case['model']}{end}.onnx" for end in (".train", ""))
    settings = Settings(**case["settings"])
    trainer = Trainer(graph, model, case["text"], settings, from_nothing=case["from_nothing"])
    assert [*trainer.dictionary.words] == case["dictionary"]
    losses = [trainer.learn().loss for _ in case["losses"]]
    assert losses == pytest.approx(case["losses"], rel=1e-9)
    weights = {name: one.astype(np.float32).astype(np.float16) for name, one in trainer.weights.items()}
    assert hashlib.sha256(save(weights)).hexdigest() == case["sha256"]


@pytest.mark.parametrize("case", table("bad_files"), ids=lambda case: case["name"])
def test_a_bad_file_is_rejected_with_the_same_message_everywhere(case: Any, tmp_path: Path) -> None:
    base, data, place = (HERE / case["base"]).read_bytes(), b"", 0
    for start, end, inserted in case["splices"]:
        data += base[place:start] + base64.b64decode(inserted)
        place = end
    path = tmp_path / "m.onnx"
    path.write_bytes(data + base[place:])
    with pytest.raises(NextwordError) as raised:
        Generator.load(path)
    assert type(raised.value).__name__ == case["error"]
    assert str(raised.value).startswith(f"{path} {case['message']}")


@pytest.mark.parametrize("model", MODELS)
def test_text_graph(model: str) -> None:
    session = onnxruntime.InferenceSession(HERE / f"{model}.text.onnx")
    asked = 0
    for case in table(model)["generate"]:
        knobs = case["sampling"]
        if not knobs.keys() <= IN_THE_GRAPH or case.get("error") == "SamplingError":
            continue
        text, _ = session.run(
            ["text", "unknown"],
            {
                "prompt": np.array([case["prompt"]], object),
                "max_words": np.array(case["words"]),
                "temperature": np.array(knobs.get("temperature", 0), np.float32),
                "top_k": np.array(knobs.get("top_k", 0)),
                "top_p": np.array(knobs.get("top_p", 1), np.float32),
                "seed": np.array(knobs.get("seed", 0)),
            },
        )
        assert text[0] == case.get("result", case["prompt"])
        asked += 1
    assert asked > 20


@pytest.mark.parametrize("case", table("keyboard"), ids=lambda case: "+".join(case["models"]))
def test_keyboard(case: Any) -> None:
    generators = [Generator.load(HERE / f"{model}.onnx") for model in case["models"]]
    keyboard = Keyboard.of(generators, **case["settings"])
    for step in case["steps"]:
        getattr(keyboard, step["do"])(*([step["text"]] if step["do"] != "commit" else []))
        check_suggestions(keyboard.suggest(5), step["suggestions"])
        correction = keyboard.correction()
        check_suggestions([correction] if correction else [], [step["correction"]] * bool(step["correction"]))
        assert (keyboard.learned, keyboard.blocked) == (step["learned"], step["blocked"])
    again = Keyboard.of(generators, **case["settings"], saved=json.dumps(case["saved"]).encode())
    saved = json.loads(keyboard.save())
    for found, expected in zip(saved.pop("languages"), case["saved"]["languages"], strict=True):
        assert found.pop("bias") == pytest.approx(expected["bias"], rel=1e-3, abs=1e-3)
        cache, expected_cache = found.pop("cache", None), expected.get("cache")
        assert (cache is None) == (expected_cache is None)
        if cache:
            features, wanted = (halves(one.pop("features")) for one in (cache, expected_cache))
            np.testing.assert_allclose(features, wanted, rtol=2e-3, atol=1e-4)
            assert cache == {name: expected_cache[name] for name in cache}
        assert found == pytest.approx({name: expected[name] for name in found}, rel=1e-3)
    assert saved == {name: case["saved"][name] for name in saved}
    again.update("the m")
    check_suggestions(again.suggest(5), case["restored"])


def halves(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)


def check_suggestions(found: list[Suggestion], expected: list[dict[str, Any]]) -> None:
    """Compares suggestions with those of a table, probabilities to 3 digits."""
    rows = [dataclasses.asdict(one) for one in found]
    probabilities = [row.pop("probability") for row in rows]
    assert rows == [{name: one[name] for name in one if name != "probability"} for one in expected]
    assert probabilities == pytest.approx([one["probability"] for one in expected], rel=1e-3)


def check(case: Any, ask: Any) -> None:
    """Compares an answer with that of a table: a text, an error, or numbers to 4 digits."""
    if "error" in case:
        with pytest.raises(NextwordError) as raised:
            ask(case)
        assert type(raised.value).__name__ == case["error"]
        assert str(raised.value) == case["message"]
    elif isinstance(case["result"], list):
        found = ask(case)
        assert [word for word, _ in found] == [word for word, _ in case["result"]]
        assert [p for _, p in found] == pytest.approx([p for _, p in case["result"]], rel=1e-3)
    elif isinstance(case["result"], float):
        assert ask(case) == pytest.approx(case["result"], rel=1e-4)
    else:
        assert ask(case) == case["result"]
