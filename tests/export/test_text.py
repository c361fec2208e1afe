import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tiny import ROOT, SUBWORDS, make_network, metadata_of, weights_of

from nextword import Generator, Sampling
from nextword.errors import ModelFileError, PromptError, UnknownWordError
from nextword.export import cutting, int8, normalising, splitting, step, text
from nextword.export.graph import Graph
from nextword.runtime.metadata import Metadata
from nextword.text import characters, words
from nextword.text.subwords import SubwordDictionary

SEVERAL = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
DICTIONARY = ["the", ",", ".", "mouse", '"', "'", "(", ")", "don't", "über", "。", "3.14", "☺\u200d", "cat"]
DICTIONARY += ["<eos>"]


class Pair:
    """A text graph, and the generator of the step graph that it wraps."""

    def __init__(
        self,
        directory: Path,
        *,
        known: list[str] = DICTIONARY,
        cell: str = "lstm",
        layers: int = 2,
        **changes: Any,
    ) -> None:
        context = changes.get("context", 3)
        network = make_network(len(known), seed=4, scale=2.0, cell=cell, layers=layers, context=context)
        metadata = metadata_of(network, known, **changes)
        build = int8.build if metadata.weights == "int8" else step.build
        graph = build(weights_of(network), network.architecture, metadata.to_properties())
        onnx.save(graph, directory / "step.onnx")
        onnx.save(text.build(graph, metadata), directory / "text.onnx")
        self.generator = Generator.load(directory / "step.onnx")
        self.path = directory / "text.onnx"
        self.session = onnxruntime.InferenceSession(self.path)

    def run(
        self,
        prompt: str,
        words: int = 12,
        temperature: float = 0,
        top_k: int = 0,
        top_p: float = 1,
        seed: int = 0,
    ) -> tuple[str, list[str]]:
        text, unknown = self.session.run(
            ["text", "unknown"],
            {
                "prompt": np.array([prompt], object),
                "max_words": np.array(words),
                "temperature": np.array(temperature, np.float32),
                "top_k": np.array(top_k),
                "top_p": np.array(top_p, np.float32),
                "seed": np.array(seed),
            },
        )
        return text[0], unknown.tolist()


@pytest.fixture(
    scope="module",
    params=[
        {"split_by": "whitespace", "context": 3},
        {"split_by": "whitespace", "context": None},
        {"split_by": "words", "context": None, "unknown": 13},
        {"split_by": "words", "context": 2, "weights": "int8"},
        {"split_by": "whitespace", "context": None, "line_ends": True},
        {"split_by": "words", "context": None, "line_ends": True},
        {"split_by": "words", "context": None, "unknown": 13, "weights": "int8", "layers": 1},
        {"split_by": "whitespace", "context": None, "weights": "int8", "layers": 2},
        {"split_by": "whitespace", "context": None, "cell": "gru", "layers": 3},
        {"split_by": "whitespace", "context": 3, "cell": "gru", "weights": "int8", "layers": 1},
        {"split_by": "whitespace", "context": None, "cell": "rnn", "layers": 1},
        {"split_by": "whitespace", "context": 3, "cell": "feedforward", "layers": 2},
        {"split_by": "whitespace", "context": 2, "cell": "feedforward", "weights": "int8", "layers": 1},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("text"), **request.param)


PROMPTS = st.lists(st.sampled_from(DICTIONARY), min_size=1, max_size=9)


@SEVERAL
@given(
    prompt=PROMPTS,
    end=st.sampled_from(["", " ", "\t \u3000", "\n", " \n\n "]),
    temperature=st.sampled_from([0.0, 0.7, 1.0, 3.0]),
    top_k=st.integers(0, 13),
    top_p=st.floats(0.01, 1),
    seed=st.integers(0, 2**31 - 2),
)
def test_one_call_gives_the_words_of_the_generator(
    pair: Pair, prompt: list[str], end: str, temperature: float, top_k: int, top_p: float, seed: int
) -> None:
    info = pair.generator.info
    read = [word for word in prompt if info.line_ends or word != "<eos>"] or ["the"]
    text = words.join(read, info.split_by, info.line_ends) + end
    drawn: dict[str, Any] = {"top_k": top_k, "top_p": top_p, "seed": seed} if temperature else {}
    expected = pair.generator.generate(text, 12, Sampling(temperature=temperature, **drawn))
    assert pair.run(text, 12, temperature, **drawn) == (expected, [])


def test_without_a_word_to_read_the_text_is_the_prompt(pair: Pair) -> None:
    for prompt in ("", " ", "\u3000\t"):
        assert pair.run(prompt) == (prompt, [])
        with pytest.raises(PromptError):
            pair.generator.generate(prompt)


def test_loading_a_text_graph_prints_no_warnings(pair: Pair, capfd: pytest.CaptureFixture[str]) -> None:
    onnxruntime.InferenceSession(pair.path)
    assert capfd.readouterr() == ("", "")


def test_unknown_words_are_named(pair: Pair) -> None:
    text, unknown = pair.run("the mouze the kat")
    assert unknown == ["mouze", "kat"]
    if pair.generator.info.unknown is None:
        assert text == "the mouze the kat"
        with pytest.raises(UnknownWordError, match="mouze"):
            pair.generator.generate("the mouze")
    else:
        assert text == pair.generator.generate("the mouze the kat", 12)
        assert text != "the mouze the kat"


CHARACTERS = [" ", "a", "b", "é", "世", "。", "ि", "👨\u200d👩", "❤️", "<unk>", "<eos>"]


@pytest.fixture(scope="module", params=[False, True], ids=["blanks", "line_ends"])
def character_pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    directory = tmp_path_factory.mktemp("characters")
    changes = {"split_by": "characters", "context": None, "line_ends": request.param}
    return Pair(directory, known=CHARACTERS, unknown=CHARACTERS.index("<unk>"), **changes)


@SEVERAL
@given(
    prompt=st.text(st.sampled_from("ab é世。ि\u0301\u200d👨👩❤️\n\t\u3000x<"), min_size=1),
    seed=st.integers(0, 2**31 - 2),
)
def test_characters_are_split_as_by_the_generator(character_pair: Pair, prompt: str, seed: int) -> None:
    # The graph composes only characters that the dictionary has.
    prompt = characters.normalise(prompt)
    expected = character_pair.generator.generate(prompt, 12, Sampling(temperature=2, seed=seed))
    text, unknown = character_pair.run(prompt, 12, 2, seed=seed)
    assert text == expected
    tokens = words.split(prompt, "characters", line_ends=character_pair.generator.info.line_ends)
    assert unknown == [token for token in tokens if token not in CHARACTERS]


def test_a_number_of_words_below_one_adds_none(pair: Pair) -> None:
    assert pair.run("the mouse", 0) == pair.run("the mouse", -5) == ("the mouse", [])


def test_knobs_beyond_their_range_are_off(pair: Pair) -> None:
    assert pair.run("the", temperature=-1, top_k=5) == pair.run("the")
    whole = pair.run("the", temperature=1, seed=3)
    assert pair.run("the", temperature=1, seed=3, top_k=999) == whole
    assert pair.run("the", temperature=1, seed=3, top_k=-2) == whole
    assert pair.run("the", temperature=1, seed=3, top_p=2) == whole


def test_a_decomposed_spelling_is_known(pair: Pair) -> None:
    prompt = unicodedata.normalize("NFD", "the über")
    assert prompt != "the über"
    assert pair.run(prompt)[1] == []
    assert pair.run(prompt)[0].removeprefix(prompt) == pair.run("the über")[0].removeprefix("the über")


SPELT = ["the", "mouse", "über", "οδος", "groß", "king", "ậm", "\u1ea1\u0301\u0302\u0303\u0304\u0308"]


@pytest.fixture(scope="module")
def lowercase_pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("spelt"), known=SPELT, split_by="words", context=None, lowercase=True)


@pytest.mark.parametrize(
    "prompt",
    [
        *(
            "The MOUSE",
            "ÜBER the über U\u0308BER",
            "GROẞ",
            "\u212aing",
            "a\u0302\u0323m Ậm A\u0323\u0302M",
            "ΟΔΟΣ",
        ),
        *("οδος the", unicodedata.normalize("NFD", SPELT[-1])),
    ],
)
def test_a_lower_case_model_reads_any_spelling_of_its_words(lowercase_pair: Pair, prompt: str) -> None:
    assert lowercase_pair.run(prompt) == (lowercase_pair.generator.generate(prompt, 12), [])


def unknown_to_the_library(pair: Pair, prompt: str) -> str:
    with pytest.raises(UnknownWordError) as raised:
        pair.generator.generate(prompt)
    return raised.value.word


@pytest.mark.parametrize("prompt", ["the GROSS", "the king🙂", "the king®", "the §king", "the mouse\u200d"])
def test_what_the_library_does_not_know_a_graph_does_not(lowercase_pair: Pair, prompt: str) -> None:
    assert lowercase_pair.run(prompt) == (prompt, [unknown_to_the_library(lowercase_pair, prompt)])


# Each line of docs/text-graph.md that says where a graph and the library differ:


def test_an_unknown_word_is_named_as_it_was_spelt(lowercase_pair: Pair) -> None:
    # Except for A to Z, and for characters of known words.
    prompt = "the ZEBRA É e\u0301"
    assert unknown_to_the_library(lowercase_pair, prompt) == "zebra"
    assert lowercase_pair.run(prompt) == (prompt, ["zebra", "É", "e\u0301"])
    assert (
        unknown_to_the_library(lowercase_pair, "the É")
        == unknown_to_the_library(lowercase_pair, "e\u0301")
        == "é"
    )


def test_a_sigma_inside_words_is_read_at_their_end_too(lowercase_pair: Pair) -> None:
    assert unknown_to_the_library(lowercase_pair, "οδοσ") == "οδοσ"
    text, unknown = lowercase_pair.run("οδοσ")
    assert (text.removeprefix("οδοσ"), unknown) == (lowercase_pair.run("οδος")[0].removeprefix("οδος"), [])


def test_five_marks_on_a_letter_are_read_in_their_own_order_alone(lowercase_pair: Pair) -> None:
    spelling = unicodedata.normalize("NFD", SPELT[-1])
    prompt = spelling[0] + spelling[2:] + spelling[1]
    assert lowercase_pair.generator.generate(prompt) != prompt
    assert lowercase_pair.run(prompt) == (prompt, [prompt])


def test_half_a_character_cannot_be_given_to_a_graph(lowercase_pair: Pair) -> None:
    assert unknown_to_the_library(lowercase_pair, "the \ud800") == "\ud800"
    with pytest.raises(UnicodeEncodeError):
        lowercase_pair.run("the \ud800")


def test_the_generator_says_what_to_do_with_a_text_graph(tmp_path: Path) -> None:
    Pair(tmp_path)
    with pytest.raises(ModelFileError, match=r"is a text graph.*load the step graph, models/nextword\.onnx"):
        Generator.load(tmp_path / "text.onnx")


@pytest.mark.parametrize(
    ("known", "split_by", "own"),
    [(DICTIONARY, "words", {"Tokenizer"}), (SUBWORDS, "subwords", {"Tokenizer", "MurmurHash3"})],
)
def test_only_operators_that_every_onnxruntime_has(
    tmp_path: Path, known: list[str], split_by: str, own: set[str]
) -> None:
    Pair(tmp_path, known=known, split_by=split_by)
    model = onnx.load(tmp_path / "text.onnx")
    domains = {opset.domain: opset.version for opset in model.opset_import}
    assert domains == {"": 20, "ai.onnx.ml": 4, "com.microsoft": 1}
    assert {node.op_type for node in model.graph.node if node.domain == "com.microsoft"} == own
    assert next(put.name for put in model.graph.input) == "prompt"
    assert {entry.key for entry in model.metadata_props} >= {"format", "dictionary", "context"}


# Letters, marks and symbols of each kind, and blanks.
ODD = "ab3١ .,:'-\"()“”$%®§\u0301\u200d\u200c\ufe0f🙂👩👍🏽🇩🇪\u00ad。，"
ODD += "（世々らカーÀक\u094dिᄀ가각ᆨ\u0600ℹ\n\r\t\u3000\x1c"


def one_output(build: Callable[[Graph], str], kind: int = TensorProto.STRING) -> onnxruntime.InferenceSession:
    """A graph from a prompt to strings, or to ids."""
    graph = Graph()
    graph.node("Identity", [build(graph)], "output")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "strings",
            [helper.make_tensor_value_info("prompt", TensorProto.STRING, [1])],
            [helper.make_tensor_value_info("output", kind, ["n"])],
            graph.initializers,
        ),
        ir_version=9,
        opset_imports=[
            helper.make_opsetid(domain, version)
            for domain, version in (("", 20), ("ai.onnx.ml", 4), ("com.microsoft", 1))
        ],
    )
    return onnxruntime.InferenceSession(model.SerializeToString())


@pytest.fixture(scope="module", params=[(way, ends) for way in words.SPLIT_BY for ends in (False, True)])
def splitter(request: pytest.FixtureRequest) -> tuple[Metadata, onnxruntime.InferenceSession]:
    split_by, line_ends = request.param
    rules = metadata_of(make_network(2), ["☺", "the"], split_by=split_by, line_ends=line_ends)
    return rules, one_output(lambda graph: splitting.split(graph, "prompt", rules))


@settings(max_examples=150)
@given(text=st.text(st.sampled_from(ODD)) | st.text(st.characters(exclude_categories=["Cs"])))
@example("don't rock’n’roll 3.14 1,000 12:30:45 3.5,4.2,1 'tis e.g. x--y 3.14:don't king🙂 king® §king")
@example("हिन्दी क्षमा\u094d می‌خواهم 👨‍👩‍👧 ❤️ 🇩🇪🇫🇷🇪 👍🏽 1️⃣ ᄒ\u1161ᆫ")
def test_a_graph_splits_as_the_library(
    splitter: tuple[Metadata, onnxruntime.InferenceSession], text: str
) -> None:
    rules, session = splitter
    text = characters.normalise(text).replace("\0", "")
    (found,) = session.run(None, {"prompt": np.array([text], object)})
    expected = words.split(text, rules.split_by, line_ends=rules.line_ends)
    assert [word.replace("\n", "<eos>") for word in found] == expected


NORMALISED = ["über", "ậm", "ς", "groß", "ok", "क़", "Ωm", "Å", "한국", "שִׁי", "i̇x", ";", "KÜ"]


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lowercase"])
def normaliser(request: pytest.FixtureRequest) -> tuple[Metadata, onnxruntime.InferenceSession]:
    known = [word.lower() for word in NORMALISED] if request.param else NORMALISED
    rules = metadata_of(make_network(2), known, split_by="words", lowercase=request.param)
    return rules, one_output(lambda graph: normalising.normalise(graph, "prompt", rules))


@pytest.mark.parametrize(
    "prompt",
    [
        *("ÜBER u\u0308ber U\u0308BER", "a\u0323\u0302m a\u0302\u0323m \u1ea1\u0302m \u00e2\u0323m ẬM"),
        *("GROẞ groß", "O\u212a", "\u0958 क\u093c", "\u2126m", "\u212b A\u030a", "\u037e", "İX"),
        *(
            "\u1112\u1161\u11ab\u1100\u116e\u11a8 하\u11ab국",
            "ש\u05c1\u05b4י ש\u05b4\u05c1י \ufb2a\u05b4י",
            "",
        ),
    ],
)
def test_other_spellings_of_known_characters_are_read(
    normaliser: tuple[Metadata, onnxruntime.InferenceSession], prompt: str
) -> None:
    rules, session = normaliser
    (found,) = session.run(None, {"prompt": np.array([prompt], object)})
    assert found.tolist() == [characters.normalise(prompt, rules.lowercase)]


@given(st.text(st.sampled_from("ubermUaoâạ\u0323\u0302\u0308\u030aगß \n"), max_size=40))
def test_a_long_prompt_stays_whole(
    normaliser: tuple[Metadata, onnxruntime.InferenceSession], text: str
) -> None:
    rules, session = normaliser
    (found,) = session.run(None, {"prompt": np.array([text], object)})
    assert characters.normalise(found[0], rules.lowercase) == characters.normalise(text, rules.lowercase)


UNSPACED = ["世", "界", "カー", "ら", "。", "the", "<unk>", "３", "（"]


@settings(max_examples=25)
@given(prompt=st.lists(st.sampled_from([*UNSPACED, "ト", "月"]), min_size=1), seed=st.integers(0, 99))
def test_no_blanks_are_written_between_han_and_kana(unspaced: Pair, prompt: list[str], seed: int) -> None:
    text = words.join(prompt, "words")
    expected = unspaced.generator.generate(text, 12, Sampling(temperature=2, seed=seed))
    assert unspaced.run(text, 12, 2, seed=seed)[0] == expected


@pytest.fixture(scope="module")
def unspaced(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    unknown = UNSPACED.index("<unk>")
    directory = tmp_path_factory.mktemp("unspaced")
    return Pair(directory, known=UNSPACED, split_by="words", context=None, unknown=unknown)


def test_every_test_named_on_the_text_graph_page_exists() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "text-graph.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [name for name in named if name not in globals()] == []


SUBWORD_RULES = [
    {"context": None, "line_ends": True},
    {"context": None, "line_ends": False, "lowercase": True},
    {"context": 3, "line_ends": True},
    {"context": None, "line_ends": True, "weights": "int8", "cell": "gru"},
    {"context": None, "line_ends": True, "weights": "int8"},
]
PIECES = [
    "the",
    "mouse",
    "mo",
    " ",
    "  ",
    ",",
    "(",
    "\n",
    "世界",
    "日",
    "é",
    "😀",
    "don't",
    "▁",
    "‿",
    "3.14",
    "ไทย",
]


@pytest.fixture(scope="module", params=SUBWORD_RULES, ids=lambda rules: "-".join(map(str, rules.values())))
def spelling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("spelling"), known=SUBWORDS, split_by="subwords", **request.param)


@SEVERAL
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=9),
    knobs=st.sampled_from([{}, {"temperature": 1.0}, {"temperature": 2.0, "top_k": 5, "top_p": 0.9}]),
    seed=st.integers(0, 2**31 - 2),
)
def test_words_of_several_subwords_are_those_of_the_generator(
    spelling: Pair, pieces: list[str], knobs: dict[str, Any], seed: int
) -> None:
    prompt = "".join(pieces)
    assume(words.split(prompt, "subwords", line_ends=spelling.generator.info.line_ends))
    knobs = knobs | ({"seed": seed} if knobs else {})
    expected = spelling.generator.generate(prompt, 9, Sampling(**knobs))
    assert spelling.run(prompt, 9, **knobs) == (expected, [])


@pytest.fixture(scope="module")
def cutter() -> onnxruntime.InferenceSession:
    """A graph from a prompt to its subwords."""
    metadata = metadata_of(make_network(2), SUBWORDS, split_by="subwords", line_ends=True)

    def build(graph: Graph) -> str:
        return cutting.cut(graph, splitting.split(graph, "prompt", metadata), metadata)

    return one_output(build, TensorProto.INT64)


@SEVERAL
@given(st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_cut_into_the_subwords_of_the_library(
    cutter: onnxruntime.InferenceSession, prompt: str
) -> None:
    prompt = characters.normalise(prompt).replace("\0", "")
    (found,) = cutter.run(None, {"prompt": np.array([prompt], object)})
    expected = SubwordDictionary(SUBWORDS).encode(words.split(prompt, "subwords", line_ends=True))
    assert found.tolist() == expected
