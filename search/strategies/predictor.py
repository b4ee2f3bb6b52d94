"""A predictor of rewards, after BANANAS: https://arxiv.org/abs/1910.11858."""

import itertools
import math

import numpy as np

from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.strategies.surrogate import Surrogate
from search.trial import Decisions, Trial

# Of more candidates, as in large spaces, so many random ones are looked at.
CANDIDATES = 1000


class PredictorSearch(Strategy):
    """An ensemble predicts what architectures are worth, and how surely; the
    neighbour of the best with the highest expected improvement is proposed.

    As in the paper, the first trials are random, and candidates are mutations
    of the best. Here candidates are all neighbours, which differ in one
    decision; they are ranked by expected improvement, one of those that the
    paper compares, where it prefers independent Thompson sampling; and the
    ensemble is of Gaussian processes on the decisions (`Surrogate`), not of
    neural networks on paths, which take seconds to learn what these learn in
    milliseconds.

    A space may have several peaks, and neighbours of the best on one of them
    lead to no other. So when half as many trials as an architecture has
    neighbours have brought no better one, the search starts anew: random
    trials, and then neighbours of the best since this start. The ensemble
    learns from these alone, since what it knew draws it back to where it comes
    from. In the paper's space, of 310 neighbours, this hardly happens.

    Trials without a reward teach nothing, but are no candidates either, and
    no more are those under way. Where there is no candidate, the proposal is
    random.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many random trials a start has. Paper and default: 10.
        refit: After how many trials the ensemble learns anew. Paper: 10.
            Default 1: it takes milliseconds.
        parents: Of how many of the best since the start the neighbours are
            candidates. Default 10.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "predictor"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        initial: int = 10,
        refit: int = 1,
        parents: int = 10,
    ) -> None:
        super().__init__(space, seed)
        check_number("initial", initial, least=2, integer=True)
        check_number("refit", refit, least=1, integer=True)
        check_number("parents", parents, least=1, integer=True)
        self.initial, self.refit, self.parents = initial, refit, parents
        self.surrogate = Surrogate(space)
        neighbours = sum(
            len(decision.choices) - 1 for decision in space.decisions
        )
        self._patience = math.ceil(neighbours / 2)
        self._known: set[Decisions] = set()  # canonical
        # Of the trials with a reward since the start.
        self._decisions: list[Decisions] = []
        self._rewards: list[float] = []
        self._fitted = 0  # how many of them the surrogate has learnt from

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self._rewards) >= self.initial:
            self._fit()
            candidates = self._candidates(rng)
            if candidates:
                gains = self.surrogate.expected_improvement(candidates)
                return candidates[int(gains.argmax())]
        return self.space.sample(rng)

    def proposed(self, decisions: Decisions) -> None:
        self._known.add(self.space.canonical(decisions))

    def tell(self, trial: Trial) -> None:
        self.proposed(trial.decisions)
        if trial.reward is None:
            return
        self._decisions.append(trial.decisions)
        self._rewards.append(trial.reward)
        best = self._rewards.index(max(self._rewards))
        tried = len(self._rewards) - max(self.initial, best + 1)
        if tried >= self._patience:
            self._decisions, self._rewards, self._fitted = [], [], 0

    def _fit(self) -> None:
        """Learns from as many rewards as make whole steps of `refit`."""
        count = len(self._rewards)
        count -= (count - self.initial) % self.refit
        if count != self._fitted:
            self.surrogate.fit(self._decisions[:count], self._rewards[:count])
            self._fitted = count

    def _candidates(self, rng: np.random.Generator) -> list[Decisions]:
        """New neighbours of the best since the start, in random order."""
        best = np.argsort(-np.array(self._rewards), kind="stable")
        around = list(
            dict.fromkeys(
                neighbour
                for position in best[: self.parents]
                for neighbour in self.space.neighbours(
                    self._decisions[position]
                )
            )
        )
        rng.shuffle(around)
        new = (
            candidate
            for candidate in around
            if self.space.canonical(candidate) not in self._known
        )
        return list(itertools.islice(new, CANDIDATES))
