"""What a search remembers: of each proposal `Trial`, `TrialState`,
`Evaluation`; of its plan `Stage`. Plain data: neither Keras nor TensorFlow is
imported here.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nasnet_keras.console.accuracy import accuracy_text

# A decision vector: for each decision of the space, the position of the
# choice taken among the decision's choices.
Decisions = tuple[int, ...]


# The metric that says on how many images an accuracy was measured.
IMAGES = "validation_images"
# The metric that is the reward before an objective weighs it by a cost.
UNWEIGHED = "unweighed_reward"


class TrialState(enum.StrEnum):
    """Where a trial stands."""

    RUNNING = "running"  # proposed, and being evaluated
    INTERRUPTED = "interrupted"  # so shown when no driver evaluates it
    COMPLETE = "complete"  # evaluated
    FAILED = "failed"  # its evaluation failed; `reason` says how
    DUPLICATE = "duplicate"  # the same architecture as an earlier trial
    REFUSED = "refused"  # a constraint refused it before any evaluation

    @property
    def is_finished(self) -> bool:
        return self not in (TrialState.RUNNING, TrialState.INTERRUPTED)

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
        evaluations: The outcomes at rising budgets, of a complete trial, and
            of a duplicate of one (those of the original). Several where
            successive halving promoted the child; a child that failed after
            a promotion keeps those before.
        reason: One sentence, of a failed or refused trial.
        duplicate_of: The number of the original, of a duplicate.
    """

    number: int
    decisions: Decisions
    state: TrialState = TrialState.RUNNING
    evaluations: tuple[Evaluation, ...] = ()
    reason: str | None = None
    duplicate_of: int | None = None

    @property
    def evaluation(self) -> Evaluation | None:
        """The outcome at the highest budget, or None where there is none."""
        return self.evaluations[-1] if self.evaluations else None

    @property
    def reward(self) -> float | None:
        """The evaluation's reward, or None where there is none."""
        return None if self.evaluation is None else self.evaluation.reward

    @property
    def reward_text(self) -> str:
        """The reward as people read it, empty where there is none: an accuracy
        on few images with its standard error, to the digits that it has.

        Example:

        >>> metrics = {"accuracy": 0.8333, "validation_images": 24}
        >>> evaluation = Evaluation(0.8333, metrics)
        >>> Trial(0, (), evaluations=(evaluation,)).reward_text
        '0.83 ± 0.08'
        """
        if self.evaluation is None:
            return ""
        reward, metrics = self.evaluation.reward, self.evaluation.metrics
        is_accuracy = reward == metrics.get("accuracy")
        return accuracy_text(reward, self.images if is_accuracy else 0)

    @property
    def images(self) -> float:
        """On how many images the accuracy was measured; 0 if not known."""
        evaluation = self.evaluation
        return 0 if evaluation is None else evaluation.metrics.get(IMAGES, 0)

    @property
    def went_on(self) -> bool:
        """Whether the child was trained on after its first evaluation."""
        failed = self.state is TrialState.FAILED
        return len(self.evaluations) > (0 if failed else 1)

    @property
    def seconds(self) -> float:
        """The seconds that the evaluations took in all."""
        return sum(sum(each.seconds.values()) for each in self.evaluations)


@dataclass(frozen=True)
class Stage:
    """A part of a planned search.

    Attributes:
        children: How many children are trained.
        budget: For how many epochs each.
        seconds: How long that is to take.
    """

    children: int
    budget: float
    seconds: float


def count_done(trials: Iterable[Trial]) -> int:
    """How many of the trials count."""
    return sum(trial.state.counts for trial in trials)


def longest(trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials of the highest budget, the best first."""
    best = ranked(trials)
    budgets = [trial.evaluation.budget for trial in best if trial.evaluation]
    return best[: budgets.count(max(budgets, default=0.0))]


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials, the best first: those of the highest budget by
    reward, then those of the next; of equal ones the earlier."""
    complete = [
        (
            -trial.evaluation.budget,
            -trial.evaluation.reward,
            trial.number,
            trial,
        )
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.evaluation
    ]
    return [trial for *_, trial in sorted(complete, key=lambda key: key[:3])]
