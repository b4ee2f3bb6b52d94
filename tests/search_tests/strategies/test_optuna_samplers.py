import sys

import pytest

from search.spaces.recipe import RecipeSpace
from search.strategies import create_strategy
from search.trial import Evaluation, Trial, TrialState


@pytest.mark.parametrize("name", ["optuna-tpe", "optuna-gp"])
def test_a_missing_package_is_a_sentence(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match="needs the package optuna.*pip"):
        create_strategy(name, RecipeSpace(), 0)


def test_tpe_goes_on_where_the_reward_was():
    pytest.importorskip("optuna")
    space = RecipeSpace({"batch_size": list(range(1, 31))})
    strategy = create_strategy("optuna-tpe", space, 0, initial=5)
    asked = []
    for number in range(25):
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        evaluation = Evaluation(-abs(decisions[0] - 20.0))
        strategy.tell(
            Trial(number, decisions, TrialState.COMPLETE, (evaluation,))
        )
        asked.append(abs(decisions[0] - 20))
    assert sum(asked[-10:]) < sum(asked[:10])
