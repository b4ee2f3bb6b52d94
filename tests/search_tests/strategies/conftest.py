import pytest

from search.spaces.nasnet import NASNetSpace
from search.trial import Evaluation, Trial, TrialState


def complete(number, decisions, reward):
    return Trial(number, decisions, TrialState.COMPLETE, (Evaluation(reward),))


def failed(number, decisions):
    return Trial(number, decisions, TrialState.FAILED, reason="It diverged.")


def drive(strategy, reward, trials):
    """A search without lag.

    Args:
        reward: Of decisions; None where the child fails.
    """
    told = []
    for number in range(trials):
        decisions = strategy.ask(number)
        value = reward(decisions)
        told.append(
            failed(number, decisions)
            if value is None
            else complete(number, decisions, value)
        )
        strategy.tell(told[-1])
    return told


@pytest.fixture(name="complete")
def complete_function():
    return complete


@pytest.fixture(name="failed")
def failed_function():
    return failed


@pytest.fixture(name="drive")
def drive_function():
    return drive


@pytest.fixture
def space():
    return NASNetSpace(blocks=1)


@pytest.fixture
def additive(space):
    """A reward with a single local maximum: each decision adds up to 0.1."""

    def reward(decisions):
        return sum(
            0.1 * (choice + 1) / len(decision.choices)
            for choice, decision in zip(decisions, space.decisions, strict=True)
        )

    return reward


@pytest.fixture
def best_of_random(space, additive):
    """What random search finds in 100 trials, on average."""
    import numpy as np

    rng = np.random.default_rng(0)
    return np.mean(
        [
            max(additive(space.sample(rng)) for _ in range(100))
            for _ in range(20)
        ]
    )
