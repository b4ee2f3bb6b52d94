"""The controller: an LSTM that makes the decisions of an architecture one
after the other.

In the shape descriptions, `B` is the number of architectures, `T` the number
of decisions of the space and `C` the largest number of choices of a decision.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.training.train import unrewritten_graphs
from search.spaces.base import SearchSpace
from search.strategies.policy import losses

UNITS = 100  # Zoph et al. 2018, appendix A.1
INIT_RANGE = 0.1  # weights start in U(-0.1, 0.1); appendix A.1

# The logit of a choice that a decision does not have. Its probability is
# exactly 0 in float32, and 0 times its logarithm is 0, not NaN.
ABSENT = -1e9


class Controller(keras.Model):
    """A policy over the decision vectors of a search space.

    A one-layer LSTM reads the embedding of the decision before, and each
    decision has a softmax of its own. Decisions differ in their number of
    choices: the embeddings and the softmax weights of all are stacked to the
    largest number, and what a decision does not have is masked.

    `sample` and `log_prob` are one graph each, in which a loop runs over the
    decisions: the graph does not grow with their number.

    Reference:
        [Zoph et al. 2018](https://arxiv.org/abs/1707.07012), appendix A.1.

    Args:
        space: The space whose decisions are made.
        seed: Fixes the initial weights, whatever the state of the global
            random generators. A non-negative integer.
        units: The size of the LSTM and of the embeddings. Default 100, the
            paper's.
        bounds: By the kind of a decision c, where its logits x are
            c tanh(x), so that no choice gets lost for good. Default: none.
        favours: By choice what is added to its logits, and not learnt.
            Default: nothing.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> controller = Controller(NASNetSpace(), seed=0)
    >>> noise = np.random.default_rng(0).random((20, 50))
    >>> decisions, log_prob = controller.sample(noise)
    >>> decisions.shape
    TensorShape([20, 50])
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        units: int = UNITS,
        bounds: Mapping[str, float] | None = None,
        favours: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(name="controller")
        counts = [len(decision.choices) for decision in space.decisions]
        self.steps, self.width = len(counts), max(counts)  # T, C
        self.counts = tf.constant(counts)
        self.present = tf.sequence_mask(counts, self.width)  # [T, C]
        self.bounds = tf.constant(  # [T], 0 for none
            [(bounds or {}).get(each.kind, 0.0) for each in space.decisions]
        )
        self.favours = tf.ragged.constant(  # [T, C]
            [
                [(favours or {}).get(choice, 0.0) for choice in each.choices]
                for each in space.decisions
            ]
        ).to_tensor(shape=(self.steps, self.width))
        # Keras takes seeds of 32 bits.
        seed = int(np.random.SeedSequence(seed).generate_state(1)[0])
        uniform = keras.initializers.RandomUniform(
            -INIT_RANGE, INIT_RANGE, keras.random.SeedGenerator(seed)
        )
        self.lstm = keras.layers.LSTM(
            units,
            return_sequences=True,
            kernel_initializer=uniform,
            recurrent_initializer=uniform,
            bias_initializer=uniform,
            unit_forget_bias=False,
            seed=seed,  # Without one, Keras draws from Python's generator.
            name="lstm",
        )
        self.lstm.build((None, self.steps, units))

        def weight(name: str, *shape: int) -> keras.Variable:
            return self.add_weight(shape, uniform, name=name)

        self.embeddings = weight("embeddings", self.steps, self.width, units)
        self.kernel = weight("softmax_kernel", self.steps, units, self.width)
        self.bias = weight("softmax_bias", self.steps, self.width)
        self.built = True

    def call(self, decisions: tf.Tensor) -> tf.Tensor:
        """The log-probabilities of all choices, given the decisions before.

        Args:
            decisions: `[B, T]`, integers.

        Returns:
            `[B, T, C]`, in nats.
        """
        # Nothing comes before the first decision: it reads its row 0.
        before = tf.pad(decisions[:, :-1], [[0, 0], [1, 0]])
        embedded = tf.einsum(
            "btc,tcu->btu", tf.one_hot(before, self.width), self.embeddings
        )
        hidden = self.lstm(embedded)
        logits = tf.einsum("btu,tuc->btc", hidden, self.kernel) + self.bias
        return _log_probs(
            logits, self.bounds[:, None], self.favours, self.present
        )

    @unrewritten_graphs()
    def sample(self, noise: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Samples architectures: a pure function of the weights and `noise`.

        Each decision is the inverse of its cumulative distribution at its
        element of `noise`.

        Args:
            noise: `[B, T]`, uniform in [0, 1).

        Returns:
            The decisions, `[B, T]` integers, and their joint
            log-probabilities, `[B]`, in nats.

        Raises:
            ValueError: `noise` has another shape.
        """
        return self._sample(self._convert(noise, "float32", "noise"))

    def log_prob(self, decisions: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """How likely given architectures are.

        Args:
            decisions: `[B, T]`, integers.

        Returns:
            The joint log-probabilities of the decisions, `[B]`, and the
            mean entropies of the distributions that they were taken from,
            `[B]`; both in nats.

        Raises:
            ValueError: `decisions` has another shape.
        """
        return self._log_prob(self._convert(decisions, "int32", "decisions"))

    def _convert(self, values: Any, dtype: str, argument: str) -> tf.Tensor:
        values = tf.cast(tf.convert_to_tensor(values), dtype)
        if values.shape.rank != 2 or values.shape[1] != self.steps:
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected the shape "
                f"(B, {self.steps}): a row for each architecture, a column "
                f"for each decision. Received: {argument}.shape="
                f"{tuple(values.shape)}."
            )
        return values

    @tf.function(reduce_retracing=True)
    def _sample(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.shape(noise)[0]
        choice = tf.zeros([rows], "int32")
        log_prob = tf.zeros([rows])
        states = [tf.zeros([rows, self.lstm.units])] * 2
        decisions = tf.TensorArray("int32", self.steps)
        for t in tf.range(self.steps):
            embedded = tf.gather(self.embeddings[t], choice)
            hidden, states = self.lstm.cell(embedded, states)
            logits = hidden @ self.kernel[t] + self.bias[t]
            log_probs = _log_probs(
                logits, self.bounds[t], self.favours[t], self.present[t]
            )
            below = tf.cumsum(tf.exp(log_probs), axis=1) <= noise[:, t, None]
            choice = tf.reduce_sum(tf.cast(below, "int32"), axis=1)
            # Rounding can leave the sum of the probabilities at the noise.
            choice = tf.minimum(choice, self.counts[t] - 1)
            log_prob += tf.gather(log_probs, choice, batch_dims=1)
            decisions = decisions.write(t, choice)
        return tf.transpose(decisions.stack()), log_prob

    @tf.function(reduce_retracing=True)
    def _log_prob(self, decisions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        log_probs = self(decisions)
        taken = tf.gather(log_probs, decisions, batch_dims=2)
        return tf.reduce_sum(taken, axis=1), losses.entropy(log_probs)


def _log_probs(
    logits: tf.Tensor, bound: tf.Tensor, favours: tf.Tensor, present: tf.Tensor
) -> tf.Tensor:
    """The log-probabilities of choices, the last axis."""
    logits = tf.where(bound > 0, bound * tf.tanh(logits), logits) + favours
    return tf.nn.log_softmax(tf.where(present, logits, ABSENT))
