import numpy as np
import pytest
import tensorflow as tf

from search.strategies.policy import losses

LOG = np.log


@pytest.fixture(params=["eager", "graph"])
def run(request):
    """Calls a loss with float32 tensors, in both modes of TensorFlow."""

    def call(function, *arguments, **settings):
        tensors = [tf.constant(value, "float32") for value in arguments]
        if request.param == "graph":
            function = tf.function(function)
        return function(*tensors, **settings).numpy()

    return call


def gradient(function, log_prob, *arguments):
    log_prob = tf.constant(log_prob, "float32")
    with tf.GradientTape() as tape:
        tape.watch(log_prob)
        loss = function(log_prob, *arguments)
    return tape.gradient(loss, log_prob).numpy()


def test_clipped_surrogate(run):
    # Ratios 1.5, 0.5, 1.5, 0.5, of advantages 2, 2, -1, -1:
    # min(3, 2.4), min(1, 1.6), min(-1.5, -1.2), min(-0.5, -0.8).
    old = np.array([-3.0, -2.0, -1.0, -4.0])
    loss = run(
        losses.clipped_surrogate,
        old + LOG([1.5, 0.5, 1.5, 0.5]),
        old,
        [2.0, 2.0, -1.0, -1.0],
        epsilon=0.2,
    )
    np.testing.assert_allclose(loss, -(2.4 + 1.0 - 1.5 - 0.8) / 4, rtol=1e-5)


def test_clipped_surrogate_has_no_gradient_beyond_the_clip_range():
    old = tf.constant([-3.0, -2.0, -1.0, -4.0])
    slope = gradient(
        losses.clipped_surrogate,
        old + LOG([1.5, 0.5, 1.5, 0.5]),
        old,
        tf.constant([2.0, 2.0, -1.0, -1.0]),
        0.2,
    )
    # d ratio / d log_prob is the ratio; the mean is over 4.
    np.testing.assert_allclose(slope, [0, -0.25, 0.375, 0], rtol=1e-5)


def test_clipped_surrogate_of_equal_policies_is_the_policy_gradient():
    log_prob = tf.constant([-3.0, -2.0, -1.0])
    advantages = tf.constant([2.0, -1.0, 0.5])
    np.testing.assert_allclose(
        gradient(losses.clipped_surrogate, log_prob, log_prob, advantages, 0.2),
        -advantages / 3,  # of the mean of log π times the advantages
        rtol=1e-6,
    )


def test_no_gradient_flows_into_what_is_given():
    log_prob = tf.constant([-3.0, -2.0])
    old_log_prob = tf.constant([-3.1, -2.1])
    advantages = tf.constant([2.0, -1.0])
    with tf.GradientTape() as tape:
        tape.watch([old_log_prob, advantages])
        loss = losses.clipped_surrogate(log_prob, old_log_prob, advantages, 0.2)
    assert tape.gradient(loss, [old_log_prob, advantages]) == [None, None]


def test_entropy_is_the_mean_of_the_decisions_and_ignores_absent_choices(run):
    absent = -1e9
    log_probs = [
        [[LOG(0.5), LOG(0.5), absent], [LOG(0.25), LOG(0.75), absent]],
        [[0.0, absent, absent], [LOG(1 / 3)] * 3],
    ]
    # (0.6931 + 0.5623) / 2, and (0 + log 3) / 2.
    np.testing.assert_allclose(
        run(losses.entropy, log_probs), [0.627741, 0.549306], rtol=1e-5
    )


def test_approximate_kl(run):
    # Ratios 2 and 0.5: (1 - log 2) and (-0.5 + log 2).
    old = np.array([-3.0, -2.0])
    kl = run(losses.approximate_kl, old + LOG([2.0, 0.5]), old)
    np.testing.assert_allclose(kl, 0.25, rtol=1e-5)
    assert run(losses.approximate_kl, old, old) == 0


def test_clip_fraction(run):
    old = np.array([-3.0, -2.0, -1.0, -4.0])
    log_prob = old + LOG([1.5, 0.9, 1.1, 0.5])
    assert run(losses.clip_fraction, log_prob, old, epsilon=0.2) == 0.5
    assert run(losses.clip_fraction, log_prob, old, epsilon=0.05) == 1.0
