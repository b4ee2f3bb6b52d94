"""A layer as a function of its weights: `LayerFunction`."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.operations.base import Operation


class LayerFunction:
    """A layer whose weights are arguments.

    It is traced once for each shape of inputs: whatever weights come in,
    nothing is traced again. That is what makes a change of cells cheap.

    Weights come packed, since what a call costs grows with the number of its
    arguments: all of them flat in one tensor; or, `by_row`, the kernels side
    by side as one matrix with a row for each channel that comes in, and the
    others flat in a second tensor.

    Args:
        layer: A layer, not built. Its own weights are never used.
        input_shape: The shape of its inputs, batch and sizes None.
        by_row: Whether kernels, 1x1 or of a dense layer, come as a matrix.

    Attributes:
        groups: The weights to train of each packed tensor, as templates of
            names and shapes.
        moving: The moving statistics, as they begin.

    Example:

    >>> from nasnet_keras import OPERATIONS
    >>> function = LayerFunction(
    ...     OPERATIONS["conv_1x1"](8), (None, None, None, 4)
    ... )
    >>> weights = [tf.ones(4 * 8 + 8 + 8)]  # kernel, scale, offset
    >>> outputs, moving = function(
    ...     tf.ones((2, 6, 6, 4)), weights, function.moving
    ... )
    >>> outputs.shape
    TensorShape([2, 6, 6, 8])
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        input_shape: tuple[int | None, ...],
        by_row: bool = False,
    ) -> None:
        layer.build(input_shape)
        self.layer = layer
        self.by_row = by_row
        trainable = layer.trainable_variables
        kernels = [each for each in trainable if is_kernel(each)]
        others = [each for each in trainable if not is_kernel(each)]
        groups = [kernels, others] if by_row else [trainable]
        self.groups = [group for group in groups if group]
        self.moving: Sequence[Any] = [
            tf.constant(np.asarray(each))
            for each in layer.non_trainable_variables
        ]
        # An operation takes the activation that the cell shares, or the raw
        # state.
        self.reads_raw = not isinstance(layer, Operation) or layer.reads_raw
        self._traced = {
            training: tf.function(functools.partial(self._call, training))
            for training in (False, True)
        }

    @property
    def traces(self) -> int:
        """How often it has been traced."""
        return sum(
            function.experimental_get_tracing_count()
            for function in self._traced.values()
        )

    def __call__(
        self,
        inputs: Any,
        weights: Sequence[Any],
        moving: Sequence[Any],
        training: bool = False,
    ) -> tuple[Any, Sequence[Any]]:
        """What the layer returns with these weights, and its new moving
        statistics.

        Args:
            inputs: `[B, H, W, C]`: the state, or its activation if the layer
                does not read it raw.
            weights: The packed weights to train.
            moving: The moving statistics.
            training: Whether to normalise by the statistics of the batch.
        """
        if not self.groups:  # a function costs more than a pool
            return self.layer.call(inputs, training=training), moving
        return self._traced[training](inputs, weights, moving)

    def _call(
        self, training: bool, inputs: Any, weights: Any, moving: Any
    ) -> Any:
        arguments = {} if self.reads_raw else {"activated": inputs}
        return self.layer.stateless_call(
            self.unpack(weights),
            moving,
            inputs,
            training=training,
            **arguments,
        )

    def unpack(self, weights: Sequence[Any]) -> list[Any]:
        """The packed weights one by one, in the order of the layer."""
        return [
            tf.reshape(part, variable.shape)
            for variables, packed in zip(self.groups, weights, strict=True)
            for variable, part in zip(
                variables,
                tf.split(packed, self._widths(variables), axis=-1),
                strict=True,
            )
        ]

    def values_alone(
        self, weights: Sequence[Any], moving: Sequence[Any]
    ) -> Sequence[Any]:
        """The values of this layer's variables in a network that is built
        alone, given the packed weights and the moving statistics."""
        values = [*self.unpack(weights), *moving]
        if isinstance(self.layer, NormalizedClassifier):
            return self.layer.folded(*values)
        return values

    def _widths(self, variables: Sequence[Any]) -> list[int]:
        """How much of the last axis of its packed tensor each has."""
        if self.by_row and variables is self.groups[0]:
            return [each.shape[-1] for each in variables]
        return [int(np.prod(each.shape)) for each in variables]


class NormalizedClassifier(keras.layers.Layer):
    """A dense layer of logits whose features are normalised by the batch, and
    divided by the number of states that they are of.

    From child to child other operations make the features, in other numbers.
    Unless all come in one range, each child unlearns what the classifier has
    learnt with the one before.

    Args:
        classes: The number of classes.
        width: How many features a state has.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.batch_norm = keras.layers.BatchNormalization(
            momentum=0.0, center=False, scale=False
        )
        self.dense = keras.layers.Dense(classes)

    def build(self, input_shape: tuple[int | None, int]) -> None:
        self.scale = self.width / input_shape[-1]
        self.batch_norm.build(input_shape)
        self.dense.build(input_shape)

    def call(self, features: Any, training: bool | None = None) -> Any:
        normalized = self.batch_norm(features, training=training)
        return self.dense(self.scale * normalized)

    def folded(
        self, kernel: Any, bias: Any, mean: Any, variance: Any
    ) -> list[Any]:
        """The kernel and the bias of a dense layer that does the same with
        the features as they come."""
        factors = self.scale / tf.sqrt(variance + self.batch_norm.epsilon)
        kernel = factors[:, None] * kernel
        return [kernel, bias - tf.linalg.matvec(kernel, mean, True)]


def is_kernel(variable: Any) -> bool:
    """Whether it is no scale, offset or bias, which have one axis."""
    return len(variable.shape) > 1


@functools.cache
def operation_function(
    name: str, channels: int, filters: int, strides: int, conventions: Any
) -> LayerFunction:
    """The function of an operation, one for all that are alike."""
    operation = OPERATIONS[name](filters, strides, conventions=conventions)
    return LayerFunction(operation, (None, None, None, channels))


@functools.cache
def unit_function(
    plan: Any, channels: int, conventions: Any, by_row: bool
) -> LayerFunction:
    """The function of a convolution unit, given its `UnitPlan`."""
    return LayerFunction(
        plan.layer(conventions), (None, None, None, channels), by_row
    )


@functools.cache
def classifier_function(
    classes: int, width: int, channels: int
) -> LayerFunction:
    """The function of the classifier, which returns logits."""
    layer = NormalizedClassifier(classes, width)
    return LayerFunction(layer, (None, channels), by_row=True)
