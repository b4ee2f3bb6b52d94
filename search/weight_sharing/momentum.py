"""SGD with momentum on parts of banks: `SharedMomentum`."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Part


class SharedMomentum:
    """Updates what a child takes of a shared network, and nothing else: the
    weights and the momentum of other children stay as they are, and are not
    regularised.

    The updates are those of `nasnet_keras.optimization.optimizer.Momentum` on
    these weights alone.

    Args:
        network: The shared network.
        momentum: Default 0.9.
        l2: Of kernels. Default 0.
        clip_norm: The largest global norm of the gradients of a child;
            None for any. Default None.

    Attributes:
        velocities: A variable for each bank, by its path.
    """

    def __init__(
        self,
        network: SharedNetwork,
        momentum: float = 0.9,
        l2: float = 0.0,
        clip_norm: float | None = None,
    ) -> None:
        self.velocities: dict[str, tf.Variable] = {}
        self._penalties: dict[str, tf.Tensor] = {}
        for layer in network.shared_layers:
            for bank, decay in zip(layer.banks, layer.decays, strict=True):
                self.velocities[bank.path] = tf.Variable(tf.zeros(bank.shape))
                self._penalties[bank.path] = tf.constant(l2 * decay)
        self._momentum = tf.constant(momentum)
        self._clip_norm = clip_norm

    def apply(
        self,
        parts: Sequence[Part],
        gradients: Sequence[Sequence[Any]],
        learning_rate: Any,
    ) -> None:
        """One step.

        Args:
            parts: Those of a subnetwork that was called in training.
            gradients: Of each part's `weights`; None for what the loss does
                not depend on.
            learning_rate: The rate.
        """
        velocities, weights, _ = self.moved(parts, gradients, learning_rate)
        for part, moved, values in zip(parts, velocities, weights, strict=True):
            banks = part.take.banks
            if moved:
                part.take.write(self._velocities(part), moved)
                part.take.write([bank.value for bank in banks], values)

    def moved(
        self,
        parts: Sequence[Part],
        gradients: Sequence[Sequence[Any]],
        learning_rate: Any,
    ) -> tuple[list[list[Any]], list[list[Any]], Any]:
        """What a step makes of the velocities and the weights of each part,
        which stay as they are; empty for parts that the loss does not depend
        on. And the rate at which it goes along the gradients, lower where
        they are clipped.

        Args:
            parts, gradients, learning_rate: As of `apply`.
        """
        steps = [
            self._penalised(part, group)
            if group and group[0] is not None
            else []
            for part, group in zip(parts, gradients, strict=True)
        ]
        rate = tf.convert_to_tensor(learning_rate, "float32")
        if self._clip_norm is not None:
            norm = tf.linalg.global_norm(
                [each for group in steps for each in group]
            )
            rate *= self._clip_norm / tf.maximum(norm, self._clip_norm)
        velocities, weights = [], []
        for part, group in zip(parts, steps, strict=True):
            before = part.take.read(self._velocities(part)) if group else []
            moved = [
                self._momentum * velocity - rate * gradient
                for velocity, gradient in zip(before, group, strict=True)
            ]
            velocities.append(moved)
            weights.append(
                [
                    value + velocity
                    for value, velocity in zip(
                        part.weights, moved, strict=bool(group)
                    )
                ]
            )
        return velocities, weights, rate

    def _velocities(self, part: Part) -> list[tf.Variable]:
        return [self.velocities[bank.path] for bank in part.take.banks]

    def _penalised(self, part: Part, gradients: Sequence[Any]) -> list[Any]:
        """The gradients with those of the penalty."""
        return [
            gradient + self._penalties[bank.path] * value
            for bank, value, gradient in zip(
                part.take.banks, part.weights, gradients, strict=True
            )
        ]
