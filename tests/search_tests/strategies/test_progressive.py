import numpy as np

from search.spaces.nasnet import NASNetSpace
from search.strategies.progressive import ProgressiveSearch


def test_finds_better_architectures_than_random(
    space, additive, drive, best_of_random
):
    trials = drive(ProgressiveSearch(space, seed=0), additive, 80)
    assert max(trial.reward for trial in trials) > best_of_random + 0.02


def test_a_level_grows_one_group_and_completes_it_by_the_best(drive):
    space = NASNetSpace(blocks=3)
    groups = np.array([decision.group for decision in space.decisions])
    strategy = ProgressiveSearch(space, seed=0, beam=5)
    trials = drive(strategy, lambda decisions: sum(decisions) / 999, 20)
    vectors = np.array([trial.decisions for trial in trials])
    rewards = np.array([trial.reward for trial in trials])
    for group in range(3):
        start = 5 * (1 + group)
        best = vectors[np.argmax(rewards[:start])]
        prefixes = {tuple(vector[groups < group]) for vector in vectors[:start]}
        for vector in vectors[start : start + 5]:
            np.testing.assert_array_equal(
                vector[groups > group], best[groups > group]
            )
            assert tuple(vector[groups < group]) in prefixes


def test_goes_on_when_the_space_is_exhausted(small_space, drive):
    strategy = ProgressiveSearch(small_space, seed=0, beam=4)
    trials = drive(strategy, lambda decisions: sum(decisions) / 9, 90)
    assert len({trial.decisions for trial in trials}) > 20


def test_goes_on_when_everything_fails(space, drive):
    strategy = ProgressiveSearch(space, seed=0, beam=4)
    trials = drive(strategy, lambda decisions: None, 20)
    assert len({trial.decisions for trial in trials}) > 10
