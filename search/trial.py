"""What a search remembers of each proposal: `Trial`, `TrialState`,
`Evaluation`. Plain data: neither Keras nor TensorFlow is imported here.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# A decision vector: for each decision of the space, the position of the
# choice taken among the decision's choices.
Decisions = tuple[int, ...]


class TrialState(enum.StrEnum):
    """Where a trial stands."""

    RUNNING = "running"  # proposed, and being evaluated
    COMPLETE = "complete"  # evaluated
    FAILED = "failed"  # its evaluation failed; `reason` says how
    DUPLICATE = "duplicate"  # the same architecture as an earlier trial
    REFUSED = "refused"  # a constraint refused it before any evaluation

    @property
    def is_finished(self) -> bool:
        return self is not TrialState.RUNNING

    @property
    def counts(self) -> bool:
        """Whether the trial uses up one of the search's trials."""
        return self in (TrialState.COMPLETE, TrialState.FAILED)


@dataclass(frozen=True)
class Evaluation:
    """The outcome of evaluating one architecture.

    Attributes:
        reward: What the search maximises: the validation accuracy, 0 to 1,
            unless the search has another objective.
        metrics: Named numbers, such as `accuracy`, `loss`, `parameters`,
            `multiply_adds`.
        seconds: The time by part, such as `build`, `trace`, `train`,
            `validate`; their sum is the evaluation's time.
        budget: How much training the evaluation stands for, in epochs.
    """

    reward: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    budget: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One proposal of a search and what became of it.

    Attributes:
        number: 0, 1, 2, ... in the order of proposal.
        decisions: The proposed decision vector.
        state: Where the trial stands.
        evaluation: The outcome, of a complete trial, and of a duplicate of
            one (that of the original).
        reason: One sentence, of a failed or refused trial.
        duplicate_of: The number of the original, of a duplicate.
    """

    number: int
    decisions: Decisions
    state: TrialState = TrialState.RUNNING
    evaluation: Evaluation | None = None
    reason: str | None = None
    duplicate_of: int | None = None

    @property
    def reward(self) -> float | None:
        """The evaluation's reward, or None where there is none."""
        return None if self.evaluation is None else self.evaluation.reward

    @property
    def seconds(self) -> float:
        """The seconds that the evaluation took in all."""
        if self.evaluation is None:
            return 0.0
        return sum(self.evaluation.seconds.values())


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials, the best first; of equal ones the earlier."""
    complete = [t for t in trials if t.state is TrialState.COMPLETE]
    return sorted(complete, key=lambda t: (-(t.reward or 0.0), t.number))
