"""The depthwise-separable convolutions: 3x3, 5x5, 7x7, each applied twice,
and the dilated 3x3 and 5x5, applied once."""

from typing import ClassVar

import keras

from nasnet_keras.layers.operations.base import Operation
from nasnet_keras.layers.parts.convolution_unit import UnitPlan


class SeparableConvolution(Operation):
    """The base: twice ReLU, separable convolution, batch norm (paper A.4),
    the stride in the first."""

    size: ClassVar[int]
    repeats: ClassVar[int] = 2
    dilation: ClassVar[int] = 1

    @classmethod
    def plan(cls, channels, filters, strides, conventions):
        return tuple(
            UnitPlan(
                filters,
                (cls.size, cls.size),
                (1, 1) if repeat else (strides, strides),
                cls.dilation,
                separable=True,
            )
            for repeat in range(cls.repeats)
        )

    def call(self, state, activated=None, training=None):
        return self._call_units(self._activated(state, activated), training)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SeparableConvolution3x3(SeparableConvolution):
    """Twice ReLU, separable 3x3 convolution, batch norm."""

    size = 3


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SeparableConvolution5x5(SeparableConvolution):
    """Twice ReLU, separable 5x5 convolution, batch norm."""

    size = 5


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SeparableConvolution7x7(SeparableConvolution):
    """Twice ReLU, separable 7x7 convolution, batch norm."""

    size = 7


@keras.saving.register_keras_serializable(package="nasnet_keras")
class DilatedSeparableConvolution3x3(SeparableConvolution):
    """Once ReLU, separable 3x3 convolution that reads every second position,
    batch norm (DARTS, `cnn/operations.py`)."""

    size = 3
    repeats = 1
    dilation = 2


@keras.saving.register_keras_serializable(package="nasnet_keras")
class DilatedSeparableConvolution5x5(SeparableConvolution):
    """Once ReLU, separable 5x5 convolution that reads every second position,
    batch norm (DARTS, `cnn/operations.py`)."""

    size = 5
    repeats = 1
    dilation = 2
