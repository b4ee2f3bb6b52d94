import numpy as np
import pytest

from search.pareto import hypervolume, pareto_front
from search.spaces.nasnet import NASNetSpace
from search.strategies.nsga2 import NSGA2
from search.trial import Evaluation, Trial, TrialState

SPACE = NASNetSpace(blocks=2)


def complete(number, decisions, accuracy, parameters):
    metrics = {"parameters": parameters}
    evaluation = Evaluation(accuracy, metrics)
    return Trial(number, decisions, TrialState.COMPLETE, (evaluation,))


def outcome(number, decisions):
    """The accuracy rises with the one half of the decisions, the cost with
    the other: the first decisions are to be large, the last small."""
    shares = [
        choice / max(1, len(decision.choices) - 1)
        for choice, decision in zip(decisions, SPACE.decisions, strict=True)
    ]
    half = len(shares) // 2
    accuracy = float(np.mean(shares[:half]) + np.mean(shares[half:]) / 2)
    return complete(
        number, decisions, accuracy, float(np.exp(np.mean(shares[half:])))
    )


def volume(trials):
    front = pareto_front(trials, ["parameters"])
    points = [
        (trial.evaluation.metrics["parameters"], trial.reward)
        for trial in front
    ]
    return hypervolume(points, np.e)


def test_the_front_of_a_search_covers_more_than_that_of_random_search():
    strategy, trials = NSGA2(SPACE, seed=0), []
    for number in range(200):
        trials.append(outcome(number, strategy.ask(number)))
        strategy.tell(trials[-1])
    rng = np.random.default_rng(0)
    drawn = [outcome(number, SPACE.sample(rng)) for number in range(1000)]
    assert volume(trials) > volume(drawn)
    assert len(pareto_front(trials, ["parameters"])) > 3


def test_the_population_is_the_fronts_and_where_one_is_cut_the_lonely_stay():
    strategy = NSGA2(SPACE, seed=0, population=4)
    cell = SPACE.sample(np.random.default_rng(0))
    for number, (accuracy, cost) in enumerate(
        [
            (0.9, 100.0),
            (0.5, 10.0),
            (0.6, 20.0),
            (0.61, 21.0),
            (0.8, 60.0),
            (0.4, 200.0),  # beaten by all
        ]
    ):
        strategy.tell(complete(number, cell, accuracy, cost))
    assert {trial.number for trial in strategy.population[:2]} == {0, 1}
    # Of three between the ends, the one in the crowd goes.
    kept = {trial.number for trial in strategy.population}
    assert kept in ({0, 1, 4, 2}, {0, 1, 4, 3})


def test_trials_without_a_cost_never_enter():
    strategy = NSGA2(SPACE, seed=0, costs=["latency"])
    strategy.tell(outcome(0, strategy.ask(0)))
    assert strategy.population == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"costs": []}, "costs"),
        ({"costs": [1]}, "costs"),
        ({"population": 1}, "population"),
        ({"crossover": 2}, "crossover"),
    ],
)
def test_settings_out_of_range_are_refused(options, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        NSGA2(SPACE, seed=0, **options)
