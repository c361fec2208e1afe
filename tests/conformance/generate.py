"""Writes the tables of cases that all languages must agree on, from the Python package.

    PYTHONPATH=src:tests python tests/conformance/generate.py

Python, the text graph and JavaScript are tested against them. They change only when a rule changes.
"""

import base64
import dataclasses
import hashlib
import itertools
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import quibble
from safetensors.numpy import save
from tiny import SUBWORDS, export, make_network, make_wordy_network, metadata_of, weights_of

from nextword import Generator, NextwordError, Sampling
from nextword.evaluate.gradient_flow import gradient_flow
from nextword.export import int8, step, text, training
from nextword.model.cells import CELLS
from nextword.model.network import Network
from nextword.runtime import draw
from nextword.runtime.explanation import explain
from nextword.runtime.keyboard.keyboard import Keyboard
from nextword.runtime.learning.trainer import Settings, Trainer
from nextword.text import characters, words
from nextword.text.dictionary import Dictionary
from nextword.text.subwords import SubwordDictionary
from nextword.text.windows import Windows
from nextword.text.word_filter import WordFilter

HERE = Path(__file__).parent
DICTIONARY = ["the", ",", ".", "mouse", "cat", '"', "mice", "(", ")", "don't", "über", "“", "”", "3.14"]
DICTIONARY += ["moon", "<unk>", "long", "ago", "old", "some"]
WITH_LINE_ENDS = ["<eos>" if word == "old" else word for word in DICTIONARY]
CHARACTERS = [*" the,mousca.世界。é", "<unk>", "<eos>"]
MODELS: dict[str, dict[str, Any]] = {
    "fixed": {"split_by": "whitespace", "context": 3},
    "unbounded": {"split_by": "words", "context": None, "lowercase": True, "unknown": 15},
    "lines": {"split_by": "words", "context": None, "line_ends": True, "dictionary": WITH_LINE_ENDS},
    "characters": {
        "split_by": "characters",
        "context": None,
        "line_ends": True,
        "unknown": CHARACTERS.index("<unk>"),
        "dictionary": CHARACTERS,
    },
    "gru": {"split_by": "words", "context": None, "cell": "gru"},
    "feedforward": {"split_by": "whitespace", "context": 3, "cell": "feedforward"},
    "quibble": {"split_by": "words", "context": None, "cell": "quibble"},
    "subwords": {
        "split_by": "subwords",
        "context": None,
        "line_ends": True,
        "dictionary": SUBWORDS,
        "training_words": WordFilter.of(["the", "mouse", "cat", "said", ",", ".", "<eos>", "世界"]).text,
    },
    "subwords_fixed": {
        "split_by": "subwords",
        "context": 3,
        "line_ends": True,
        "dictionary": SUBWORDS,
    },
}
TEXTS = [
    "long ago , the mice",
    '"Ago," he said: "don\'t go (yet)!" And so on…',
    "3.14 1,000 12:30 3. a_b x--y rock’n’roll well-kept",
    "ÉTUDE e\u0301tude İSTANBUL ΟΔΟΣ straße",
    "हिन्दी में می‌خواهم 👨‍👩‍👧 ❤️ 你好，世界。（是）",
    "\u00a0tabs\tand\u2003wide\u3000blanks\x1cand\x85odd\ufeffones\r\n",
    "שלום, עולם! “‘Tis so,” ¿qué? $5 10 %",
    "",
    " \n",
    "one line, \r\n\n  and “another”\n(the\u3000third) \u0301\n",
    "zero\u200cwidth\u200djoiners\u200b and\u00adsoft",
    "🇩🇪🇫🇷🇪 👍🏽 1️⃣ 🏴\U000e0067\U000e007f king🙂 king® §king ℹ️",
    "トマトを食べるラーメン 第3章、三々五々。 ひらがな",
    "3.5,4.2,1 a\u200d \u200da GROẞ ΣΟΦΟΣ \u212a \u2126 क्षि\u094d ᄒ\u1161ᆫ 각",
    "one\rtwo\r\nthree \r \n four",
    # Newer than Unicode 14.0: letters of Garay and Todhri, a face with bags under its eyes.
    "\U00010d50\U00010d70 \U000105d2\u0307 \U0001fae9\u200d x\u0295Σ",
]
KNOBS: list[dict[str, Any]] = [
    {},
    {"temperature": 1.0, "seed": 1},
    {"temperature": 2.5, "top_k": 4, "seed": 2},
    {"temperature": 0.7, "top_p": 0.8, "seed": 3},
    {"temperature": 1.5, "top_k": 9, "top_p": 0.9, "seed": 2**31 - 2},
    {"repetition_penalty": 1.7, "repetition_window": 5},
    {"no_repeat_ngram": 2},
    {"temperature": 1.2, "seed": 9, "no_repeat_ngram": 3, "banned": ["the", "mice"]},
    {"temperature": 2.0, "seed": 4, "stop": [". ", "mouse", "cat the"], "min_words": 3},
]
PROMPTS = [
    "the mouse",
    "the cat , ",
    "mice",
    "moon ( the",
    "the mouse . the cat . the mice ran",
    "the cat .\n",
    "the \n\n  mouse\u3000",
    "mo",
    "kat the",
    "",
]
SUBWORD_PROMPTS = [
    "the mouse",
    "the cat, ",
    "mouse ran (the",
    "the mouses, the mouse. the cat, the mouses, the",
    "the 世界 the 世",
    "世界世界 the cat 世界",
    "the mé 🙂 日本 über",
    "the cat.\n",
    "the \n\n  mouse\u3000",
    "the mo",
    "the 'cat'",
    "cat said themathematics",
    "mo",
    "",
]
SUBWORD_KNOBS: list[dict[str, Any]] = [
    {"temperature": 1.0, "seed": 5, "no_repeat_ngram": 1},
    {"banned": ["mouse", "cat", "the", "世界", "\n"]},
    {"temperature": 1.5, "seed": 6, "banned": ["世界世", "ca", "m", ","], "no_repeat_ngram": 2},
    {"temperature": 1.0, "seed": 7, "repetition_penalty": 1.3, "repetition_window": 3},
    {"temperature": 1.0, "seed": 8, "stop": ["the", "a"], "min_words": 4},
    {"temperature": 1, "top_k": 400},
    {"banned": ["the mouse"]},
    {"banned": ["the 世"]},
]
SUBWORD_HALVES = ["the m", "the (b", "the cat ss", "the 世界 m", "the x", "the 界", "the mouse, sa", "the\nb"]
BAD_KNOBS: list[dict[str, Any]] = [
    {"top_k": 3},
    {"temperature": -1},
    {"temperature": 1, "top_k": 21},
    {"min_words": 2},
]


# Texts that messages must quote, and numbers that they must write, in the same way as Python.
ODD_WORDS = ["kat's", 'the"kat', "'kat\"", "k\\at", "\x07kat", "k\u200bat", "kat\u00ad", "\U000e0041", "it's"]
ODD_WORDS += ["k" * 100, "k" * 101, "\U0001d4d0" * 150]
BAD_NUMBERS: list[dict[str, Any]] = [
    {"temperature": 101},
    {"temperature": 1, "top_k": 2**31},
    {"temperature": 1, "top_p": 0},
    {"temperature": 1, "top_p": 1.0625},
    {"temperature": 1e-7},
    {"temperature": 1, "seed": 2**31 - 1},
    {"temperature": 1, "seed": -1},
    {"repetition_penalty": 0.001},
    {"repetition_penalty": 2, "repetition_window": 1_000_001},
    {"repetition_window": 5},
    {"no_repeat_ngram": 1_001},
    {"stop": ["mouse", ""]},
    {"banned": ["the mouse"]},
    {"banned": ["it's"]},
]
BAD_CACHES = [
    (1_000_001, 0.5, 0.3),
    (5, 1.0, 0.3),
    (5, -0.25, 0.3),
    (5, 0.5, 1001.0),
    (5, 0.0, 0.3),
    (0, 0.5, 0.3),
]
SESSIONS = [  # model, cache, text fed, words undone, text fed afterwards
    ("fixed", (0, 0.0, 0.3), "the mouse the cat", 0, ""),
    ("fixed", (3, 0.25, 0.3), "the mouse the cat the mouse", 2, "moon ,"),
    ("unbounded", (0, 0.0, 0.3), "the mouse the cat", 1, ""),
    ("unbounded", (5, 0.5, 0.0), "the mouse the cat mice the mouse , moon . the", 0, ""),
    ("gru", (2, 0.125, 1.5), "the", 0, ""),
    ("quibble", (4, 0.25, 0.3), "the mouse the cat", 3, "mice , the"),
    ("feedforward", (4, 0.25, 0.3), "the mouse the cat", 0, ""),
    ("subwords", (0, 0.0, 0.3), "the mouses, the cat", 0, ""),
    ("subwords", (5, 0.5, 0.3), "the mouses, the cat the mouses", 2, "über the mé"),
    ("subwords", (2, 0.25, 0.3), "the cat mé 世界", 3, "themes 世"),
    ("subwords_fixed", (4, 0.25, 0.3), "the mouses, the cat", 1, "\n the mouse"),
]

EVALUATED = [  # models, text
    (
        [*MODELS, "explained_int8", "explained_gru_int8", "explained_feedforward_int8"],
        "the mouse . the cat , the mice ( long ago )\nsome moon the mouse the “ cat ” don't the mouse .\n"
        * 15,
    ),
    ([*MODELS], "\ufeffthe mouse\r\nthe 世界。 𝓀𝒶𝓉 the\rthe cat\n\n the 世世界 the mouse <unk>"),
    (["unbounded", "characters", "subwords", "subwords_fixed"], "Über themes. Mouses? The mouses, the mé!"),
    (["fixed", "lines", "subwords"], "the mouse the"),
    (["unbounded", "lines", "characters", "subwords"], "the"),
    (["fixed", "lines", "subwords"], ""),
]
EVALUATED_CACHES = [(0, 0.0, 0.3), (7, 0.25, 0.3)]


def write(name: str, value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=True)  # unusual blanks stay visible
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def words_table() -> list[dict[str, Any]]:
    return [
        {
            "text": text,
            "split_by": split_by,
            "lowercase": lowercase,
            "line_ends": line_ends,
            "words": (found := words.split(text, split_by, lowercase, line_ends)),
            "joined": words.join(found, split_by, line_ends),
        }
        for text in TEXTS
        for split_by in words.SPLIT_BY
        for lowercase, line_ends in ((False, False), (True, False), (False, True))
    ]


def sampling_table() -> dict[str, Any]:
    random = np.random.default_rng(0)
    draws = []
    for size in (1, 2, 5, 40, 300):
        for temperature, top_k, top_p in ((1.0, 0, 1.0), (0.3, 0, 0.9), (2.0, 3, 1.0), (1.3, 7, 0.5)):
            # Rounded, so that there are ties.
            logits = random.normal(0, 3, size).round(1).astype(np.float32)
            number = draw.uniform(size, top_k)
            id = draw.draw(logits, number, temperature, top_k, top_p)
            draws.append(
                {
                    "logits": [round(float(logit), 1) for logit in logits],
                    "number": number,
                    "temperature": temperature,
                }
                | {"top_k": top_k, "top_p": top_p, "id": id}
            )
    seeds = (0, 1, 7, 12345, 2**31 - 2)
    uniform = [
        {"seed": seed, "step": step, "number": draw.uniform(seed, step)}
        for seed in seeds
        for step in (0, 1, 31, 10**6)
    ]
    return {"uniform": uniform, "draws": draws}


def dictionary_table() -> dict[str, Any]:
    known = ["mouse", "Mice", "house", "cat", "mousse", "über", "approach", "approaches", "a", "the"]
    asked = ["mouze", "mice", "MOUSE", "approched", "xyzzy", "uber", "", "hte"]
    return {
        "dictionary": known,
        "neighbours": [{"word": word, "neighbours": Dictionary(known).neighbours(word)} for word in asked],
        "prefixes": [
            {"prefix": prefix, "ids": sorted(Dictionary(known).starting_with(prefix))}
            for prefix in ("m", "mou", "a", "approach", "z", "ü", "mousse", "moussed")
        ],
    }


def answer(ask: Any) -> dict[str, Any]:
    """The result of a call, or the class and the message of its error."""
    try:
        return {"result": ask()}
    except NextwordError as error:
        return {"error": type(error).__name__, "message": str(error)}


def generator_table(model: str) -> dict[str, Any]:
    generator = Generator.load(HERE / f"{model}.onnx")
    has_subwords = generator.info.split_by == "subwords"
    prompts, knobs = (SUBWORD_PROMPTS, [*KNOBS, *SUBWORD_KNOBS]) if has_subwords else (PROMPTS, KNOBS)
    halves = SUBWORD_HALVES if has_subwords else ["the mo", "the mou ", "the cat mi", "the zz"]
    generate = [
        {"prompt": prompt, "words": 12, "sampling": one}
        | answer(lambda p=prompt, k=one: generator.generate(p, 12, Sampling(**k)))
        for prompt in prompts
        for one in (*knobs, *(BAD_KNOBS if prompt == "mice" else ()))
    ]
    suggest = [
        {"prompt": prompt, "n": n} | answer(lambda p=prompt, n=n: generator.suggest(p, n))
        for prompt in (*prompts, *halves)
        for n in (1, 3, 300 if has_subwords else 99)
    ]
    score = [
        {"text": text} | answer(lambda t=text: generator.score(t).log_probability)
        for text in (*prompts, "the mouse . the cat")
    ]
    return {"generate": generate, "suggest": suggest, "score": score}


def subwords_table() -> list[dict[str, Any]]:
    """Marked words and the ids of their subwords, grouped into the words that a user sees."""
    dictionary = SubwordDictionary(SUBWORDS)
    table = []
    for line in (*TEXTS, "the mouses, \n(the cat's 世界世 日 ▁ ‿the", "the\ud800mouse <0xE6>"):
        found = words.split(line, "subwords", line_ends=True)
        spelt = [{"word": word, "ids": list(ids)} for word, ids in dictionary.spelt(found)]
        table.append({"words": found, "spelt": spelt})
    return table


def word_filters_table() -> list[dict[str, Any]]:
    """Filters of words, and whether each of some words is in them."""
    table = []
    for count in (0, 3, 40):
        texts = [*dict.fromkeys(word for text in TEXTS for word in text.split())]
        found = WordFilter.of(texts[:count])
        table.append(
            {"words": texts[:count], "filter": found.text, "has": {word: word in found for word in texts}}
        )
    return table


def errors_table() -> dict[str, Any]:
    """Calls that must be rejected with the same message."""
    generator = Generator.load(HERE / "fixed.onnx")
    return {
        "score": [
            {"text": f"the {word}"} | answer(lambda w=word: generator.score(f"the {w}")) for word in ODD_WORDS
        ],
        "suggest": [{"prompt": word} | answer(lambda w=word: generator.suggest(w)) for word in ODD_WORDS],
        "generate": [
            {"sampling": knobs} | answer(lambda k=knobs: generator.generate("the", 3, Sampling(**k)))
            for knobs in BAD_NUMBERS
        ],
        "samples": [
            {"n": n, "words": words} | answer(lambda n=n, w=words: generator.samples("the", n, w))
            for n, words in ((0, 3), (1_025, 3), (2, 3), (1, 0), (1, 1_000_001))
        ],
        "session": [{"cache": cache} | answer(lambda c=cache: generator.session(*c)) for cache in BAD_CACHES],
        "layout": [
            {"layout": layout} | answer(lambda one=layout: generator.keyboard(one)) for layout in BAD_LAYOUTS
        ],
        "saved": [
            {"saved": saved} | answer(lambda one=saved: generator.keyboard(saved=one.encode()))
            for saved in BAD_SAVED
        ],
        "keyboard": [{"n": n} | answer(lambda n=n: generator.keyboard().suggest(n)) for n in (0, 101, "3")],
    }


def sessions_table() -> list[dict[str, Any]]:
    """Sessions: what they save, and what they suggest."""
    table = []
    for model, cache, first, undone, more in SESSIONS:
        session = Generator.load(HERE / f"{model}.onnx").session(*cache)
        session.feed(first)
        words = [session.undo() for _ in range(undone)]
        if more:
            session.feed(more)
        table.append(
            {"model": model, "cache": cache, "text": first, "undone": words, "more": more}
            | {"suggest": session.suggest(5), "completed": session.suggest(5, "m")}
            | {"saved": base64.b64encode(session.save()).decode()}
        )
    return table


def evaluation_table() -> list[dict[str, Any]]:
    """How good models are on texts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        return [
            {"model": model, "learns": learns, "cache": cache, "text": text}
            | figures_of(model, learns, cache, text, path)
            for models, learns, text in (
                *((models, False, text) for models, text in EVALUATED),
                (["learning_windows", "learning_streams"], True, LEARNED_TEXT * 3),
            )
            for model in models
            for cache in EVALUATED_CACHES
        ]


def figures_of(
    model: str, learns: bool, cache: tuple[int, float, float], text: str, path: Path
) -> dict[str, Any]:
    """The figures of a model on a text, which is written to `path`, or its error."""
    path.write_bytes(text.encode())
    generator = Generator.load(HERE / f"{model}.onnx")
    graph = HERE / f"{model}.train.onnx" if learns else None
    return answer(lambda: dataclasses.asdict(generator.evaluate(path, *cache, graph)))


SAVED: dict[str, Any] = {"format": "nextword-keyboard/1", "learned": {"Kowalski": 1}}
SAVED |= {"blocked": [], "kept": []}
SAVED_LANGUAGE: dict[str, Any] = {"weight": 1.0, "seen": 1.0, "expected": 0.5, "bias": {"mouse": 0.25}}
SAVED_CHANGES: list[dict[str, Any]] = [
    {"format": "nextword-keyboard/2"},
    {"format": "nextword-keyboard/it's " + "2" * 50},
    {"format": "nextword-session/2"},
    {"learned": {"Kowalski": 0}},
    {"learned": {"Kowalski": True}},
    {"learned": {"Kowalski": 1.5}},
    {"learned": {"K" * 65: 1}},
    {"learned": {"": 1}},
    {"learned": [["Kowalski", 1]]},
    {"blocked": "cat"},
    {"kept": [1]},
    {"kept": None},
    {"languages": []},
    {"languages": [1]},
    {"languages": [SAVED_LANGUAGE] * 2},
    {"languages": [SAVED_LANGUAGE | {"seen": -1}]},
    {"languages": [SAVED_LANGUAGE | {"expected": math.inf}]},
    {"languages": [SAVED_LANGUAGE | {"weight": 0}]},
    {"languages": [SAVED_LANGUAGE | {"bias": {"mouse": 1e9}}]},
    {"languages": [SAVED_LANGUAGE | {"bias": {"mouse": math.nan}}]},
    {"languages": [SAVED_LANGUAGE | {"cache": ["the", "mouse"]}]},
]
BAD_SAVED = [
    "",
    "\ufeff{}",
    "[]",
    "[" * 100_000,
    '{"format": ["nextword-keyboard/2"]}',
    *[json.dumps(SAVED | {"languages": [SAVED_LANGUAGE]} | change) for change in SAVED_CHANGES],
]
BAD_LAYOUTS: list[Any] = ["colemak", "it's", "k" * 50, [], [""], [1], 1]
KEYBOARDS: list[tuple[list[str], dict[str, Any]]] = [
    (["lines"], {}),
    (["unbounded"], {"punctuation": False}),
    (["fixed"], {"layout": "azerty"}),
    (["characters"], {}),
    (["gru"], {"layout": ["qwertyuiopü", "asdfghjkl", "zxcvbnm"]}),
    (["quibble"], {"adapts": False}),
    (["gru", "quibble"], {"layout": "qwertz"}),
    (["subwords"], {}),
    (["subwords_fixed"], {"punctuation": False}),
    (["lines", "subwords"], {}),
]
TYPED: list[tuple[str, str]] = [
    ("update", ""),
    ("update", "T"),
    ("update", "Th"),
    ("update", "the "),
    ("update", "the mo"),
    ("update", "the mosue"),
    ("update", "the mosue "),
    ("update", "the mouse "),
    ("update", "the mosue "),
    ("update", 'the mosue, "teh'),
    ("update", 'the mosue, "teh" '),
    ("update", "The cat Kowalski said. Ko"),
    ("update", "The cat Kowalski said. Kowalski kow"),
    ("commit", ""),
    ("update", ""),
    ("update", "le Kow"),
    ("update", "kowalksi "),
    ("block", "mouse"),
    ("update", "the cat\n mou"),
    ("forget", "mouse"),
    ("update", "the cat\n mou"),
    ("update", "the mice ( don"),
    ("update", "the mice ( don't "),
    ("update", "U\u0308BER MO"),
    ("update", "the mouse the cat the mouse the cat the mouse the cat the mouse the cat the mouse "),
    ("update", "the mouse the cat the mouse th"),
    ("commit", ""),
    ("forget", "Kowalski"),
    ("update", "世界。the 3.14 m"),
    ("update", "x"),
    ("update", "the 世界 th 世界世"),
    ("update", "the cats mouses "),
    ("update", "the cat said.\nquux quux bell.\nthe mouse said. m"),
    ("update", "the cat said.\nquux quux bell.\nth"),
    ("update", "the cat said.\nquux quux b"),
    ("commit", ""),
    ("update", ""),
    ("update", "qu"),
    ("update", "quux"),
]


def keyboard_table() -> list[dict[str, Any]]:
    """Keyboards: what they suggest to a user step by step, and what they save."""
    table = []
    for models, settings in KEYBOARDS:
        generators = [Generator.load(HERE / f"{model}.onnx") for model in models]
        keyboard = Keyboard.of(generators, **settings)
        steps = [{"do": do, "text": text} | keyboard_step(keyboard, do, text) for do, text in TYPED]
        saved = json.loads(keyboard.save())
        again = Keyboard.of(generators, **settings, saved=json.dumps(saved).encode())
        again.update("the m")
        table.append(
            {"models": models, "settings": settings, "steps": steps, "saved": saved}
            | {"restored": [dataclasses.asdict(one) for one in again.suggest(5)]}
        )
    return table


# In addition to the models of `MODELS`, which the other tables use too.
EXPLAINED: dict[str, dict[str, Any]] = {
    "explained_rnn": {"cell": "rnn"},
    "explained_gru": {"cell": "gru"},
    "explained_tied": {"tied": True, "embedding": 4},
    "explained_int8": {"weights": "int8"},
    "explained_gru_int8": {"cell": "gru", "weights": "int8"},
    "explained_feedforward_int8": {"cell": "feedforward", "context": 3, "weights": "int8"},
}
EXPLAINED_TEXTS = {"characters": "the ma.", "subwords": "the mouses, mé", "subwords_fixed": "the mouses, mé"}


def explained_network(cell: str = "lstm", context: int | None = None, **sizes: Any) -> Network:
    """The network of a model of `EXPLAINED`."""
    return make_network(len(DICTIONARY), seed=11, scale=2.0, cell=cell, context=context, **sizes)


def explained_models() -> None:
    """Writes the models of `EXPLAINED`."""
    for name, changes in EXPLAINED.items():
        weights = changes.pop("weights", "float16")
        network = explained_network(**changes)
        properties = metadata_of(network, DICTIONARY, weights=weights).to_properties()
        build = int8.build if weights == "int8" else step.build
        onnx.save(build(weights_of(network), network.architecture, properties), HERE / f"{name}.onnx")


def cell_models() -> list[str]:
    """Writes a model of each cell with one and three layers, with either context, in 16 and in 8 bits."""
    (HERE / "cells").mkdir(exist_ok=True)
    names = []
    for cell, layers, context, weights in itertools.product(CELLS, (1, 3), (3, None), ("float16", "int8")):
        if CELLS[cell].states or context:
            names.append(f"{cell}-{layers}-{context or 'unbounded'}-{weights}")
            network = make_network(
                len(DICTIONARY), embedding=5, hidden=6, seed=3, cell=cell, layers=layers, context=context
            )
            export(HERE / "cells" / f"{names[-1]}.onnx", network, DICTIONARY, weights=weights)
    return names


def cells_table() -> list[dict[str, Any]]:
    """What the models of `cell_models` write and expect."""
    table = []
    for name in cell_models():
        generator = Generator.load(HERE / "cells" / f"{name}.onnx")
        prompt, more = "the mouse , the cat ", "moon . mice"
        session = generator.session(cache_size=3, cache_weight=0.25)
        session.feed(prompt + more)
        after = session.suggest(len(DICTIONARY))
        session.undo()
        session.undo()
        case = {
            "model": name,
            "suggest": generator.suggest(prompt, len(DICTIONARY)),
            "score": generator.score(prompt + more).log_probability,
            "session": after,
            "undone": session.suggest(len(DICTIONARY)),
        }
        # The third digit of what an int8 graph computes depends on the CPU, so its words may too.
        drawn = {"temperature": 1.5, "seed": 7, "top_k": 9}
        knobs: list[dict[str, Any]] = [{}, drawn] if name.endswith("float16") else []
        written = [
            {"sampling": one, "text": generator.generate(prompt, 12, Sampling(**one))} for one in knobs
        ]
        table.append({"prompt": prompt, "more": more} | case | {"generate": written})
    return table


def explanation_table() -> list[dict[str, Any]]:
    """Explanations, with numbers to 6 digits."""
    table = []
    for model in (*MODELS, *EXPLAINED):
        if model == "quibble":  # the cell is unknown, so its gates cannot be computed
            continue
        text = EXPLAINED_TEXTS.get(model, "mice the mouse moon")
        found = explain(HERE / f"{model}.onnx", text)
        layers = [{name: rounded(values.tolist()) for name, values in one.items()} for one in found.layers]
        about = dataclasses.asdict(found) | {"lost": rounded(found.lost), "layers": layers}
        table.append({"model": model, "text": text} | about)
    return table


def gradient_flow_table() -> list[dict[str, Any]]:
    """How far back the losses of a few windows reach."""
    ids = np.random.default_rng(5).integers(len(DICTIONARY), size=(4, 9))
    windows = Windows(ids[:, :-1], ids[:, -1])
    return [
        {"model": model, "sizes": EXPLAINED[model], "ids": windows.contexts.tolist()}
        | {"following": windows.next_words.tolist()}
        | {part: rounded(norms.tolist()) for part, norms in gradient_flow(network, windows).items()}
        for model in ("explained_rnn", "explained_gru", "explained_tied")
        for network in [explained_network(**EXPLAINED[model])]
    ]


LEARNED: dict[str, dict[str, Any]] = {
    "learning_windows": {"context": 3, "tied": True, "embedding": 6, "hidden": 8},
    "learning_streams": {"context": None, "cell": "gru", "layers": 1},
    "learning_feedforward": {"context": 3, "cell": "feedforward"},
}
LEARNED_TEXT = "the mouse ran , the cat said some mice ran long ago . the old moon ( the cat ) said . " * 4
LEARNED_SETTINGS: dict[str, Any] = {
    "learning_rate": 0.02,
    "batch": 7,
    "words_per_step": 3,
    "seed": 4,
    "weight_decay": 0.1,
}


def learning_table() -> list[dict[str, Any]]:
    """Steps of learning from scratch and from a model, and models with their training graphs."""
    table = []
    for name, changes in LEARNED.items():
        network = make_network(len(DICTIONARY), seed=11, **changes)
        metadata = metadata_of(network, DICTIONARY, unknown=15)
        model, graph = HERE / f"{name}.onnx", HERE / f"{name}.train.onnx"
        onnx.save(step.build(weights_of(network), network.architecture, metadata.to_properties()), model)
        onnx.save(training.build(network, training.properties(network, metadata)), graph)
        for from_nothing in (True, False):
            settings = Settings(**LEARNED_SETTINGS)
            trainer = Trainer(graph, model, LEARNED_TEXT, settings, from_nothing=from_nothing)
            losses = [trainer.learn().loss for _ in range(12)]
            table.append(
                {
                    "model": name,
                    "text": LEARNED_TEXT,
                    "from_nothing": from_nothing,
                    "settings": LEARNED_SETTINGS,
                    "dictionary": [*trainer.dictionary.words],
                    "losses": losses,
                    "sha256": sha256_of(trainer),
                }
            )
    return table


def dynamic_evaluation_table() -> list[dict[str, Any]]:
    """Sessions that learn: what they save after some words, and what they suggest after more."""
    table = []
    for name, cache in (("learning_windows", (0, 0.0)), ("learning_streams", (8, 0.2))):
        generator = Generator.load(HERE / f"{name}.onnx")
        session = generator.session(*cache, training_graph=HERE / f"{name}.train.onnx")
        session.feed(LEARNED_TEXT)
        saved = session.save()
        session.feed(LEARNED_TEXT)
        table.append(
            {
                "model": name,
                "cache": cache,
                "text": LEARNED_TEXT,
                "saved": base64.b64encode(saved).decode(),
                "suggest": [[word, float(f"{p:.6g}")] for word, p in session.suggest(5)],
            }
        )
    return table


def learning_keyboard_table() -> list[dict[str, Any]]:
    """Keyboards that learn: what they save, and what they suggest when resumed from it."""
    table = []
    for name in ("learning_windows", "learning_streams"):
        generator, graph = Generator.load(HERE / f"{name}.onnx"), HERE / f"{name}.train.onnx"
        keyboard = generator.keyboard(training_graph=graph)
        keyboard.update(LEARNED_TEXT * 2)
        keyboard.commit()
        saved = json.loads(keyboard.save())
        again = generator.keyboard(training_graph=graph, saved=keyboard.save())
        again.update(LEARNED_TEXT + "the m")
        table.append(
            {"model": name, "text": LEARNED_TEXT, "saved": saved}
            | {"restored": [dataclasses.asdict(one) for one in again.suggest(5)]}
        )
    return table


def checkpoint(model: str) -> dict[str, Any]:
    """Learning that is interrupted and resumed."""
    trainer = Trainer(
        HERE / f"{model}.train.onnx", HERE / f"{model}.onnx", LEARNED_TEXT, Settings(**LEARNED_SETTINGS)
    )
    for _ in range(5):
        trainer.learn()
    saved = base64.b64encode(trainer.checkpoint()).decode()
    losses = [trainer.learn().loss for _ in range(5)]
    return {
        "model": model,
        "text": LEARNED_TEXT,
        "settings": LEARNED_SETTINGS,
        "checkpoint": saved,
        "losses": losses,
    }


def sha256_of(trainer: Trainer) -> str:
    """The hash of the weights as the train stage writes them."""
    weights = {name: one.astype(np.float32).astype(np.float16) for name, one in trainer.weights.items()}
    return hashlib.sha256(save(weights)).hexdigest()


def random_table() -> list[dict[str, Any]]:
    """Numbers from numpy's generator."""
    table = []
    for seeds in ([0], [1, 2], [7, 3, 8], [2**32 - 1, 5, 6, 7, 8, 9]):
        whole, floats, normal, order = (np.random.default_rng(seeds) for _ in range(4))
        table.append(
            {
                "seeds": seeds,
                "below_35": [int(whole.integers(35)) for _ in range(9)],
                "uniform": floats.uniform(-0.5, 0.5, 5).tolist(),
                "normal": normal.standard_normal(400).tolist(),
                "permutation": order.permutation(50).tolist(),
            }
        )
    return table


def rounded(values: list[Any]) -> list[Any]:
    return [rounded(one) if isinstance(one, list) else float(f"{one:.6g}") for one in values]


def keyboard_step(keyboard: Keyboard, do: str, text: str) -> dict[str, Any]:
    """Performs one action on a keyboard. **Returns:** everything that it says afterwards."""
    getattr(keyboard, do)(*([text] if do != "commit" else []))
    correction = keyboard.correction()
    return {
        "suggestions": [dataclasses.asdict(one) for one in keyboard.suggest(5)],
        "correction": correction and dataclasses.asdict(correction),
        "learned": dict(keyboard.learned),
        "blocked": keyboard.blocked,
    }


def main() -> None:
    """Writes all tables, and the models that they use."""
    for name, changes in MODELS.items():
        dictionary = changes.pop("dictionary", DICTIONARY)
        cell = changes.get("cell", "lstm")
        if changes["split_by"] == "subwords":
            network = make_wordy_network()
        else:
            network = make_network(
                len(dictionary), seed=11, scale=2.0, cell="lstm" if cell == "quibble" else cell
            )
        metadata = metadata_of(network, dictionary, **changes)
        if cell == "quibble":
            onnx.save(quibble.build(metadata), HERE / f"{name}.onnx")
        else:
            graph = step.build(weights_of(network), network.architecture, metadata.to_properties())
            onnx.save(graph, HERE / f"{name}.onnx")
            onnx.save(text.build(graph, metadata), HERE / f"{name}.text.onnx")
        tables = {"split": subwords_table()} if name == "subwords" else {}
        write(name, generator_table(name) | tables)
    write("words", words_table())
    write("clusters", [{"text": text, "clusters": characters.clusters(text)} for text in TEXTS])
    write("sampling", sampling_table())
    write("dictionary", dictionary_table())
    write("keyboard", keyboard_table())
    write("word_filters", word_filters_table())
    write("errors", errors_table())
    write("sessions", sessions_table())
    write("evaluation", evaluation_table())
    explained_models()
    write("cells", cells_table())
    write("explanation", explanation_table())
    write("gradient_flow", gradient_flow_table())
    write("random", random_table())
    write("learning", learning_table())
    write("dynamic_evaluation", dynamic_evaluation_table())
    write("learning_keyboards", learning_keyboard_table())
    write("checkpoints", [checkpoint("learning_streams")])


if __name__ == "__main__":
    main()
