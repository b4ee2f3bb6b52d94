"""Bayesian optimisation of few decisions: `BayesianSearch`."""

import numpy as np
from scipy.stats import qmc

from search.spaces.base import SearchSpace
from search.strategies.predictor import PredictorSearch
from search.trial import Decisions


class BayesianSearch(PredictorSearch):
    """Gaussian processes predict rewards. The strategy proposes the candidate
    with the highest expected improvement.

    It is a `predictor` for tens of trials and a few ordered decisions, such as
    the values of a training. The search starts with points of a scrambled
    Halton sequence, which fill a space of few decisions evenly. It never
    starts anew.

    References:
        [Snoek et al. 2012](https://arxiv.org/abs/1206.2944);
        [Halton 1960](https://doi.org/10.1007/BF01386213).

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: The number of points at the start. Default 8, about a quarter
            of some tens of trials.
    """

    name = "bayesian"
    starts_anew = False

    def __init__(self, space: SearchSpace, seed: int, initial: int = 8) -> None:
        super().__init__(space, seed, initial)
        self._counts = [len(decision.choices) for decision in space.decisions]

    def _start(self, number: int, rng: np.random.Generator) -> Decisions:
        """The point of the sequence with this number."""
        sequence = qmc.Halton(len(self._counts), rng=self.rng(0))
        point = sequence.fast_forward(number).random()[0]
        return tuple(
            int(share * count)
            for share, count in zip(point, self._counts, strict=True)
        )
