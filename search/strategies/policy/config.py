"""The settings of proximal policy optimisation: `PPOConfig`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

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
