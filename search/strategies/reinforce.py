"""Policy gradient, of NAS: https://arxiv.org/abs/1611.01578."""

from typing import Any

from search.spaces.base import SearchSpace
from search.strategies.policy.config import PPOConfig
from search.strategies.ppo import PPO


class Reinforce(PPO):
    """The LSTM of `PPO`, improved by REINFORCE: every minibatch gives one
    step along the policy gradient, with an exponential moving average of the
    rewards as the baseline.

    That is a proximal step of a single epoch: where the policy has not moved
    yet, nothing is clipped, and the gradient of `losses.clipped_surrogate` is
    REINFORCE's estimate.

    The paper's two-layer LSTM of 35 units is here the one of `Controller`;
    its learning rate, 0.0006, is for 12,800 architectures.

    Args:
        space: The space to search.
        seed: Fixes all proposals, given the outcomes.
        learning_rate: Adam's. Paper: 0.0006. Default 0.003, for hundreds of
            trials; at 0.01, without entropy, the policy of a small space
            settles on one architecture too early.
        entropy_weight: The weight of the mean entropy of a decision, in units
            of the reward. Paper: 0, the default.
        minibatch: How many trials make a step. Paper: 8 of each of 100
            replicas. Default 10.
        baseline_decay: The weight of the old value in the moving average.
            Not published. Default 0.95, that of the NASNet paper.
        beta_1: Adam's, the decay of the mean gradient. Default 0.9, Keras'.
        epsilon: Adam's. Default 1e-7, Keras'.

    Raises:
        ValueError: A setting is out of range.
    """

    name = "reinforce"

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        learning_rate: float = 0.003,
        entropy_weight: float = 0.0,
        minibatch: int = 10,
        baseline_decay: float = 0.95,
        beta_1: float = 0.9,
        epsilon: float = 1e-7,
    ) -> None:
        config = PPOConfig(
            learning_rate=learning_rate,
            entropy_weight=entropy_weight,
            minibatch=minibatch,
            baseline_decay=baseline_decay,
            epochs=1,
            rank_advantages=False,
            beta_1=beta_1,
            epsilon=epsilon,
        )
        super().__init__(space, seed, config)

    @staticmethod
    def paper() -> dict[str, Any]:
        """The published settings, for thousands of trials: options of the
        strategy."""
        return {"learning_rate": 0.0006, "minibatch": 8}
