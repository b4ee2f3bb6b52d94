"""The names that people give to the parts of a data set: `words_of`,
`certain`."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# The words by which people name the parts of a data set, in small letters.
PART_WORDS = {
    "train": ("train", "training", "trainval"),
    "validation": (
        *("val", "valid", "validate", "validation"),
        *("dev", "development", "eval", "evaluation"),
    ),
    "test": ("test", "testing", "holdout"),
}
# A word for a part within a name, such as `seg_train`, `Test Data`, `val2017`,
# `trainset`; but not `trainer`.
WORD = re.compile(
    r"(?<![^\W\d_])(?:"
    + "|".join(
        f"(?P<{part}>{'|'.join(words)})" for part, words in PART_WORDS.items()
    )
    + r")(?=set|data|images|imgs|[\W\d_]|$)"
)


class Word(NamedTuple):
    """What the name of a folder says of a part.

    Attributes:
        part: Which part.
        rest: The letters of the name beside the word.
    """

    part: str
    rest: str


def words_of(names: Iterable[str]) -> dict[str, Word]:
    """The names that speak of one part; of training and validation in one,
    such as `trainval`, as training."""
    words = {}
    for name in names:
        # The words of `trainImages` are two.
        text = re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()
        parts = {match.lastgroup for match in WORD.finditer(text)}
        if parts == {"train", "validation"}:
            parts = {"train"}
        if len(parts) == 1:
            rest = re.sub(r"[\W\d_]", "", WORD.sub("", text))
            words[name] = Word(str(parts.pop()), rest)
    return words


def certain(words: Mapping[str, Word]) -> dict[str, Word]:
    """The names that are such a word alone, or differ in nothing but the
    word: `seg_train`, `seg_test`; not `bullet train`, `test tube`."""
    pairs = set(words.values())
    return {
        name: word
        for name, word in words.items()
        if not word.rest
        or any(rest == word.rest and part != word.part for part, rest in pairs)
    }
