"""SGD with momentum on slices of banks: `SharedMomentum`."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import BoundLayer


class SharedMomentum:
    """Updates the weights that one child has of a shared network, and nothing
    else: the weights and the momentum of other children stay as they are, and
    are not regularised.

    The updates are those of `nasnet_keras.optimization.optimizer.Momentum` on
    these weights alone.

    Args:
        network: The shared network.
        momentum: Default 0.9.
        l2: Of kernels. Default 0.
        clip_norm: The largest global norm of the gradients of a child;
            None for any. Default None.

    Attributes:
        velocities: A variable for each table, by its path.
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
        for bank in network.banks:
            for table, decay in zip(bank.tables, bank.decays, strict=True):
                self.velocities[table.path] = tf.Variable(tf.zeros(table.shape))
                self._penalties[table.path] = tf.constant(l2 * decay)
        self._momentum = tf.constant(momentum)
        self._clip_norm = clip_norm

    def apply(
        self,
        layers: Sequence[BoundLayer],
        gradients: Sequence[Sequence[Any]],
        learning_rate: Any,
    ) -> None:
        """One step.

        Args:
            layers: Those of a subnetwork that was called in training.
            gradients: Of each layer's `weights`; None for what the loss does
                not depend on.
            learning_rate: The rate.
        """
        velocities, weights, _ = self.moved(layers, gradients, learning_rate)
        for layer, moved, values in zip(
            layers, velocities, weights, strict=True
        ):
            if moved:
                layer.weight_slice.write(self._velocities(layer), moved)
                layer.weight_slice.write(
                    [each.value for each in layer.weight_slice.tables], values
                )

    def moved(
        self,
        layers: Sequence[BoundLayer],
        gradients: Sequence[Sequence[Any]],
        learning_rate: Any,
    ) -> tuple[list[list[Any]], list[list[Any]], Any]:
        """What a step makes of the velocities and the weights of each layer,
        which stay as they are; empty for layers that the loss does not depend
        on. And the rate at which it goes along the gradients, lower where
        they are clipped.

        Args:
            layers, gradients, learning_rate: See `apply`.
        """
        steps = [
            self._penalised(layer, group)
            if group and group[0] is not None
            else []
            for layer, group in zip(layers, gradients, strict=True)
        ]
        rate = tf.convert_to_tensor(learning_rate, "float32")
        if self._clip_norm is not None:
            norm = tf.linalg.global_norm(
                [each for group in steps for each in group]
            )
            rate *= self._clip_norm / tf.maximum(norm, self._clip_norm)
        velocities, weights = [], []
        for layer, group in zip(layers, steps, strict=True):
            before = (
                layer.weight_slice.read(self._velocities(layer))
                if group
                else []
            )
            moved = [
                self._momentum * velocity - rate * gradient
                for velocity, gradient in zip(before, group, strict=True)
            ]
            velocities.append(moved)
            weights.append(
                [
                    value + velocity
                    for value, velocity in zip(
                        layer.weights, moved, strict=bool(group)
                    )
                ]
            )
        return velocities, weights, rate

    def _velocities(self, layer: BoundLayer) -> list[tf.Variable]:
        return [
            self.velocities[table.path] for table in layer.weight_slice.tables
        ]

    def _penalised(
        self, layer: BoundLayer, gradients: Sequence[Any]
    ) -> list[Any]:
        """The gradients with those of the penalty."""
        return [
            gradient + self._penalties[table.path] * value
            for table, value, gradient in zip(
                layer.weight_slice.tables, layer.weights, gradients, strict=True
            )
        ]
