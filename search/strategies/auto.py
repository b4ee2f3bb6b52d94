"""The strategy that a user need not choose: `AutoSearch`."""

import math
from collections.abc import Sequence

import numpy as np

from search.spaces.base import SearchSpace
from search.strategies.predictor import PredictorSearch
from search.strategies.surrogate import normal_scores
from search.trial import Trial

# A proposal differs from all known ones in one of so many decisions.
APART = 5
# What a standard deviation of multiply-adds counts beside one of accuracies.
SIZE = 0.25


class AutoSearch(PredictorSearch):
    """What this project recommends for images and a few hours: today
    `predictor` with four changes, since children are trained shortly and what
    is found is to be trained for long.

    Its start is longer. It never starts anew: where rewards are noisy, that
    none is better than the luckiest says little. Its proposals lie apart: each
    differs from all known ones in a fifth of the decisions. So the best of
    them, which are trained longer, differ too, and some of them are good for
    long; of those that are alike, all or none are. And of two networks with
    the same accuracy it prefers the larger one: searches favour networks that
    learn fast ([Shu et al. 2020](https://arxiv.org/abs/1909.09569)), in short
    trainings small ones.

    What it learns is the normal score of the accuracy plus a quarter of that of
    the multiply-adds; where the reward is not the accuracy, such as an
    objective that weighs costs, the reward alone. docs/strategies.md says how
    it was compared with random search. What it is may change; a run whose
    proposals must not names its strategy.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        initial: How many spread trials a start has. Default 20, twice that of
            `predictor`: the rewards of short trainings are noisy.
    """

    name = "auto"
    starts_anew = False

    def __init__(
        self, space: SearchSpace, seed: int, initial: int = 20
    ) -> None:
        apart = max(1, len(space.decisions) // APART)
        super().__init__(space, seed, initial, apart=apart)

    def worths(self, trials: Sequence[Trial]) -> np.ndarray:
        rewards = super().worths(trials)
        metrics = [trial.evaluations[0].metrics for trial in trials]
        accuracies = [each.get("accuracy") for each in metrics]
        sizes = [each.get("multiply_adds", math.nan) for each in metrics]
        if np.isnan(sizes).any() or accuracies != list(rewards):
            return rewards
        return normal_scores(rewards) + SIZE * normal_scores(sizes)
