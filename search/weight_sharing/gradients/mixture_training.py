"""Trains a shared network by gradients of weights and architecture, as DARTS
does: `MixtureTraining`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nasnet_keras.console.command_line import RunError
from nasnet_keras.training.recipes import Recipe
from search.weight_sharing.gradients.architecture_parameters import (
    ArchitectureParameters,
)
from search.weight_sharing.gradients.mixture import Mixture
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.training import SharedTraining, cross_entropy

# Of the finite difference, in units of the norm of the gradient (paper).
EPSILON = 0.01
SMALLEST_NORM = 1e-6  # A loss of 0 has none.


class MixtureTraining(SharedTraining):
    """Trains the mixture of all cells: each step first changes the
    architecture parameters for the loss on validation images, then the weights
    for the loss on training images. The batches are a pair of both, images
    and labels each.

    First order takes the gradient of the validation loss as it is. Second
    order takes that of the loss after the step of the weights that comes
    next, by the finite difference of the paper: some three times the work.

    Batch norms keep their first scales and offsets (authors' code: no affine
    transformation), since a scale would do what a share is there for.

    References:
        [Liu et al. 2019](https://arxiv.org/abs/1806.09055).

    Args:
        network, recipe, steps_per_epoch, batches: See `SharedTraining`. The
            recipe's drop path is left out.
        architecture: What it learns of the architecture.
        order: 1 or 2.
        prices: By cell what each operation of each edge adds to the loss of
            the architecture, `[edges, operations]`, times its share. Default
            None: nothing.
    """

    def __init__(
        self,
        network: SharedNetwork,
        recipe: Recipe,
        steps_per_epoch: int,
        batches: Callable[[int], tf.data.Dataset],
        architecture: ArchitectureParameters,
        order: int = 1,
        prices: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__(network, recipe, steps_per_epoch, batches)
        self.architecture = architecture
        self.order = order
        self._prices = [
            tf.constant(table, "float32") for table in (prices or {}).values()
        ]
        # By table 1 where its weights are trained.
        self._trained = {
            table.path: tf.constant(decay)
            for bank in network.banks
            if bank is not network.classifier
            for table, decay in zip(bank.tables, bank.decays, strict=True)
        }
        self._mixture = Mixture(network)
        # One network for all steps: one graph.
        self._graph = tf.function(self._update, autograph=False)

    def update(self, *batch: Any) -> float:
        rate = tf.constant(self.learning_rate)
        try:
            return float(self._graph(*batch, rate))
        except tf.errors.ResourceExhaustedError:
            raise RunError(
                "The mixture of all cells does not fit in memory. Expected "
                "fewer `blocks` or `filters`, or a smaller `batch_size`."
            ) from None

    def variables(self) -> list[tuple[str, tf.Variable]]:
        return [*super().variables(), *self.architecture.variables()]

    def _update(self, training: Any, validation: Any, rate: Any) -> Any:
        layers = self._mixture.layers
        weights = [layer.read() for layer in layers]
        logits = [each.value for each in self.architecture.logits.values()]
        by_logits = self._by_logits(weights, logits, training, validation, rate)
        if self._prices:
            by_logits = [
                gradient + priced
                for gradient, priced in zip(
                    by_logits, self._by_prices(logits), strict=True
                )
            ]
        self.architecture.apply(by_logits)
        logits = [each.value for each in self.architecture.logits.values()]
        loss, by_weights = self._gradients(weights, logits, training, weights)
        self.optimizer.apply(layers, self._of_trained(by_weights), rate)
        return loss

    def _by_logits(
        self,
        weights: Any,
        logits: Any,
        training: Any,
        validation: Any,
        rate: Any,
    ) -> list[Any]:
        """The gradients of the architecture parameters."""
        if self.order == 1:
            _, gradients = self._gradients(weights, logits, validation, logits)
            return gradients
        _, step = self._gradients(weights, logits, training, weights)
        _, ahead, rate = self.optimizer.moved(
            self._mixture.layers, self._of_trained(step), rate
        )
        _, (direct, by_ahead) = self._gradients(
            ahead, logits, validation, [logits, ahead]
        )
        by_ahead = self._of_trained(by_ahead)
        norm = tf.linalg.global_norm(tf.nest.flatten(by_ahead))
        shift = EPSILON / tf.maximum(norm, SMALLEST_NORM)
        sides = []
        for sign in (1, -1):
            shifted = tf.nest.map_structure(
                lambda value, gradient, sign=sign: (
                    value + sign * shift * gradient
                ),
                weights,
                by_ahead,
            )
            _, side = self._gradients(shifted, logits, training, logits)
            sides.append(side)
        return [
            first - rate * (above - below) / (2 * shift)
            for first, above, below in zip(direct, *sides, strict=True)
        ]

    def _by_prices(self, logits: Any) -> list[Any]:
        """The gradients of what the shares cost: p_i (F_i - sum_j p_j F_j)."""
        gradients = []
        for each, prices in zip(logits, self._prices, strict=True):
            shares = tf.nn.softmax(each)
            mean = tf.reduce_sum(shares * prices, 1, keepdims=True)
            gradients.append(shares * (prices - mean))
        return gradients

    def _gradients(
        self, weights: Any, logits: Any, batch: Any, by: Any
    ) -> tuple[Any, Any]:
        """The loss of a batch, and its gradient by some of the weights and
        logits."""
        images, labels = batch
        for layer, values in zip(self._mixture.layers, weights, strict=True):
            layer.weights = values
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(by)
            outputs = self._mixture(images, self.architecture.shares(logits))
            loss = cross_entropy(outputs, labels)
        zero = tf.UnconnectedGradients.ZERO
        return loss, tape.gradient(loss, by, unconnected_gradients=zero)

    def _of_trained(self, gradients: Any) -> list[list[Any]]:
        """The gradients, zero where weights are not trained."""
        return [
            [
                self._trained.get(table.path, 1.0) * gradient
                for table, gradient in zip(
                    layer.weight_slice.tables, group, strict=True
                )
            ]
            for layer, group in zip(
                self._mixture.layers, gradients, strict=True
            )
        ]
