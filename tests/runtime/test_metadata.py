import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextword.errors import ModelFileError
from nextword.runtime.metadata import Metadata

GOOD = Metadata(
    dictionary=["the", "mouse"],
    split_by="words",
    lowercase=True,
    line_ends=False,
    context=None,
    cell="lstm",
    layers=2,
    hidden=8,
    unknown=1,
    params={"train": {"seed": 1}},
    metrics={"model": {"accuracy": 0.5}},
    corpus_sha256="ab",
)


@given(
    words=st.lists(st.text(min_size=1), min_size=1, unique=True),
    context=st.none() | st.integers(1, 99),
    lowercase=st.booleans(),
)
def test_metadata_are_read_back_as_written(words: list[str], context: int | None, lowercase: bool) -> None:
    metadata = dataclasses.replace(GOOD, dictionary=words, context=context, lowercase=lowercase, unknown=None)
    assert Metadata.from_properties(metadata.to_properties()) == metadata


def test_a_file_without_its_unicode_version_can_be_read() -> None:
    properties = dataclasses.replace(GOOD, unicode="14.0").to_properties()
    assert Metadata.from_properties(properties).unicode == "14.0"
    del properties["unicode"]
    assert Metadata.from_properties(properties).unicode == ""


def test_values_other_than_strings_are_json() -> None:
    properties = GOOD.to_properties()
    assert properties["context"] == "null"
    assert properties["lowercase"] == "true"
    assert properties["split_by"] == "words"
    assert json.loads(properties["params"]) == {"train": {"seed": 1}}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "", "not a nextword model"),
        ("format", "nextword/3", "has nextword/3, which this version cannot read; install a newer nextword"),
        ("dictionary", None, r"damaged metadata \(dictionary is missing\)"),
        ("dictionary", "[]", "dictionary cannot be"),
        ("dictionary", '["a", "a"]', "dictionary cannot be"),
        ("dictionary", "{", r"damaged metadata \(dictionary is not JSON\)"),
        ("split_by", "syllables", "split_by syllables, which this version cannot read; install a newer"),
        ("weights", "int4", "has weights int4, which this version cannot read; install a newer nextword"),
        ("unicode", "999.0", "has Unicode 999.0, which this version cannot read; install a newer nextword"),
        ("unicode", "new", "unicode cannot be new"),
        ("line_ends", "1", "line_ends cannot be 1"),
        ("context", "0", "context cannot be 0"),
        ("cell", "", "cell cannot be"),
        ("layers", '"2"', 'layers cannot be "2"'),
        ("unknown", "2", "unknown cannot be 2"),
        ("training_words", "AAAA", "training_words cannot be AAAA"),
        ("unknown", "-1", "unknown cannot be -1"),
    ],
)
def test_the_error_for_invalid_metadata_names_the_key(key: str, value: str | None, message: str) -> None:
    properties = {name: text for name, text in GOOD.to_properties().items() if name != key}
    if value is not None:
        properties[key] = value
    with pytest.raises(ModelFileError, match=message):
        Metadata.from_properties(properties)
