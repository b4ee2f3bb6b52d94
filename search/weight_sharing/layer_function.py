"""A layer as a function of its weights: `LayerFunction`."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from nasnet_keras.operations import OPERATIONS
from nasnet_keras.operations.base import Operation


class LayerFunction:
    """A layer whose weights are arguments.

    It is traced once for each shape of inputs: whatever weights come in,
    nothing is traced again. That is what makes a change of cells cheap.

    Args:
        layer: A layer, not built. Its own weights are never used.
        input_shape: The shape of its inputs, batch and sizes None.

    Attributes:
        variables: The weights that it takes, those to train first, as
            templates: their shapes, names and initial values.

    Example:

    >>> function = LayerFunction(OPERATIONS["conv_1x1"](8),
    ...                          (None, None, None, 4))
    >>> weights = [[variable.value for variable in group]
    ...            for group in function.variables]
    >>> outputs, moving = function(tf.ones((2, 6, 6, 4)), *weights)
    """

    def __init__(
        self, layer: keras.layers.Layer, input_shape: tuple[int | None, ...]
    ) -> None:
        layer.build(input_shape)
        self.layer = layer
        self.variables: tuple[Sequence[Any], Sequence[Any]] = (
            layer.trainable_variables,
            layer.non_trainable_variables,
        )
        # An operation takes the ReLU that the cell shares, or the raw state.
        self.reads_raw = not isinstance(layer, Operation) or layer.reads_raw
        self._traced = {
            training: tf.function(
                functools.partial(self._call, training),
                reduce_retracing=False,
            )
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
        trainable: Sequence[Any],
        moving: Sequence[Any],
        training: bool = False,
    ) -> tuple[Any, Sequence[Any]]:
        """What the layer returns with these weights, and its new moving
        statistics.

        Args:
            inputs: `[B, H, W, C]`: the state, or its ReLU if the layer does
                not read it raw.
            trainable: The weights in the order of `variables[0]`.
            moving: Those of `variables[1]`.
            training: Whether to normalise by the statistics of the batch.
        """
        if not any(self.variables):  # a function costs more than a pool
            return self.layer.call(inputs, training=training), moving
        return self._traced[training](inputs, trainable, moving)

    def _call(
        self, training: bool, inputs: Any, trainable: Any, moving: Any
    ) -> Any:
        arguments = {} if self.reads_raw else {"activated": inputs}
        return self.layer.stateless_call(
            trainable, moving, inputs, training=training, **arguments
        )


@functools.cache
def operation_function(
    name: str, channels: int, filters: int, strides: int, conventions: Any
) -> LayerFunction:
    """The function of an operation, one for all that are alike."""
    operation = OPERATIONS[name](filters, strides, conventions=conventions)
    return LayerFunction(operation, (None, None, None, channels))


@functools.cache
def unit_function(plan: Any, channels: int, conventions: Any) -> LayerFunction:
    """The function of a convolution unit, given its `UnitPlan`."""
    return LayerFunction(plan.layer(conventions), (None, None, None, channels))


@functools.cache
def classifier_function(classes: int, channels: int) -> LayerFunction:
    """The function of the classifier, which returns logits."""
    return LayerFunction(keras.layers.Dense(classes), (None, channels))
