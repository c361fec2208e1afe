import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from tiny import TEXT, write_params

from nextword.training import batches, evaluation, params, preparation, report
from nextword.training.corpus import Corpus
from nextword.training.model import Architecture, NextWordModel


@pytest.fixture
def text(in_directory: Path) -> Corpus:
    (in_directory / "data").mkdir()
    (in_directory / "data" / "story.txt").write_text(TEXT, encoding="utf-8")
    write_params(in_directory)
    return preparation.prepare(params.load().prepare)


def make(text: Corpus) -> tuple[Architecture, NextWordModel, tuple[NextWordModel, int]]:
    architecture = Architecture(len(text.dictionary), 4, 6, 1, 3, "float64", steps=5)
    return architecture, NextWordModel(architecture, seed=1), (NextWordModel(architecture, seed=2), 99)


def test_metrics_are_those_of_the_model_on_its_windows(text: Corpus) -> None:
    architecture, network, int8 = make(text)
    report.report(text, architecture, network, int8, params.load().evaluate)
    metrics = json.loads(Path("metrics.json").read_text(encoding="utf-8"))
    windows = batches.windows(text.ids, 3)
    contexts, next_words = windows.take(slice(None))
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(contexts))
    accuracy = float((logits.argmax(1).numpy() == next_words).mean())
    perplexity = torch.nn.functional.cross_entropy(logits, torch.from_numpy(next_words)).exp().item()
    assert metrics["model"]["accuracy"] == pytest.approx(accuracy, rel=1e-5)
    assert metrics["model"]["perplexity"] == pytest.approx(perplexity, rel=1e-5)
    assert metrics["model"]["parameters"] == sum(weight.size for weight in _arrays(network))
    assert metrics["model"]["bytes"] == 2 * metrics["model"]["parameters"]
    assert metrics["model"]["steps"] == 5
    int8_quality = evaluation.predict(int8[0], windows).quality
    assert metrics["int8"]["perplexity"] == pytest.approx(int8_quality.perplexity, rel=1e-5)
    assert metrics["int8"]["bytes"] == 99
    words = TEXT.split()
    assert metrics["text"] == {"words": len(words), "dictionary": len(set(words)), "windows": len(words) - 3}
    assert metrics["baselines"].keys() == {"most_frequent_word", "kneser_ney"}
    best = metrics["best_possible"]["perplexity"]
    assert all(best <= peer["perplexity"] for peer in [metrics["model"], *metrics["baselines"].values()])


def test_samples_stand_beside_the_true_text(text: Corpus) -> None:
    metrics = report.report(text, *make(text), params.load().evaluate)
    blocks = [
        dict(line.split(maxsplit=1) for line in block.splitlines())
        for block in Path("samples.txt").read_text(encoding="utf-8").split("\n\n")
    ]
    assert len(blocks) == 2
    assert blocks[0]["prompt"] == "the cat ran"
    for block in blocks:
        assert f"{block['prompt']} {block['text']}" in TEXT
        assert len(block["model"].split()) == len(block["drawn"].split()) == 8
    right = [int(block["right"].split()[0]) for block in blocks]
    assert (metrics["samples"]["words"], metrics["samples"]["right"]) == (16, sum(right))
    for kind in ("likeliest", "drawn"):
        assert metrics["samples"][kind].keys() == {"copied", "longest_copy", "distinct", "loops"}


def test_wrong_windows_come_most_confident_first_and_only_they(text: Corpus) -> None:
    metrics = report.report(text, *make(text), params.load().evaluate)
    with Path("plots/wrong_windows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    windows = metrics["text"]["windows"]
    assert len(rows) == windows - round(metrics["model"]["accuracy"] * windows)
    confidence = [float(row["predicted_probability"]) for row in rows]
    assert confidence == sorted(confidence, reverse=True)
    for row in rows:
        assert f"{row['context']} {row['next_word']}" in TEXT
        assert row["predicted"] != row["next_word"]
        assert float(row["probability"]) < float(row["predicted_probability"])


def _arrays(network: NextWordModel) -> list[np.ndarray]:
    return [weight.detach().numpy() for weight in network.parameters()]


def test_held_out_parts_have_figures_of_their_own(in_directory: Path) -> None:
    (in_directory / "data").mkdir()
    text = "".join(f"the cat ran , the mouse said {number % 3} .\n" for number in range(40))
    (in_directory / "data" / "story.txt").write_text(text, encoding="utf-8")
    write_params(in_directory, prepare={"held_out": 0.25, "min_count": 2})
    prepared = preparation.prepare(params.load().prepare)
    architecture, network, int8 = make(prepared)
    metrics = report.report(prepared, architecture, network, int8, params.load().evaluate)
    assert metrics["text"]["windows"] == len(prepared.training) - 3
    for name, ids in prepared.held_out.items():
        predictions = evaluation.predict(network, batches.windows(ids, 3))
        model = metrics[name]["model"]
        assert model["perplexity"] == pytest.approx(predictions.quality.perplexity, rel=1e-5)
        assert metrics[name]["words"] == len(ids) - 3
        assert metrics[name]["mixture"]["perplexity"] < model["perplexity"]
        characters = len(text) // 40 * (len(ids) // 9)
        assert model["bits_per_character"] == pytest.approx(
            model["loss"] / np.log(2) * len(ids) / characters, rel=1e-5
        )
        assert 0 < model["calibration_error"] < 1
        # What was counted in the training part predicts the rest of so regular a text well.
        assert metrics[name]["baselines"]["kneser_ney"]["perplexity"] < 3


def test_counting_takes_the_last_words_of_a_long_text(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_directory / "data").mkdir()
    lines = ["the cat ran away .\n"] * 60 + ["the cat sat still .\n"] * 40
    (in_directory / "data" / "story.txt").write_text("".join(lines), encoding="utf-8")
    write_params(in_directory, prepare={"held_out": 0.1})
    prepared = preparation.prepare(params.load().prepare)
    found = []
    for most in (len(prepared.training), 100):
        monkeypatch.setattr("nextword.training.report._COUNTED_WORDS", most)
        metrics = report.report(prepared, *make(prepared), params.load().evaluate)
        found.append(metrics["test"]["baselines"]["kneser_ney"])
    # In the last 100 words the cat never runs.
    assert found[0]["accuracy"] < found[1]["accuracy"] == 1


def test_a_held_out_part_of_two_words_has_figures(in_directory: Path) -> None:
    (in_directory / "data").mkdir()
    (in_directory / "data" / "story.txt").write_text(
        "the cat ran .\n" * 18 + "the cat\n" * 2, encoding="utf-8"
    )
    write_params(in_directory, prepare={"held_out": 0.1})
    prepared = preparation.prepare(params.load().prepare)
    architecture = Architecture(len(prepared.dictionary), 4, 6, 1, None, "float64")
    network = NextWordModel(architecture, seed=1)
    metrics = report.report(prepared, architecture, network, (network, 9), params.load().evaluate)
    assert metrics["test"]["words"] == 1
    assert Path("samples.txt").read_text(encoding="utf-8").startswith("prompt  the\n")


def test_every_word_but_the_first_counts_where_the_state_is_carried(in_directory: Path) -> None:
    (in_directory / "data").mkdir()
    text = "".join(f"the cat ran , the mouse said {number % 3} .\n" for number in range(40))
    (in_directory / "data" / "story.txt").write_text(text, encoding="utf-8")
    write_params(in_directory, prepare={"held_out": 0.25, "min_count": 2, "line_ends": True})
    prepared = preparation.prepare(params.load().prepare)
    architecture = Architecture(len(prepared.dictionary), 4, 6, 1, None, "float64")
    network = NextWordModel(architecture, seed=1)
    metrics = report.report(prepared, architecture, network, (network, 9), params.load().evaluate)
    ids = prepared.held_out["test"]
    assert metrics["test"]["words"] == len(ids) - 1
    with torch.no_grad():
        logits, _ = network.after_each_word(torch.from_numpy(ids[None, :-1].astype(np.int64)))
    loss = torch.nn.functional.cross_entropy(logits[:, 0], torch.from_numpy(ids[1:].astype(np.int64)))
    assert metrics["test"]["model"]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    with Path("plots/by_place.csv").open(encoding="utf-8") as file:
        places = {row["group"]: int(row["words"]) for row in csv.DictReader(file)}
    # Each of the five lines has ten words with <eos>; the first word of all is only read.
    assert places == {"1": 4, "2": 5, "3": 5, "4": 5, "5": 5, "6–7": 10, "8–10": 15}
    with Path("plots/by_frequency.csv").open(encoding="utf-8") as file:
        assert sum(int(row["words"]) for row in csv.DictReader(file)) == len(ids) - 1
    picture = ElementTree.parse("plots/surprise.svg").getroot()
    drawn = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert drawn[0] == "The beginning of the test part: how surprising each word is (−log₂ P)"
    assert drawn[1:6] == ["the", "cat", "ran", ",", "the"]
    assert "↵" in drawn
