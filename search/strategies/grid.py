"""Grid search: every architecture of a small space once."""

from collections.abc import Iterator

from search.spaces.base import SearchSpace
from search.strategies.base import Strategy
from search.trial import Decisions


class GridSearch(Strategy):
    """Enumerates the architectures in order, the last decision fastest, of
    isomorphic ones the first, whatever became of the others.

    The seed says where it begins; after the last comes the first. What the
    search has proposed in place of the strategy is left out. When all have
    been proposed they are proposed again, so that a search, which trains no
    architecture twice, ends by saying that it found no new one.

    Args:
        space: The space to search.
        seed: Fixes where the enumeration begins.
    """

    name = "grid"
    compares_budgets = True  # learns from none

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self._counts = [len(decision.choices) for decision in space.decisions]
        self._rest = self._canonical()
        self._passed: list[Decisions] = []
        # By canonical vector: those passed and not proposed yet.
        self._next: dict[Decisions, Decisions] = {}
        self._proposed: set[Decisions] = set()
        self._proposals = 0

    def ask(self, number: int) -> Decisions:
        ahead = max(0, number - self._proposals)
        while len(self._next) <= ahead:
            vector = next(self._rest, None)
            if vector is None:
                return self._passed[number % len(self._passed)]
            self._passed.append(vector)
            key = self.space.canonical(vector)
            if key not in self._proposed:
                self._next[key] = vector
        return list(self._next.values())[ahead]

    def proposed(self, decisions: Decisions) -> None:
        key = self.space.canonical(decisions)
        self._proposals += 1
        self._proposed.add(key)
        self._next.pop(key, None)

    def _canonical(self) -> Iterator[Decisions]:
        """Each architecture once, in the order of the enumeration.

        Vectors are numbered 0 .. size - 1, as the digits of a number whose
        places have as many values as the decisions have choices.
        """
        start = 0
        for count, choice in zip(
            self._counts, self.space.sample(self.rng(0)), strict=True
        ):
            start = start * count + choice
        seen: set[Decisions] = set()
        for step in range(self.space.size):
            vector = self._digits((start + step) % self.space.size)
            key = self.space.canonical(vector)
            if key not in seen:
                seen.add(key)
                yield vector

    def _digits(self, number: int) -> Decisions:
        digits = []
        for count in reversed(self._counts):
            number, digit = divmod(number, count)
            digits.append(digit)
        return tuple(reversed(digits))
