"""The layers of mobile networks: a convolution, or several, around which a
skip may go."""

from typing import Any, Literal, NamedTuple

import keras

from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.activations import find_activation
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.layers.parts.squeeze_excite import (
    SqueezeExcite,
    squeezed_channels,
)

Skip = Literal["none", "identity", "pool"]
SKIPS: tuple[Skip, ...] = ("none", "identity", "pool")


class ResidualPlan(NamedTuple):
    """What such a layer computes: enough to build it and to count its cost.

    Attributes:
        activated: Convolutions, each with an activation behind it.
        squeezed: The channels between the two convolutions of a
            squeeze-and-excite behind them, 0 for none.
        projection: The last convolution, behind which is no activation, or
            None.
    """

    activated: tuple[UnitPlan, ...]
    squeezed: int
    projection: UnitPlan | None

    @property
    def units(self) -> tuple[UnitPlan, ...]:
        """All convolutions, in order."""
        excites = (
            SqueezeExcite.plan(self.activated[-1].filters, self.squeezed)
            if self.squeezed
            else ()
        )
        last = () if self.projection is None else (self.projection,)
        return (*self.activated, *excites, *last)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class ResidualConvolution(keras.layers.Layer):
    """A convolution, batch norm and activation; then a squeeze-and-excite, if
    `squeeze_ratio` is not 0. A skip adds the input.

    A skip that does not fit adds nothing: if the input has other channels than
    `filters`, or for `"identity"` with strides.

    Args:
        filters: The channels of the output.
        kernel_size: Height and width of the kernel. Default 3.
        strides: 1, or 2 to halve height and width. Default 1.
        squeeze_ratio: The channels between the two convolutions of the
            squeeze-and-excite, as a share of the layer's input channels.
            Default 0: no squeeze-and-excite. MnasNet: 0.25.
        skip: What the skip adds: `"none"`, nothing; `"identity"`, the input; or
            `"pool"`, the 3x3 averages of the input. Default `"identity"`.
        activation: A key of `ACTIVATIONS`. Default `"relu"`.
        drop_path_rate: The rate with which the path beside the skip is
            dropped in training, see `DropPath`. Default 0.
        drop_path_steps: Over how many steps that is reached. Default None:
            from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides),
        ceil(width / strides), filters)`.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> layer = ResidualConvolution(8, kernel_size=5, strides=2)
    >>> layer(keras.ops.ones((2, 7, 7, 3))).shape
    TensorShape([2, 4, 4, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        squeeze_ratio: float = 0.0,
        skip: Skip = "identity",
        activation: str = "relu",
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for argument, value in (
            ("filters", filters),
            ("kernel_size", kernel_size),
            ("strides", strides),
        ):
            if type(value) is not int or value < 1:
                raise ValueError(
                    f"Invalid value for argument `{argument}`. Expected a "
                    f"positive integer. Received: {argument}={value!r}."
                )
        if not isinstance(squeeze_ratio, int | float) or squeeze_ratio < 0:
            raise ValueError(
                "Invalid value for argument `squeeze_ratio`. Expected 0 or a "
                f"positive share. Received: squeeze_ratio={squeeze_ratio!r}."
            )
        if skip not in SKIPS:
            raise ValueError(
                "Invalid value for argument `skip`. Expected one of "
                f"{', '.join(SKIPS)}. Received: skip={skip!r}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.squeeze_ratio = squeeze_ratio
        self.skip = skip
        self.activation = activation
        self.activate = find_activation(activation)
        self.drop_path_rate = drop_path_rate
        self.drop_path_steps = drop_path_steps
        self.conventions = Conventions.from_dict(conventions)

    @classmethod
    def plan(
        cls,
        channels: int,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        squeeze_ratio: float = 0.0,
    ) -> ResidualPlan:
        """What the layer with these arguments computes, given the channels
        that come in."""
        return ResidualPlan(
            (
                UnitPlan(
                    filters, (kernel_size, kernel_size), (strides, strides)
                ),
            ),
            squeezed_channels(channels, squeeze_ratio),
            None,
        )

    def planned(self, channels: int) -> ResidualPlan:
        """`plan` with the arguments of this layer."""
        return self.plan(
            channels,
            self.filters,
            self.kernel_size,
            self.strides,
            self.squeeze_ratio,
        )

    def build(self, input_shape):
        axis = self.conventions.channel_axis
        channels = input_shape[axis]
        plan = self.planned(channels)
        self.activated = []
        for unit, name in zip(
            plan.activated, _NAMES[-len(plan.activated) :], strict=True
        ):
            layer, input_shape = self._built(unit, input_shape, name)
            self.activated.append(layer)
        self.squeeze_excite = None
        if plan.squeezed:
            self.squeeze_excite = SqueezeExcite(
                plan.squeezed,
                self.activation,
                self.conventions,
                dtype=self.dtype_policy,
                name="squeeze_excite",
            )
            self.squeeze_excite.build(input_shape)
        self.projection = None
        if plan.projection is not None:
            self.projection, _ = self._built(
                plan.projection, input_shape, "projection"
            )
        fits = channels == self.filters and not (
            self.skip == "identity" and self.strides > 1
        )
        self.skips = fits and self.skip != "none"
        self.drop_path = None
        if self.skips and self.drop_path_rate:
            self.drop_path = DropPath(
                self.drop_path_rate, self.drop_path_steps, name="drop_path"
            )

    def _built(
        self, unit: UnitPlan, input_shape: Any, name: str
    ) -> tuple[keras.layers.Layer, Any]:
        layer = unit.layer(self.conventions, dtype=self.dtype_policy, name=name)
        layer.build(input_shape)
        return layer, layer.compute_output_shape(input_shape)

    @property
    def units(self) -> list[keras.layers.Layer]:
        """The convolutions of the built layer, in order."""
        excite = self.squeeze_excite
        return [
            *self.activated,
            *(() if excite is None else excite.units),
            *(() if self.projection is None else (self.projection,)),
        ]

    def folded_weights(self) -> list[Any]:
        """Weights for the same layer with batch norms folded into kernels and
        biases."""
        return [
            weight for unit in self.units for weight in unit.folded_weights()
        ]

    def call(self, inputs, training=None):
        outputs = inputs
        for unit in self.activated:
            outputs = self.activate(unit(outputs, training=training))
        if self.squeeze_excite is not None:
            outputs = self.squeeze_excite(outputs)
        if self.projection is not None:
            outputs = self.projection(outputs, training=training)
        if not self.skips:
            return outputs
        if self.drop_path is not None:
            outputs = self.drop_path(outputs, training=training)
        if self.skip == "pool":
            inputs = kernels.average_pool(
                inputs, 3, self.strides, "same", self.conventions.data_format
            )
        # As of `Add`.
        return inputs + outputs

    def compute_output_shape(self, input_shape):
        return self.conventions.output_shape(
            input_shape, self.filters, (self.strides, self.strides)
        )

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "squeeze_ratio": self.squeeze_ratio,
            "skip": self.skip,
            "activation": self.activation,
            "drop_path_rate": self.drop_path_rate,
            "drop_path_steps": self.drop_path_steps,
            "conventions": self.conventions.to_dict(),
        }


@keras.saving.register_keras_serializable(package="nasnet_keras")
class InvertedResidual(ResidualConvolution):
    """A 1x1 convolution to many channels and a depthwise convolution, each with
    batch norm and activation; then a squeeze-and-excite, if `squeeze_ratio` is
    not 0; then a 1x1 convolution to few channels with batch norm. A skip adds
    the input.

    Reference:
        [Sandler et al. 2018](https://arxiv.org/abs/1801.04381), section 3;
        with squeeze-and-excite [Tan et al. 2019](
        https://arxiv.org/abs/1807.11626), figure 7.

    Args:
        filters: The channels of the output.
        kernel_size: Height and width of the depthwise kernel. Default 3.
        strides: 1, or 2 to halve height and width. Default 1.
        squeeze_ratio: The channels between the two convolutions of the
            squeeze-and-excite, as a share of the layer's input channels, not
            of the many channels. Default 0: no squeeze-and-excite.
        skip: What the skip adds: `"none"`, nothing; `"identity"`, the input; or
            `"pool"`, the 3x3 averages of the input. Default `"identity"`.
        activation: A key of `ACTIVATIONS`. Default `"relu"`.
        drop_path_rate: The rate with which the path beside the skip is
            dropped in training, see `DropPath`. Default 0.
        drop_path_steps: Over how many steps that rate is reached. Default
            None: from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
        expansion: The many channels, divided by the input channels. With 1
            there is no first convolution: the layer is a depthwise separable
            convolution. Default 6, as in MobileNetV2.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides),
        ceil(width / strides), filters)`.

    Raises:
        ValueError: An argument is out of range.

    Example:

    >>> layer = InvertedResidual(8, kernel_size=5, squeeze_ratio=0.25)
    >>> layer(keras.ops.ones((2, 7, 7, 8))).shape
    TensorShape([2, 7, 7, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        squeeze_ratio: float = 0.0,
        skip: Skip = "identity",
        activation: str = "relu",
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        conventions: Any = None,
        expansion: int = 6,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            squeeze_ratio,
            skip,
            activation,
            drop_path_rate,
            drop_path_steps,
            conventions,
            **kwargs,
        )
        if type(expansion) is not int or expansion < 1:
            raise ValueError(
                "Invalid value for argument `expansion`. Expected a positive "
                f"integer. Received: expansion={expansion!r}."
            )
        self.expansion = expansion

    @classmethod
    def plan(
        cls,
        channels: int,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        squeeze_ratio: float = 0.0,
        expansion: int = 6,
    ) -> ResidualPlan:
        many = channels * expansion
        depthwise = UnitPlan(
            many,
            (kernel_size, kernel_size),
            (strides, strides),
            depthwise=True,
        )
        return ResidualPlan(
            (UnitPlan(many), depthwise) if expansion > 1 else (depthwise,),
            squeezed_channels(channels, squeeze_ratio),
            UnitPlan(filters),
        )

    def planned(self, channels: int) -> ResidualPlan:
        """`plan` with the arguments of this layer."""
        return self.plan(
            channels,
            self.filters,
            self.kernel_size,
            self.strides,
            self.squeeze_ratio,
            self.expansion,
        )

    def get_config(self):
        return {**super().get_config(), "expansion": self.expansion}


# Of the convolutions that are activated: the last is there always.
_NAMES = ("expansion", "convolution")
