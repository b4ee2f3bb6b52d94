import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.strategies.enas import ENAS, FAVOURED


def probabilities(strategy, decisions):
    """Of every choice of every decision, given those before."""
    return np.exp(strategy.learner.controller(np.array([decisions])))[0]


def test_the_settings_are_those_of_the_authors():
    learner = ENAS(NASNetSpace(), seed=0).learner
    optimizer, config = learner.optimizer, learner.config
    assert float(optimizer.learning_rate) == pytest.approx(0.0035)
    assert (optimizer.beta_1, optimizer.epsilon) == (0.0, 1e-3)
    assert (config.epochs, config.rank_advantages) == (1, False)
    assert (config.minibatch, config.baseline_decay) == (10, 0.99)
    assert learner.controller.lstm.units == 64


def test_no_choice_gets_lost_or_sure():
    """However large the logits, two choices differ by 2c at most."""
    space = NASNetSpace(blocks=1)
    strategy = ENAS(space, seed=0, operation_bias=0)
    for weight in strategy.learner.controller.trainable_variables:
        weight.assign(weight * 1000)
    rows = probabilities(strategy, strategy.ask(0))
    shares = []
    for row, decision in zip(rows, space.decisions, strict=True):
        present = row[: len(decision.choices)]
        bound = 1.10 / 2.5 if decision.kind == "operation" else 1.10
        shares.append(np.log(present.max() / present.min()) / (2 * bound))
        assert not row[len(decision.choices) :].any()
    assert max(shares) == pytest.approx(1, abs=1e-3)


def test_separable_convolutions_are_favoured():
    space = NASNetSpace(blocks=1)
    strategy = ENAS(space, seed=0)
    rows = probabilities(strategy, strategy.ask(0))
    for row, decision in zip(rows, space.decisions, strict=True):
        if decision.kind != "operation":
            continue
        favoured = np.isin(decision.choices, FAVOURED)
        odds = row[: len(favoured)][favoured].mean()
        odds /= row[: len(favoured)][~favoured].mean()
        # e ** 0.5, and what little the first weights make.
        assert odds == pytest.approx(np.exp(0.5), rel=0.1)


def test_gets_better(space, additive, drive):
    strategy = ENAS(space, 0, learning_rate=0.03, operation_bias=0)
    rewards = [trial.reward for trial in drive(strategy, additive, 300)]
    assert np.mean(rewards[-50:]) > np.mean(rewards[:50]) + 0.03


@pytest.mark.parametrize(
    ("name", "value"),
    [("units", 0), ("tanh_constant", -1), ("operation_tanh_reduce", 0.5)],
)
def test_each_bad_setting_is_a_sentence(name, value):
    with pytest.raises(ValueError, match=f"`{name}`. Expected"):
        ENAS(NASNetSpace(1), 0, **{name: value})
