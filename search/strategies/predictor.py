"""A predictor of rewards, after BANANAS: https://arxiv.org/abs/1910.11858."""

import itertools

import numpy as np

from search.space import SearchSpace
from search.strategies.base import Strategy
from search.strategies.settings import check_number
from search.strategies.surrogate import Surrogate
from search.trial import Decisions, Trial

# Of more candidates, as in large spaces, so many random ones are looked at.
CANDIDATES = 1000


class PredictorSearch(Strategy):
    """An ensemble predicts what architectures are worth, and how surely; the
    neighbour of the best that looks best in a draw from it is proposed.

    As in the paper, the first trials are random, candidates are mutations of
    the best, and the draws are independent Thompson sampling: each candidate
    gets a value drawn from what is known of it. Here draws lie nearer the mean
    (`spread`), candidates are all neighbours, which differ in one decision,
    and the ensemble is of Gaussian processes on the decisions (`Surrogate`),
    not of neural networks on paths, which take seconds to learn what these
    learn in milliseconds.

    A space may have several peaks, and neighbours of the best on one of them
    lead to no other. So when as many trials as an architecture has neighbours
    have brought no better one, the search starts anew, as local search does
    when it has seen them all: random trials, and then neighbours of the best
    since this start. The ensemble forgets nothing. In the paper's space, of
    about 400 neighbours, this hardly happens.

    Trials without a reward teach nothing, but no architecture that has been
    told is proposed again, as long as there are others.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many random trials a start has. Paper: 10. Default 20.
        refit: After how many trials the ensemble learns anew. Paper: 10.
            Default 1: it takes milliseconds.
        parents: Of how many of the best since the start the neighbours are
            candidates. Default 10.
        spread: How far draws are from the mean, in shares of the deviation.
            Paper: 1. Default 0.5, greedier: of tens of trials few can be
            spent on what is merely unknown.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "predictor"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        initial: int = 20,
        refit: int = 1,
        parents: int = 10,
        spread: float = 0.5,
    ) -> None:
        super().__init__(space, seed)
        check_number("initial", initial, least=2, integer=True)
        check_number("refit", refit, least=1, integer=True)
        check_number("parents", parents, least=1, integer=True)
        check_number("spread", spread, least=0)
        self.spread = spread
        self.initial, self.refit, self.parents = initial, refit, parents
        self.surrogate = Surrogate(space)
        self._patience = sum(
            len(decision.choices) - 1 for decision in space.decisions
        )
        self._fitted = 0  # how many rewards the surrogate has learnt from
        self._known: set[Decisions] = set()  # canonical
        self._decisions: list[Decisions] = []  # of the trials with a reward
        self._rewards: list[float] = []
        self._start = 0  # how many rewards were known at this start

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self._rewards) - self._start >= self.initial:
            self._fit()
            candidates = self._candidates(rng)
            if candidates:
                drawn = self.surrogate.draw(candidates, rng, self.spread)
                return candidates[int(drawn.argmax())]
        return self.space.sample(rng)

    def tell(self, trial: Trial) -> None:
        self._known.add(self.space.canonical(trial.decisions))
        if trial.reward is None:
            return
        self._decisions.append(trial.decisions)
        self._rewards.append(trial.reward)
        since = self._rewards[self._start :]
        best = since.index(max(since))
        if len(since) - max(self.initial, best + 1) >= self._patience:
            self._start = len(self._rewards)

    def _fit(self) -> None:
        """Learns from as many rewards as make whole steps of `refit`."""
        count = len(self._rewards)
        count -= (count - self.initial) % self.refit
        if count != self._fitted:
            self.surrogate.fit(self._decisions[:count], self._rewards[:count])
            self._fitted = count

    def _candidates(self, rng: np.random.Generator) -> list[Decisions]:
        """New neighbours of the best since the start."""
        best = np.argsort(
            -np.array(self._rewards[self._start :]), kind="stable"
        )
        around = list(
            dict.fromkeys(
                neighbour
                for position in best[: self.parents]
                for neighbour in self.space.neighbours(
                    self._decisions[self._start + position]
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
