import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.strategies.policy.learner import PPOConfig
from search.strategies.ppo import PPO
from search.trial import Evaluation, Trial, TrialState

SPACE = NASNetSpace(blocks=1)


def complete(number, decisions, reward):
    return Trial(number, decisions, TrialState.COMPLETE, (Evaluation(reward),))


def reward(decisions):
    """Each decision adds up to 0.1."""
    return sum(
        0.1 * (choice + 1) / len(decision.choices)
        for choice, decision in zip(decisions, SPACE.decisions, strict=True)
    )


@pytest.fixture
def strategy():
    return PPO(SPACE, seed=0, minibatch=4, learning_rate=0.1)


def test_finds_better_architectures_than_random():
    strategy = PPO(SPACE, seed=0)
    rewards = []
    for number in range(300):
        decisions = strategy.ask(number)
        rewards.append(reward(decisions))
        strategy.tell(complete(number, decisions, rewards[-1]))
    rng = np.random.default_rng(0)
    uniform = [reward(SPACE.sample(rng)) for _ in range(300)]
    assert np.mean(rewards[-100:]) > np.mean(uniform) + np.std(uniform)
    assert max(rewards) > max(uniform)


def test_learns_a_minibatch_at_a_time(strategy):
    new = strategy.state()
    for number in range(9):
        assert strategy.learned == 4 * (number // 4)
        if number == 3:
            np.testing.assert_equal(strategy.state(), new)
            assert strategy.metrics() == {}
        strategy.tell(complete(number, strategy.ask(number), number / 10))
    assert strategy.learned == 8
    np.testing.assert_allclose(strategy.metrics()["charts/reward"], 0.55)


def test_a_trial_without_reward_is_no_better_than_the_worst():
    strategies = [PPO(SPACE, seed=0, minibatch=4) for _ in range(2)]
    for strategy, lost in zip(strategies, (None, -7.0), strict=True):
        for number, value in enumerate([-2.0, lost, -7.0, lost]):
            decisions = strategy.ask(number)
            strategy.tell(
                Trial(number, decisions, TrialState.FAILED, reason="Lost.")
                if value is None
                else complete(number, decisions, value)
            )
    states = [strategy.state() for strategy in strategies]
    assert states[0].keys() == states[1].keys()
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name])


def test_a_trial_without_reward_counts_as_reward_0(strategy):
    new, states = strategy.state(), []
    for rewards in ([0.9, None, None, 0.8], [0.9, 0.0, 0.0, 0.8]):
        strategy.restore(new, 0)
        for number, value in enumerate(rewards):
            decisions = strategy.ask(number)
            trial = complete(number, decisions, value)
            if value is None:
                refused = (
                    TrialState.REFUSED if number % 2 else TrialState.FAILED
                )
                trial = Trial(number, decisions, refused, reason="Too large.")
            strategy.tell(trial)
        states.append(strategy.state())
        np.testing.assert_allclose(strategy.metrics()["charts/reward"], 0.425)
    np.testing.assert_equal(*states)


def test_a_duplicate_teaches_what_its_original_taught(strategy):
    new, states = strategy.state(), []
    for state in (TrialState.COMPLETE, TrialState.DUPLICATE):
        strategy.restore(new, 0)
        for number in range(4):
            trial = Trial(
                number, strategy.ask(0), state, (Evaluation(number / 10),)
            )
            strategy.tell(trial)
        states.append(strategy.state())
    np.testing.assert_equal(*states)
    assert not np.array_equal(
        new["controller/softmax_bias"], states[0]["controller/softmax_bias"]
    )


def test_a_proposal_is_the_same_whichever_others_are_asked_for(strategy):
    proposals = [strategy.ask(number) for number in range(8)]
    assert [strategy.ask(number) for number in (6, 1, 7)] == [
        proposals[number] for number in (6, 1, 7)
    ]


def test_a_proposal_uses_what_was_told_before_it(strategy):
    told = [
        complete(number, strategy.ask(number), number / 10)
        for number in range(4)
    ]
    before = strategy.ask(5)
    for trial in told:
        strategy.tell(trial)
    assert strategy.ask(5) != before


def test_refuses_trials_out_of_order(strategy):
    strategy.tell(complete(0, strategy.ask(0), 0.5))
    for number in (0, 2):
        with pytest.raises(ValueError, match="Expected trial number 1:"):
            strategy.tell(complete(number, strategy.ask(number), 0.5))


def test_settings_replace_those_of_the_configuration():
    strategy = PPO(SPACE, 0, config=PPOConfig.paper(), minibatch=4)
    assert strategy.config.learning_rate == 0.00035
    assert strategy.config.minibatch == 4


def test_refuses_an_unknown_setting():
    with pytest.raises(ValueError, match="Expected some of learning_rate"):
        PPO(SPACE, 0, momentum=0.9)


def test_the_papers_settings_have_a_name() -> None:
    strategy = PPO(NASNetSpace(1), seed=0, config="paper")
    assert strategy.config == PPOConfig.paper()
    with pytest.raises(ValueError, match="Expected 'paper'"):
        PPO(NASNetSpace(1), seed=0, config="fast")  # type: ignore[arg-type]


def searched(strategy, trials, since=0, lag=0):
    """So many trials, and the states by the number of trials learnt from."""
    known, states = [], {}
    for number in range(since, trials):
        decisions = strategy.ask(number)
        strategy.proposed(decisions)
        known.append(complete(number, decisions, reward(decisions)))
        if len(known) > lag:
            strategy.tell(known[-1 - lag])
        states.setdefault(strategy.learned, (strategy.state(), list(known)))
    return known, states


@pytest.mark.large
@pytest.mark.parametrize("lag", [0, 3])
def test_a_screened_search_goes_on_as_if_never_stopped(lag):
    """What the surrogate learns is kept with what the policy does."""

    def create():
        return PPO(SPACE, seed=0, minibatch=4, learning_rate=0.1, screen=20)

    whole, states = searched(create(), 24, lag=lag)
    for learned, (state, known) in states.items():
        strategy = create()
        strategy.restore(state, learned)
        np.testing.assert_equal(strategy.state(), state)
        for trial in known:
            strategy.proposed(trial.decisions)
        for trial in known[learned : len(known) - lag]:
            strategy.tell(trial)
        following = strategy.ask(len(known))
        if len(known) < len(whole):
            assert following == whole[len(known)].decisions


@pytest.mark.large
def test_a_screen_finds_in_few_trials_what_the_policy_finds_in_many():
    def best(**settings):
        known, _ = searched(PPO(SPACE, seed=0, **settings), 40)
        return max(trial.reward for trial in known)

    assert best(screen=100) > best() + 0.02


def test_a_screen_proposes_nothing_twice():
    known, _ = searched(PPO(SPACE, seed=0, screen=10), 40)
    cells = {SPACE.canonical(trial.decisions) for trial in known}
    assert len(cells) == 40
