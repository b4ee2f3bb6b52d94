"""The model of rewards that `predictor` and `progressive` ask before they
propose: `Surrogate`.

In the shape descriptions, `N` is the number of trials that it has learnt
from, `M` the number of architectures asked about, `T` the number of decisions
of the space and `F` that of its features.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from search.spaces.base import SearchSpace
from search.trial import Decisions

Measure = Literal["features", "decisions", "scores"]

# Those of an ensemble that is told no scores.
MEASURES: tuple[Measure, ...] = ("features", "decisions")

# A member for every pair of a measure's decay and a noise.
DECAYS: dict[Measure, tuple[float, ...]] = {
    "features": (0.25, 0.5, 1.0, 2.0),
    "decisions": (1.0, 2.0, 4.0),
    "scores": (0.25, 0.5, 1.0, 2.0),
}
NOISES = (0.03, 0.2, 1.0)  # shares of the variance that is explained
# Members are left out whose weight is less than this share of the largest.
NEGLIGIBLE = 0.01
# So many random architectures say how far features spread in the space.
SPREAD_SAMPLES = 200
# Of so many architectures features are remembered.
REMEMBERED = 10_000


class Surrogate:
    """An ensemble of Gaussian processes on features and decisions.

    Two architectures are correlated by exp(-decay d). Of some members d is
    half the mean squared difference of their features (`SearchSpace.features`)
    in standard deviations of the space, of others the share of decisions in
    which they differ. Features tell after few trials what matters, decisions
    what features cannot tell apart. So a member is sure where there are
    trials nearby, and elsewhere falls back on the mean of the trials and a
    large deviation, where a polynomial would extrapolate. A small decay
    learns what holds far and wide, a large one what holds nearby only.
    Members differ in the measure, in the decay and in how noisy they take the
    rewards to be; they count by how likely they make the trials.

    What is learnt is not the reward but the normal score of its rank, so
    that neither the scale of the rewards matters nor how bad the bad ones
    are.

    Reference:
        [Rasmussen and Williams 2006](http://gaussianprocess.org/gpml/),
        algorithm 2.1 and section 5.4.1.

    Args:
        space: The space that the decisions are of.
        measures: By what members measure distances. Default: features and
            decisions.
        scores: What is said of an architecture before it is trained, as many
            numbers of each: of further members d is half the mean squared
            difference of these, in standard deviations of those known.
            Default: nothing.
    """

    def __init__(
        self,
        space: SearchSpace,
        measures: Sequence[Measure] = MEASURES,
        scores: Callable[[Decisions], Sequence[float]] | None = None,
    ) -> None:
        counts = [len(decision.choices) for decision in space.decisions]
        self._width = sum(counts)
        self._offsets = np.cumsum([0, *counts[:-1]])
        self._measures = tuple(measures)
        self._scores = scores
        if scores is not None:
            self._measures += ("scores",)
        self._features = functools.lru_cache(REMEMBERED)(space.features)
        rng = np.random.default_rng(0)
        drawn = np.array(
            [space.features(space.sample(rng)) for _ in range(SPREAD_SAMPLES)]
        )
        self._centre, deviations = drawn.mean(axis=0), drawn.std(axis=0)
        self._deviations = np.where(deviations > 0, deviations, 1.0)

    def fit(
        self, decisions: Sequence[Decisions], rewards: Sequence[float]
    ) -> None:
        """Learns anew.

        Args:
            decisions: `[N, T]`.
            rewards: `[N]`; NaN of what failed, which counts as the worst: what
                made it fail may be in its like too.
        """
        scores = normal_scores(np.nan_to_num(rewards, nan=np.nanmin(rewards)))
        self._best = scores.max()
        self._known = list(decisions)
        distances = self._distances(decisions)
        members: list[_Member] = []
        evidence = []
        for measure in self._measures:
            for decay, noise in itertools.product(DECAYS[measure], NOISES):
                member, likely = _learnt(
                    measure, decay, noise, distances[measure], scores
                )
                members.append(member)
                evidence.append(likely)
        weights = np.exp(np.array(evidence) - max(evidence))
        kept = np.flatnonzero(weights >= NEGLIGIBLE)
        self._members = [members[position] for position in kept]
        self._weights = weights[kept] / weights[kept].sum()

    def mean(self, decisions: Sequence[Decisions]) -> np.ndarray:
        """`[M]`: what the ensemble expects, the higher the better.

        Args:
            decisions: `[M, T]`.
        """
        distances = self._distances(decisions)
        return self._weights @ [
            member.predict(distances[member.measure])[0]
            for member in self._members
        ]

    def expected_improvement(
        self, decisions: Sequence[Decisions]
    ) -> np.ndarray:
        """`[M]`: by how much their rewards are expected to exceed the best one
        known, counting a lower one as 0.

        Args:
            decisions: `[M, T]`.
        """
        distances = self._distances(decisions)
        predictions = [
            member.predict(distances[member.measure])
            for member in self._members
        ]
        mean, deviation = np.array(predictions).swapaxes(0, 1)
        gap = (mean - self._best) / deviation
        gain = deviation * (gap * norm.cdf(gap) + norm.pdf(gap))
        return self._weights @ gain

    def standardised(self, decisions: Sequence[Decisions]) -> np.ndarray:
        """`[M, F]`: features in standard deviations of the space.

        Args:
            decisions: `[M, T]`.
        """
        features = np.array([self._features(each) for each in decisions])
        return (features - self._centre) / self._deviations

    def _distances(
        self, decisions: Sequence[Decisions]
    ) -> dict[Measure, np.ndarray]:
        """`[M, N]` by each measure."""
        distances: dict[Measure, np.ndarray] = {}
        if "features" in self._measures:
            distances["features"] = half_squared_distances(
                self.standardised(decisions), self.standardised(self._known)
            )
        if "decisions" in self._measures:
            alike = self._one_hot(decisions) @ self._one_hot(self._known).T
            distances["decisions"] = 1 - alike / len(self._offsets)
        if self._scores is not None:
            one, known = (
                np.array([self._scores(each) for each in vectors], float)
                for vectors in (decisions, self._known)
            )
            deviations = known.std(axis=0)
            deviations[deviations == 0] = 1.0
            distances["scores"] = half_squared_distances(
                (one - known.mean(axis=0)) / deviations,
                (known - known.mean(axis=0)) / deviations,
            )
        return distances

    def _one_hot(self, decisions: Sequence[Decisions]) -> np.ndarray:
        vectors = np.asarray(decisions)
        one_hot = np.zeros((len(vectors), self._width))
        rows = np.arange(len(vectors))[:, None]
        one_hot[rows, self._offsets + vectors] = 1.0
        return one_hot


def normal_scores(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """`[N]`: what values of these ranks would be if they were normal.

    Args:
        values: `[N]`.

    Example:

    >>> normal_scores([3.0, 1.0, 20.0]).round(2)
    array([ 0.  , -0.97,  0.97])
    """
    return ndtri((rankdata(values) - 0.5) / len(values))


def half_squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """`[M, N]`: half the mean squared difference of features.

    Args:
        one: `[M, F]`.
        other: `[N, F]`.
    """
    squares = (
        np.square(one).sum(axis=1)[:, None]
        + np.square(other).sum(axis=1)
        - 2 * one @ other.T
    )
    return np.maximum(squares, 0.0) / (2 * max(1, one.shape[1]))


class _Member(NamedTuple):
    """A Gaussian process that has learnt: L of K + noise = L L', the scores
    in its coordinates, and the variance that it explains."""

    measure: Measure
    decay: float
    noise: float
    factor: np.ndarray  # [N, N]
    white: np.ndarray  # [N]
    scale: float

    def predict(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of rewards, their noise included:
        `[M]` each, from `[M, N]`."""
        cross = solve_triangular(
            self.factor, np.exp(-self.decay * distances).T, lower=True
        )
        left = np.maximum(0.0, 1 - np.square(cross).sum(axis=0))
        return cross.T @ self.white, np.sqrt(self.scale * (left + self.noise))


def _learnt(
    measure: Measure,
    decay: float,
    noise: float,
    distances: np.ndarray,
    scores: np.ndarray,
) -> tuple[_Member, float]:
    """A member, and the logarithm of how likely it makes the scores.

    Args:
        distances: `[N, N]`.
        scores: `[N]`.
    """
    count = len(scores)
    factor = np.linalg.cholesky(
        np.exp(-decay * distances) + noise * np.eye(count)
    )
    white = solve_triangular(factor, scores, lower=True)
    # The most likely scale; as if one more score of 1 were known, since equal
    # rewards would leave none.
    scale = (1 + white @ white) / (1 + count)
    return (
        _Member(measure, decay, noise, factor, white, scale),
        -count / 2 * np.log(scale) - np.log(factor.diagonal()).sum(),
    )
