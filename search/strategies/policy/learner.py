"""Proximal policy optimisation of a controller: `PPOLearner`.

In the shape descriptions, `B` is the number of architectures of a minibatch
and `T` the number of decisions of the space.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.training.train import unrewritten_graphs
from search.strategies.policy import losses
from search.strategies.policy.config import PPOConfig
from search.strategies.policy.controller import Controller
from search.trial import Decisions


class PPOLearner:
    """Improves a controller, a minibatch of evaluated architectures at a
    time.

    The baseline is an exponential moving average over trials in trial order,
    which starts at the mean of the first minibatch:

        A_i = R_i - b,  b <- decay b + (1 - decay) R_i

    With `rank_advantages`, A_i is the share of the minibatch that
    architecture i beats less the share that beats it, and the baseline is a
    metric only.

    The ratio of a proximal step is taken to the policy at the start of the
    step. Where trials lag behind, some were sampled from one a little older.

    References:
        [Zoph et al. 2018](https://arxiv.org/abs/1707.07012), appendix A.1;
        [Schulman et al. 2017](https://arxiv.org/abs/1707.06347);
        ranks: [Wierstra et al. 2014](
        https://jmlr.org/papers/v15/wierstra14a.html), section 3.1.

    Args:
        controller: The policy. The learner changes its weights.
        config: The settings.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> controller = Controller(NASNetSpace(), seed=0)
    >>> learner = PPOLearner(controller, PPOConfig())
    >>> rng = np.random.default_rng(0)
    >>> decisions, _ = controller.sample(rng.random((20, 50)))
    >>> metrics = learner.step(decisions, rng.random(20))
    >>> -1 <= metrics["losses/policy_loss"] <= 1
    True
    """

    def __init__(self, controller: Controller, config: PPOConfig) -> None:
        self.controller = controller
        self.config = config
        self.baseline = np.nan  # until the first step
        self.optimizer = keras.optimizers.Adam(
            config.learning_rate,
            config.beta_1,
            epsilon=config.epsilon,
            name="adam",
        )
        self.optimizer.build(controller.trainable_variables)

    @unrewritten_graphs()
    def step(
        self, decisions: Sequence[Decisions] | Any, rewards: Sequence[float]
    ) -> dict[str, float]:
        """Learns from one minibatch.

        Args:
            decisions: `[B, T]`, the architectures in trial order.
            rewards: `[B]`, their rewards.

        Returns:
            What the last epoch saw before its update, `losses/policy_loss`,
            `losses/entropy`, `losses/approx_kl`, `losses/clipfrac`, and
            `charts/baseline` and `charts/reward`, the minibatch's mean.

        Raises:
            ValueError: A shape is wrong, or a reward is not finite.
        """
        values = np.asarray(rewards, "float64")
        if values.shape != (len(decisions),) or not np.isfinite(values).all():
            raise ValueError(
                "Invalid value for argument `rewards`. Expected a finite "
                f"number for each of the {len(decisions)} architectures. "
                f"Received: rewards={rewards}."
            )
        decisions = tf.convert_to_tensor(decisions, "int32")
        old_log_prob, _ = self.controller.log_prob(decisions)
        advantages = tf.cast(self._advantages(values), "float32")
        for _ in range(self.config.epochs):
            metrics = self._step(decisions, old_log_prob, advantages)
        return {
            **{name: float(value) for name, value in metrics.items()},
            "charts/baseline": float(self.baseline),
            "charts/reward": float(values.mean()),
        }

    def _advantages(self, rewards: np.ndarray) -> np.ndarray:
        """`[B]`; moves the baseline on."""
        if np.isnan(self.baseline):
            self.baseline = rewards.mean()
        decay = self.config.baseline_decay
        advantages = np.empty_like(rewards)
        for position, reward in enumerate(rewards):
            advantages[position] = reward - self.baseline
            self.baseline = decay * self.baseline + (1 - decay) * reward
        if self.config.rank_advantages:
            return np.sign(rewards[:, None] - rewards).mean(axis=1)
        return advantages

    @tf.function(reduce_retracing=True)
    def _step(
        self,
        decisions: tf.Tensor,
        old_log_prob: tf.Tensor,
        advantages: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        epsilon = self.config.clip_epsilon
        variables = self.controller.trainable_variables
        with tf.GradientTape() as tape:
            log_prob, entropy = self.controller.log_prob(decisions)
            # Policy-gradient loss.
            policy_loss = losses.clipped_surrogate(
                log_prob, old_log_prob, advantages, epsilon
            )
            # Entropy regulariser.
            entropy = tf.reduce_mean(entropy)
            loss = policy_loss - self.config.entropy_weight * entropy
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return {
            "losses/policy_loss": policy_loss,
            "losses/entropy": entropy,
            "losses/approx_kl": losses.approximate_kl(log_prob, old_log_prob),
            "losses/clipfrac": losses.clip_fraction(
                log_prob, old_log_prob, epsilon
            ),
        }

    @property
    def _variables(self) -> dict[str, keras.Variable]:
        """All that a step changes, apart from the baseline."""
        return {
            variable.path: variable
            for variable in (
                *self.controller.trainable_variables,
                *self.optimizer.variables,
            )
        }

    def state(self) -> dict[str, np.ndarray]:
        """The weights, the optimizer's variables and the baseline: copies, by
        name. `restore` takes them back exactly."""
        state = {
            path: np.array(variable.numpy())
            for path, variable in self._variables.items()
        }
        return {**state, "baseline": np.array(self.baseline)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up a `state()`.

        Raises:
            ValueError: It is the state of a learner for another space, or of
                another version.
        """
        variables = self._variables
        expected = {
            path: tuple(variable.shape) for path, variable in variables.items()
        }
        expected["baseline"] = ()
        received = {name: np.shape(value) for name, value in state.items()}
        if received != expected:
            raise ValueError(
                "Invalid value for argument `state`. Expected the arrays and "
                f"shapes {expected}. Received: {received}. Restore the state "
                "of a search of the same space."
            )
        for path, variable in variables.items():
            variable.assign(state[path])
        self.baseline = float(state["baseline"])
