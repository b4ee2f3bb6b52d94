import numpy as np

from search.spaces.recipe import RecipeSpace
from search.strategies.bayesian import BayesianSearch
from search.strategies.random import RandomSearch
from search.trial import Evaluation, Trial, TrialState

SPACE = RecipeSpace(
    {
        "learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
        "l2": [0.0, 1e-5, 1e-4, 1e-3, 1e-2],
        "label_smoothing": [0.0, 0.1, 0.2, 0.3],
        "schedule": ["cosine", "exponential"],
    }
)


def reward(decisions):
    """Of one peak, which the rate decides most."""
    rate, l2, smoothing, schedule = decisions
    return 1 - 0.1 * (rate - 4) ** 2 - 0.02 * (l2 - 2) ** 2 - 0.02 * smoothing


def best_of(strategy, trials):
    best = []
    for number in range(trials):
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        value = reward(decisions)
        strategy.tell(
            Trial(number, decisions, TrialState.COMPLETE, (Evaluation(value),))
        )
        best.append(value)
    return max(best)


def test_it_begins_with_points_that_fill_the_space():
    strategy = BayesianSearch(SPACE, 0, initial=8)
    points = [strategy.ask(number) for number in range(8)]
    assert {rate for rate, *_ in points} == set(range(6))
    assert {schedule for *_, schedule in points} == {0, 1}


def test_it_finds_better_values_than_chance_in_20_trials():
    found = [
        [best_of(strategy(SPACE, seed), 20) for seed in range(5)]
        for strategy in (BayesianSearch, RandomSearch)
    ]
    bayesian, chance = np.mean(found, axis=1)
    assert bayesian > 0.99 > chance
