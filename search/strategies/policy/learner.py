"""Proximal policy optimisation of a controller: `PPOConfig`, `PPOLearner`.

In the shape descriptions, `B` is the number of architectures of a minibatch
and `T` the number of decisions of the space.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.training.train import prepare_short_trainings
from search.strategies.policy import losses
from search.strategies.policy.controller import Controller
from search.trial import Decisions

# Of each setting: its type, which values are valid, and that in words.
_LIMITS: dict[str, tuple[type, Callable[[Any], bool], str]] = {
    "learning_rate": (Real, lambda value: value > 0, "a positive number"),
    "entropy_weight": (Real, lambda value: value >= 0, "a number from 0"),
    "minibatch": (Integral, lambda value: value >= 2, "an integer from 2"),
    "baseline_decay": (Real, lambda value: 0 <= value < 1, "0 to below 1"),
    "clip_epsilon": (Real, lambda value: 0 < value < 1, "between 0 and 1"),
    "epochs": (Integral, lambda value: value >= 1, "an integer from 1"),
    "rank_advantages": (bool, lambda value: True, "True or False"),
    "beta_1": (Real, lambda value: 0 <= value < 1, "0 to below 1"),
    "epsilon": (Real, lambda value: value > 0, "a positive number"),
}


@dataclass(frozen=True)
class PPOConfig:
    """The settings of a `PPOLearner`.

    The defaults are for searches of tens to hundreds of trials, the published
    settings (`paper`) for 20,000: at the published learning rate the policy
    is all but uniform after 500. The defaults were measured with this
    controller, over 500 trials of a tabular benchmark of 6 decisions and 200
    trials of a noisy sum over the 50 decisions of the NASNet space. Learning
    rates of 0.01 and 0.015 do well on both. Above, or with less entropy, the
    policy of the small space settles on one architecture too early; with more
    entropy, that of the large one learns later.

    Attributes:
        learning_rate: Adam's. Paper: 0.00035.
        entropy_weight: The weight of the mean entropy of a decision in the
            objective. Paper: 0.00001 (whether of the mean or of the sum is
            not said). The default goes with ranks; next to rewards that
            differ by hundredths it would outweigh them.
        minibatch: B, how many trials make a step. Paper: 20. Searches of
            fewer than 100 trials learn sooner with 10.
        baseline_decay: The weight of the old value in the moving average of
            rewards. Paper: 0.95.
        clip_epsilon: How far the probability ratio of an architecture may
            leave 1. Not published; 0.2 did best in Schulman et al. 2017,
            section 6.1.
        epochs: How many gradient steps a minibatch gets. Not published; 3 is
            the value of Schulman et al. 2017 for Atari, table 5.
        rank_advantages: Whether an architecture's advantage is its rank in
            the minibatch, from -1 to 1, rather than its reward less the
            baseline, as published. Ranks do not depend on the scale of the
            rewards, so that one failed child (reward 0) does not drown the
            small differences between the others.
        beta_1: Adam's, the decay of the mean gradient. Default 0.9, Keras'.
        epsilon: Adam's. Default 1e-7, Keras'.

    Raises:
        ValueError: A value is out of range.
    """

    learning_rate: float = 0.01
    entropy_weight: float = 0.4
    minibatch: int = 20
    baseline_decay: float = 0.95
    clip_epsilon: float = 0.2
    epochs: int = 3
    rank_advantages: bool = True
    beta_1: float = 0.9
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        for name, (kind, valid, expected) in _LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or not valid(value):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected "
                    f"{expected}. Received: {name}={value!r}."
                )

    @classmethod
    def paper(cls) -> "PPOConfig":
        """The settings of [Zoph et al. 2018](
        https://arxiv.org/abs/1707.07012), appendix A.1, where they are
        published."""
        return cls(
            learning_rate=0.00035,
            entropy_weight=0.00001,
            minibatch=20,
            baseline_decay=0.95,
            rank_advantages=False,
        )


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
        # What is learnt is the same whether children are trained in this
        # process, which calls for it too, or elsewhere.
        prepare_short_trainings()
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
