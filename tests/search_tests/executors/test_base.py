import pytest

from search.evaluation.base import Child, EvaluationError, Refusal
from search.executors.base import Outcome, attempt
from search.trial import Evaluation, TrialState


class ResourceExhaustedError(Exception):
    """Stands for `tf.errors.ResourceExhaustedError`."""


class AllocatorError(ResourceExhaustedError):
    pass


class Raises:
    def __init__(self, error):
        self.error = error

    def evaluate(self, child):
        raise self.error


class Rewards:
    def __init__(self, reward):
        self.reward = reward

    def evaluate(self, child):
        return Evaluation(self.reward, budget=child.budget or 0.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EvaluationError("It diverged.\n  at step 3"), "It diverged."),
        (EvaluationError(), "The child failed: EvaluationError."),
        (EvaluationError("Not read: a\udcff.h5"), "Not read: a?.h5"),
        (MemoryError(), "The child ran out of memory."),
        (AllocatorError("[1,2] OOM"), "The child ran out of the device's mem"),
    ],
)
def test_a_failed_child_is_an_outcome_with_a_reason(error, reason):
    outcome = attempt(Raises(error), Child(7, "cells"))
    assert outcome.number == 7
    assert outcome.state is TrialState.FAILED
    assert outcome.evaluation is None
    assert outcome.reason.startswith(reason)
    assert "\n" not in outcome.reason


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_a_failure(reward):
    outcome = attempt(Rewards(reward), Child(0, "cells"))
    assert outcome.evaluation is None
    assert str(reward) in outcome.reason


def test_a_reward_is_an_outcome():
    assert attempt(Rewards(0.5), Child(2, "cells", budget=3)) == Outcome(
        2, TrialState.COMPLETE, Evaluation(0.5, budget=3)
    )


def test_a_refused_child_is_no_failure():
    outcome = attempt(Raises(Refusal("Too large.")), Child(1, "cells"))
    assert outcome == Outcome(1, TrialState.REFUSED, reason="Too large.")


@pytest.mark.parametrize("error", [TypeError, ValueError, KeyboardInterrupt])
def test_defects_and_interruptions_are_not_hidden(error):
    with pytest.raises(error):
        attempt(Raises(error()), Child(0, "cells"))
