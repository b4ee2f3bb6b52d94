import numpy as np
import pytest

from search.strategies.bohb import BOHB
from search.testing.letter_space import LetterSpace
from search.trial import Evaluation, Trial, TrialState

SPACE = LetterSpace((6, 6))


def told(budgets, rewards, **options):
    """A strategy that knows 24 trials at each budget."""
    strategy = BOHB(SPACE, 0, random_share=0.0, **options)
    rng = np.random.default_rng(0)
    number = 0
    for budget, reward in zip(budgets, rewards, strict=True):
        for _ in range(24):
            decisions = SPACE.sample(rng)
            evaluation = Evaluation(reward(decisions), budget=budget)
            strategy.tell(
                Trial(number, decisions, TrialState.COMPLETE, (evaluation,))
            )
            number += 1
    return [strategy.ask(number) for number in range(100, 140)]


def test_it_proposes_near_the_good_trials():
    low = told([1], [lambda decisions: -sum(decisions)])
    high = told([1], [lambda decisions: sum(decisions)])
    assert np.mean(low) + 1 < np.mean(high)


def test_the_largest_budget_with_enough_trials_is_learnt_from():
    high = told([1, 9], [lambda each: -sum(each), lambda each: sum(each)])
    low = told([1, 9], [lambda each: sum(each), lambda each: -sum(each)])
    assert np.mean(low) + 1 < np.mean(high)


def test_what_is_drawn_is_near_the_good_in_choices_without_an_order_too():
    space = LetterSpace((6, 6, 6))
    strategy = BOHB(space, 0, random_share=0.0)
    rng = np.random.default_rng(0)
    for number in range(40):
        decisions = space.sample(rng)
        evaluation = Evaluation(float(decisions.count(3)))
        strategy.tell(
            Trial(number, decisions, TrialState.COMPLETE, (evaluation,))
        )
    asked = [strategy.ask(number).count(3) for number in range(100, 140)]
    drawn = [space.sample(rng).count(3) for _ in range(1000)]
    assert np.mean(asked) > 2 * np.mean(drawn)


def test_a_failed_trial_is_worse_than_any():
    shares = []
    for state in (TrialState.FAILED, TrialState.REFUSED):
        strategy = BOHB(SPACE, 0, random_share=0.0)
        rng = np.random.default_rng(0)
        for number in range(60):
            decisions = SPACE.sample(rng)
            evaluations = ()
            if decisions[0] < 3:
                evaluations = (Evaluation(rng.random()),)
            strategy.tell(
                Trial(
                    number,
                    decisions,
                    TrialState.COMPLETE if evaluations else state,
                    evaluations,
                    reason=None if evaluations else "It diverged.",
                )
            )
        asked = [strategy.ask(number)[0] < 3 for number in range(100, 140)]
        shares.append(np.mean(asked))
    assert shares[0] > shares[1]
    assert shares[0] > 0.9


def test_without_enough_trials_it_draws_at_random():
    strategy = BOHB(SPACE, 0, random_share=0.0)
    asked = {strategy.ask(number) for number in range(100)}
    assert len(asked) > 25


@pytest.mark.parametrize("option", ["random_share", "top", "candidates"])
def test_an_option_out_of_range_is_a_sentence(option):
    with pytest.raises(ValueError, match=f"`{option}`.*Received"):
        BOHB(SPACE, 0, **{option: -1})
