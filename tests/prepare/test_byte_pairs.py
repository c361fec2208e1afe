import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nextword.prepare import byte_pairs
from nextword.text import words
from nextword.text.subwords import REQUIRED

COUNTS = {"▁low": 5, "▁lower": 2, "▁newest": 6, "▁widest": 3, "<eos>": 4}


def test_frequent_words_become_entries_before_rare_ones() -> None:
    assert {"▁low", "▁lower", "▁newest", "▁widest"} <= {*byte_pairs.learn(COUNTS, 300).words}
    fewer = byte_pairs.learn(COUNTS, len(REQUIRED) + 24).words
    assert "▁newest" in fewer
    assert "▁lower" not in fewer


def test_the_order_of_the_counts_does_not_matter() -> None:
    story = Counter(words.split("the mice and the cat and the bell , the mouse said " * 3, "subwords"))
    shuffled = list(story.items())
    random.Random(1).shuffle(shuffled)
    assert byte_pairs.learn(dict(shuffled), 300).words == byte_pairs.learn(story, 300).words


@given(
    st.dictionaries(st.text(st.sampled_from("▁‿abc世"), min_size=1), st.integers(1, 9)), st.integers(300, 330)
)
def test_each_entry_is_used_or_required(counts: dict[str, int], size: int) -> None:
    learnt = byte_pairs.learn(counts, size)
    used = byte_pairs.frequencies(counts, learnt)
    assert len(learnt) <= size
    assert all(used[entry] or entry in REQUIRED for entry in learnt.words)
    assert [used[entry] for entry in learnt.words] == sorted(
        (used[entry] for entry in learnt.words), reverse=True
    )
