"""A predictor of rewards, after BANANAS: https://arxiv.org/abs/1910.11858."""

import numpy as np

from search.space import SearchSpace
from search.strategies.base import Strategy
from search.strategies.settings import check_number
from search.strategies.surrogate import Surrogate
from search.trial import Decisions, Trial


class PredictorSearch(Strategy):
    """An ensemble predicts how good architectures are; one member, drawn
    anew for every proposal, chooses among neighbours of the best and random
    ones.

    The draw of a member is Thompson sampling: where the members disagree,
    each has its turn. As in the paper, the first trials are random, the
    ensemble learns anew after every few trials, and candidates are mutations
    of the best. Here they are all neighbours, which differ in one decision,
    and random architectures; and the ensemble is of kernel regressions on the
    decisions (`Surrogate`), not of neural networks on paths, which take
    seconds to learn what these learn in milliseconds.

    Trials without a reward teach nothing, but no architecture that has been
    told is proposed again, as long as there are others.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many random trials come first. Paper: 10. Default 20.
        refit: After how many trials the ensemble learns anew. Paper: 10.
            Default 5.
        members: The size of the ensemble. Paper: 5. Default 10.
        parents: Of how many of the best the neighbours are candidates.
            Default 10.
        randoms: How many random candidates join them. Default 100.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "predictor"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        initial: int = 20,
        refit: int = 5,
        members: int = 10,
        parents: int = 10,
        randoms: int = 100,
    ) -> None:
        super().__init__(space, seed)
        check_number("initial", initial, least=2, integer=True)
        check_number("refit", refit, least=1, integer=True)
        check_number("members", members, least=1, integer=True)
        check_number("parents", parents, least=1, integer=True)
        check_number("randoms", randoms, least=0, integer=True)
        self.initial, self.refit = initial, refit
        self.parents, self.randoms = parents, randoms
        self.surrogate = Surrogate(space, members)
        self._fitted = 0  # how many rewards the surrogate has learnt from
        self._known: set[Decisions] = set()  # canonical
        self._decisions: list[Decisions] = []  # of the trials with a reward
        self._rewards: list[float] = []

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self._rewards) < self.initial:
            return self.space.sample(rng)
        self._fit()
        candidates = self._candidates(rng)
        if not candidates:
            return self.space.sample(rng)
        expected = self.surrogate.predict(candidates)
        member = int(rng.integers(len(expected)))
        return candidates[int(expected[member].argmax())]

    def tell(self, trial: Trial) -> None:
        self._known.add(self.space.canonical(trial.decisions))
        if trial.reward is not None:
            self._decisions.append(trial.decisions)
            self._rewards.append(trial.reward)

    def _fit(self) -> None:
        """Learns from as many rewards as make whole steps of `refit`."""
        count = len(self._rewards)
        count -= (count - self.initial) % self.refit
        if count != self._fitted:
            self.surrogate.fit(
                self._decisions[:count], self._rewards[:count], self.rng(count)
            )
            self._fitted = count

    def _candidates(self, rng: np.random.Generator) -> list[Decisions]:
        best = np.argsort(-np.array(self._rewards), kind="stable")
        around = (
            neighbour
            for position in best[: self.parents]
            for neighbour in self.space.neighbours(self._decisions[position])
        )
        anywhere = (self.space.sample(rng) for _ in range(self.randoms))
        return [
            candidate
            for candidate in dict.fromkeys([*around, *anywhere])
            if self.space.canonical(candidate) not in self._known
        ]
