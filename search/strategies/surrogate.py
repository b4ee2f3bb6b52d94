"""The model of rewards that `predictor` and `progressive` ask before they
propose: `Surrogate`.

In the shape descriptions, `N` is the number of trials that it has learnt
from, `M` the number of architectures asked about, `T` the number of decisions
of the space and `E` the size of the ensemble.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from search.space import SearchSpace
from search.trial import Decisions

DEGREE = 2
RIDGE = 0.01


class Surrogate:
    """An ensemble of kernel ridge regressions on the decisions.

    The kernel (1 + s)^2, where s is the share of equal decisions, stands for
    all features of one choice or of a pair of choices: what single choices
    and their pairs add is what tens of trials can tell. Each member learns
    from a bootstrap sample, so that members agree where there are trials and
    differ elsewhere.

    What is learnt is not the reward but the cube of the share of trials that
    are no better: the scale of the rewards does not matter, nor how bad the
    bad ones are, and the differences among the best count most.

    Args:
        space: The space that the decisions are of.
        members: E, the size of the ensemble.
    """

    def __init__(self, space: SearchSpace, members: int) -> None:
        self.members = members
        counts = [len(decision.choices) for decision in space.decisions]
        self._width = sum(counts)
        self._offsets = np.cumsum([0, *counts[:-1]])

    def fit(
        self,
        decisions: Sequence[Decisions],
        rewards: Sequence[float],
        rng: np.random.Generator,
    ) -> None:
        """Learns anew.

        Args:
            decisions: `[N, T]`.
            rewards: `[N]`.
            rng: Draws the bootstrap samples.
        """
        count = len(rewards)
        targets = _targets(rewards)
        self._mean = targets.mean()
        self._known = self._one_hot(decisions)
        kernel = self._kernel(self._known)
        self._weights = np.zeros((count, self.members))
        for member in range(self.members):
            drawn = rng.integers(count, size=count)
            times = np.bincount(drawn, minlength=count)
            rows = np.flatnonzero(times)
            # What is drawn k times is k times as certain.
            system = kernel[np.ix_(rows, rows)] + np.diag(RIDGE / times[rows])
            self._weights[rows, member] = np.linalg.solve(
                system, targets[rows] - self._mean
            )

    def predict(self, decisions: Sequence[Decisions]) -> np.ndarray:
        """What each member expects, the higher the better.

        Args:
            decisions: `[M, T]`.

        Returns:
            `[E, M]`.
        """
        kernel = self._kernel(self._one_hot(decisions))
        return self._mean + (kernel @ self._weights).T

    def _kernel(self, one_hot: np.ndarray) -> np.ndarray:
        """`[M, N]`, from `[M, all choices]`."""
        equal = one_hot @ self._known.T / len(self._offsets)
        return (1 + equal) ** DEGREE

    def _one_hot(self, decisions: Sequence[Decisions]) -> np.ndarray:
        vectors = np.asarray(decisions)
        one_hot = np.zeros((len(vectors), self._width))
        rows = np.arange(len(vectors))[:, None]
        one_hot[rows, self._offsets + vectors] = 1.0
        return one_hot


def _targets(rewards: Sequence[float]) -> np.ndarray:
    """The cube of the share of the trials that each is at least as good as."""
    return (rankdata(rewards) / len(rewards)) ** 3
