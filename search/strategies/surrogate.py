"""The model of rewards that `predictor` and `progressive` ask before they
propose: `Surrogate`.

In the shape descriptions, `N` is the number of trials that it has learnt
from, `M` the number of architectures asked about and `T` the number of
decisions of the space.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from search.spaces.base import SearchSpace
from search.trial import Decisions

# A member for every pair of them.
DECAYS = (1.0, 2.0, 4.0)
NOISES = (0.03, 0.2, 1.0)  # shares of the variance that decisions explain


class Surrogate:
    """An ensemble of Gaussian processes on the decisions.

    Two architectures are correlated by exp(-decay s), where s is the share
    of decisions in which they differ. So a member is sure where there are
    trials nearby, and elsewhere falls back on the mean of the trials and a
    large deviation, where a polynomial would extrapolate. A small decay
    learns what single choices and their pairs add, a large one what holds
    nearby only. Members differ in the decay and in how noisy they take the
    rewards to be; they count by how likely they make the trials.

    What is learnt is not the reward but the normal score of its rank, so
    that neither the scale of the rewards matters nor how bad the bad ones
    are.

    Reference:
        [Rasmussen and Williams 2006](http://gaussianprocess.org/gpml/),
        algorithm 2.1 and section 5.4.1.

    Args:
        space: The space that the decisions are of.
    """

    def __init__(self, space: SearchSpace) -> None:
        counts = [len(decision.choices) for decision in space.decisions]
        self._width = sum(counts)
        self._offsets = np.cumsum([0, *counts[:-1]])

    def fit(
        self, decisions: Sequence[Decisions], rewards: Sequence[float]
    ) -> None:
        """Learns anew.

        Args:
            decisions: `[N, T]`.
            rewards: `[N]`.
        """
        count = len(rewards)
        scores = ndtri((rankdata(rewards) - 0.5) / count)
        self._best = scores.max()
        self._known = self._one_hot(decisions)
        shares = self._shares(self._known)
        self._members: list[_Member] = []
        evidence = []
        for decay, noise in itertools.product(DECAYS, NOISES):
            factor = np.linalg.cholesky(
                np.exp(-decay * shares) + noise * np.eye(count)
            )
            white = solve_triangular(factor, scores, lower=True)
            # The most likely scale; as if one more score of 1 were known,
            # since equal rewards would leave none.
            scale = (1 + white @ white) / (1 + count)
            evidence.append(
                -count / 2 * np.log(scale) - np.log(factor.diagonal()).sum()
            )
            self._members.append(_Member(decay, noise, factor, white, scale))
        weights = np.exp(np.array(evidence) - max(evidence))
        self._weights = weights / weights.sum()

    def mean(self, decisions: Sequence[Decisions]) -> np.ndarray:
        """`[M]`: what the ensemble expects, the higher the better.

        Args:
            decisions: `[M, T]`.
        """
        shares = self._shares(self._one_hot(decisions))
        return self._weights @ [
            member.predict(shares)[0] for member in self._members
        ]

    def expected_improvement(
        self, decisions: Sequence[Decisions]
    ) -> np.ndarray:
        """`[M]`: by how much their rewards are expected to exceed the best one
        known, counting a lower one as 0.

        Args:
            decisions: `[M, T]`.
        """
        shares = self._shares(self._one_hot(decisions))
        predictions = [member.predict(shares) for member in self._members]
        mean, deviation = np.array(predictions).swapaxes(0, 1)
        gap = (mean - self._best) / deviation
        gain = deviation * (gap * norm.cdf(gap) + norm.pdf(gap))
        return self._weights @ gain

    def _shares(self, one_hot: np.ndarray) -> np.ndarray:
        """`[M, N]`, from `[M, all choices]`."""
        return 1 - one_hot @ self._known.T / len(self._offsets)

    def _one_hot(self, decisions: Sequence[Decisions]) -> np.ndarray:
        vectors = np.asarray(decisions)
        one_hot = np.zeros((len(vectors), self._width))
        rows = np.arange(len(vectors))[:, None]
        one_hot[rows, self._offsets + vectors] = 1.0
        return one_hot


class _Member(NamedTuple):
    """A Gaussian process that has learnt: L of K + noise = L L', the scores
    in its coordinates, and the variance that decisions explain."""

    decay: float
    noise: float
    factor: np.ndarray  # [N, N]
    white: np.ndarray  # [N]
    scale: float

    def predict(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of rewards, their noise included:
        `[M]` each, from `[M, N]`."""
        cross = solve_triangular(
            self.factor, np.exp(-self.decay * shares).T, lower=True
        )
        left = np.maximum(0.0, 1 - np.square(cross).sum(axis=0))
        return cross.T @ self.white, np.sqrt(self.scale * (left + self.noise))
