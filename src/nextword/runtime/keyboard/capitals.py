"""Capitals of words in a text."""


def in_case_of(word: str, typed: str) -> str:
    """A word with the capitals of what was typed for it: `The` for `Th`, `THE` for `TH`.

    A word with capitals of its own keeps them.
    """
    if len(typed) > 1 and typed.isupper():
        return word.upper()
    return capitalised(word) if typed[:1].isupper() and word.islower() else word


def capitalised(word: str) -> str:
    """A word as written at the start of a sentence."""
    return word[:1].title() + word[1:]
