"""BOHB's model: https://arxiv.org/abs/1807.01774."""

import collections
import functools
import math
from collections.abc import Sequence

import numpy as np

from search.spaces.base import Decision, SearchSpace
from search.strategies.argument_checks import check_number
from search.strategies.base import Strategy
from search.trial import Decisions, Trial, TrialState

# The least width of the kernel of an ordered decision, in choices.
LEAST_WIDTH = 0.5


class BOHB(Strategy):
    """Fits a density to the good trials and one to the bad; proposals are
    likely under the first and unlikely under the second. With the brackets
    of Hyperband it is BOHB.

    The densities are of the trials at the largest budget of which there are
    enough, since only their rewards can be compared. As in the paper, every
    third proposal is random. As in the authors' code, a failed trial is worse
    than any, and what is drawn among the good is widened in ordered decisions
    alone.

    Departures: If a trial continues to a higher budget, the result of its
    first budget is learnt, as in all of this package. The kernel of an ordered
    decision is a Gaussian on the positions of its choices, and that of any
    other is Aitchison and Aitken's. Known architectures are not proposed.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        random_share: Of proposals that are random. Paper and default: 1/3.
        top: The share of trials that count as good. Paper and default: 0.15.
        candidates: How many are drawn among the good. Paper and default: 64.
        widening: The factor of the kernels' widths in drawing, for ordered
            decisions. Paper and default: 3.
        least: How many trials each density has at the least. Paper and
            default, None: one more than there are decisions.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "bohb"
    compares_budgets = True

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        random_share: float = 1 / 3,
        top: float = 0.15,
        candidates: int = 64,
        widening: float = 3.0,
        least: int | None = None,
    ) -> None:
        super().__init__(space, seed)
        check_number("random_share", random_share, least=0, most=1)
        check_number("top", top, least=0, most=1)
        check_number("candidates", candidates, least=1, integer=True)
        check_number("widening", widening, least=0)
        self.random_share, self.top = random_share, top
        self.candidates, self.widening = candidates, widening
        if least is not None:
            check_number("least", least, least=1, integer=True)
        self._least = least or len(space.decisions) + 1
        self._known: set[Decisions] = set()
        # By budget: what was tried, and its reward.
        self._trials: dict[float, list[tuple[Decisions, float]]]
        self._trials = collections.defaultdict(list)
        self._failed: list[tuple[Decisions, float]] = []

    def ask(self, number: int) -> Decisions:
        rng = self.rng(number)
        enough = [
            budget
            for budget, trials in self._trials.items()
            if len(trials) >= 2 * self._least
        ]
        if not enough or rng.random() < self.random_share:
            return self.space.sample(rng)
        trained = self._trials[max(enough)]
        trials = sorted(trained + self._failed, key=lambda each: -each[1])
        decisions = [each for each, _ in trials]
        good = max(self._least, int(self.top * len(trained)))
        good = min(good, len(trained) - self._least)
        ratio = functools.partial(
            _ratio,
            _Density(self.space.decisions, decisions[:good]),
            _Density(self.space.decisions, decisions[good:]),
        )
        wide = _Density(self.space.decisions, decisions[:good], self.widening)
        drawn = [wide.draw(rng) for _ in range(self.candidates)]
        new = [
            each
            for each in drawn
            if self.space.canonical(each) not in self._known
        ]
        return max(new, key=ratio) if new else self.space.sample(rng)

    def proposed(self, decisions: Decisions) -> None:
        self._known.add(self.space.canonical(decisions))

    def tell(self, trial: Trial) -> None:
        self.proposed(trial.decisions)
        if trial.duplicate_of is not None:
            return
        if trial.evaluation is not None:
            self._trials[trial.evaluation.budget].append(
                (trial.decisions, trial.evaluation.reward)
            )
        elif trial.state is TrialState.FAILED:
            self._failed.append((trial.decisions, -math.inf))


class _Density:
    """A kernel density of trials.

    Args:
        decisions: Of the space.
        trials: Of which it is.
        widening: A factor of the widths. Default 1.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        trials: Sequence[Decisions],
        widening: float = 1.0,
    ) -> None:
        self._trials = np.array(trials)
        shrinking = len(trials) ** (-1 / (4 + len(decisions)))
        # Of each decision `[choices, choices]`: of each choice how likely each
        # other is beside it.
        self._kernels = [
            _kernel(decision, taken, shrinking, widening)
            for decision, taken in zip(decisions, self._trials.T, strict=True)
        ]

    def at(self, decisions: Decisions) -> float:
        """How likely a vector is."""
        factors = [
            kernel[taken, choice]
            for kernel, taken, choice in zip(
                self._kernels, self._trials.T, decisions, strict=True
            )
        ]
        return float(np.prod(factors, axis=0).mean())

    def draw(self, rng: np.random.Generator) -> Decisions:
        """A vector near to one of the trials."""
        near = self._trials[int(rng.integers(len(self._trials)))]
        return tuple(
            int(rng.choice(len(kernel), p=kernel[choice]))
            for kernel, choice in zip(self._kernels, near, strict=True)
        )


def _kernel(
    decision: Decision, taken: np.ndarray, width: float, widening: float
) -> np.ndarray:
    """`[choices, choices]`, the sum of each row 1.

    Args:
        decision: Whose choices these are.
        taken: `[N]`, those of the trials.
        width: In standard deviations of the trials.
        widening: A factor of the width, for ordered choices.
    """
    count = len(decision.choices)
    if decision.kind == "ordered":
        positions = np.arange(count)
        spread = max(LEAST_WIDTH, 1.06 * widening * width * float(taken.std()))
        steps = (positions[:, None] - positions) / spread
        kernel = np.exp(-np.square(steps) / 2)
        return kernel / kernel.sum(axis=1, keepdims=True)
    # The share of the others, by which at most all are alike.
    others = min(width / 2, 1.0) * (count - 1) / count
    kernel = np.full((count, count), others / max(1, count - 1))
    np.fill_diagonal(kernel, 1 - others)
    return kernel


def _ratio(good: _Density, bad: _Density, decisions: Decisions) -> float:
    return good.at(decisions) / max(bad.at(decisions), math.ulp(0.0))
