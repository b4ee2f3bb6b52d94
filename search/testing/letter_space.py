"""A space without networks, for tests: `LetterSpace`."""

from collections.abc import Sequence
from typing import Any

from search.spaces.base import Decision, SearchSpace
from search.trial import Decisions

LETTERS = "abcdefgh"


class LetterSpace(SearchSpace):
    """Words, each letter of some that are given: decisions of no particular
    kind.

    Args:
        counts: Of how many letters each is chosen, 1 to 8.

    Example:

    >>> LetterSpace((2, 1, 5)).decode((1, 0, 4))
    'bae'
    """

    name = "letters"
    version = 1

    def __init__(self, counts: Sequence[int] = (2, 1, 5)) -> None:
        self.counts = tuple(counts)
        self.decisions = tuple(
            Decision(f"decision/{position}", tuple(LETTERS[:count]))
            for position, count in enumerate(counts)
        )

    def decode(self, decisions: Decisions) -> str:
        return "".join(self.to_names(decisions).values())

    def encode(self, architecture: str) -> Decisions:
        return tuple(LETTERS.index(letter) for letter in architecture)

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "counts": list(self.counts),
        }
