import dataclasses

import pytest

from search.loop.halving import Hyperband, SuccessiveHalving
from search.trial import Evaluation, Trial, TrialState


def trial(number, *rewards, state=TrialState.COMPLETE, duplicate_of=None):
    return Trial(
        number,
        (0,),
        state,
        tuple(Evaluation(reward) for reward in rewards),
        duplicate_of=duplicate_of,
    )


@pytest.mark.parametrize(
    ("first", "last", "reduction", "budgets"),
    [
        (1, 20, 3, (1, 3, 9, 20)),
        (1, 9, 3, (1, 3, 9)),
        (2, 5, 4, (2, 5)),
        (1, 16, 2, (1, 2, 4, 8, 16)),
    ],
)
def test_budgets_rise_by_the_reduction_to_the_last(
    first, last, reduction, budgets
):
    assert SuccessiveHalving(9, first, last, reduction).budgets == budgets


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1, 9, 1), "reduction"), ((9, 9, 3), "first"), ((0, 9, 3), "first")],
)
def test_what_cannot_be_is_refused(arguments, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        SuccessiveHalving(9, *arguments)


def test_the_best_third_goes_on_as_soon_as_there_is_one():
    halving = SuccessiveHalving(9, 1, 9, 3)
    for number, reward in enumerate((0.1, 0.3)):
        halving.add(trial(number, reward))
        assert halving.promote() is None
    halving.add(trial(2, 0.2))
    assert halving.promote() == 1
    # It goes on once.
    assert halving.promote() is None


def test_the_highest_rung_comes_first():
    halving = SuccessiveHalving(9, 1, 9, 3)
    for number in range(9):
        halving.add(trial(number, number / 10))
    for number in (8, 7, 6):
        assert halving.promote() == number
    for number in (8, 6, 7):  # they end in any order
        halving.add(trial(number, number / 10, 0.5 + number / 10))
    halving.add(trial(9, 0.9))
    halving.add(trial(10, 0.95))
    halving.add(trial(11, 0.0))
    assert halving.promote() == 8
    assert halving.promote() == 10
    assert halving.promote() == 9
    assert halving.promote() is None  # of 12 four go on, and 6 went before
    halving.add(trial(8, 0.8, 1.3, 1.4))
    assert halving.promote() is None


def test_a_child_that_fails_leaves_its_place_to_nobody():
    """As in the paper's algorithm: what it came to before stands."""
    halving = SuccessiveHalving(9, 1, 9, 3)
    for number in range(3):
        halving.add(trial(number, number / 10))
    assert halving.promote() == 2
    halving.add(trial(2, 0.2, state=TrialState.FAILED))
    assert halving.promote() is None


def test_duplicates_and_children_without_a_reward_are_not_in_a_rung():
    halving = SuccessiveHalving(9, 1, 9, 3)
    halving.add(trial(0, 0.5))
    halving.add(trial(1, 0.5, state=TrialState.DUPLICATE, duplicate_of=0))
    halving.add(trial(2, state=TrialState.FAILED))
    halving.add(trial(3, state=TrialState.REFUSED))
    assert halving.promote() is None
    assert halving.promotable() == {0}


def test_promotable_are_all_that_can_still_go_on():
    halving = SuccessiveHalving(9, 1, 9, 3)
    for number in range(6):
        halving.add(trial(number, number / 10))
    # Of 9 three can go on: the best three so far, if none better comes.
    assert halving.promotable() == {5, 4, 3}
    assert halving.promote() == 5
    assert halving.promotable() == {4, 3}
    halving.add(trial(5, 0.5, 0.6))
    assert halving.promotable() == {5, 4, 3}  # one of the next rung
    fewer = SuccessiveHalving(6, 1, 9, 3)
    for number in range(6):
        fewer.add(trial(number, number / 10))
    assert fewer.promote() == 5
    assert fewer.promotable() == {4}


def test_those_under_way_let_others_go_on():
    halving = SuccessiveHalving(9, 1, 9, 3)
    for number in range(9):
        halving.add(trial(number, number / 10))
    for _ in range(3):
        halving.promote()
    halving.add(trial(8, 0.8, 0.9))
    halving.add(trial(7, 0.7, 0.8))
    # When 6 arrives, one of three goes on.
    assert halving.promotable() == {8}


def test_rungs_are_taken_up_from_stored_trials():
    halving, resumed = (
        SuccessiveHalving(9, 1, 9, 3),
        SuccessiveHalving(9, 1, 9, 3),
    )
    trials = [trial(number, number / 10) for number in range(9)]
    for each in trials:
        halving.add(each)
    for _ in range(3):
        number = halving.promote()
        trials[number] = dataclasses.replace(
            trials[number],
            evaluations=(*trials[number].evaluations, Evaluation(0.9)),
        )
        halving.add(trials[number])
    for each in trials:
        resumed.add(each)
    assert halving.promote() == resumed.promote() == 6


def test_hyperband_begins_children_at_the_budgets_of_its_brackets():
    hyperband = Hyperband(20, 1, 9, 3)
    begun = [hyperband.budget(Trial(number, (0,))) for number in range(19)]
    assert begun == [1] * 9 + [3] * 5 + [9] * 3 + [1] * 2


def test_hyperband_lets_the_best_of_each_bracket_go_on():
    hyperband = Hyperband(17, 1, 9, 3)
    for number in range(17):
        hyperband.add(trial(number, number / 20))
    going = []
    while (number := hyperband.promote()) is not None:
        going.append((number, hyperband.budget(trial(number, 0.5))))
    # Three of the nine that began with 1 epoch, one of the five with 3.
    assert going == [(8, 3), (7, 3), (6, 3), (13, 9)]
    hyperband.add(trial(8, 0.4, 0.9))
    hyperband.add(trial(7, 0.4, 0.8))
    hyperband.add(trial(6, 0.4, 0.7))
    assert hyperband.promote() == 8
    assert hyperband.promote() is None
    # Nobody goes on from the last rung.
    assert not hyperband.promotable() & {14, 15, 16}
