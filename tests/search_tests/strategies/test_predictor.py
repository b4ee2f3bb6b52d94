import pytest

from search.strategies.predictor import PredictorSearch


def test_finds_better_architectures_than_random(
    space, additive, drive, best_of_random
):
    trials = drive(PredictorSearch(space, seed=0), additive, 60)
    assert max(trial.reward for trial in trials) > best_of_random + 0.02


def test_proposes_nothing_twice(space, additive, drive):
    def reward(decisions):
        return None if decisions[2] == 3 else additive(decisions)

    trials = drive(PredictorSearch(space, seed=0, initial=5), reward, 60)
    keys = [space.canonical(trial.decisions) for trial in trials]
    assert len(set(keys[5:])) == 55
    assert not set(keys[:5]) & set(keys[5:])


def test_the_drawn_member_decides(space, additive, drive):
    strategy = PredictorSearch(space, seed=0, initial=10)
    drive(strategy, additive, 10)
    assert len({strategy.ask(number) for number in range(10, 30)}) > 1


def test_learns_anew_after_every_few_trials(space, additive, drive):
    strategy = PredictorSearch(space, seed=0, initial=10, refit=4)
    fits = []
    fit = strategy.surrogate.fit

    def counted(decisions, rewards, rng):
        fits.append(len(rewards))
        fit(decisions, rewards, rng)

    strategy.surrogate.fit = counted
    drive(strategy, additive, 20)
    assert fits == [10, 14, 18]


@pytest.mark.parametrize("setting", ["initial", "refit", "members", "parents"])
def test_refuses_settings_out_of_range(space, setting):
    with pytest.raises(ValueError, match=f"`{setting}`. Expected an integer"):
        PredictorSearch(space, 0, **{setting: 0})
