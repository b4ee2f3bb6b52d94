import pytest

from search.spaces import create_space
from search.strategies.auto import AutoSearch
from search.trial import Evaluation, Trial, TrialState


@pytest.mark.parametrize(
    ("space", "apart"), [("nasnet", 10), ("nasbench201", 1)]
)
def test_proposals_differ_in_a_fifth_of_the_decisions(space, apart):
    assert AutoSearch(create_space(space), seed=0).apart == apart


def trial(number, reward, **metrics):
    evaluation = Evaluation(reward, metrics)
    return Trial(number, (0,), TrialState.COMPLETE, (evaluation,))


def worths(space, *trials):
    return AutoSearch(space, seed=0).worths(trials).tolist()


def test_of_two_accuracies_alike_prefers_the_larger_network(space):
    small, large, best = worths(
        space,
        trial(0, 0.5, accuracy=0.5, multiply_adds=1e6),
        trial(1, 0.5, accuracy=0.5, multiply_adds=2e6),
        trial(2, 0.6, accuracy=0.6, multiply_adds=1e6),
    )
    assert small < large < best


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"accuracy": 0.5},
        {"multiply_adds": 1e6},
        # An objective that weighs costs.
        {"accuracy": 0.7, "multiply_adds": 1e6},
    ],
)
def test_where_the_reward_is_another_it_alone_counts(space, metrics):
    trials = trial(0, 0.5, **metrics), trial(1, 0.25, **metrics)
    assert worths(space, *trials) == [0.5, 0.25]
