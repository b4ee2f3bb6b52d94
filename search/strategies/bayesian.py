"""Bayesian optimisation of few decisions: `BayesianSearch`."""

import numpy as np
from scipy.stats import qmc

from search.spaces.base import SearchSpace
from search.strategies.predictor import PredictorSearch
from search.trial import Decisions


class BayesianSearch(PredictorSearch):
    """Gaussian processes predict what is worth how much, and the candidate of
    the highest expected improvement is proposed: as `predictor`, but for tens
    of trials of a few ordered decisions, as of a training's values.

    The search starts with points of a scrambled Halton sequence, which fill a
    space of few decisions evenly, and never starts anew.

    References:
        [Snoek et al. 2012](https://arxiv.org/abs/1206.2944);
        [Halton 1960](https://doi.org/10.1007/BF01386213).

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many points the start has. Default 8, a quarter of some
            tens of trials.
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
