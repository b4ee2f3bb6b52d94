import math

import numpy as np
import pytest

from search.spaces.nasbench201 import NASBench201Space
from search.strategies import predictor
from search.strategies.predictor import PredictorSearch


def test_finds_better_architectures_than_random(
    space, additive, drive, best_of_random
):
    trials = drive(PredictorSearch(space, seed=0), additive, 60)
    assert max(trial.reward for trial in trials) > best_of_random + 0.02


@pytest.mark.large
def test_proposes_nothing_twice(space, additive, drive):
    def reward(decisions):
        return None if decisions[2] == 3 else additive(decisions)

    trials = drive(PredictorSearch(space, seed=0, initial=5), reward, 60)
    keys = [space.canonical(trial.decisions) for trial in trials]
    assert len(set(keys[5:])) == 55
    assert not set(keys[:5]) & set(keys[5:])


def test_learns_where_children_fail(space, additive, drive):
    """Where what is good and what fails lie together."""
    last = len(space.decisions[2].choices) - 1

    def reward(decisions):
        return None if decisions[2] > last / 2 else additive(decisions)

    trials = drive(PredictorSearch(space, seed=0), reward, 60)
    failed = [trial.reward is None for trial in trials[20:]]
    assert np.mean(failed) < 0.3


def test_compares_what_it_is_told_to(space, additive, drive):
    found = [
        drive(PredictorSearch(space, seed=0, measures=each), additive, 14)
        for each in (["decisions"], ["features"], ["features", "decisions"])
    ]
    first, *others = ([t.decisions for t in each[:10]] for each in found)
    assert [first] * 2 == others
    assert len({each[-1].decisions for each in found}) > 1


def test_proposes_nothing_that_is_under_way(space, additive, complete):
    strategy = PredictorSearch(space, seed=0, initial=5)
    trials = []
    for number in range(40):
        if number >= 8:
            strategy.tell(trials[number - 8])
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        trials.append(complete(number, decisions, additive(decisions)))
    keys = [space.canonical(trial.decisions) for trial in trials]
    assert len(set(keys)) == 40


def test_proposes_the_highest_expected_improvement(space, additive, drive):
    strategy = PredictorSearch(space, seed=0, initial=10, parents=10)
    told = drive(strategy, additive, 10)
    candidates = {
        neighbour
        for trial in told
        for neighbour in space.neighbours(trial.decisions)
    }
    candidates -= {trial.decisions for trial in told}
    gain, gains = map(
        strategy.surrogate.expected_improvement,
        ([strategy.ask(10)], list(candidates)),
    )
    # Two-step mutations and random architectures are candidates too.
    assert gain >= gains.max() - 1e-9


def test_goes_beyond_the_neighbours_of_the_best(space, additive, drive):
    """To where a peak is that no neighbour leads to."""

    def reward(decisions):
        return 2.0 if sum(decisions) > 40 else additive(decisions)

    strategy = PredictorSearch(space, seed=0, initial=5, parents=1)
    trials = drive(strategy, reward, 40)
    differences = [
        min(
            sum(map(int.__ne__, trial.decisions, other.decisions))
            for other in trials[:number]
        )
        for number, trial in enumerate(trials)
        if number >= 5
    ]
    assert max(differences) > 1


def test_proposals_lie_apart(space, additive, drive):
    strategy = PredictorSearch(space, seed=0, initial=5, apart=4)
    found = np.array([t.decisions for t in drive(strategy, additive, 40)])
    found = np.array([space.canonical(tuple(each)) for each in found])
    differ = (found[:, None] != found).sum(axis=-1)
    nearest = [differ[number, :number].min() for number in range(5, 40)]
    assert min(nearest) >= 4


def test_proposes_what_is_near_where_nothing_is_apart(drive):
    space = NASBench201Space()
    strategy = PredictorSearch(space, seed=0, initial=5, apart=6)
    found = {t.decisions for t in drive(strategy, lambda vector: vector[0], 40)}
    assert len(set(map(space.canonical, found))) >= 35


def test_the_first_trials_span_the_features(space, drive):
    def nearest(vectors):
        features = surrogate.standardised(vectors)
        distances = np.square(features[:, None] - features).sum(axis=-1)
        np.fill_diagonal(distances, np.inf)
        return distances.min(axis=1).mean()

    rng = np.random.default_rng(0)
    surrogate = PredictorSearch(space, seed=0).surrogate
    spread = [
        trial.decisions
        for trial in drive(
            PredictorSearch(space, seed=0), lambda decisions: None, 10
        )
    ]
    plain = [nearest([space.sample(rng) for _ in range(10)]) for _ in range(20)]
    assert nearest(spread) > max(plain)


def test_learns_anew_after_every_few_trials(space, additive, drive):
    strategy = PredictorSearch(space, seed=0, initial=10, refit=4)
    fits = []
    fit = strategy.surrogate.fit

    def counted(decisions, rewards):
        fits.append(len(rewards))
        fit(decisions, rewards)

    strategy.surrogate.fit = counted
    drive(strategy, additive, 20)
    assert fits == [10, 14, 18]


def test_starts_anew_where_nothing_better_comes(space, complete, monkeypatch):
    # Without them, what is proposed says around what.
    monkeypatch.setattr(predictor, "MUTANTS", 0)
    monkeypatch.setattr(predictor, "RANDOM", 0)
    strategy = PredictorSearch(space, seed=0, initial=4, parents=1)
    learnt = []
    fit = strategy.surrogate.fit

    def recorded(decisions, rewards):
        learnt.append(rewards)
        fit(decisions, rewards)

    strategy.surrogate.fit = recorded
    # Half of the neighbours, and the random trials before them.
    second = 4 + math.ceil(len(list(space.neighbours(strategy.ask(0)))) / 2)
    proposals = []
    for number in range(2 * second):
        proposals.append(strategy.ask(number))
        strategy.tell(complete(number, proposals[-1], 1 / (1 + number)))

    def centred(number, centre):
        return proposals[number] in set(space.neighbours(proposals[centre]))

    # The first trial of each start is its best: of the first, then of the
    # second one.
    assert all(centred(number, 0) for number in range(4, second))
    assert not any(centred(number, 0) for number in range(second, second + 4))
    later = range(second + 4, 2 * second)
    assert all(centred(number, second) for number in later)
    # What was known before the second start is not learnt from.
    assert max(learnt[-1]) == 1 / (1 + second)
    assert [len(rewards) for rewards in learnt] == 2 * [*range(4, second)]


@pytest.mark.parametrize("measures", ["features", [], ["scores"], 3, [[]]])
def test_refuses_measures_that_there_are_not(space, measures):
    with pytest.raises(ValueError, match="`measures`. Expected some of feat"):
        PredictorSearch(space, 0, measures=measures)


@pytest.mark.parametrize("setting", ["initial", "refit", "parents", "apart"])
def test_refuses_settings_out_of_range(space, setting):
    with pytest.raises(ValueError, match=f"`{setting}`. Expected an integer"):
        PredictorSearch(space, 0, **{setting: 0})
