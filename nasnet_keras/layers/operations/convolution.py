"""The ordinary convolutions: 1x1, 3x3, 1x3 then 3x1, 1x7 then 7x1, and the
dilated 3x3."""

from typing import ClassVar

import keras

from nasnet_keras.layers.operations.base import Operation
from nasnet_keras.layers.parts.convolution_unit import UnitPlan


class Convolution(Operation):
    """The base: ReLU, convolution, batch norm, for each kernel in turn.

    With the convention `convolution_form="bottleneck"` the kernels run at a
    reduced width, between a 1x1 convolution down and one up (TPU code of
    AmoebaNet, `network_utils.py`), unless the width would be less than 1.
    """

    # A single kernel takes the stride along both sides; of two in turn, each
    # along the side where it is larger than 1.
    kernel_sizes: ClassVar[tuple[tuple[int, int], ...]]
    dilation: ClassVar[int] = 1
    # Width in the bottleneck form as a fraction of the filters.
    bottleneck: ClassVar[float | None] = 1 / 4

    @classmethod
    def plan(cls, channels, filters, strides, conventions):
        width = int(filters * (cls.bottleneck or 0))
        narrow = conventions.convolution_form == "bottleneck" and width > 0
        kernels = tuple(
            UnitPlan(
                width if narrow else filters,
                kernel_size,
                cls._strides_of(kernel_size, strides),
                cls.dilation,
            )
            for kernel_size in cls.kernel_sizes
        )
        if narrow:
            return (UnitPlan(width), *kernels, UnitPlan(filters))
        return kernels

    @classmethod
    def _strides_of(cls, kernel_size, strides):
        if len(cls.kernel_sizes) == 1:
            return (strides, strides)
        return tuple(strides if size > 1 else 1 for size in kernel_size)

    def call(self, state, activated=None, training=None):
        return self._call_units(self._activated(state, activated), training)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Convolution1x1(Convolution):
    """ReLU, 1x1 convolution, batch norm."""

    kernel_sizes = ((1, 1),)
    bottleneck = None


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Convolution3x3(Convolution):
    """ReLU, 3x3 convolution, batch norm."""

    kernel_sizes = ((3, 3),)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Convolution1x3Then3x1(Convolution):
    """ReLU, 1x3 convolution, batch norm; ReLU, 3x1 convolution, batch norm."""

    kernel_sizes = ((1, 3), (3, 1))
    bottleneck = 3 / 8


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Convolution1x7Then7x1(Convolution):
    """ReLU, 1x7 convolution, batch norm; ReLU, 7x1 convolution, batch norm."""

    kernel_sizes = ((1, 7), (7, 1))


@keras.saving.register_keras_serializable(package="nasnet_keras")
class DilatedConvolution3x3(Convolution):
    """ReLU, 3x3 convolution that reads every second position, batch norm.

    With strides 2 the output is the stride-1 output at every second position,
    as PyTorch's convolution with both dilation and stride 2. (No published
    code of NASNet or AmoebaNet defines the strided form: TF-slim refuses it.)
    """

    kernel_sizes = ((3, 3),)
    dilation = 2
