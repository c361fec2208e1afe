import csv
import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML
from tiny import PARAMS, TEXT, export, prepare

from nextword import Generator, params
from nextword.evaluate import report, writing
from nextword.evaluate.report import Size
from nextword.evaluate.writing import Outputs
from nextword.model import predictions
from nextword.model.network import Architecture, Network
from nextword.text import windows
from nextword.text.corpus import Corpus
from nextword.text.letters import LetterModel

OUTPUTS = Outputs(
    metrics=Path("metrics.json"),
    samples=Path("samples.txt"),
    sample_ids=Path("samples.json"),
    plots=Path("plots"),
)
NUMBERED = "".join(f"the cat ran , the mouse said {number % 3} .\n" for number in range(40))


def make(text: Corpus, context: int | None = 3, seed: int = 1) -> Network:
    architecture = Architecture(
        dictionary=len(text.dictionary),
        cell="lstm",
        embedding=4,
        hidden=6,
        layers=1,
        context=context,
        tied=False,
        precision="float64",
    )
    return Network(architecture, seed)


def evaluate(text: Corpus, network: Network, int8: Network | None = None) -> dict[str, Any]:
    """What the stage writes to metrics.json."""
    size = Size(parameters=network.size, bytes=2 * network.size, int8_bytes=99, steps=5)
    found = report.report(text, network, int8 or network, size, params.load(PARAMS).evaluate)
    writing.write(found, text, network.architecture.context, OUTPUTS)
    metrics: dict[str, Any] = json.loads(OUTPUTS.metrics.read_text(encoding="utf-8"))
    return metrics


def test_metrics_match_the_model_on_its_windows(in_directory: Path) -> None:
    text = prepare(in_directory)
    network, int8 = make(text), make(text, seed=2)
    metrics = evaluate(text, network, int8)
    contexts, next_words = windows.windows(text.ids, 3).take(slice(None))
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(contexts))
    accuracy = float((logits.argmax(1).numpy() == next_words).mean())
    perplexity = torch.nn.functional.cross_entropy(logits, torch.from_numpy(next_words)).exp().item()
    assert metrics["model"]["accuracy"] == pytest.approx(accuracy, rel=1e-5)
    assert metrics["model"]["perplexity"] == pytest.approx(perplexity, rel=1e-5)
    assert metrics["model"]["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert metrics["model"]["bytes"] == 2 * metrics["model"]["parameters"]
    assert metrics["model"]["steps"] == 5
    int8_quality = predictions.predict(int8, text.ids, None).quality
    assert metrics["int8"]["perplexity"] == pytest.approx(int8_quality.perplexity, rel=1e-5)
    assert metrics["int8"]["bytes"] == 99
    words = TEXT.split()
    assert metrics["text"] == {"words": len(words), "dictionary": len(set(words))}
    assert (metrics["words"], metrics["unknown_share"]) == (len(words) - 3, 0)
    assert metrics["baselines"].keys() == {"most_frequent_word", "kneser_ney"}
    best = metrics["best_possible"]["perplexity"]
    assert all(best <= peer["perplexity"] for peer in [metrics["model"], *metrics["baselines"].values()])


def test_samples_are_shown_next_to_the_true_text(in_directory: Path) -> None:
    text = prepare(in_directory)
    metrics = evaluate(text, make(text))
    blocks = [
        dict(line.split(maxsplit=1) for line in block.splitlines())
        for block in YAML(typ="safe").load(OUTPUTS.samples)
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
    ids = json.loads(OUTPUTS.sample_ids.read_text(encoding="utf-8"))
    assert [text.join(one["prompt"]) for one in ids] == [block["prompt"] for block in blocks]
    assert [text.join(one["continuation"]) for one in ids] == [block["model"] for block in blocks]


def test_only_wrong_windows_are_listed_most_confident_first(in_directory: Path) -> None:
    text = prepare(in_directory)
    metrics = evaluate(text, make(text))
    with (OUTPUTS.plots / "wrong_windows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == metrics["words"] - round(metrics["model"]["accuracy"] * metrics["words"])
    confidence = [float(row["predicted_probability"]) for row in rows]
    assert confidence == sorted(confidence, reverse=True)
    for row in rows:
        assert f"{row['context']} {row['next_word']}" in TEXT
        assert row["predicted"] != row["next_word"]
        assert float(row["probability"]) < float(row["predicted_probability"])


def test_held_out_parts_have_their_own_figures(in_directory: Path) -> None:
    text = prepare(in_directory, NUMBERED, {"held_out": 0.25, "min_count": 2})
    network = make(text)
    metrics = evaluate(text, network)
    assert metrics["words"] == len(text.training) - 3
    for name, ids in text.held_out.items():
        quality = predictions.predict(network, ids, text.dictionary.unknown).quality
        model = metrics[name]["model"]
        assert model["perplexity"] == pytest.approx(quality.perplexity, rel=1e-5)
        assert metrics[name]["words"] == len(ids) - 3
        assert metrics[name]["mixture"]["perplexity"] < model["perplexity"]
        characters = len(NUMBERED) // 40 * (len(ids) // 9)
        assert model["bits_per_character"] == pytest.approx(
            model["loss"] / np.log(2) * len(ids) / characters, rel=1e-5
        )
        assert 0 < model["calibration_error"] < 1
        # The counts of the training part predict the rest of such a regular text well.
        assert metrics[name]["baselines"]["kneser_ney"]["perplexity"] < 3


def test_only_the_last_words_of_a_long_text_are_counted(
    in_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["the cat ran away .\n"] * 60 + ["the cat sat still .\n"] * 40
    text = prepare(in_directory, "".join(lines), {"held_out": 0.1})
    found = []
    for most in (len(text.training), 100):
        monkeypatch.setattr("nextword.evaluate.report._COUNTED_WORDS", most)
        found.append(evaluate(text, make(text))["test"]["baselines"]["kneser_ney"])
    # In the last 100 words the cat never runs.
    assert found[0]["accuracy"] < found[1]["accuracy"] == 1


def test_a_held_out_part_of_two_words_has_figures(in_directory: Path) -> None:
    text = prepare(in_directory, "the cat ran .\n" * 18 + "the cat\n" * 2, {"held_out": 0.1})
    metrics = evaluate(text, make(text, context=None))
    assert metrics["test"]["words"] == 1
    assert OUTPUTS.samples.read_text(encoding="utf-8").startswith("- |\n  prompt  the\n")


def test_samples_of_any_characters_can_be_read_by_dvc(in_directory: Path) -> None:
    words = "a\x01b - # : | \u200d 'x \"y {z [w &v *u !t %s @r `q \x7f \ufffe \ufeff \U0001f600 ø\x08 > <"
    text = prepare(in_directory, f"{words}\n" * 3)
    evaluate(text, make(text))
    lines = "".join(YAML(typ="safe").load(OUTPUTS.samples)).splitlines()
    assert lines[0] == "prompt  a\\x01b - #"
    assert f"{lines[0]} {lines[3][8:]}".startswith("prompt  a\\x01b - # : | \u200d 'x \"y {z [w &v")


def test_every_word_but_the_first_counts_if_the_state_is_carried(in_directory: Path) -> None:
    text = prepare(in_directory, NUMBERED, {"held_out": 0.25, "min_count": 2, "line_ends": True})
    network = make(text, context=None)
    metrics = evaluate(text, network)
    ids = text.held_out["test"]
    assert metrics["test"]["words"] == len(ids) - 1
    with torch.no_grad():
        logits, _ = network.after_each_word(torch.from_numpy(ids[None, :-1].astype(np.int64)))
    loss = torch.nn.functional.cross_entropy(logits[:, 0], torch.from_numpy(ids[1:].astype(np.int64)))
    assert metrics["test"]["model"]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    with (OUTPUTS.plots / "by_place.csv").open(encoding="utf-8") as file:
        places = {row["group"]: int(row["words"]) for row in csv.DictReader(file)}
    # Each of the five lines has ten words including <eos>; the very first word is not predicted.
    assert places == {"1": 4, "2": 5, "3": 5, "4": 5, "5": 5, "6–7": 10, "8–10": 15}
    with (OUTPUTS.plots / "by_frequency.csv").open(encoding="utf-8") as file:
        assert sum(int(row["words"]) for row in csv.DictReader(file)) == len(ids) - 1
    picture = ElementTree.parse(OUTPUTS.plots / "surprise.svg").getroot()
    drawn = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert drawn[1:12] == ["the", "cat", "ran", ",", "the", "mouse", "said", drawn[8], ".", "↵", "the"]


RARE = (
    "".join(f"the cat ran , the mouse {word} .\n" for word in ("slept", "sang", "sat", "swam", "ran") * 8)
    + "the mouse zigzagged .\nthe cat (mostly) swam “away” .\n" * 2
)


@pytest.mark.parametrize("context", [3, None], ids=["fixed", "unbounded"])
@pytest.mark.parametrize("split_by", ["whitespace", "words", "characters"])
def test_the_stage_and_the_command_give_the_same_figures_on_the_same_lines(
    in_directory: Path, split_by: str, context: int | None
) -> None:
    reading = {"held_out": 0.2, "max_words": 9, "split_by": split_by, "line_ends": split_by == "words"}
    text = prepare(in_directory, RARE, reading)
    network = make(text, context)
    found = evaluate(text, network)["test"]
    path = export(
        in_directory / "m.onnx",
        network,
        list(text.dictionary.words),
        split_by=split_by,
        line_ends=text.line_ends,
        unknown=text.dictionary.unknown,
    )
    lines = RARE.splitlines(keepends=True)
    Path("test.txt").write_text("".join(lines[round(len(lines) * 0.9) :]), encoding="utf-8")
    by_command = Generator.load(path).evaluate("test.txt")
    assert found["unknown_share"] > 0.05
    assert (found["words"], found["unknown_share"]) == (
        by_command.words,
        pytest.approx(by_command.unknown_share, rel=1e-5),
    )
    for figure in ("perplexity", "accuracy", "top_3_accuracy", "keystrokes_saved"):
        # The stage uses the weights before they are rounded to the float16 of the file.
        assert found["model"][figure] == pytest.approx(getattr(by_command, figure), rel=1e-3), figure


def test_an_unknown_word_is_charged_for_its_letters(in_directory: Path) -> None:
    text = prepare(in_directory, RARE, {"held_out": 0.2, "max_words": 9})
    figures = evaluate(text, make(text, context=None))["test"]
    learnt = {word for line in RARE.splitlines()[: round(44 * 0.8)] for word in line.split()}
    letters = LetterModel(sorted(learnt), 5)
    lines = RARE.splitlines(keepends=True)[round(44 * 0.9) :]
    words = "".join(lines).split()
    spelt = -sum(letters.log_probability(word) for word in words[1:] if word not in text.dictionary)
    assert spelt > 0
    nats = figures["model"]["loss"] + spelt / (len(words) - 1)
    bits = nats / math.log(2) * len(words) / len("".join(lines))
    assert figures["model"]["bits_per_character"] == pytest.approx(bits, rel=1e-5)


def test_a_held_out_part_of_only_unknown_words_has_figures(in_directory: Path) -> None:
    text = prepare(
        in_directory, "the cat ran .\n" * 18 + "zig zag\nboo hoo\n", {"held_out": 0.1, "min_count": 2}
    )
    found = evaluate(text, make(text, context=None))["test"]
    assert found["unknown_share"] == 1
    for quality in (found["model"], found["int8"], *found["baselines"].values()):
        assert (quality["accuracy"], quality["top_3_accuracy"]) == (0, 0)
    assert found["model"]["keystrokes_saved"] == 0
    assert math.isfinite(found["model"]["bits_per_character"])


def test_a_dictionary_with_room_to_spare_has_finite_figures(in_directory: Path) -> None:
    # No word of the training part is unknown, but one of the held-out words is.
    lines = "one two three four five six seven eight nine\n" * 19 + "ten\n" * 2
    text = prepare(in_directory, lines, {"held_out": 0.2, "max_words": 10_000, "line_ends": True})
    metrics = evaluate(text, make(text, context=None))
    assert metrics["test"]["unknown_share"] > 0

    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [number for one in value.values() for number in numbers(one)]
        return [value]

    assert all(map(math.isfinite, numbers(metrics)))
    assert "Infinity" not in OUTPUTS.metrics.read_text(encoding="utf-8")
