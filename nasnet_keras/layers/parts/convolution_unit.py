"""Convolutions with their batch norm: what the operations are made of.

None applies a ReLU. The cell shares one ReLU of a hidden state among all that
read it, so the activated state is what comes in.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.batch_normalization import BatchNormalization
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction


@dataclass(frozen=True)
class UnitPlan:
    """What a unit computes: enough to make its layer and to count its cost.

    Attributes:
        filters: The channels of the output.
        kernel_size: Height and width of the kernel.
        strides: Strides along height and width.
        dilation: The distance between the positions that the kernel reads.
        separable: Whether a depthwise convolution with this kernel comes
            before a 1x1 convolution.
        factorized: Whether a 1x1 convolution with strides 2 is a factorized
            reduction.
        depthwise: Whether it is a depthwise convolution. Then `filters` is the
            number of input channels.
        squeezed: Whether it is a convolution of a squeeze-and-excite. Such a
            convolution reads the mean of all positions, and has a bias in the
            place of the batch norm.
        groups: The number of groups of a convolution. Each group of filters
            reads its own group of channels.
        bare: Whether no batch norm and no bias follow.
    """

    filters: int
    kernel_size: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: int = 1
    separable: bool = False
    factorized: bool = False
    depthwise: bool = False
    squeezed: bool = False
    groups: int = 1
    bare: bool = False

    def layer(
        self, conventions: Conventions, **kwargs: Any
    ) -> keras.layers.Layer:
        """The unit's layer, not built."""
        if self.squeezed:
            conventions = dataclasses.replace(conventions, normalization="bias")
        if self.bare:
            conventions = dataclasses.replace(conventions, normalization="none")
        kwargs["conventions"] = conventions
        if self.factorized:
            return FactorizedReduction(self.filters, **kwargs)
        if self.depthwise:
            return DepthwiseConvolutionBatchNorm(
                self.filters,
                self.kernel_size,
                self.strides,
                self.dilation,
                **kwargs,
            )
        arguments = (
            self.filters,
            self.kernel_size,
            self.strides,
            self.dilation,
        )
        if self.separable:
            return SeparableConvolutionBatchNorm(*arguments, **kwargs)
        return ConvolutionBatchNorm(*arguments, groups=self.groups, **kwargs)


def normalization(
    channels: int, conventions: Conventions, **kwargs: Any
) -> keras.layers.Layer:
    """A batch norm with no convolution before it; where batch norms are
    folded, a factor and a bias for each channel. Not built.

    Example:

    >>> type(normalization(8, Conventions())).__name__
    'BatchNormalization'
    """
    if conventions.normalization == "batch":
        return conventions.batch_norm(**kwargs)
    return UnitPlan(channels, depthwise=True).layer(conventions, **kwargs)


def folded_weights(layer: Any) -> list[Any]:
    """The weights of a unit, or of a `normalization`, with which it does the
    same where batch norms are folded."""
    if isinstance(layer, BatchNormalization):
        return layer.folded_alone()
    return layer.folded_weights()


class ConvolutionUnit(keras.layers.Layer):
    """The base: a kernel or two without bias, then a batch norm.

    Args:
        filters: The channels of the output.
        kernel_size: Height and width of the kernel.
        strides: Strides along height and width. Default (1, 1).
        dilation: The distance between the positions that the kernel reads.
            Default 1. With strides, see `_even_positions`.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int] = (1, 1),
        dilation: int = 1,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        # Lists where they come from a configuration file.
        self.kernel_size = (kernel_size[0], kernel_size[1])
        self.strides = (strides[0], strides[1])
        self.dilation = dilation
        self.conventions = Conventions.from_dict(conventions)
        self.batch_norm = self.conventions.batch_norm(
            dtype=self.dtype_policy, name="batch_norm"
        )

    def _add_kernel(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=self.conventions.kernel_initializer,
        )

    def build(self, input_shape):
        self._build_kernels(input_shape[self.conventions.channel_axis])
        self.batch_norm.build(self.compute_output_shape(input_shape))

    def _even_positions(self, states: Any) -> tuple[Any, tuple[int, int], int]:
        """The states, strides and dilation to convolve with.

        All that a 1x1 kernel or one with dilation 2 reads with strides 2 lies
        at even positions: there it is an ordinary convolution.
        """
        sparse = self.kernel_size == (1, 1) or self.dilation == 2
        if self.strides != (2, 2) or not sparse:
            return states, self.strides, self.dilation
        even = kernels.even_positions(states, self.conventions.data_format)
        return even, (1, 1), 1

    def _padded(
        self, states: Any, strides: tuple[int, int], dilation: int
    ) -> tuple[Any, str]:
        """The states and the padding to convolve with."""
        if strides == (1, 1) or self.conventions.strided_padding != "symmetric":
            return states, "same"
        height, width = (dilation * (side // 2) for side in self.kernel_size)
        data_format = self.conventions.data_format
        return kernels.with_zeros(states, (height, width), data_format), "valid"

    def _convolve(
        self,
        states: Any,
        kernel: Any,
        strides: tuple[int, int],
        dilation: int,
        training: bool | None,
    ) -> Any:
        """The last convolution of the unit, and its batch norm."""
        states, padding = self._padded(states, strides, dilation)
        return self._normalise(
            kernel,
            lambda kernel, bias=None: kernels.conv2d(
                states,
                kernel,
                strides,
                dilation,
                self.conventions.data_format,
                padding,
                bias,
            ),
            training,
        )

    def _normalise(
        self, kernel: Any, convolve: Callable[..., Any], training: bool | None
    ) -> Any:
        """A convolution by a kernel and a bias, if any, and its batch norm.

        Where TensorFlow is slow at both together, the kernel takes the factors
        of the batch norm in inference, and a bias is left.
        """
        folds = not training and kernels.folds_batch_norms(self.compute_dtype)
        if not folds or not isinstance(self.batch_norm, BatchNormalization):
            return self.batch_norm(convolve(kernel), training=training)
        factors, offsets = self.batch_norm.factors_and_offsets()
        # The last axis of a depthwise kernel is that of its multiplier, 1.
        if kernel.shape[-1] != self.filters:
            factors = factors[:, None]
        return convolve(kernel * factors, offsets)

    def compute_output_shape(self, input_shape):
        return self.conventions.output_shape(
            input_shape, self.filters, self.strides
        )

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation": self.dilation,
            "conventions": self.conventions.to_dict(),
        }


@keras.saving.register_keras_serializable(package="nasnet_keras")
class ConvolutionBatchNorm(ConvolutionUnit):
    """A convolution, then batch norm.

    Args:
        filters: The channels of the output.
        kernel_size: Height and width of the kernel.
        strides: Strides along height and width. Default (1, 1).
        dilation: The distance between the positions that the kernel reads.
            Default 1. With strides 2, the unstrided output at even positions.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
        groups: The number of groups. Each group of filters reads its own group
            of channels, as in `keras.layers.Conv2D`. Default 1.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides[0]),
        ceil(width / strides[1]), filters)`.

    Raises:
        ValueError: The groups do not divide the channels or the filters.

    Example:

    >>> unit = ConvolutionBatchNorm(8, (3, 3), strides=(2, 2))
    >>> unit(keras.ops.ones((2, 7, 7, 3))).shape
    TensorShape([2, 4, 4, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: tuple[int, int],
        strides: tuple[int, int] = (1, 1),
        dilation: int = 1,
        conventions: Any = None,
        groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, dilation, conventions, **kwargs
        )
        self.groups = groups

    def _build_kernels(self, channels: int) -> None:
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(
                "Invalid value for argument `groups`. Expected a divisor of "
                f"the input's channels, {channels}, and of filters="
                f"{self.filters}. Received: groups={self.groups}."
            )
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters)
        )

    def folded_weights(self) -> list[Any]:
        """The weights with which the same unit with a bias for its batch norm
        does as this one does in inference."""
        return self.batch_norm.folded([self.kernel])

    def call(self, activated, training=None):
        states, strides, dilation = self._even_positions(activated)
        return self._convolve(states, self.kernel, strides, dilation, training)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SeparableConvolutionBatchNorm(ConvolutionUnit):
    """A depthwise and a pointwise convolution with nothing between, then
    batch norm (paper A.4).

    Args:
        filters: The channels of the output.
        kernel_size: Height and width of the depthwise kernel.
        strides: Strides along height and width. Default (1, 1).
        dilation: The distance between the positions that the depthwise kernel
            reads. Default 1. With strides 2, the unstrided output at even
            positions.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides[0]),
        ceil(width / strides[1]), filters)`.

    Example:

    >>> unit = SeparableConvolutionBatchNorm(8, (5, 5))
    >>> unit(keras.ops.ones((2, 7, 7, 3))).shape
    TensorShape([2, 7, 7, 8])
    """

    def _build_kernels(self, channels: int) -> None:
        self.depthwise_kernel = self._add_kernel(
            "depthwise_kernel", (*self.kernel_size, channels, 1)
        )
        self.pointwise_kernel = self._add_kernel(
            "pointwise_kernel", (1, 1, channels, self.filters)
        )

    def folded_weights(self) -> list[Any]:
        """See `ConvolutionBatchNorm`."""
        return [
            self.depthwise_kernel,
            *self.batch_norm.folded([self.pointwise_kernel]),
        ]

    def call(self, activated, training=None):
        states, strides, dilation = self._even_positions(activated)
        states, padding = self._padded(states, strides, dilation)
        outputs = kernels.depthwise_conv2d(
            states,
            self.depthwise_kernel,
            strides[0],
            dilation,
            self.conventions.data_format,
            training,
            padding,
        )
        return self._convolve(
            outputs, self.pointwise_kernel, (1, 1), 1, training
        )


@keras.saving.register_keras_serializable(package="nasnet_keras")
class DepthwiseConvolutionBatchNorm(ConvolutionUnit):
    """A depthwise convolution, then batch norm.

    Args:
        filters: The channels of the input, which are those of the output.
        kernel_size: Height and width of the kernel.
        strides: Strides along height and width. Default (1, 1).
        dilation: See `ConvolutionBatchNorm`. Default 1.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, filters)`.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides[0]),
        ceil(width / strides[1]), filters)`.

    Raises:
        ValueError: Other channels come in.

    Example:

    >>> unit = DepthwiseConvolutionBatchNorm(8, (5, 5), strides=(2, 2))
    >>> unit(keras.ops.ones((2, 7, 7, 8))).shape
    TensorShape([2, 4, 4, 8])
    """

    def _build_kernels(self, channels: int) -> None:
        if channels != self.filters:
            raise ValueError(
                "Invalid value for argument `filters`. Expected those of the "
                f"input, {channels}. Received: filters={self.filters}."
            )
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, channels, 1)
        )

    def folded_weights(self) -> list[Any]:
        """See `ConvolutionBatchNorm`."""
        kernel, *bias = self.batch_norm.folded([self.kernel[..., 0]])
        return [kernel[..., None], *bias]

    def call(self, activated, training=None):
        states, strides, dilation = self._even_positions(activated)
        states, padding = self._padded(states, strides, dilation)
        return self._normalise(
            self.kernel,
            lambda kernel, bias=None: kernels.depthwise_conv2d(
                states,
                kernel,
                strides[0],
                dilation,
                self.conventions.data_format,
                training,
                padding,
                bias,
            ),
            training,
        )
