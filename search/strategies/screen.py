"""What chooses, among many architectures that were sampled, the one to be
trained: `Screen`."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nasnet_keras.quotation import quoted
from search.spaces.base import SearchSpace
from search.strategies.surrogate import Surrogate, normal_scores
from search.trial import Decisions, Trial, TrialState

# Before so many rewards are known nothing is chosen; as `predictor` starts.
INITIAL = 10


class Screen:
    """Chooses the candidate of the largest expected improvement, by a
    `Surrogate` that has learnt from the trials, failed ones too. Before ten
    rewards are known, it chooses the candidate of the largest sum of normal
    scores of `scores`; without `scores`, the first.

    Args:
        space: The space of the architectures.
        scores: Evaluators that train nothing, keys of `EVALUATORS`. The
            surrogate learns from what they say too. Default: none.

    Raises:
        ValueError: They are no list of names.
    """

    def __init__(self, space: SearchSpace, scores: Sequence[str] = ()) -> None:
        if not isinstance(scores, list | tuple) or not all(
            isinstance(name, str) for name in scores
        ):
            raise ValueError(
                "Invalid value for argument `scores`. Expected a list of names "
                f"of evaluators. Received: scores={quoted(scores)}."
            )
        self._space = space
        self._names = tuple(scores)
        self._score: Callable[[str, Any], float] | None = None
        self._scored: dict[Decisions, tuple[float, ...]] = {}
        self._surrogate = Surrogate(
            space, scores=self._scores if scores else None
        )
        # By trial; NaN of a failed one.
        self._rewards: dict[int, tuple[Decisions, float]] = {}
        self._known: set[Decisions] = set()  # canonical
        self._fitted = 0  # to so many rewards

    def prepare(self, score: Callable[[str, Any], float]) -> None:
        """Comes before `choose` where there are scores: see
        `Strategy.prepare`."""
        self._score = score

    def choose(self, candidates: Sequence[Decisions]) -> Decisions:
        """The candidate that is expected to improve the most on what is known;
        one that was proposed before, or has no score, only if all were or
        have none.

        Args:
            candidates: `[N, T]`, at least one, as a policy sampled them.
        """
        fresh = [
            candidate
            for candidate in dict.fromkeys(candidates)
            if self._space.canonical(candidate) not in self._known
        ]
        if self._names and len(fresh) > 1:
            fresh = list(filter(self._is_scored, fresh))
        if not fresh:
            return candidates[0]
        if len(fresh) == 1:
            return fresh[0]
        known = [
            outcome
            for outcome in self._rewards.values()
            if not self._names or self._is_scored(outcome[0])
        ]
        if sum(not math.isnan(reward) for _, reward in known) < INITIAL:
            if not self._names:
                return fresh[0]
            columns = zip(*map(self._scores, fresh), strict=True)
            total = sum(normal_scores(column) for column in columns)
            return fresh[int(np.argmax(total))]
        if self._fitted != len(self._rewards):
            decisions, rewards = zip(*known, strict=True)
            self._surrogate.fit(decisions, rewards)
            self._fitted = len(self._rewards)
        gains = self._surrogate.expected_improvement(fresh)
        return fresh[int(gains.argmax())]

    def _scores(self, decisions: Decisions) -> tuple[float, ...]:
        """`[S]`: what the evaluators say of an architecture."""
        if decisions not in self._scored:
            if self._score is None:
                raise ValueError(
                    "Expected a run with images, or a call of `prepare`, for "
                    f"the scores {', '.join(self._names)}."
                )
            architecture = self._space.decode(decisions)
            self._scored[decisions] = tuple(
                self._score(name, architecture) for name in self._names
            )
        return self._scored[decisions]

    def _is_scored(self, decisions: Decisions) -> bool:
        return bool(np.isfinite(self._scores(decisions)).all())

    def proposed(self, decisions: Decisions) -> None:
        """Takes note of what is under way."""
        self._known.add(self._space.canonical(decisions))

    def tell(self, trial: Trial) -> None:
        """Learns from a finished trial, if it was trained."""
        self.proposed(trial.decisions)
        if trial.duplicate_of is not None:
            return
        if trial.state is TrialState.FAILED:
            self._rewards[trial.number] = trial.decisions, math.nan
        elif trial.reward is not None:
            self._rewards[trial.number] = trial.decisions, trial.reward

    def state(self, learned: int) -> dict[str, np.ndarray]:
        """What it has learnt from the first `learned` trials."""
        known = {
            number: outcome
            for number, outcome in self._rewards.items()
            if number < learned
        }
        width = len(self._space.decisions)
        decisions = [decisions for decisions, _ in known.values()]
        return {
            "screen_trials": np.array(list(known), "int64"),
            "screen_decisions": np.array(decisions, "int64").reshape(-1, width),
            "screen_rewards": np.array(
                [reward for _, reward in known.values()]
            ),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up a `state()`."""
        trials = state["screen_trials"].tolist()
        decisions = map(tuple, state["screen_decisions"].tolist())
        rewards = state["screen_rewards"].tolist()
        outcomes = zip(decisions, rewards, strict=True)
        self._rewards = dict(zip(trials, outcomes, strict=True))
        self._fitted = 0
        for known, _ in self._rewards.values():
            self.proposed(known)
