"""SGD with momentum on parts of banks: `SharedMomentum`."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from search.weight_sharing.shared_network import Part, SharedNetwork


class SharedMomentum:
    """Updates what a child takes of a shared network, and nothing else: the
    weights, their momentum and the moving statistics of other children stay
    as they are, and are not regularised.

    The updates are those of `nasnet_keras.training.optimizer.Momentum` on
    these weights alone.

    Args:
        network: The shared network.
        momentum: Default 0.9.
        l2: Of kernels. Default 0.
        clip_norm: The largest global norm of the gradients of a child;
            None for any. Default None.

    Attributes:
        velocities: A variable for each bank that is trained, by its path.
    """

    def __init__(
        self,
        network: SharedNetwork,
        momentum: float = 0.9,
        l2: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        self.velocities = {
            bank.path: tf.Variable(tf.zeros(bank.shape))
            for bank in network.trainable_variables
        }
        self._momentum = momentum
        self._l2 = l2
        self._clip_norm = clip_norm
        self._bn_momentum = network.conventions.bn_momentum

    def apply(
        self,
        parts: Sequence[Part],
        gradients: Sequence[Sequence[Any]],
        learning_rate: float,
    ) -> None:
        """One step.

        Args:
            parts: Those of a subnetwork that was called in training.
            gradients: Of each part's `trainable`; None for what the loss does
                not depend on.
            learning_rate: The rate.
        """
        steps = [
            self._penalised(part.trainable, group)
            if part.trainable and group[0] is not None
            else []
            for part, group in zip(parts, gradients, strict=True)
        ]
        rate = tf.constant(learning_rate)
        if self._clip_norm is not None:
            norm = tf.linalg.global_norm(
                [each for step in steps for each in step]
            )
            rate *= self._clip_norm / tf.maximum(norm, self._clip_norm)
        for part, step in zip(parts, steps, strict=True):
            take, trainable, moving = part.take, part.trainable, part.moving
            if step:
                velocities = [
                    self.velocities[bank.path]
                    for bank in take.banks[: len(step)]
                ]
                moved = [
                    self._momentum * before - rate * gradient
                    for before, gradient in zip(
                        take.read(velocities), step, strict=True
                    )
                ]
                take.write(velocities, moved)
                trainable = [
                    value + velocity
                    for value, velocity in zip(trainable, moved, strict=True)
                ]
            if part.statistics:
                moving = [
                    self._bn_momentum * before + (1 - self._bn_momentum) * value
                    for before, value in zip(
                        moving, part.statistics, strict=True
                    )
                ]
            take.write(
                [bank.value for bank in take.banks], [*trainable, *moving]
            )

    def _penalised(
        self, values: Sequence[Any], gradients: Sequence[Any]
    ) -> list[Any]:
        """The gradients with those of the penalty. What has but one axis is of
        a batch norm, or a bias."""
        return [
            gradient + self._l2 * value if len(value.shape) > 1 else gradient
            for value, gradient in zip(values, gradients, strict=True)
        ]
