"""Regularized evolution, of AmoebaNet: https://arxiv.org/abs/1802.01548."""

from collections import deque
from typing import Any

from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.trial import Decisions, Trial


class RegularizedEvolution(Strategy):
    """The best of a random sample of the population has a mutated child; the
    child enters the population, and its oldest member leaves.

    A mutation changes one decision, any of them equally likely, to another
    choice. As in the paper, inputs and operations are then equally frequent
    in the NASNet space; the combiner, which the paper does not search, is the
    third kind there, with one mutation in five. Spaces with some kinds only
    need no other rule. An identity mutation, which changes nothing, keeps its
    probability of the paper: noise then decides less who survives.

    Every trial with a reward enters the population: a failed or refused one
    never does, a duplicate does with its original's reward, as the paper's
    repeated architectures do with one of their own.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        population: P, how many trials the population holds; before it does,
            proposals are random. Paper: 100. Default 20, so that searches of
            a hundred trials evolve for most of them.
        sample: S, how many draws with replacement from the population the
            best is taken of. Paper: 25. Default 5, the same share.
        identity: The probability of the identity mutation. Default 0.05,
            the paper's.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "regularized-evolution"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        population: int = 20,
        sample: int = 5,
        identity: float = 0.05,
    ) -> None:
        super().__init__(space, seed)
        check_number("population", population, least=1, integer=True)
        check_number("sample", sample, least=1, integer=True)
        check_number("identity", identity, least=0, most=1)
        self.sample = sample
        self.identity = identity
        self.population: deque[Trial] = deque(maxlen=population)

    @staticmethod
    def paper() -> dict[str, Any]:
        """The paper's settings, for thousands of trials: options of the
        strategy."""
        return {"population": 100, "sample": 25, "identity": 0.05}

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self.population) < (self.population.maxlen or 0):
            return self.space.sample(rng)
        drawn = rng.integers(len(self.population), size=self.sample)
        parent = max(
            (self.population[position] for position in drawn),
            key=lambda trial: (trial.reward, trial.number),
        )
        if rng.random() < self.identity or self.space.size == 1:
            return parent.decisions
        return self.space.mutate(parent.decisions, rng)

    def tell(self, trial: Trial) -> None:
        if trial.reward is not None:
            self.population.append(trial)
