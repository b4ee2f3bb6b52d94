import numpy as np
import pytest

from search.evaluation.base import Child, EvaluationError, Refusal
from search.executors.base import Outcome, SearchError, attempt
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


class Returns:
    def __init__(self, value):
        self.value = value

    def evaluate(self, child):
        return self.value


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (0.5, "Expected a `search.Evaluation`. Received: 0.5 of type float"),
        (None, "Expected a `search.Evaluation`. Received: None"),
        (Evaluation(None), "`reward`.*number. Received: None of type NoneType"),
        (Evaluation("0.5"), "`reward`.*Received: '0.5' of type str"),
        (Evaluation(np.True_), "`reward`.*of type bool"),
        (Evaluation("9" * 10_000), "`reward`.{,99}of type str"),
        (Evaluation(0.5, {"a": [1]}), r"`metrics\['a'\]`.*of type list"),
        (Evaluation(0.5, seconds={"a": np.nan}), r"`seconds\['a'\]`.*finite"),
        (Evaluation(0.5, budget=np.inf), "`budget`.*finite.*inf"),
    ],
)
def test_what_is_no_evaluation_ends_the_search_by_a_sentence(returned, message):
    with pytest.raises(SearchError, match=message):
        attempt(Returns(returned), Child(0, "cells"))


def test_numbers_of_numpy_become_plain_ones():
    returned = Evaluation(np.float32(0.5), {"loss": np.float64(2)}, {}, 1)
    outcome = attempt(Returns(returned), Child(0, "cells"))
    assert outcome.evaluation == Evaluation(0.5, {"loss": 2.0}, {}, 1.0)
    assert type(outcome.evaluation.reward) is float


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
