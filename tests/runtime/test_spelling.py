"""Texts written by a model of subwords: whole words, with any sampling settings."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import SUBWORDS, export, make_network, make_wordy_network

from nextword import Generator, Sampling
from nextword.errors import PromptError, SamplingError
from nextword.model.network import Network
from nextword.runtime.entries import MOST_SUBWORDS
from nextword.text import words
from nextword.text.marks import BLANK_MARK
from nextword.text.subwords import REQUIRED, SubwordDictionary

DICTIONARY = SubwordDictionary(SUBWORDS)
# Entries that spell unambiguous words: no word is joined to the one before it.
PLAIN = [
    *(
        entry
        for entry in SUBWORDS
        if entry.strip("▁").isalpha() and not DICTIONARY.begins[SUBWORDS.index(entry)]
    )
]
PLAIN += ["▁the", "▁m", "▁mouse", "▁cat", "▁bell", "▁sa", "▁t", "▁über"]
PROMPTS = st.text(st.sampled_from("the mous,.世界é🙂\n'("), min_size=1, max_size=20).filter(
    lambda text: not text.isspace()
)
SEEDS = st.integers(0, 2**31 - 2)
SEVERAL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load(path: Path, only: list[str] | None = None, **changes: Any) -> Generator:
    """A model of subwords that writes only those in `only`, if given."""
    context = changes.pop("context", None)
    network = make_wordy_network(context)
    if only:
        with torch.no_grad():
            for id, entry in enumerate(SUBWORDS):
                network.logits.bias[id] -= 1e4 * (entry not in only)
    return Generator.load(
        export(path, network, SUBWORDS, split_by="subwords", line_ends=True, context=context, **changes)
    )


@pytest.fixture(scope="module", params=[3, None], ids=["fixed", "unbounded"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load(tmp_path_factory.mktemp("spelling") / "m.onnx", context=request.param)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load(tmp_path_factory.mktemp("spelling") / "m.onnx", PLAIN)


def added(generator: Generator, prompt: str, count: int, **knobs: Any) -> list[str]:
    """The words added to a prompt."""
    before = words.split(prompt, "subwords", line_ends=True)
    found = words.split(generator.generate(prompt, count, Sampling(**knobs)), "subwords", line_ends=True)
    assert found[: len(before)] == before
    return found[len(before) :]


@SEVERAL
@given(prompt=PROMPTS, count=st.integers(1, 9), seed=SEEDS)
def test_exactly_the_requested_number_of_words_is_added(
    plain: Generator, prompt: str, count: int, seed: int
) -> None:
    assert len(added(plain, prompt, count, temperature=1.0, seed=seed)) == count


@SEVERAL
@given(prompt=PROMPTS, count=st.integers(1, 9), seed=SEEDS)
def test_a_stream_yields_whole_words(plain: Generator, prompt: str, count: int, seed: int) -> None:
    knobs = Sampling(temperature=1.0, seed=seed)
    pieces = list(plain.stream(prompt, count, knobs))
    assert [piece.strip() for piece in pieces] == [
        word[1:] for word in added(plain, prompt, count, temperature=1.0, seed=seed)
    ]
    assert prompt + "".join(pieces) == plain.generate(prompt, count, knobs)


@SEVERAL
@given(prompt=PROMPTS, seed=SEEDS)
def test_punctuation_line_ends_and_han_are_words_of_a_stream(
    generator: Generator, prompt: str, seed: int
) -> None:
    knobs = Sampling(temperature=1.0, seed=seed)
    pieces = list(generator.stream(prompt, 9, knobs))
    assert len(pieces) == 9
    assert prompt + "".join(pieces) == generator.generate(prompt, 9, knobs)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load(tmp_path_factory.mktemp("spelling") / "m.onnx", ["▁", "‿", "世", "界", "世界", "▁the", "‿,"])


@SEVERAL
@given(prompt=PROMPTS, seed=SEEDS)
def test_the_blank_before_han_comes_with_the_word_after_it(mixed: Generator, prompt: str, seed: int) -> None:
    for penalty in (1.0, 1.5):
        knobs = Sampling(temperature=1.0, seed=seed, repetition_penalty=penalty)
        pieces = list(mixed.stream(prompt, 9, knobs))
        assert len(pieces) == 9
        assert {piece.strip() for piece in pieces} <= {"世", "界", "世界", "the", ","}
        assert prompt + "".join(pieces) == mixed.generate(prompt, 9, knobs)


def test_a_word_of_han_is_made_less_likely_and_not_the_blank_before_it(tmp_path: Path) -> None:
    network = make_network(len(SUBWORDS), context=None)
    with torch.no_grad():
        network.logits.weight.zero_()
        network.logits.bias.fill_(-9.0)
        for entry, bias in (("▁", 4.0), ("世", 4.0), ("界", 3.0), ("▁the", 2.5)):
            network.logits.bias[SUBWORDS.index(entry)] = bias
    path = export(tmp_path / "m.onnx", network, SUBWORDS, split_by="subwords", context=None)
    knobs = Sampling(repetition_penalty=1.5, repetition_window=2)
    assert Generator.load(path).generate("the 世", 3, knobs) == "the 世 界 世 界"


@SEVERAL
@given(prompt=PROMPTS, seed=SEEDS, n=st.integers(2, 5))
def test_samples_drawn_together_equal_those_of_each_seed(
    generator: Generator, prompt: str, seed: int, n: int
) -> None:
    knobs: dict[str, Any] = {"temperature": 1.1, "top_p": 0.95, "no_repeat_ngram": 2, "stop": ["bell"]}
    knobs |= {"repetition_penalty": 1.2, "banned": ["mouse"]}
    together = generator.samples(prompt, n, 6, Sampling(seed=seed, **knobs))
    for number, text in enumerate(together):
        alone = Sampling(seed=(seed + number) % (2**31 - 1), **knobs)
        assert text == generator.generate(prompt, 6, alone)


def test_a_longer_continuation_begins_with_a_shorter_one(generator: Generator) -> None:
    knobs = Sampling(temperature=1.0, seed=3)
    longest = generator.generate("the cat", 30, knobs)
    for count in range(1, 30):
        assert longest.startswith(generator.generate("the cat", count, knobs))


def test_an_endless_word_is_cut(tmp_path: Path) -> None:
    endless = load(tmp_path / "m.onnx", ["e"])
    first, second = endless.stream("the", 2)
    assert first.endswith("e" * (MOST_SUBWORDS - 1))
    assert not first.endswith("e" * MOST_SUBWORDS)
    assert second.endswith("e" * (MOST_SUBWORDS - 1))


def test_of_an_endless_word_only_the_last_subwords_are_read(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx")
    one, other = "the " + "e" * 700, "the " + "s" * 100 + "e" * 600
    for after in ("", " ", " cat"):
        assert generator.suggest(one + after) == generator.suggest(other + after)
        added = generator.generate(one + after, 5).removeprefix(one)
        assert generator.generate(other + after, 5) == other + added
    sessions = [generator.session(), generator.session()]
    for session, text in zip(sessions, (one, other), strict=True):
        session.feed(text)
    assert sessions[0].suggest() == sessions[1].suggest()
    assert sessions[0].undo() == "e" * 700
    assert sessions[0].suggest() == generator.suggest("the ")
    scores = [generator.score(text).log_probability for text in (one, other)]
    assert scores[0] != scores[1], "a score is of the whole word"
    assert len(generator.score("the " + "世" * 700).per_word) == 700


def test_a_long_text_of_words_without_blanks_is_read_whole(tmp_path: Path) -> None:
    dictionary = load(tmp_path / "m.onnx")._model.dictionary
    ids = dictionary.encode(words.split("the " + "世界" * 700, "subwords"))
    assert dictionary.shortened(ids) == ids


def test_bytes_are_read_but_never_written(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx", ["<0xC3>", "<0xA9>"])
    assert "\ufffd" not in generator.generate("mé", 20, Sampling(temperature=1.0, seed=1))


@SEVERAL
@given(
    prompt=PROMPTS,
    seed=SEEDS,
    banned=st.lists(st.sampled_from(["the", "m", "cat", "mouse", "bell", "sas", "me", "cats"]), min_size=1),
)
def test_a_banned_word_is_never_written_however_it_is_spelt(
    plain: Generator, prompt: str, seed: int, banned: list[str]
) -> None:
    found = added(plain, prompt, 20, temperature=1.0, seed=seed, banned=banned)
    assert not {*banned} & {word[1:] for word in found}


def test_punctuation_line_ends_and_han_can_be_banned(generator: Generator) -> None:
    banned = [",", ".", "(", "世", "\n"]
    text = generator.generate("the", 300, Sampling(temperature=1.5, seed=1, banned=banned))
    free = generator.generate("the", 300, Sampling(temperature=1.5, seed=1))
    assert all(mark in free for mark in banned)
    assert not any(mark in text for mark in [",", ".", "(", "\n"])
    assert "世" not in text.replace("世界", "")


@SEVERAL
@given(prompt=PROMPTS, seed=SEEDS, n=st.integers(1, 3))
def test_no_run_of_words_is_repeated(plain: Generator, prompt: str, seed: int, n: int) -> None:
    count = 8 if n == 1 else 30
    before = words.split(prompt, "subwords", line_ends=True)
    text = before + added(plain, prompt, count, temperature=0.7, seed=seed, no_repeat_ngram=n)
    runs = [tuple(text[place : place + n]) for place in range(len(text) - n + 1)]
    for place in range(max(0, len(before) - n + 1), len(runs)):
        assert runs[place] not in runs[:place]


def test_recent_words_are_started_less_often(plain: Generator) -> None:
    def share(**knobs: Any) -> float:
        found = added(plain, "the mouse", 200, temperature=1.0, seed=5, **knobs)
        return sum(one.startswith(other[:2]) for one, other in pairwise(found)) / len(found)

    assert share(repetition_penalty=50, repetition_window=1) < share()


def test_a_stop_string_ends_a_text_inside_a_word(plain: Generator) -> None:
    text = plain.generate("the", 60, Sampling(temperature=1.0, seed=2))
    stopped = plain.generate("the", 60, Sampling(temperature=1.0, seed=2, stop=["ll"]))
    assert "ll" in text
    assert stopped == text[: text.index("ll")]
    late = plain.generate("the", 60, Sampling(temperature=1.0, seed=2, stop=["ll"], min_words=20))
    assert len(words.split(late, "subwords")) >= 20


def test_settings_that_leave_no_word_are_an_error(tmp_path: Path, plain: Generator) -> None:
    with pytest.raises(SamplingError, match="'the mouse' is 2 words; ban one at a time"):
        plain.generate("the", 1, Sampling(banned=["the mouse"]))
    with pytest.raises(SamplingError, match=r"top_k 400 has no effect with \d+ subwords; leave it out"):
        plain.generate("the", 1, Sampling(temperature=1, top_k=400))
    entries = ["▁the", *REQUIRED]
    path = export(tmp_path / "m.onnx", make_network(len(entries), context=None), entries, split_by="subwords")
    with pytest.raises(SamplingError, match="no word is left after 0 words"):
        Generator.load(path).generate("the", 9, Sampling(banned="the"))


def test_a_word_of_ten_thousand_letters_is_read(generator: Generator) -> None:
    long = "hemat" * 2000
    text = generator.generate(f"the {long} (", 2, Sampling(no_repeat_ngram=2, repetition_penalty=1.1))
    assert text.startswith(f"the {long} (")
    assert len(generator.suggest(f"the {long}", 3)) <= 3
    assert generator.score(f"the cat ran {long}").per_word[-1][0] == long
    session = generator.session()
    session.feed(f"the {long}")
    assert session.undo() == long


@SEVERAL
@given(texts=st.lists(PROMPTS, min_size=1, max_size=4))
def test_the_score_of_a_word_is_the_sum_of_those_of_its_subwords(
    generator: Generator, texts: list[str]
) -> None:
    texts = [f"the cat ran {text}" for text in texts]
    context = generator.info.context
    network = make_wordy_network(context)
    for text, score in zip(texts, generator.score_all(texts), strict=True):
        ids: list[int] = []
        expected: list[tuple[str, float]] = []
        for word, path in DICTIONARY.spelt(words.split(text, "subwords", line_ends=True)):
            if len(ids) >= (context or 1):
                parts = [log_probability(network, [*ids, *path[:place]], id) for place, id in enumerate(path)]
                expected.append((word, sum(parts)))
            ids += path
        assert [word for word, _ in score.per_word] == [word for word, _ in expected]
        assert [p for _, p in score.per_word] == pytest.approx([p for _, p in expected], abs=1e-3)
        assert score.log_probability == pytest.approx(sum(p for _, p in expected), abs=1e-2)


def log_probability(network: Network, before: list[int], id: int) -> float:
    context = network.architecture.context
    with torch.no_grad():
        logits, _ = network(torch.tensor([before[-context:] if context else before]))
    return float(torch.log_softmax(logits[0], 0)[id])


def test_a_text_that_is_too_short_cannot_be_scored(tmp_path: Path) -> None:
    with pytest.raises(
        PromptError, match="has 2 words; the model scores a word after 3 subwords, so give more"
    ):
        load(tmp_path / "m.onnx", context=3).score("the mouses")
    with pytest.raises(PromptError, match="has 1 word; the model scores a word after 1, so give at least 2"):
        load(tmp_path / "m.onnx").score("mouses")


@pytest.mark.parametrize("prompt", ["\ud800", "a\udc00b the", "‿", "▁", "<0x41>", "世", "\n", "e\u0301"])
def test_any_prompt_can_be_continued(generator: Generator, prompt: str) -> None:
    assert generator.generate(prompt, 3).startswith(prompt)
    assert generator.suggest(f"{prompt} the ", 3)
    assert generator.score(f"the cat {prompt} the cat").per_word


def test_a_model_in_eight_bits_writes_words(tmp_path: Path) -> None:
    generator = load(tmp_path / "m.onnx", PLAIN, weights="int8")
    assert len(added(generator, "the mouse", 9, temperature=1.0, seed=1)) == 9
    knobs = Sampling(temperature=1.0, seed=1)
    assert generator.samples("the mouse", 2, 9, knobs)[0] == generator.generate("the mouse", 9, knobs)
    assert all(word[0] == BLANK_MARK for word in added(generator, "the mouse", 9))
