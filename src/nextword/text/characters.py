"""The characters of one version of Unicode, independent of Python's: classes, clusters, normal form.

The classes are those of `nextword.text.unicode`. They come neither from the classes of a regular
expression nor from `unicodedata`, both of which depend on the version of Python.

A regular expression is made for texts up to a certain character (`reach`): most texts need only ASCII or
the first 65,536 characters, for which the classes are much faster.
"""

import bisect
import re
import unicodedata
from functools import lru_cache

from nextword.text.unicode import RANGES

ASCII, PLANE_0, ALL = 0x80, 0x10000, 0x110000  # the reach of a text: all characters are below this one
BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # as of `str.split`
ZERO_WIDTH_JOINER = "\u200d"
_BEYOND = "[\U00010000-\U0010ffff]"
_IS_BEYOND = re.compile(_BEYOND)
_SURROGATE = re.compile("[\ud800-\udfff]")
_IN_ASCII = bytes(range(ASCII))
NATIONAL = "[\U0001f1e6-\U0001f1ff]"  # regional indicators: two are a flag
_FIRST_SYLLABLE, _LAST_SYLLABLE, _SYLLABLES_A_VOWEL = 0xAC00, 0xD7A3, 28
# Thai and Lao, Burmese, Khmer and its symbols, and extended Burmese: besides Han and kana, the scripts
# written without blanks between words.
_UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x19E0, 0x19FF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
)
EXTENDING = ("extend", "zero_width_joiner")
TIED = (*EXTENDING, "spacing")  # to the character before

Ranges = tuple[tuple[int, int], ...]


@lru_cache
def ranges(*names: str) -> Ranges:
    """The first and last character of each run of characters in the given classes."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(pair for name in names for pair in _ranges(name)):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return tuple(found)


def _ranges(name: str) -> Ranges:
    syllables = range(_FIRST_SYLLABLE, _LAST_SYLLABLE + 1, _SYLLABLES_A_VOWEL)
    if name == "zero_width_joiner":
        return ((ord(ZERO_WIDTH_JOINER),) * 2,)
    if name == "open_syllable":  # of Hangul: it ends in a vowel
        return tuple((code, code) for code in syllables)
    if name == "closed_syllable":
        return tuple((code + 1, code + _SYLLABLES_A_VOWEL - 1) for code in syllables)
    if name == "unspaced":
        blocks = {code for first, last in _UNSPACED_BLOCKS for code in range(first, last + 1)}
        return _runs(_codes("ideograph") | _codes("katakana") | (_codes("letter") & blocks))
    if name == "spaced_letter":
        return _runs(_codes("letter") - _codes("unspaced"))
    found, end = [], 0
    for part in RANGES[name].split():
        gap, _, more = part.partition("-")
        first = end + int(gap, 36)
        end = first + int(more or "0", 36) + 1
        found.append((first, end - 1))
    return tuple(found)


def _codes(name: str) -> set[int]:
    return {code for first, last in ranges(name) for code in range(first, last + 1)}


def _runs(codes: set[int]) -> Ranges:
    """A run for each character; `ranges` joins adjacent ones."""
    return tuple((code, code) for code in sorted(codes))


def listed(runs: Ranges, first: int = 0, beyond: int = ALL) -> str:
    """The contents of a bracket expression for the characters from `first` up to `beyond`."""

    def escaped(code: int) -> str:
        return chr(code) if code >= ASCII else f"\\x{code:02x}"

    pairs = ((max(low, first), min(high, beyond - 1)) for low, high in runs)
    return "".join(
        escaped(low) + (f"-{escaped(high)}" if high > low else "") for low, high in pairs if low <= high
    )


def one(reach: int, *names: str) -> str:
    """A regular expression for one character of the given classes, in texts of this reach."""
    low, high = _halves(reach, ranges(*names))
    return f"(?:{low}|(?={_BEYOND}){high})" if high else low


def many(reach: int, *names: str) -> str:
    """A regular expression for as many of these characters as possible, or none."""
    low, high = _halves(reach, ranges(*names))
    return f"(?>{low}*(?:(?={_BEYOND}){high}+{low}*)*)" if high else f"{low}*+"


def _halves(reach: int, runs: Ranges) -> tuple[str, str]:
    """Classes for the first 65,536 characters, and for those beyond, if any are within reach.

    Python looks up the former in a bitmap but searches all ranges of the latter one by one, so these must
    not be tried on every character.
    """
    low = listed(runs, 0, min(reach, PLANE_0))
    high = listed(runs, PLANE_0, reach)
    return f"[{low}]" if low else "(?!)", f"[{high}]" if high else ""


def reach_of(text: str) -> int:
    """The reach of a text."""
    if text.isascii():
        return ASCII
    return ALL if _IS_BEYOND.search(text) else PLANE_0


def well_formed(text: str) -> str:
    """A text with U+FFFD in place of each lone surrogate, which UTF-8 cannot encode."""
    return _SURROGATE.sub("\ufffd", text)


def normalise(text: str, lowercase: bool = False) -> str:
    """Text in Unicode's NFC, optionally lower-cased, so that equal words are equal strings.

    Characters newer than Unicode 14.0 are left unchanged: Python 3.11 has no later version, and all
    versions of Python agree on the characters that it knows.
    """
    if not lowercase and unicodedata.is_normalized("NFC", text):
        return text
    if not text.isascii() and _has_barrier(text):
        parts = _barriers().split(text)
        parts[::2] = [normalise(part, lowercase) for part in parts[::2]]
        return "".join(parts)
    return unicodedata.normalize("NFC", text.lower() if lowercase else text)


def _has_barrier(text: str) -> bool:
    other = text.encode("utf-8", "surrogatepass").translate(None, _IN_ASCII).decode("utf-8", "surrogatepass")
    if _low_barriers().search(other):
        return True
    return any(is_in(character, "barrier") for character in set(_IS_BEYOND.findall(other)))


@lru_cache
def _low_barriers() -> re.Pattern[str]:
    return re.compile(one(PLANE_0, "barrier"))


@lru_cache
def _barriers() -> re.Pattern[str]:
    return re.compile(f"({one(ALL, 'barrier')})")


@lru_cache(maxsize=4096)
def is_in(character: str, *names: str) -> bool:
    """Whether a character is in one of the given classes."""
    runs = ranges(*names)
    place = bisect.bisect_right(runs, (ord(character), ALL))
    return place > 0 and runs[place - 1][1] >= ord(character)


def clusters(text: str) -> list[str]:
    """The user-perceived characters of a text: its extended grapheme clusters (UAX #29)."""
    return _clusters(reach_of(text)).findall(text)


@lru_cache
def _clusters(reach: int) -> re.Pattern[str]:
    return re.compile(rf"\r\n|{cluster(reach)}|(?s:.)")


def word(reach: int, letter: str, blank: str) -> str:
    """A regular expression for a word: a run of letters, possibly with punctuation inside, else a cluster.

    **Arguments:**

    - `reach`: the reach of the texts.
    - `letter`: the class of letters.
    - `blank`: the characters that no word has, as the contents of a bracket expression.
    """
    digit = one(reach, "digit")
    letters = one(reach, letter) + many(reach, letter, *EXTENDING)
    inside = rf"(?:['’‐\-]|[.,:](?<={digit}.)(?={digit}))"
    return rf"{letters}(?:{inside}{letters})*|(?=\S)(?:{cluster(reach, blank)}|\S)"


def cluster(reach: int, blank: str = "") -> str:
    """A regular expression for a grapheme cluster that is not a control character.

    **Arguments:**

    - `reach`: the reach of the texts.
    - `blank`: the characters that no cluster has, as the contents of a bracket expression.
    """
    if reach == ASCII:
        return rf"[^\x00-\x1f\x7f{blank}]"
    special = ("control", "prepend", "pictograph", "consonant", "leading", "vowel", "trailing")
    plain = listed(ranges(*special, "open_syllable", "closed_syllable"), 0, PLANE_0)
    tied = many(reach, *TIED)
    begun = rf"(?:{_core(reach)}|[^{listed(ranges('control'))}{blank}])"
    prepended = many(reach, "prepend")
    return rf"[^{plain}{blank}\U00010000-\U0010ffff]{tied}|{prepended}{begun}{tied}|{_some(reach, 'prepend')}"


def _core(reach: int) -> str:
    """The clusters of more than one character, without what may precede or follow any cluster."""
    picture, consonant = one(reach, "pictograph"), one(reach, "consonant")
    linker, joiner = one(reach, "linker"), ZERO_WIDTH_JOINER
    before_linker = rf"(?:(?!{linker}|\u200c){one(reach, *EXTENDING)})*+"
    conjoined = rf"(?:(?!\u200c){one(reach, *EXTENDING)})*+"
    vowels, trailing = many(reach, "vowel"), many(reach, "trailing")
    syllable = (
        rf"{one(reach, 'open_syllable')}{vowels}|{one(reach, 'closed_syllable')}|{_some(reach, 'vowel')}"
    )
    return "|".join(
        [
            f"{NATIONAL}{{2}}",
            f"{picture}(?:{many(reach, 'extend')}{joiner}{picture})*",
            f"{consonant}(?:{before_linker}{linker}{conjoined}{consonant})*",
            f"{many(reach, 'leading')}(?:{syllable}){trailing}",
            _some(reach, "leading"),
            _some(reach, "trailing"),
        ]
    )


def _some(reach: int, *names: str) -> str:
    """As many of these characters as possible, and at least one."""
    return f"(?>{one(reach, *names)}+)"
