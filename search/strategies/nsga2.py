"""NSGA-II, evolution towards several objectives:
https://doi.org/10.1109/4235.996017.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nasnet_keras.quotation import quoted
from search.pareto import costs_and_accuracy, fronts_of
from search.spaces.base import SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.trial import Decisions, Trial


class NSGA2(Strategy):
    """The population is what no other trial beats in accuracy and in costs,
    then what only those beat, and so on; where a front has to be cut, those
    stay whose neighbours on it are far away. Parents win binary tournaments by
    the same order; a child takes each decision from either, and mutates.

    Departure: a child enters when it is told, not with a generation of others
    (steady state, as in [Durillo et al. 2009](
    https://doi.org/10.1007/978-3-642-01020-0_18)), since trials end one by
    one. Costs count by their logarithms.

    Trials without a reward never enter, nor do those without one of the costs.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        costs: The metrics that should be low. Default: the parameters.
        population: P; until so many trials have a reward, proposals are random.
            Paper: 100. Default 20, for searches of a hundred trials.
        crossover: The probability that a child has two parents. Paper and
            default: 0.9.
        mutations: How many decisions a child mutates in the mean. Paper and
            default: 1.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "nsga2"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        costs: Sequence[str] = ("parameters",),
        population: int = 20,
        crossover: float = 0.9,
        mutations: float = 1.0,
    ) -> None:
        super().__init__(space, seed)
        check_number("population", population, least=2, integer=True)
        check_number("crossover", crossover, least=0, most=1)
        check_number("mutations", mutations, least=0)
        self.costs = self.weighed({"costs": costs})
        self.size, self.crossover = population, crossover
        self.rate = min(1.0, mutations / len(space.decisions))
        # The best first.
        self.population: list[Trial] = []

    @classmethod
    def weighed(cls, options: Mapping[str, Any]) -> tuple[str, ...]:
        costs = options.get("costs", ("parameters",))
        if isinstance(costs, str):
            costs = (costs,)
        if (
            not isinstance(costs, list | tuple)
            or not costs
            or not all(isinstance(cost, str) for cost in costs)
        ):
            raise ValueError(
                "Invalid value for argument `costs`. Expected names of metrics "
                f"such as parameters. Received: costs={quoted(costs)}."
            )
        return tuple(costs)

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        if len(self.population) < self.size:
            return self.space.sample(rng)
        child, other = (self._parent(rng) for _ in range(2))
        if rng.random() < self.crossover:
            child = _choose(rng.random(len(child)) < 0.5, child, other)
        changed = rng.random(len(child)) < self.rate
        return _choose(changed, self.space.sample(rng), child)

    def tell(self, trial: Trial) -> None:
        if costs_and_accuracy(trial, self.costs) is not None:
            self.population = self._survivors([*self.population, trial])

    def _parent(self, rng: np.random.Generator) -> Decisions:
        # The population is in the order of ranks.
        rank = rng.integers(len(self.population), size=2).min()
        return self.population[int(rank)].decisions

    def _survivors(self, trials: Sequence[Trial]) -> list[Trial]:
        survivors: list[Trial] = []
        for front in fronts_of(trials, self.costs):
            survivors += _far_apart_first(front, self.costs)
        return survivors[: self.size]


def _choose(where: np.ndarray, one: Decisions, other: Decisions) -> Decisions:
    return tuple(np.where(where, one, other).tolist())


def _far_apart_first(
    front: Sequence[Trial], costs: Sequence[str]
) -> list[Trial]:
    """A front by falling crowding distance: the sum, over the objectives, of
    the distance between the two neighbours, those at the ends first."""
    points = np.array([costs_and_accuracy(trial, costs) for trial in front])
    points[:, :-1] = np.log(np.maximum(points[:, :-1], 1e-12))
    distances = np.zeros(len(front))
    for values in points.T:
        order = np.argsort(values, kind="stable")
        spread = values[order[-1]] - values[order[0]]
        distances[order[[0, -1]]] = np.inf
        if spread > 0:
            gaps = values[order[2:]] - values[order[:-2]]
            distances[order[1:-1]] += gaps / spread
    return [front[number] for number in np.argsort(-distances, kind="stable")]
