import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.strategies.policy.controller import Controller
from search.strategies.policy.learner import PPOConfig, PPOLearner

SPACE = NASNetSpace(blocks=1)
METRICS = {
    "charts/baseline",
    "charts/reward",
    "losses/approx_kl",
    "losses/clipfrac",
    "losses/entropy",
    "losses/policy_loss",
}


def create_learner(seed=0, **settings):
    return PPOLearner(Controller(SPACE, seed, units=8), PPOConfig(**settings))


@pytest.fixture(scope="module")
def compiled():
    learner = create_learner()
    return learner, learner.state()


@pytest.fixture
def learner(compiled):
    """A new learner with the default settings, without the time to trace."""
    learner, state = compiled
    learner.restore(state)
    return learner


@pytest.fixture(scope="module")
def minibatch():
    """Four architectures and their rewards."""
    rng = np.random.default_rng(0)
    decisions = [SPACE.sample(rng) for _ in range(4)]
    return decisions, [0.5, 0.7, 0.6, 0.9]


def log_prob(learner, decisions):
    return learner.controller.log_prob(decisions)[0].numpy()


@pytest.mark.parametrize("config", [PPOConfig(), PPOConfig.paper()])
def test_learns_what_is_rewarded(minibatch, config):
    decisions, rewards = minibatch
    learner = PPOLearner(Controller(SPACE, seed=0), config)
    before = log_prob(learner, decisions)
    for _ in range(5):
        metrics = learner.step(decisions, rewards)
    change = log_prob(learner, decisions) - before
    assert change[3] > 0 > change[0]
    assert metrics.keys() == METRICS
    assert all(type(value) is float for value in metrics.values())


def test_the_baseline_is_a_moving_average_in_trial_order(learner, minibatch):
    decisions, _ = minibatch
    # It starts at the mean of 0.5; then 0.525, 0.49875.
    metrics = learner.step(decisions[:2], [1.0, 0.0])
    np.testing.assert_allclose(metrics["charts/baseline"], 0.49875)
    # 0.5238125, 0.497621875.
    metrics = learner.step(decisions[:2], [1.0, 0.0])
    np.testing.assert_allclose(metrics["charts/baseline"], 0.497621875)
    assert metrics["charts/reward"] == 0.5


def test_advantages_are_rewards_less_the_baseline(minibatch):
    decisions, _ = minibatch
    learner = create_learner(rank_advantages=False, epochs=1)
    metrics = learner.step(decisions[:2], [1.0, 0.0])
    # 1 - 0.5 and 0 - 0.525; the ratios are 1.
    np.testing.assert_allclose(
        metrics["losses/policy_loss"], -(0.5 - 0.525) / 2, rtol=1e-5
    )
    assert metrics["losses/approx_kl"] == metrics["losses/clipfrac"] == 0


@pytest.mark.large
def test_ranks_do_not_depend_on_the_scale_of_rewards(learner, minibatch):
    decisions, rewards = minibatch
    new = learner.state()
    states = []
    for values in (rewards, [0.0, 0.7, 0.69, 100.0]):
        learner.restore(new)
        learner.step(decisions, values)
        states.append(learner.state())
        states[-1].pop("baseline")
    np.testing.assert_equal(*states)


def test_equal_rewards_teach_nothing(minibatch):
    decisions, _ = minibatch
    learner = create_learner(entropy_weight=0.0)
    before = log_prob(learner, decisions)
    learner.step(decisions, [0.7] * 4)
    np.testing.assert_array_equal(before, log_prob(learner, decisions))


@pytest.mark.large
def test_the_entropy_weight_keeps_the_policy_open(minibatch):
    decisions, rewards = minibatch
    entropies = []
    for weight in (0.0, 10.0):
        learner = create_learner(learning_rate=0.1, entropy_weight=weight)
        for _ in range(3):
            metrics = learner.step(decisions, rewards)
        entropies.append(metrics["losses/entropy"])
    assert entropies[0] < entropies[1] - 0.1


def test_a_restored_learner_goes_on_exactly(learner, minibatch):
    learner.step(*minibatch)
    state = learner.state()
    metrics = learner.step(*minibatch)
    restored = create_learner(seed=1)
    restored.restore(state)
    np.testing.assert_equal(restored.state(), state)
    assert restored.step(*minibatch) == metrics
    np.testing.assert_equal(restored.state(), learner.state())


def test_a_new_learner_restores_a_new_one(learner):
    state = create_learner(seed=1).state()
    learner.restore(state)
    np.testing.assert_equal(learner.state(), state)


def test_refuses_the_state_of_another_space(learner):
    other = PPOLearner(
        Controller(NASNetSpace(blocks=2), seed=0, units=8), PPOConfig()
    )
    state = learner.state()
    with pytest.raises(ValueError, match="Expected the arrays and shapes"):
        learner.restore(other.state())
    np.testing.assert_equal(learner.state(), state)
    del state["baseline"]
    with pytest.raises(ValueError, match="Expected the arrays and shapes"):
        learner.restore(state)


@pytest.mark.parametrize(
    "rewards", [[0.5, 0.6, 0.7, np.nan], [0.5, 0.6, 0.7], [[0.5] * 4]]
)
def test_refuses_rewards(learner, minibatch, rewards):
    with pytest.raises(ValueError, match="Expected a finite number for each"):
        learner.step(minibatch[0], rewards)
    assert np.isnan(learner.state()["baseline"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", "0.01"),
        ("entropy_weight", -0.1),
        ("minibatch", 1),
        ("minibatch", 20.0),
        ("baseline_decay", 1.0),
        ("clip_epsilon", 0.0),
        ("epochs", 0),
        ("rank_advantages", "no"),
    ],
)
def test_refuses_settings(name, value):
    with pytest.raises(ValueError, match=f"argument `{name}`. Expected"):
        PPOConfig(**{name: value})


def test_the_published_settings():
    config = PPOConfig.paper()
    assert config.learning_rate == 0.00035
    assert config.entropy_weight == 0.00001
    assert config.minibatch == 20
    assert config.baseline_decay == 0.95
    assert not config.rank_advantages
