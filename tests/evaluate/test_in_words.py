import json
import math
from pathlib import Path
from typing import Any

import pytest
from tiny import PARAMS, export, make_network, prepare

from nextword import Generator, figures, params
from nextword.evaluate import report, writing
from nextword.evaluate.report import Size
from nextword.evaluate.writing import Outputs
from nextword.model import predictions
from nextword.model.network import Network
from nextword.text import words
from nextword.text.corpus import Corpus
from nextword.text.subwords import SubwordDictionary

OUTPUTS = Outputs(
    metrics=Path("metrics.json"),
    samples=Path("samples.txt"),
    sample_ids=Path("samples.json"),
    plots=Path("plots"),
)
LINES = [f"the cats ran, and the mouse's {number % 3} friends said 世界: run!\n" for number in range(30)]
READING = {"split_by": "subwords", "max_words": 300, "line_ends": True, "held_out": 0.2}


@pytest.fixture(autouse=True)
def few_words(monkeypatch: pytest.MonkeyPatch, in_directory: Path) -> None:  # noqa: ARG001
    monkeypatch.setattr(figures, "SEARCHED", 20)


def evaluated(context: int | None) -> tuple[Corpus, Network, dict[str, Any]]:
    text = prepare(Path.cwd(), "".join(LINES), READING)
    network = make_network(len(text.dictionary), context=context, scale=2.0)
    size = Size(parameters=network.size, bytes=1, int8_bytes=1, steps=1)
    found = report.report(text, network, network, size, params.load(PARAMS).evaluate)
    writing.write(found, text, context, OUTPUTS)
    return text, network, json.loads(OUTPUTS.metrics.read_text(encoding="utf-8"))


@pytest.mark.parametrize("context", [3, None])
def test_figures_are_in_words_and_agree_with_the_device(context: int | None) -> None:
    text, network, metrics = evaluated(context)
    own = metrics["test"]
    Path("test.txt").write_text("".join(LINES[27:]), encoding="utf-8")
    assert text.training_words is not None
    about = {"split_by": "subwords", "line_ends": True, "training_words": text.training_words.text}
    changes = {"context": context, **about}
    path = export(Path("m.onnx"), network, list(text.dictionary.words), **changes)
    on_device = Generator.load(path).evaluate("test.txt")
    assert own["words"] == on_device.words
    for figure in ("perplexity", "accuracy", "top_3_accuracy", "keystrokes_saved"):
        assert own["model"][figure] == pytest.approx(getattr(on_device, figure), rel=1e-4), figure


def test_a_word_costs_what_its_subwords_cost() -> None:
    text, network, metrics = evaluated(None)
    ids = text.held_out["test"]
    assert isinstance(text.dictionary, SubwordDictionary)
    spelt = text.dictionary.spelt(words.split("".join(LINES[27:]), "subwords", line_ends=True))
    count = len(spelt)
    assert "世界" in "".join(word for word, _ in spelt)
    assert all(word for word, _ in spelt)
    nats = -predictions.predict(network, ids, None).log_probability.sum()
    own = metrics["test"]
    first = next(place for place in range(1, len(ids)) if text.dictionary.begins[ids[place]])
    assert first == 1, "the first word is one subword, which nothing is before"
    assert own["words"] == count - 1
    assert math.log(own["model"]["perplexity"]) == pytest.approx(nats / (count - 1), rel=1e-5)
    characters = sum(map(len, LINES[27:]))
    expected = nats / math.log(2) / characters * len(ids) / (len(ids) - 1)
    assert own["model"]["bits_per_character"] == pytest.approx(expected, rel=1e-5)
    assert own["unknown_share"] == 0
    assert metrics["text"]["words"] == text.words < len(text.ids)


def test_plots_show_words() -> None:
    evaluated(None)
    surprise = (OUTPUTS.plots / "surprise.svg").read_text(encoding="utf-8")
    assert ">mouse&apos;s<" in surprise or ">mouse's<" in surprise
    rows = (OUTPUTS.plots / "by_frequency.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("group,model_perplexity")
    assert sum(int(row.rsplit(",", 1)[1]) for row in rows[1:]) == 20
    wrong = (OUTPUTS.plots / "wrong_windows.csv").read_text(encoding="utf-8")
    assert "▁" not in wrong
