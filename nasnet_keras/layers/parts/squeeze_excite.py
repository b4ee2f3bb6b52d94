"""Squeeze-and-excite: channels weighed by what is in all of the image."""

from typing import Any

import keras
from keras import ops

from nasnet_keras.layers.parts.activations import find_activation
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan


def squeezed_channels(channels: int, ratio: float) -> int:
    """The channels between the two convolutions, as a share of some others;
    as MnasNet's code (tensorflow/tpu, `mnasnet_model.py`) rounds it.

    Example:

    >>> squeezed_channels(40, 0.25), squeezed_channels(8, 1 / 16)
    (10, 1)
    """
    return max(1, int(channels * ratio)) if ratio else 0


@keras.saving.register_keras_serializable(package="nasnet_keras")
class SqueezeExcite(keras.layers.Layer):
    """Multiplies each channel by a number from 0 to 1: the mean of all
    positions, a 1x1 convolution with a bias to a few channels, an activation,
    another back, a sigmoid.

    Reference:
        [Hu et al. 2018](https://arxiv.org/abs/1709.01507), section 3.

    Args:
        squeezed: The few channels. The paper has a 16th of those that come
            in.
        activation: Between the two convolutions, a key of `ACTIVATIONS`.
            Default `"relu"`, the paper's.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`.

    Output shape:
        The same.

    Raises:
        ValueError: `squeezed` is not positive, or there is no such
            activation.

    Example:

    >>> SqueezeExcite(4)(keras.ops.ones((2, 7, 7, 16))).shape
    TensorShape([2, 7, 7, 16])
    """

    def __init__(
        self,
        squeezed: int,
        activation: str = "relu",
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if type(squeezed) is not int or squeezed < 1:
            raise ValueError(
                "Invalid value for argument `squeezed`. Expected a positive "
                f"integer. Received: squeezed={squeezed!r}."
            )
        self.squeezed = squeezed
        self.activation = activation
        self.activate = find_activation(activation)
        self.conventions = Conventions.from_dict(conventions)

    @staticmethod
    def plan(channels: int, squeezed: int) -> tuple[UnitPlan, UnitPlan]:
        """The two convolutions."""
        return (
            UnitPlan(squeezed, squeezed=True),
            UnitPlan(channels, squeezed=True),
        )

    def build(self, input_shape):
        channels = input_shape[self.conventions.channel_axis]
        shape = list(input_shape)
        for axis in self.conventions.spatial_axes:
            shape[axis] = 1
        self.units = []
        for name, unit in zip(
            ("squeeze", "excite"),
            self.plan(channels, self.squeezed),
            strict=True,
        ):
            layer = unit.layer(
                self.conventions, dtype=self.dtype_policy, name=name
            )
            layer.build(tuple(shape))
            shape[self.conventions.channel_axis] = unit.filters
            self.units.append(layer)

    def folded_weights(self) -> list[Any]:
        """Its weights: no batch norm is folded into them."""
        return [
            weight for unit in self.units for weight in unit.folded_weights()
        ]

    def call(self, states):
        squeeze, excite = self.units
        means = ops.mean(states, self.conventions.spatial_axes, keepdims=True)
        return states * ops.sigmoid(excite(self.activate(squeeze(means))))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "squeezed": self.squeezed,
            "activation": self.activation,
            "conventions": self.conventions.to_dict(),
        }
