"""A predictor of rewards, after BANANAS: https://arxiv.org/abs/1910.11858."""

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.strategies.surrogate import (
    MEASURES,
    Measure,
    Surrogate,
    half_squared_distances,
)
from search.trial import Decisions, Trial, TrialState

# Candidates of a proposal, at the most: neighbours of the best, architectures
# that differ from one of them in two decisions, and random ones.
NEIGHBOURS, MUTANTS, RANDOM = 600, 200, 200
# Where proposals are to be apart, instead of the first two: architectures with
# once to twice as many changes as that takes.
FAR_MUTANTS = 800
# Of so many random architectures a start takes the one least like the others.
SPREAD = 100


class PredictorSearch(Strategy):
    """An ensemble predicts what architectures are worth, and how surely; the
    candidate with the highest expected improvement is proposed.

    As in the paper, the search starts at random, and candidates are mutations
    of the best. Departures: of 100 random architectures a start takes the one
    whose features are least like those known, so that few trials span the
    space; candidates are neighbours of the best, which differ in one decision,
    some that differ in two, and random ones, which lead to other peaks; they
    are ranked by expected improvement, one of those that the paper compares,
    where it prefers independent Thompson sampling; and the ensemble is of
    Gaussian processes on features and decisions (`Surrogate`), not of neural
    networks on paths, which take seconds to learn what these learn in
    milliseconds.

    When half as many trials as an architecture has neighbours have brought no
    better one, the search starts anew: spread trials, and then candidates
    around the best since this start. The ensemble learns from these alone,
    since what it knew draws it back to where it comes from. In the paper's
    space, of 310 neighbours, this hardly happens.

    A failed trial teaches that its like is as bad as the worst known. What was
    refused teaches nothing. No known architecture is proposed again, and no
    more are those under way; where all candidates are known, the proposal is
    random.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many spread trials a start has. Paper and default: 10.
        refit: After how many trials the ensemble learns anew. Paper: 10.
            Default 1: it takes milliseconds.
        parents: Of how many of the best since the start the neighbours are
            candidates. Default 10.
        measures: What the ensemble compares of two architectures, see
            `Surrogate`. Default: features and decisions.
        apart: In how many decisions a proposal differs from all that are
            known, at the least; where no candidate does, in one. Default 1.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "predictor"
    # Whether it starts anew after many trials that brought no better one.
    starts_anew: ClassVar[bool] = True

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        initial: int = 10,
        refit: int = 1,
        parents: int = 10,
        measures: Sequence[Measure] = MEASURES,
        apart: int = 1,
    ) -> None:
        super().__init__(space, seed)
        check_number("initial", initial, least=2, integer=True)
        check_number("refit", refit, least=1, integer=True)
        check_number("parents", parents, least=1, integer=True)
        check_number("apart", apart, least=1, integer=True)
        self.initial, self.refit, self.parents = initial, refit, parents
        self.apart = apart
        if (
            not isinstance(measures, list | tuple)
            or not measures
            or not all(each in MEASURES for each in measures)
        ):
            raise ValueError(
                "Invalid value for argument `measures`. Expected some of "
                f"{', '.join(MEASURES)}. Received: measures={quoted(measures)}."
            )
        self.surrogate = Surrogate(space, measures)
        neighbours = sum(
            len(decision.choices) - 1 for decision in space.decisions
        )
        self._patience = math.ceil(neighbours / 2)
        # Canonical, in the order in which they were proposed.
        self._known: dict[Decisions, None] = {}
        # Those with a reward since the start.
        self._trials: list[Trial] = []
        self._failed: list[Decisions] = []
        # How many rewards and failures the surrogate has learnt from.
        self._fitted = 0, 0

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self._trials) < self.initial:
            return self._start(number, rng)
        self._fit()
        candidates = self._candidates(rng)
        gains = self.surrogate.expected_improvement(candidates)
        best_first = [
            candidates[int(position)]
            for position in np.argsort(-gains, kind="stable")
        ]
        known = np.array(list(self._known))
        for apart in dict.fromkeys((self.apart, 1)):
            for candidate in best_first:
                differs = known != self.space.canonical(candidate)
                if differs.sum(axis=1).min() >= apart:
                    return candidate
        return self.space.sample(rng)

    def proposed(self, decisions: Decisions) -> None:
        self._known.setdefault(self.space.canonical(decisions))

    def tell(self, trial: Trial) -> None:
        self.proposed(trial.decisions)
        if trial.duplicate_of is not None:
            return
        if trial.state is TrialState.FAILED:
            self._failed.append(trial.decisions)
        if trial.reward is None:
            return
        self._trials.append(trial)
        best = int(PredictorSearch.worths(self, self._trials).argmax())
        tried = len(self._trials) - max(self.initial, best + 1)
        if self.starts_anew and tried >= self._patience:
            self._trials, self._fitted = [], (0, 0)

    def worths(self, trials: Sequence[Trial]) -> np.ndarray:
        """`[N]`: what is learnt, the higher the better, of trials with a
        reward; here the rewards."""
        return np.array([trial.reward for trial in trials])

    def _fit(self) -> None:
        """Learns from as many rewards as make whole steps of `refit`."""
        count = len(self._trials)
        count -= (count - self.initial) % self.refit
        known = count, len(self._failed)
        if known != self._fitted:
            trials = self._trials[:count]
            self.surrogate.fit(
                [trial.decisions for trial in trials] + self._failed,
                [*self.worths(trials), *[math.nan] * len(self._failed)],
            )
            self._fitted = known

    def _start(self, number: int, rng: np.random.Generator) -> Decisions:
        """Of some random architectures the one farthest in features from its
        nearest that is known."""
        if not self._known:
            return self.space.sample(rng)
        drawn = [self.space.sample(rng) for _ in range(SPREAD)]
        distances = half_squared_distances(
            self.surrogate.standardised(drawn),
            self.surrogate.standardised(list(self._known)),
        )
        return drawn[int(distances.min(axis=1).argmax())]

    def _candidates(self, rng: np.random.Generator) -> list[Decisions]:
        """Each once, known ones too."""
        order = np.argsort(-self.worths(self._trials), kind="stable")
        best = [
            self._trials[position].decisions
            for position in order[: self.parents]
        ]
        near = self._neighbours(best, rng) if self.apart == 1 else []
        if self.space.size == 1:
            far = []
        elif self.apart == 1:
            far = [self._mutant(best, 2, rng) for _ in range(MUTANTS)]
        else:
            far = [
                self._mutant(best, self.apart + int(more), rng)
                for more in rng.integers(self.apart + 1, size=FAR_MUTANTS)
            ]
        anywhere = [self.space.sample(rng) for _ in range(RANDOM)]
        return list(dict.fromkeys(near + far + anywhere))

    def _neighbours(
        self, best: Sequence[Decisions], rng: np.random.Generator
    ) -> list[Decisions]:
        around = list(
            dict.fromkeys(
                neighbour
                for parent in best
                for neighbour in self.space.neighbours(parent)
            )
        )
        rng.shuffle(around)
        return around[:NEIGHBOURS]

    def _mutant(
        self, best: Sequence[Decisions], changes: int, rng: np.random.Generator
    ) -> Decisions:
        """Of one of the best, after so many changes."""
        mutant = best[int(rng.integers(len(best)))]
        for _ in range(changes):
            mutant = self.space.mutate(mutant, rng)
        return mutant
