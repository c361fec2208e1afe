import csv
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextword.errors import CorpusError
from nextword.params import PrepareParams
from nextword.prepare import preparation
from nextword.text import corpus, words

STORY = Path(__file__).parents[2] / "data" / "story.txt"


SplitBy = Literal["whitespace", "words", "characters", "subwords"]


def settings_for(
    path: Path, split_by: SplitBy = "whitespace", lowercase: bool = False, **changes: Any
) -> PrepareParams:
    values: dict[str, Any] = {
        "line_ends": False,
        "max_words": 0,
        "min_count": 1,
        "held_out": 0.0,
        "validation": None,
        "test": None,
    } | changes
    return PrepareParams(text=str(path), split_by=split_by, lowercase=lowercase, **values)


def test_the_story_has_204_words_112_of_them_distinct(tmp_path: Path) -> None:
    story = preparation.prepare(settings_for(STORY), tmp_path / "prepared")
    assert len(story.ids) == 204
    assert len(story.dictionary) == 112
    assert " ".join(story.dictionary.decode(story.ids)) == STORY.read_text(encoding="utf-8").strip()
    assert story.sha256 == hashlib.sha256(STORY.read_bytes()).hexdigest()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_characters="\0"), min_size=1),
    split_by=st.sampled_from(words.SPLIT_BY),
    lowercase=st.booleans(),
    line_ends=st.booleans(),
)
def test_ids_spell_the_text(
    tmp_path: Path, text: str, split_by: SplitBy, lowercase: bool, line_ends: bool
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(("a " + text).encode("utf-8", errors="ignore"))
    read = path.read_bytes().decode("utf-8")
    whole = read if read.endswith("\n") else f"{read}\n"  # the end of a file is the end of a line
    max_words = 400 if split_by == "subwords" else 0
    wanted = settings_for(path, split_by, lowercase, line_ends=line_ends, max_words=max_words)
    prepared = preparation.prepare(wanted, tmp_path / "prepared")
    split = words.split(whole, split_by, lowercase, line_ends)
    if split_by == "subwords":
        assert prepared.join(prepared.ids) == words.join(split, split_by, line_ends)
    else:
        assert prepared.dictionary.decode(prepared.ids) == split
    known = len(prepared.dictionary)
    assert prepared.frequencies.tolist() == np.bincount(prepared.ids, minlength=known).tolist()


def test_a_prepared_text_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("A b a", encoding="utf-8")
    preparation.prepare(settings_for(path, "words", lowercase=True), tmp_path / "prepared")
    loaded = corpus.load(tmp_path / "prepared")
    assert loaded.ids.tolist() == [0, 1, 0]
    assert loaded.dictionary.words == ("a", "b")
    assert (loaded.split_by, loaded.lowercase) == ("words", True)


def test_ids_take_two_bytes_each_until_the_dictionary_needs_more(tmp_path: Path) -> None:
    for count, id_type in ((2**16, np.uint16), (2**16 + 1, np.uint32)):
        path = tmp_path / "text.txt"
        path.write_text(" ".join(map(str, range(count))), encoding="utf-8")
        prepared = preparation.prepare(settings_for(path), tmp_path / "prepared")
        assert prepared.ids.dtype == id_type
        assert prepared.ids[-1] == count - 1


def test_a_byte_order_mark_is_not_a_word(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two", encoding="utf-8-sig")
    assert preparation.prepare(settings_for(path), tmp_path / "prepared").dictionary.words == ("one", "two")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no words to learn from; set prepare.text"),
        (b" \n\t\n", "has no words to learn from; set prepare.text"),
        ("fine\ncaf\xe9".encode("latin-1"), r"line 2: not UTF-8 \(byte 0xe9\); convert"),
        (None, r"prepare\.text: .*No such file or directory; specify a text file"),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error_and_nothing_is_written(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        preparation.prepare(settings_for(path), tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


LINES = [f"line {number} has the words {'again ' * (number % 3)}" for number in range(40)]


def test_the_last_lines_are_held_out_half_for_validation_half_for_test(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    prepared = preparation.prepare(settings_for(path, held_out=0.2, min_count=2), tmp_path / "prepared")
    parts = {"training": prepared.training, **prepared.held_out}
    for name, lines in {"training": LINES[:32], "validation": LINES[32:36], "test": LINES[36:]}.items():
        expected = words.split(" ".join(lines), "whitespace")
        assert prepared.dictionary.encode(expected) == parts[name].tolist()
    assert prepared.frequencies.tolist() == np.bincount(prepared.training).tolist()
    # Numbers occur once each, so they are unknown; words in held-out lines only are not in the dictionary.
    assert set(prepared.dictionary.words) == {"line", "has", "the", "words", "again", "<unk>"}
    report = json.loads((tmp_path / "prepared" / "report.json").read_text(encoding="utf-8"))
    assert report["parts"]["validation"]["words"] == len(prepared.held_out["validation"])
    unknown = parts["test"].tolist().count(prepared.dictionary.unknown) / len(parts["test"])
    assert report["parts"]["test"]["unknown_share"] == pytest.approx(unknown, rel=1e-5)
    assert report["most_frequent"]["line"] == 32
    with (tmp_path / "prepared" / "ranks.csv").open(encoding="utf-8") as file:
        ranks = list(csv.DictReader(file))
    assert (ranks[0]["rank"], ranks[0]["count"]) == ("1", "32")
    assert ranks[-1]["training_coverage"] == "1.0"
    assert float(ranks[-1]["test_coverage"]) == pytest.approx(1 - unknown, rel=1e-5)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["a b", "", "c", "d e f"]), min_size=3, max_size=12), st.floats(0.1, 0.9))
def test_parts_are_whole_lines_however_the_text_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], held_out: float
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(["a b c d e f", *lines]) + "\n", encoding="utf-8")
    found = []
    for block in (3, 1 << 20):
        monkeypatch.setattr("nextword.text.reading._BLOCK", block)
        try:
            prepared = preparation.prepare(settings_for(path, held_out=held_out, min_count=2), tmp_path / "p")
        except CorpusError as error:
            found.append(str(error))
            continue
        found.append(str((prepared.ids.tolist(), prepared.ends)))
        count = len(lines) + 1
        first = words.split("\n".join(["a b c d e f", *lines][: round(count * (1 - held_out))]), "whitespace")
        assert len(prepared.training) == len(first)
    assert found[0] == found[1]


def test_a_folder_is_read_file_by_file_compressed_or_not(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"three four"))
    (folder / "a.txt").write_text("one two")
    (folder / "notes.md").write_text("not read")
    prepared = preparation.prepare(settings_for(folder), tmp_path / "prepared")
    assert prepared.dictionary.decode(prepared.ids) == ["one", "two", "three", "four"]
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"three four")[:-9])
    with pytest.raises(CorpusError, match="is a damaged gzip file"):
        preparation.prepare(settings_for(folder), tmp_path / "prepared")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"has no \.txt or \.txt\.gz files"):
        preparation.prepare(settings_for(tmp_path / "empty"), tmp_path / "prepared")


def test_validation_and_test_may_be_separate_files(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "later").mkdir(parents=True)
    (folder / "a.txt").write_text("one two\none two")
    (folder / "valid.txt").write_text("two two one")
    (folder / "later" / "test.txt").write_text("one")
    prepared = preparation.prepare(
        settings_for(folder, validation="valid.txt", test="later", line_ends=True), tmp_path / "prepared"
    )
    decode = prepared.dictionary.decode
    assert decode(prepared.training) == ["one", "two", "<eos>", "one", "two", "<eos>"]
    assert decode(prepared.held_out["validation"]) == ["two", "two", "one", "<eos>"]
    assert decode(prepared.held_out["test"]) == ["one", "<eos>"]
    alone = preparation.prepare(settings_for(folder, test="valid.txt"), tmp_path / "prepared")
    assert list(alone.held_out) == ["test"]
    assert len(alone.training) == 5
    with pytest.raises(CorpusError, match=r"missing\.txt: No such file"):
        preparation.prepare(settings_for(folder, validation="missing.txt"), tmp_path / "prepared")
    with pytest.raises(CorpusError, match=r"a\.txt is not a folder; prepare\.validation"):
        preparation.prepare(settings_for(folder / "a.txt", test="valid.txt"), tmp_path / "prepared")
    (folder / "empty.txt").write_text(" ")
    with pytest.raises(CorpusError, match=r"prepare\.validation has no words"):
        preparation.prepare(settings_for(folder, validation="empty.txt"), tmp_path / "prepared")


def test_a_held_out_word_needs_an_unk(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a b\na b\na b\na new\n")
    with pytest.raises(CorpusError, match="the held-out word 'new' is not in the training part"):
        preparation.prepare(settings_for(path, held_out=0.5), tmp_path / "prepared")
    with pytest.raises(CorpusError, match=r"held_out 0\.1 leaves a part without words"):
        preparation.prepare(settings_for(path, held_out=0.1, min_count=2), tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    lines=st.lists(st.sampled_from(["a b", "b c c", "a <unk>", "d", "e f a b", "<unk> g"]), min_size=8),
    max_words=st.integers(2, 6),
    line_ends=st.booleans(),
)
def test_words_that_the_dictionary_lacks_keep_their_spelling(
    tmp_path: Path, lines: list[str], max_words: int, line_ends: bool
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    prepared = preparation.prepare(
        settings_for(path, held_out=0.5, max_words=max_words, line_ends=line_ends), tmp_path / "prepared"
    )
    whole = words.split(path.read_text(encoding="utf-8"), "whitespace", line_ends=line_ends)
    found = {part: list(prepared.words_of(part)) for part in ("training", "validation", "test")}
    assert [word for part in found.values() for word in part] == whole
    for part, ids in {"training": prepared.training, **prepared.held_out}.items():
        assert prepared.dictionary.encode(found[part]) == ids.tolist()
    learnt = set(found["training"]) - {"<unk>", "<eos>"}
    assert learnt <= set(prepared.learnt_words) <= learnt | {"<unk>"}


@pytest.mark.parametrize(
    ("max_words", "held_out", "shares"),
    [(10, 0.2, {"training": 8 / 24, "validation": 1.0, "test": 1 / 3}), (0, 0.0, {"training": 10 / 29})],
)
def test_unk_in_the_text_itself_is_unknown(
    tmp_path: Path, max_words: int, held_out: float, shares: dict[str, float]
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the <unk> ran\n" * 8 + "a <unk>\nthe <unk> ran\n", encoding="utf-8")
    prepared = preparation.prepare(
        settings_for(path, max_words=max_words, held_out=held_out), tmp_path / "prepared"
    )
    assert prepared.dictionary.unknown is not None
    assert prepared.dictionary.words[prepared.dictionary.unknown] == "<unk>"
    report = json.loads((tmp_path / "prepared" / "report.json").read_text())
    found = {name: part["unknown_share"] for name, part in report["parts"].items()}
    assert found == pytest.approx(shares, rel=1e-5)


def test_a_min_count_that_leaves_no_word_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two three\n" * 3, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"no word occurs 4 times .* lower prepare\.min_count"):
        preparation.prepare(settings_for(path, min_count=4), tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_a_dictionary_with_room_to_spare_expects_occasional_unknown_words(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two\n" * 3, encoding="utf-8")
    prepared = preparation.prepare(settings_for(path, max_words=10), tmp_path / "prepared")
    assert prepared.frequencies.tolist() == [3, 3, 0]
    assert prepared.expected_frequencies.tolist() == pytest.approx([3 / 6.5, 3 / 6.5, 0.5 / 6.5])


@pytest.mark.parametrize("change", ["one two three four\n", "one two\n", "one two three new\n" * 9])
def test_a_text_that_changes_between_its_two_passes_is_an_error_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_text("one two three\n" * 9, encoding="utf-8")
    sha256 = preparation._sha256

    def meddle(paths: list[Path]) -> str:  # between the readings
        found = sha256(paths)
        path.write_text(change, encoding="utf-8")
        return found

    monkeypatch.setattr(preparation, "_sha256", meddle)
    with pytest.raises(CorpusError, match="changed while it was read"):
        preparation.prepare(settings_for(path), tmp_path / "prepared")
    assert not (tmp_path / "prepared").exists()


def test_the_summary_says_what_to_do_about_many_unknown_words(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the cat ran\n" * 18 + "zebra yak\nxerus cat\n", encoding="utf-8")
    wanted = settings_for(path, "words", held_out=0.1, min_count=2)
    lines = list(preparation.summary(preparation.prepare(wanted, tmp_path / "prepared"), wanted))
    assert lines[-1].startswith(
        "the dictionary lacks 75.0% of the held-out words; with prepare.split_by subwords"
    )
    path.write_text("the cat ran\n" * 18 + "zebra yak\nthe cat ran . the cat\n", encoding="utf-8")
    lines = list(preparation.summary(preparation.prepare(wanted, tmp_path / "prepared"), wanted))
    assert lines[-1].startswith("the dictionary lacks 37.5% of the held-out words"), (
        "all of them, not one part"
    )
    wanted = settings_for(path, "subwords", held_out=0.1, max_words=300)
    lines = list(preparation.summary(preparation.prepare(wanted, tmp_path / "prepared"), wanted))
    assert not any("lacks" in line for line in lines)
    assert "held out for validation: 10 subwords" in lines


def test_the_summary_says_if_a_text_gives_fewer_subwords(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("x", encoding="utf-8")
    wanted = settings_for(path, "subwords", max_words=4000)
    prepared = preparation.prepare(wanted, tmp_path / "prepared")
    assert prepared.dictionary.decode(prepared.ids) == ["▁x"]
    lines = list(preparation.summary(prepared, wanted))
    assert lines[-1] == "prepare.max_words is 4,000, but the text yields only 259 subwords"


def test_the_report_counts_the_words_that_a_user_sees(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text('"Mice!" said the mice, 世界 日 世界.\n' * 30, encoding="utf-8")
    wanted = settings_for(path, "subwords", max_words=330, line_ends=True)
    prepared = preparation.prepare(wanted, tmp_path / "prepared")
    report = json.loads((tmp_path / "prepared" / "report.json").read_text(encoding="utf-8"))
    most_frequent = report["most_frequent"]
    assert most_frequent['"'] == 60  # one opens and one closes
    assert (most_frequent["世界"], most_frequent["日"], most_frequent["<eos>"]) == (60, 30, 30)
    assert not any({"▁", "‿"} & {*word} or not word for word in most_frequent)
    assert report["parts"]["training"] == {
        "words": prepared.words,
        "different_words": 11,
        "subwords": len(prepared.ids),
        "unknown_share": 0,
    }
    with (tmp_path / "prepared" / "ranks.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 11


def test_a_word_of_ten_thousand_letters_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("ab" * 5000 + " cd\n", encoding="utf-8")
    prepared = preparation.prepare(settings_for(path, "subwords", max_words=300), tmp_path / "prepared")
    assert prepared.join(prepared.ids) == "ab" * 5000 + " cd"
    assert len(prepared.ids) < 1000


def test_the_words_of_the_training_part_are_known_wherever_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"the mice had word{number} , 世界 and {'ab' * number} .\n" for number in range(40)]
    path = tmp_path / "text.txt"
    path.write_text("".join(lines), encoding="utf-8")
    wanted = settings_for(path, "subwords", max_words=300, held_out=0.2, line_ends=True)
    prepared = preparation.prepare(wanted, tmp_path / "prepared")
    found = prepared.training_words
    assert found is not None
    for word in ("the", "mice", ",", ".", "<eos>", "word0", "word31", "ab" * 31):
        assert word in found
    assert "" not in found
    spelt = prepared.dictionary.spelt(words.split("".join(lines), "subwords", line_ends=True))
    assert not any(f"word{number}" in found for number in range(36, 40))
    for block in (1, 7, 64):
        monkeypatch.setattr(corpus, "_BLOCK", block)
        again = prepared.training_words
        assert again is not None
        assert again.text == found.text
        assert prepared.words == len(spelt)
    plain = preparation.prepare(settings_for(path, "words"), tmp_path / "plain")
    assert plain.training_words is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"max_words": 0}, "at least 300"), ({"max_words": 400, "min_count": 2}, "since no word is unknown")],
)
def test_the_error_for_params_unsuitable_for_subwords_names_them(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        settings_for(Path("text.txt"), "subwords", **changes)
