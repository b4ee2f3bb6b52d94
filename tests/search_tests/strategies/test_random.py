import numpy as np

from search.spaces.nasnet import NASNetSpace
from search.strategies.random import RandomSearch
from search.trial import Evaluation, Trial, TrialState

SPACE = NASNetSpace(blocks=1)


def test_every_choice_is_equally_likely():
    strategy = RandomSearch(SPACE, seed=0)
    proposals = np.array([strategy.ask(number) for number in range(3000)])
    for position, decision in enumerate(SPACE.decisions):
        count = len(decision.choices)
        shares = np.bincount(proposals[:, position], minlength=count) / 3000
        np.testing.assert_allclose(shares, np.full(count, 1 / count), atol=0.03)


def test_results_change_nothing():
    told, untold = RandomSearch(SPACE, seed=0), RandomSearch(SPACE, seed=0)
    for number in range(5):
        decisions = told.ask(number)
        assert decisions == untold.ask(number)
        told.tell(
            Trial(number, decisions, TrialState.COMPLETE, (Evaluation(0.9),))
        )
    assert told.learned == 0
    assert told.state() == told.metrics() == {}
