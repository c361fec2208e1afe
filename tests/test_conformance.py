"""The tables that every language has to agree on, asked of Python and of the text graph."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from nextword import Generator, NextwordError, Sampling
from nextword.runtime import draw
from nextword.text import characters, words
from nextword.text.dictionary import Dictionary

HERE = Path(__file__).parent / "conformance"
MODELS = ["fixed", "unbounded", "lines", "characters", "gru", "feedforward"]
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


def test_a_file_of_the_format_before_answers_as_it_did() -> None:
    generator = Generator.load(HERE / "format-1.onnx")
    for case in table("fixed")["generate"]:
        check(case, lambda c: generator.generate(c["prompt"], c["words"], Sampling(**c["sampling"])))
    session = generator.session(cache_size=5, cache_weight=0.2)
    session.feed("the mouse the mouse")
    assert generator.resume(session.save()).suggest(3) == session.suggest(3)


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


def check(case: Any, ask: Any) -> None:
    """Compares an answer with what the table has: a text, an error, or numbers to 4 digits."""
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
