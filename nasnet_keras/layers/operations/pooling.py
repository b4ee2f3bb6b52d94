"""The pools: average 3x3, maximum 2x2, 3x3, 5x5 and 7x7."""

from typing import Any, ClassVar

import keras
from keras import ops

from nasnet_keras.layers.operations.base import Operation
from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.convolution_unit import UnitPlan


class Pooling(Operation):
    """The base: a pool over the raw state, then, only if the state has other
    channels than `filters`, a 1x1 convolution and batch norm without a ReLU
    (TF-slim, `nasnet_utils.py`)."""

    size: ClassVar[int]

    @classmethod
    def plan(cls, channels, filters, strides, conventions):
        return () if channels == filters else (UnitPlan(filters),)

    @property
    def reads_raw(self):
        return True

    def _pool(self, state: Any, padding: str) -> Any:
        raise TypeError(f"{type(self).__name__} is the base of the pools.")

    def call(self, state, activated=None, training=None):
        if self.conventions.pool_padding == "zeros" and self.strides > 1:
            outputs = self._pool(self._pad_with_zeros(state), "valid")
        else:
            outputs = self._pool(state, "same")
        return self._call_units(outputs, training)

    def _pad_with_zeros(self, state: Any) -> Any:
        """Pads by zeros as far as SAME would (keras.applications)."""
        paddings: list[Any] = [(0, 0)] * 4
        shape = ops.shape(state)
        for axis in self.conventions.spatial_axes:
            total = self.size - 2 + shape[axis] % 2
            paddings[axis] = (total // 2, total - total // 2)
        return ops.pad(state, paddings)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class AveragePooling3x3(Pooling):
    """The average over 3x3 positions. The padding is left out; with strides
    of 2 it counts as zeros if the conventions say so."""

    size = 3

    def _pool(self, state, padding):
        return kernels.average_pool(
            state,
            self.size,
            self.strides,
            padding,
            self.conventions.data_format,
        )


class MaxPooling(Pooling):
    """The base of the maximum pools."""

    def _pool(self, state, padding):
        return ops.max_pool(
            state,
            self.size,
            self.strides,
            padding,
            self.conventions.data_format,
        )


@keras.saving.register_keras_serializable(package="nasnet_keras")
class MaxPooling2x2(MaxPooling):
    """The maximum over 2x2 positions (AmoebaNet-B and D)."""

    size = 2


@keras.saving.register_keras_serializable(package="nasnet_keras")
class MaxPooling3x3(MaxPooling):
    """The maximum over 3x3 positions."""

    size = 3


@keras.saving.register_keras_serializable(package="nasnet_keras")
class MaxPooling5x5(MaxPooling):
    """The maximum over 5x5 positions."""

    size = 5


@keras.saving.register_keras_serializable(package="nasnet_keras")
class MaxPooling7x7(MaxPooling):
    """The maximum over 7x7 positions."""

    size = 7
