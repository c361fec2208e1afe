"""The search for words of several subwords, compared with all words that a tiny model can spell."""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import SUBWORDS, export, make_wordy_network

from nextword import Generator
from nextword.errors import PromptError
from nextword.model.network import Network
from nextword.runtime.model_file import ModelFile
from nextword.runtime.reader import Reader
from nextword.runtime.word_tree import WordTree
from nextword.text import words
from nextword.text.marks import byte_of, is_unspaced
from nextword.text.subwords import SubwordDictionary
from nextword.text.word_filter import WordFilter

DICTIONARY = SubwordDictionary(SUBWORDS)
WRITTEN = [id for id, entry in enumerate(SUBWORDS) if byte_of(entry) is None]
TEXTS = st.text(st.sampled_from("the mous,.世界é(\n"), min_size=1, max_size=12).filter(
    lambda text: text.strip()
)
SEEN = ["the", "cat", "mouse", "said", ",", ".", "(", ")", "'"]
LEAST = 1e-4  # the least probability of a beginning that is examined
SEVERAL = settings(max_examples=12, deadline=None)

Words = dict[str, float]


@pytest.fixture(scope="module", params=[3, None], ids=["fixed", "unbounded"])
def network(request: pytest.FixtureRequest) -> Network:
    return make_wordy_network(request.param)


@pytest.fixture(scope="module")
def path(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(
        tmp_path_factory.mktemp("tree") / "m.onnx", network, SUBWORDS, split_by="subwords", line_ends=True
    )


@pytest.fixture(scope="module")
def model(path: Path) -> ModelFile:
    return ModelFile(path)


def after(network: Network, texts: list[list[int]]) -> torch.Tensor:
    """The probabilities of the next entry after texts of equal length, each read afresh."""
    context = network.architecture.context
    with torch.no_grad():
        logits, _ = network(torch.tensor([text[-context:] if context else text for text in texts]))
    return torch.softmax(logits, 1)


def all_words(network: Network, text: list[int]) -> Words:
    """P(the next word has this spelling and ends) for all words whose beginnings are not too unlikely."""
    found: Words = defaultdict(float)
    begins = torch.tensor(DICTIONARY.begins)
    open_paths: list[tuple[list[int], float]] = [([], 1.0)]
    while open_paths:
        after_each = after(network, [text + path for path, _ in open_paths])
        following: list[tuple[list[int], float]] = []
        for (path, p), expected in zip(open_paths, after_each, strict=True):
            letters = "".join(SUBWORDS[id] for id in path)[1:]
            if letters:
                found[letters] += p * float(expected[begins].sum())
            for id in WRITTEN:
                entry, total = SUBWORDS[id], p * float(expected[id])
                if path and not letters and is_unspaced(entry):
                    found[entry] += total  # after a blank
                elif not path and (entry == "<eos>" or is_unspaced(entry)):
                    found[entry] += total
                elif bool(path) != DICTIONARY.begins[id] and total > LEAST:
                    longer = [*path, id]
                    spelt = "".join(SUBWORDS[part] for part in longer)
                    if DICTIONARY.split(spelt) == tuple(longer):
                        following.append((longer, total))
        open_paths = following
    return found


def tree_after(model: ModelFile, text: list[int]) -> WordTree:
    reader = Reader(model)
    logits = reader.read(np.array([text])).logits[0]
    return WordTree(model, model.entries, reader, logits)


def close(probability: float) -> Any:
    """Allows for spellings with another mark, left out if they have less than 1 % of a word's probability."""
    return pytest.approx(probability, rel=0.03, abs=1e-3)


def ids_of(text: str) -> list[int]:
    return DICTIONARY.encode(words.split(text, "subwords", line_ends=True))


@SEVERAL
@given(text=TEXTS)
def test_the_likeliest_words_are_found_with_their_probabilities(
    network: Network, model: ModelFile, text: str
) -> None:
    expected = all_words(network, ids_of(text))
    found, beginning = tree_after(model, ids_of(text)).search(3)
    assert beginning == 0
    best = sorted(expected.values(), reverse=True)
    assert [math.exp(one.log_probability) for one in found] == [close(p) for p in best[:3]]
    for one in found:
        assert math.exp(one.log_probability) == close(expected[one.word])


@SEVERAL
@given(text=TEXTS, typed=st.sampled_from(["t", "m", "mo", "mous", "be", "s", "世", "("]))
def test_only_words_that_begin_with_the_typed_text_are_found(
    network: Network, model: ModelFile, text: str, typed: str
) -> None:
    expected = {word: p for word, p in all_words(network, ids_of(text)).items() if word.startswith(typed)}
    tree = tree_after(model, ids_of(text))
    found, beginning = tree.search(3, typed)
    assert found
    assert all(one.word.startswith(typed) for one in found)
    best = sorted(expected.values(), reverse=True)[: len(found)]
    assert [math.exp(one.log_probability) for one in found] == [close(p) for p in best]
    assert sum(math.exp(one.log_probability - beginning) for one in found) < 1 + 1e-6
    assert math.exp(beginning) > sum(expected.values()) - 3e-3


@SEVERAL
@given(text=TEXTS)
def test_earlier_searches_make_no_search_worse(model: ModelFile, text: str) -> None:
    typed = tree_after(model, ids_of(text))
    for prefix in ("", "m", "mo", "mou", "m", ""):
        at_once, beginning = tree_after(model, ids_of(text)).search(3, prefix)
        found, as_typed = typed.search(3, prefix)
        for one, other in zip(found, at_once, strict=True):
            assert one.log_probability > other.log_probability - 0.03
        assert math.exp(as_typed) == pytest.approx(math.exp(beginning), abs=3e-3)


def test_a_search_is_not_repeated(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_after(model, ids_of("the cat"))
    found, _ = tree.search(3, "m")
    monkeypatch.setattr(tree, "expand", None)
    assert tree.search(3, "m")[0] == found
    assert tree.search(1, found[0].word)[0] == found[:1]


@pytest.mark.parametrize("typed", ["zz", "é", "▁", "the cat", "x" * 10_000, "m" * 10_000])
def test_a_text_that_cannot_be_spelt_finds_nothing(model: ModelFile, typed: str) -> None:
    assert tree_after(model, ids_of("the cat")).search(3, typed)[0] == []


def test_completions_are_whole_words_with_their_share(path: Path) -> None:
    generator = Generator.load(path)
    found = generator.suggest("the cat mous", 3)
    assert [word[:4] for word, _ in found] == ["mous"] * 3
    assert sum(p for _, p in found) <= 1
    session = generator.session()
    session.feed("the cat")
    assert dict(session.suggest(3, "mous")) == pytest.approx(dict(found), rel=1e-4)


def test_words_that_the_training_text_lacks_come_later_with_the_same_probability(
    network: Network, path: Path, tmp_path: Path
) -> None:
    seen = WordFilter.of(["the", "cat", "mouse", "said", "世界"])
    filtered = export(
        tmp_path / "m.onnx",
        network,
        SUBWORDS,
        split_by="subwords",
        line_ends=True,
        training_words=seen.text,
    )

    def rank(word: str, probability: float) -> float:
        return probability * (1 if word in seen else math.exp(-3))

    is_changed = False
    for prompt in ("the cat mou", "the cat t", "the s", "the mouse ", "the 世 "):
        found, plain = (Generator.load(one).suggest(prompt, 20) for one in (filtered, path))
        ranks = [rank(*one) for one in found]
        assert ranks == sorted(ranks, reverse=True)
        probabilities = dict(plain)
        assert all(p == close(probabilities[word]) for word, p in found if word in probabilities)
        is_changed |= [word for word, _ in found] != [word for word, _ in plain]
    assert is_changed


def test_what_the_training_text_lacks_is_half_typed_if_that_has_a_word_that_begins_so(tmp_path: Path) -> None:
    network = make_wordy_network(None)
    with torch.no_grad():  # so that the model expects every word to be finished
        network.logits.bias.add_(torch.tensor(SubwordDictionary(SUBWORDS).begins) * 50.0)
    about: dict[str, Any] = {"split_by": "subwords", "line_ends": True}
    seen = about | {"training_words": WordFilter.of(SEEN).text}
    plain, filtered = (
        Generator.load(export(tmp_path / f"{place}.onnx", network, SUBWORDS, **one))
        for place, one in enumerate((about, seen))
    )
    assert filtered.suggest("the cat mou", 3)[0][0] == "mouse"
    for prompt in ("the cat mouse", "the cat bell", "mou"):
        assert not filtered.suggest(prompt, 3)[0][0].startswith(prompt.split()[-1])
    assert not plain.suggest("the cat mou", 3)[0][0].startswith("mou")


def test_a_half_typed_word_needs_one_before_it(path: Path) -> None:
    with pytest.raises(PromptError, match="'mous' is a half-typed word; give at least one whole word before"):
        Generator.load(path).suggest("mous")


def test_a_word_before_a_blank_and_han_are_complete_words(path: Path) -> None:
    generator = Generator.load(path)
    assert not all(word.startswith("mous") for word, _ in generator.suggest("the cat mous ", 3))
    assert not all(word.startswith("世") for word, _ in generator.suggest("the 世", 3))
