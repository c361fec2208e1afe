"""Writes the tables of cases that every language has to agree on, from the Python package.

    PYTHONPATH=src:tests python tests/conformance/generate.py

Python, the text graph and JavaScript are tested with them. They change only when a rule changes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import quibble
from tiny import make_network, metadata_of, weights_of

from nextword import Generator, NextwordError, Sampling
from nextword.export import step, text
from nextword.runtime import draw
from nextword.text import characters, words
from nextword.text.dictionary import Dictionary

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
    # Younger than Unicode 14.0: letters of Garay and Todhri, a face with bags under its eyes.
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
BAD_KNOBS: list[dict[str, Any]] = [
    {"top_k": 3},
    {"temperature": -1},
    {"temperature": 1, "top_k": 21},
    {"min_words": 2},
]


def write(name: str, value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=True)  # odd blanks stay visible
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
            # Rounded, so that there are equals.
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
    """What a call gives, or the class and the message of its error."""
    try:
        return {"result": ask()}
    except NextwordError as error:
        return {"error": type(error).__name__, "message": str(error)}


def generator_table(model: str) -> dict[str, Any]:
    generator = Generator.load(HERE / f"{model}.onnx")
    generate = [
        {"prompt": prompt, "words": 12, "sampling": knobs}
        | answer(lambda p=prompt, k=knobs: generator.generate(p, 12, Sampling(**k)))
        for prompt in PROMPTS
        for knobs in (*KNOBS, *(BAD_KNOBS if prompt == "mice" else ()))
    ]
    suggest = [
        {"prompt": prompt, "n": n} | answer(lambda p=prompt, n=n: generator.suggest(p, n))
        for prompt in (*PROMPTS, "the mo", "the mou ", "the cat mi", "the zz")
        for n in (1, 3, 99)
    ]
    score = [
        {"text": text} | answer(lambda t=text: generator.score(t).log_probability)
        for text in (*PROMPTS, "the mouse . the cat")
    ]
    return {"generate": generate, "suggest": suggest, "score": score}


def main() -> None:
    """Writes all tables, and the models that they ask."""
    for name, changes in MODELS.items():
        dictionary = changes.pop("dictionary", DICTIONARY)
        cell = changes.get("cell", "lstm")
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
        write(name, generator_table(name))
    write("words", words_table())
    write("clusters", [{"text": text, "clusters": characters.clusters(text)} for text in TEXTS])
    write("sampling", sampling_table())
    write("dictionary", dictionary_table())


if __name__ == "__main__":
    main()
