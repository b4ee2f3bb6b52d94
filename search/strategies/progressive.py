"""Progressive search, of PNAS: https://arxiv.org/abs/1712.00559."""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.strategies.surrogate import Surrogate
from search.trial import Decisions, Trial

# An expansion is cut to so many random candidates: a block of both NASNet
# cells has more than a hundred thousand.
CANDIDATES = 2000


class ProgressiveSearch(Strategy):
    """Grows cells group by group (block by block, node by node) and keeps a
    beam: the K most promising prefixes by a surrogate ensemble.

    A level grows one group: the prefixes of the K best trials are expanded by
    every choice of the group's decisions, the ensemble's mean ranks the
    results, and the K best that are new are evaluated. After the last group
    the first comes again.

    The paper trains the prefix itself, a smaller cell. Proposals here are
    whole architectures, as the rows of a table are: a prefix is **completed
    by the later groups of the best trial so far**. Random completions would
    add their own variance to what the prefix is worth; those of the best add
    none, and make the child of a good prefix a good architecture. The first
    level, of K trials, has no trial to learn from: its prefixes and
    completions are random.

    Trials without a reward teach nothing, but are no candidates either:
    those are architectures that have not been told. Where there is none, the
    proposals are random.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        beam: K, how many prefixes are kept, and how many trials a level has.
            Paper: 256. Default 20, so that a hundred trials go through the
            five blocks of a NASNet cell.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "progressive"

    def __init__(self, space: SearchSpace, seed: int, beam: int = 20) -> None:
        super().__init__(space, seed)
        check_number("beam", beam, least=1, integer=True)
        self.beam = beam
        self.surrogate = Surrogate(space)
        self._known: set[Decisions] = set()  # canonical
        self._decisions: list[Decisions] = []  # of the trials with a reward
        self._rewards: list[float] = []
        self._group = 0  # that grows next
        self._level: list[Decisions] = []  # its proposals; empty: random ones
        self._told = 0  # how many trials of the level were told

    def ask(self, number: int) -> Decisions:
        if self._level:
            return self._level[self._told]
        return self.space.sample(self.rng(number))

    def tell(self, trial: Trial) -> None:
        self._known.add(self.space.canonical(trial.decisions))
        if trial.reward is not None:
            self._decisions.append(trial.decisions)
            self._rewards.append(trial.reward)
        self._told += 1
        if self._told == (len(self._level) or self.beam):
            self._level, self._told = self._next_level(trial.number), 0

    def _next_level(self, number: int) -> list[Decisions]:
        """The proposals of the next group that has new ones; none where all
        are known, or nothing has been learnt."""
        if not self._rewards:
            return []
        rng = self.rng(number)
        self.surrogate.fit(self._decisions, self._rewards)
        for _ in range(self.space.groups):
            group = self._group
            self._group = (group + 1) % self.space.groups
            candidates = self._expansions(group, rng)
            if candidates:
                expected = self.surrogate.mean(candidates)
                best = np.argsort(-expected, kind="stable")[: self.beam]
                return [candidates[position] for position in best]
        return []

    def _expansions(
        self, group: int, rng: np.random.Generator
    ) -> list[Decisions]:
        """New architectures: the beam's prefixes, with every choice of the
        group, completed by the best trial."""
        ranked = np.argsort(-np.array(self._rewards), kind="stable")
        beam = [self._decisions[position] for position in ranked[: self.beam]]
        columns = [
            position
            for position, decision in enumerate(self.space.decisions)
            if decision.group == group
        ]
        completed = {
            tuple(
                own if decision.group < group else best
                for own, best, decision in zip(
                    architecture, beam[0], self.space.decisions, strict=True
                )
            )
            for architecture in beam
        }
        unique: dict[Decisions, Decisions] = {}
        for prefix, choices in self._pairs(sorted(completed), columns, rng):
            candidate = list(prefix)
            for position, choice in zip(columns, choices, strict=True):
                candidate[position] = choice
            key = self.space.canonical(tuple(candidate))
            if key not in self._known:
                unique.setdefault(key, tuple(candidate))
        return list(unique.values())

    def _pairs(
        self,
        prefixes: list[Decisions],
        columns: list[int],
        rng: np.random.Generator,
    ) -> Iterator[tuple[Decisions, Decisions]]:
        """All pairs of a prefix and choices, or as many random ones."""
        counts = [
            len(self.space.decisions[position].choices) for position in columns
        ]
        if len(prefixes) * math.prod(counts) <= CANDIDATES:
            yield from itertools.product(
                prefixes, itertools.product(*map(range, counts))
            )
            return
        for _ in range(CANDIDATES):
            prefix = prefixes[int(rng.integers(len(prefixes)))]
            yield prefix, tuple(rng.integers(counts).tolist())
