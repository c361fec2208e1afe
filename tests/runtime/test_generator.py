import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import WORDS, export, make_network

import nextword
from nextword import Generator
from nextword.errors import CountError, PromptError, UnknownWordError
from nextword.model.network import Network
from nextword.text import words

PROMPTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)
SEVERAL = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def model() -> Network:
    return make_network(seed=4)


@pytest.fixture
def fixed(tmp_path: Path, model: Network) -> Generator:
    return Generator.load(export(tmp_path / "fixed.onnx", model))


@pytest.fixture
def unbounded(tmp_path: Path, model: Network) -> Generator:
    return Generator.load(export(tmp_path / "unbounded.onnx", model, context=None))


def logits_after(model: Network, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(torch.tensor([ids]))[0]
    return logits[0]


def greedy_by_pytorch(model: Network, ids: list[int], count: int, context: int | None) -> list[int]:
    """Rereads for each word all of the context."""
    written = list(ids)
    for _ in range(count):
        read = written if context is None else written[-context:]
        written.append(int(logits_after(model, read).argmax()))
    return written[len(ids) :]


@SEVERAL
@given(prompt=PROMPTS)
def test_a_fixed_context_reads_exactly_the_last_words(
    fixed: Generator, model: Network, prompt: list[str]
) -> None:
    expected = greedy_by_pytorch(model, [WORDS.index(word) for word in prompt], 12, 3)
    text = " ".join(prompt)
    assert fixed.generate(text, 12) == " ".join([text, *(WORDS[id] for id in expected)])


@SEVERAL
@given(prompt=PROMPTS)
def test_an_unbounded_context_carries_everything_that_was_read(
    unbounded: Generator, model: Network, prompt: list[str]
) -> None:
    expected = greedy_by_pytorch(model, [WORDS.index(word) for word in prompt], 12, None)
    text = " ".join(prompt)
    assert unbounded.generate(text, 12) == " ".join([text, *(WORDS[id] for id in expected)])


def test_a_prompt_shorter_than_the_context_is_not_padded(fixed: Generator, model: Network) -> None:
    ((word, probability),) = fixed.suggest("mouse", 1)
    expected = torch.softmax(logits_after(model, [WORDS.index("mouse")]), 0)
    assert WORDS.index(word) == int(expected.argmax())
    assert probability == pytest.approx(float(expected.max()), abs=1e-5)


@pytest.mark.parametrize("split_by", ["whitespace", "words"])
@SEVERAL
@given(prompt=PROMPTS)
def test_the_pieces_of_a_stream_add_up_to_the_generated_text(
    tmp_path: Path, split_by: str, prompt: list[str]
) -> None:
    generator = Generator.load(export(tmp_path / "m.onnx", make_network(seed=9), split_by=split_by))
    text = words.join(prompt, split_by)
    pieces = list(generator.stream(text, 10))
    assert len(pieces) == 10
    assert generator.generate(text, 10) == text + "".join(pieces)
    continued = words.split(generator.generate(text, 10), split_by)
    assert continued == words.split(text, split_by) + words.split(
        " ".join(continued[len(prompt) :]), split_by
    )


def test_punctuation_is_attached_to_the_prompt(tmp_path: Path) -> None:
    model = make_network(seed=0)
    with torch.no_grad():
        model.logits.bias[WORDS.index(",")] = 1e4
    generator = Generator.load(export(tmp_path / "m.onnx", model, split_by="words"))
    assert generator.generate("the mouse", 1) == "the mouse,"


def test_the_prompt_is_returned_as_it_was_written(tmp_path: Path) -> None:
    generator = Generator.load(export(tmp_path / "m.onnx", make_network(), lowercase=True))
    continued = generator.generate("the mouse", 3).removeprefix("the mouse ")
    assert generator.generate(" The  MOUSE", 3) == f" The  MOUSE {continued}"
    assert generator.generate("The  MOUSE\t", 3) == f"The  MOUSE\t{continued}"


def test_suggestions_are_the_likeliest_words_with_their_probabilities(
    fixed: Generator, model: Network
) -> None:
    found = fixed.suggest("the cat ran", 12)
    expected = torch.softmax(logits_after(model, [WORDS.index(word) for word in ("the", "cat", "ran")]), 0)
    assert [p for _, p in found] == pytest.approx(sorted(expected.tolist(), reverse=True), abs=1e-5)
    assert dict(found) == pytest.approx(dict(zip(WORDS, expected.tolist(), strict=True)), abs=1e-5)
    assert fixed.suggest("the cat ran", 2) == found[:2]


@SEVERAL
@given(text=st.lists(st.sampled_from(WORDS), min_size=5, max_size=300))
def test_a_score_is_the_models_log_probability(
    fixed: Generator, unbounded: Generator, model: Network, text: list[str]
) -> None:
    ids = [WORDS.index(word) for word in text]
    for generator, context in ((fixed, 3), (unbounded, None)):
        score = generator.score(" ".join(text[:40] if context is None else text))
        first = context or 1
        checked = range(first, min(len(ids), 40))
        for place in checked:
            read = ids[place - context : place] if context else ids[:place]
            expected = torch.log_softmax(logits_after(model, read), 0)[ids[place]]
            word, value = score.per_word[place - first]
            assert word == text[place]
            assert value == pytest.approx(float(expected), abs=1e-4)
        values = [value for _, value in score.per_word]
        assert score.log_probability == pytest.approx(sum(values))
        assert score.perplexity == pytest.approx(math.exp(-np.mean(values)))


def test_a_text_that_is_too_short_cannot_be_scored(fixed: Generator, unbounded: Generator) -> None:
    with pytest.raises(PromptError, match="has 3 words; the model scores a word after 3, so give at least 4"):
        fixed.score("the cat ran")
    with pytest.raises(PromptError, match="at least 2"):
        unbounded.score("the")


@pytest.mark.parametrize("prompt", ["", " \n\t"])
def test_an_empty_prompt_is_an_error(fixed: Generator, prompt: str) -> None:
    for ask in (fixed.generate, fixed.stream, fixed.suggest, fixed.score):
        with pytest.raises(PromptError, match="has no words; give at least one"):
            ask(prompt)


def test_an_unknown_word_is_an_error_before_the_first_piece(fixed: Generator) -> None:
    with pytest.raises(UnknownWordError, match="'mouze' is not in the dictionary; nearest: mouse"):
        fixed.stream("the mouze")


@pytest.mark.parametrize("count", [0, -1, 1_000_001])
def test_an_absurd_number_of_words_is_an_error_before_the_first_piece(fixed: Generator, count: int) -> None:
    with pytest.raises(CountError, match="words must be from 1 to 1,000,000; got"):
        fixed.stream("the", count)


@pytest.mark.parametrize("count", [0, -1, 13])
def test_more_suggestions_than_words_are_an_error(fixed: Generator, count: int) -> None:
    with pytest.raises(CountError, match="n must be from 1 to 12; got"):
        fixed.suggest("the", count)


def test_unk_is_read_but_never_written(tmp_path: Path) -> None:
    model = make_network()
    with torch.no_grad():
        model.logits.bias[5] = 1e4
    generator = Generator.load(export(tmp_path / "m.onnx", model, unknown=5))
    assert WORDS[5] not in generator.generate("a word never seen", 8).split()[4:]
    suggestions = generator.suggest("never seen", 11)
    assert WORDS[5] not in [word for word, _ in suggestions]
    assert sum(p for _, p in suggestions) == pytest.approx(1)


def test_info_describes_the_file(fixed: Generator) -> None:
    assert fixed.info.dictionary == WORDS
    assert (fixed.info.context, fixed.info.layers, fixed.info.hidden) == (3, 2, 8)


def test_a_half_typed_word_is_completed_with_renormalised_probabilities(tmp_path: Path) -> None:
    words = ["the", "mouse", "mice", "cat", "more", "x", "y", "z", "!", "?", "a", "b"]
    generator = Generator.load(export(tmp_path / "m.onnx", make_network(seed=4), words))
    after = dict(generator.suggest("the cat", 12))
    begun = {word: p for word, p in after.items() if word.startswith("mo")}
    found = generator.suggest("the cat mo", 5)
    assert dict(found) == pytest.approx({word: p / sum(begun.values()) for word, p in begun.items()})
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert generator.suggest("the cat mo", 1) == found[:1]


def test_a_known_last_word_and_one_before_a_blank_are_whole(fixed: Generator) -> None:
    assert fixed.suggest("the cat ", 12) == fixed.suggest("the cat", 12)
    with pytest.raises(UnknownWordError, match="'mou' is not in the dictionary"):
        fixed.suggest("the cat mou ", 3)


def test_a_prefix_of_no_word_is_unknown(fixed: Generator) -> None:
    with pytest.raises(UnknownWordError, match="'mouze' is not in the dictionary; nearest: mouse"):
        fixed.suggest("the mouze")
    with pytest.raises(PromptError, match="'mou' is a half-typed word; give at least one whole word"):
        fixed.suggest("mou")


@SEVERAL
@given(texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=4, max_size=30), min_size=1, max_size=9))
def test_texts_scored_together_have_the_same_scores_as_alone(
    fixed: Generator, unbounded: Generator, texts: list[list[str]]
) -> None:
    for generator in (fixed, unbounded):
        together = generator.score_all([" ".join(text) for text in texts])
        for text, score in zip(texts, together, strict=True):
            alone = generator.score(" ".join(text))
            assert score.log_probability == pytest.approx(alone.log_probability, rel=1e-5)
            assert [word for word, _ in score.per_word] == [word for word, _ in alone.per_word]


def test_the_package_has_no_other_public_names() -> None:
    assert set(nextword.__all__) == {"Generator", "Keyboard", "NextwordError", "Sampling", "__version__"}
    assert issubclass(UnknownWordError, nextword.NextwordError)
    with pytest.raises(AttributeError, match="no attribute 'Generater'"):
        _ = nextword.Generater
