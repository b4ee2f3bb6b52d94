import numpy as np
import pytest

from search.strategies.local_search import LocalSearch
from search.testing.letter_space import LetterSpace


def test_reaches_the_maximum_and_starts_anew(space, additive, drive):
    strategy = LocalSearch(space, seed=0)
    trials = drive(strategy, additive, 800)
    rewards = np.array([trial.reward for trial in trials])
    best = max(
        additive(neighbour)
        for trial in trials
        for neighbour in space.neighbours(trial.decisions)
    )
    assert rewards.max() >= best
    after = rewards[np.argmax(rewards) + 80 :]
    assert after.min() < 0.6 * rewards.max()


def test_all_neighbours_of_the_best_start_come_before_the_next_step(
    space, additive, drive
):
    strategy = LocalSearch(space, seed=0, starts=4, first=False)
    trials = drive(strategy, additive, 4)
    centre = max(trials, key=lambda trial: trial.reward).decisions
    tried = {trial.decisions for trial in trials}
    left = {
        space.canonical(neighbour)
        for neighbour in space.neighbours(centre)
        if neighbour not in tried
    }
    proposals = []
    while len(proposals) < len(left):
        number = 4 + len(proposals)
        proposals.append(strategy.ask(number))
        strategy.tell(drive(Fixed(number, proposals[-1]), additive, 1)[0])
    assert {space.canonical(each) for each in proposals} == left
    best = max(proposals, key=additive)
    following = strategy.ask(4 + len(proposals))
    assert following in set(space.neighbours(best))


def test_goes_to_the_first_better_neighbour(space, complete):
    strategy = LocalSearch(space, seed=0, starts=1)
    start = strategy.ask(0)
    strategy.tell(complete(0, start, 0.5))
    worse, better = strategy.ask(1), None
    strategy.tell(complete(1, worse, 0.4))
    better = strategy.ask(2)
    assert {worse, better} <= set(space.neighbours(start))
    strategy.tell(complete(2, better, 0.6))
    assert strategy.ask(3) in set(space.neighbours(better))


def test_neighbours_that_lag_behind_are_waited_for(complete):
    space = LetterSpace((2, 2, 2, 2))
    strategy = LocalSearch(space, seed=0, starts=2)
    strategy.lag = 20
    strategy.tell(complete(0, (0, 0, 0, 0), 0.5))
    strategy.tell(complete(1, (0, 0, 1, 1), 0.4))
    better = strategy.ask(21)
    # What was proposed before there was a centre ends first.
    for number in range(2, 22):
        strategy.tell(complete(number, (0, 0, 1, 1), 0.4))
    strategy.tell(complete(22, better, 0.6))
    assert strategy.ask(43) in set(space.neighbours(better))


class Fixed:
    """Proposes one architecture, as trial 0."""

    def __init__(self, number, decisions):
        self.decisions = decisions

    def ask(self, number):
        return self.decisions

    def tell(self, trial):
        pass


def test_another_seed_tries_the_neighbours_in_another_order(space, complete):
    centre = space.sample(np.random.default_rng(0))
    orders = []
    for seed in range(2):
        strategy = LocalSearch(space, seed, starts=1)
        strategy.tell(complete(0, centre, 0.5))
        orders.append(strategy.ask(1))
    assert orders[0] != orders[1]


def test_goes_on_where_neighbours_fail(space, additive, drive):
    def reward(decisions):
        return None if decisions[2] % 2 else additive(decisions)

    trials = drive(LocalSearch(space, seed=0), reward, 300)
    rewards = [trial.reward for trial in trials if trial.reward is not None]
    assert max(rewards[100:]) > max(rewards[:10])


def test_waits_for_no_proposal_that_never_comes(space, complete):
    strategy = LocalSearch(space, seed=0, starts=1)
    start = strategy.ask(0)
    strategy.tell(complete(0, start, 0.5))
    for number in range(1, 200):  # always another architecture than proposed
        strategy.tell(complete(number, start, 0.5))
    centre = strategy.ask(200)
    assert centre not in set(space.neighbours(start))


def test_refuses_settings_out_of_range(space):
    with pytest.raises(ValueError, match="`starts`. Expected an integer"):
        LocalSearch(space, 0, starts=0)
    with pytest.raises(ValueError, match="`first`. Expected True or False"):
        LocalSearch(space, 0, first="False")
