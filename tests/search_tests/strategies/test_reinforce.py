import numpy as np
import tensorflow as tf

from search.strategies.reinforce import Reinforce


def test_a_step_follows_the_policy_gradient(space, complete):
    strategy = Reinforce(space, seed=0, minibatch=4)
    controller = strategy.learner.controller
    variables = controller.trainable_variables
    decisions = [strategy.ask(number) for number in range(4)]
    rewards = np.array([0.1, 0.4, 0.2, 0.7])
    advantages, baseline = [], rewards.mean()
    for reward in rewards:
        advantages.append(reward - baseline)
        baseline = 0.95 * baseline + 0.05 * reward
    with tf.GradientTape() as tape:
        log_prob, _ = controller.log_prob(decisions)
        loss = -tf.reduce_mean(log_prob * np.float32(advantages))
    gradients = [
        tf.convert_to_tensor(gradient).numpy()
        for gradient in tape.gradient(loss, variables)
    ]
    received = []
    strategy.learner.optimizer.apply = lambda values, _: received.extend(values)
    tf.config.run_functions_eagerly(True)
    try:
        for number, reward in enumerate(rewards):
            strategy.tell(complete(number, decisions[number], reward))
    finally:
        tf.config.run_functions_eagerly(False)
    for expected, value in zip(gradients, received, strict=True):
        value = tf.convert_to_tensor(value).numpy()
        np.testing.assert_allclose(value, expected, atol=1e-5)


def test_gets_better(space, additive, drive):
    trials = drive(Reinforce(space, seed=0), additive, 300)
    rewards = [trial.reward for trial in trials]
    assert np.mean(rewards[-50:]) > np.mean(rewards[:50]) + 0.1


def test_the_papers_settings_are_options(space):
    strategy = Reinforce(space, 0, **Reinforce.paper())
    assert strategy.config.learning_rate == 0.0006
    assert strategy.config.epochs == 1
