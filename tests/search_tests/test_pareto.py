import math

import numpy as np
import pytest

from search.pareto import fronts_of, hypervolume, pareto_front
from search.trial import UNWEIGHED, Evaluation, Trial, TrialState


def trial(number, accuracy, cost, state=TrialState.COMPLETE):
    metrics = {UNWEIGHED: accuracy, "parameters": cost}
    evaluation = Evaluation(0.5, {k: v for k, v in metrics.items() if v})
    return Trial(number, (0,), state, (evaluation,))


def numbers(trials, cost="parameters"):
    return [trial.number for trial in pareto_front(trials, [cost])]


def test_the_front_by_cost():
    trials = [
        trial(0, 0.9, 300.0),
        trial(1, 0.8, 100.0),
        trial(2, 0.85, 200.0),
        trial(3, 0.84, 250.0),  # beaten by 2
        trial(4, 0.7, 100.0),  # beaten by 1 at the same cost
        trial(5, 0.9, 400.0),  # beaten by 0 at the same accuracy
    ]
    assert numbers(trials) == [1, 2, 0]
    assert numbers(reversed(trials)) == [1, 2, 0]


def test_no_trial_of_the_front_is_beaten_and_every_other_is():
    points = [((7 * n) % 31 / 31, float((11 * n) % 29)) for n in range(1, 60)]
    trials = [trial(n, *point) for n, point in enumerate(points)]
    front = set(numbers(trials))
    for n, (accuracy, cost) in enumerate(points):
        beaten = any(
            other_accuracy >= accuracy
            and other_cost <= cost
            and (other_accuracy > accuracy or other_cost < cost)
            for other_accuracy, other_cost in points
            if other_accuracy and other_cost
        )
        if accuracy and cost:
            assert (n in front) is not beaten


def test_of_equal_trials_the_first_stands_for_all():
    assert numbers([trial(n, 0.8, 100.0) for n in (2, 0, 1)]) == [0]


def test_trials_without_a_place_are_left_out():
    trials = [
        trial(0, 0.9, None),
        trial(1, 0.9, math.nan),
        trial(2, math.nan, 10.0),
        trial(3, 0.9, 10.0, TrialState.DUPLICATE),
        trial(4, 0.9, 10.0, TrialState.FAILED),
        Trial(5, (0,)),
        trial(6, 0.3, 20.0),
    ]
    assert numbers(trials) == [6]
    assert numbers(trials, "latency") == []
    assert numbers([]) == []


@pytest.mark.parametrize(("other", "front"), [(0.4, [0]), (0.6, [0, 1])])
def test_a_reward_that_no_cost_weighs_stands_for_itself(other, front):
    # Trial 0 has the reward 0.5.
    assert numbers([trial(0, None, 10.0), trial(1, other, 20.0)]) == front


def test_another_metric_than_the_accuracy_is_what_counts():
    """As with int8, whose networks also have a float32 accuracy."""
    trials = [
        Trial(
            number,
            (0,),
            TrialState.COMPLETE,
            (Evaluation(reward, {"accuracy": accuracy, "parameters": cost}),),
        )
        for number, (reward, accuracy, cost) in enumerate(
            [(0.9, 0.1, 20.0), (0.8, 0.95, 30.0), (0.7, 0.5, 10.0)]
        )
    ]
    assert numbers(trials) == [2, 0]


def test_fronts_follow_each_other_with_any_number_of_costs():
    rng = np.random.default_rng(0)
    trials = []
    for number, (accuracy, *costs) in enumerate(rng.random((80, 3))):
        metrics = dict(zip("ab", costs, strict=True))
        metrics[UNWEIGHED] = accuracy
        evaluation = Evaluation(0.5, metrics)
        trials.append(Trial(number, (0,), TrialState.COMPLETE, (evaluation,)))
    fronts = fronts_of(trials, ["a", "b"])
    assert pareto_front(trials, ["a", "b"]) == fronts[0]
    assert sorted(t.number for front in fronts for t in front) == [*range(80)]

    def beats(one, other):
        signs = {"a": -1, "b": -1, UNWEIGHED: 1}
        return all(
            sign * one.evaluation.metrics[name]
            > sign * other.evaluation.metrics[name]
            for name, sign in signs.items()
        )

    for place, front in enumerate(fronts):
        assert not any(beats(a, b) for a in front for b in front)
        if place:
            before = fronts[place - 1]
            assert all(any(beats(a, b) for a in before) for b in front)


@pytest.mark.parametrize("front", [pareto_front, fronts_of])
def test_refuses_a_name_in_place_of_names(front):
    with pytest.raises(ValueError, match=r"such as \['parameters'\]"):
        front([], "parameters")


def test_the_hypervolume_is_the_area_under_the_front():
    front = [(1.0, 0.2), (2.0, 0.6), (8.0, 0.9)]
    grid = np.linspace(0, np.log(16), 200_001)[:-1]
    under = np.select(
        [grid < np.log(2), grid < np.log(8)], [0.2, 0.6], default=0.9
    )
    area = under.mean() * np.log(16)
    assert hypervolume(front, 16.0) == pytest.approx(area, rel=1e-4)
    assert hypervolume(front, 2.0) == pytest.approx(0.2 * np.log(2))
    assert hypervolume([], 2.0) == 0
    assert hypervolume([(0.0, 0.1), *front], 2.0) == hypervolume(front, 2.0)
