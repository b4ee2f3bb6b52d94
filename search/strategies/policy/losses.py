"""Policy gradient losses and diagnostics: pure functions of tensors.

In the shape descriptions, `B` is the number of architectures, `T` the number
of decisions of an architecture and `C` the largest number of choices of a
decision. An architecture is one action: its probability is the product of
the probabilities of its T decisions, so that log-probabilities have shape
`[B]`.
"""

import tensorflow as tf


def clipped_surrogate(
    log_prob: tf.Tensor,
    old_log_prob: tf.Tensor,
    advantages: tf.Tensor,
    epsilon: float,
) -> tf.Tensor:
    """The clipped loss of proximal policy optimisation.

        L(θ) = - mean(min(r A, clip(r, 1 - ε, 1 + ε) A)),
        r = π_θ(a) / π_old(a)

    Where the two policies are equal, its gradient is REINFORCE's estimate,
    that of - mean(log π_θ(a) A).

    Reference:
        [Schulman et al. 2017](https://arxiv.org/abs/1707.06347), equation 7.

    Args:
        log_prob: `[B]`, log π_θ of the sampled architectures.
        old_log_prob: `[B]`, the same before the first epoch. No gradient
            flows into it.
        advantages: `[B]`, reward less baseline. No gradient flows into them.
        epsilon: ε, how far the ratio may leave 1.

    Returns:
        A scalar, to be minimised.
    """
    ratio = tf.exp(log_prob - tf.stop_gradient(old_log_prob))
    clipped = tf.clip_by_value(ratio, 1.0 - epsilon, 1.0 + epsilon)
    advantages = tf.stop_gradient(advantages)
    return -tf.reduce_mean(tf.minimum(ratio * advantages, clipped * advantages))


def entropy(log_probs: tf.Tensor) -> tf.Tensor:
    """The mean entropy of the decisions of an architecture, in nats.

        H = - 1/T Σ_t Σ_c π(c | a_1 .. a_(t-1)) log π(c | a_1 .. a_(t-1))

    The mean, so that a weight means the same in spaces of few decisions and
    of many.

    Reference:
        [Williams and Peng 1991](https://doi.org/10.1080/09540099108946587).

    Args:
        log_probs: `[B, T, C]`, log π of every choice of every decision. A
            choice that there is not has a finite number whose exponential
            is 0.

    Returns:
        `[B]`.
    """
    by_decision = -tf.reduce_sum(tf.exp(log_probs) * log_probs, axis=2)
    return tf.reduce_mean(by_decision, axis=1)


def approximate_kl(log_prob: tf.Tensor, old_log_prob: tf.Tensor) -> tf.Tensor:
    """How far the policy has gone: an estimate of KL(π_old, π_θ), in nats.

        mean((r - 1) - log r), r = π_θ(a) / π_old(a), a ~ π_old

    Unbiased as `- mean(log r)` is, but never negative and with less variance.

    Reference:
        [Schulman 2020](http://joschu.net/blog/kl-approx.html).

    Args:
        log_prob: `[B]`, log π_θ of the sampled architectures.
        old_log_prob: `[B]`, the same before the first epoch.

    Returns:
        A scalar.
    """
    log_ratio = log_prob - old_log_prob
    return tf.reduce_mean(tf.math.expm1(log_ratio) - log_ratio)


def clip_fraction(
    log_prob: tf.Tensor, old_log_prob: tf.Tensor, epsilon: float
) -> tf.Tensor:
    """The share of architectures whose ratio is beyond the clip range.

        mean(|r - 1| > ε), r = π_θ(a) / π_old(a)

    Args:
        log_prob: `[B]`, log π_θ of the sampled architectures.
        old_log_prob: `[B]`, the same before the first epoch.
        epsilon: ε of `clipped_surrogate`.

    Returns:
        A scalar, 0 to 1.
    """
    beyond = tf.abs(tf.math.expm1(log_prob - old_log_prob)) > epsilon
    return tf.reduce_mean(tf.cast(beyond, log_prob.dtype))
