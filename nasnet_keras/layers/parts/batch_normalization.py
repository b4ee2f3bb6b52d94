"""Batch normalisation by the backend's fused kernel, and the bias that stands
for it where it is folded into the convolution before it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nasnet_keras.layers.parts import kernels


@keras.saving.register_keras_serializable(package="nasnet_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the channels of images, in one
    graph operation where the stock layer takes a dozen.

    It freezes, saves and loads as the stock layer does, and is one for
    `isinstance`. The moving variance takes in the unbiased variance of each
    batch; see `nasnet_keras.layers.parts.kernels`.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels at `axis`.

    Output shape:
        The same.

    Example:

    >>> layer = BatchNormalization()
    >>> layer(keras.ops.ones((2, 4, 4, 3))).shape
    TensorShape([2, 4, 4, 3])
    """

    def call(self, inputs, training=None, mask=None):
        if (
            mask is not None
            or self.synchronized
            or self.renorm
            or self.gamma is None
            or self.beta is None
        ):
            return super().call(inputs, training=training, mask=mask)
        # Statistics of half-precision inputs are computed in float32.
        wide = keras.backend.result_type(inputs.dtype, "float32")
        parameters = {
            "offset": ops.cast(self.beta, wide),
            "scale": ops.cast(self.gamma, wide),
            "epsilon": self.epsilon,
            "axis": self.axis,
        }
        moving_mean = ops.cast(self.moving_mean, wide)
        moving_variance = ops.cast(self.moving_variance, wide)
        if not (training and self.trainable):
            return kernels.batch_normalization(
                inputs,
                mean=moving_mean,
                variance=moving_variance,
                **parameters,
            )
        outputs, mean, variance = kernels.batch_normalization_training(
            inputs,
            moving_mean=moving_mean,
            moving_variance=moving_variance,
            momentum=self.momentum,
            **parameters,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs

    def factors_and_offsets(self) -> tuple[Any, Any]:
        """`[channels]` each: in inference the layer gives `inputs * factors +
        offsets`. For a layer with scale and offset."""
        factors = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
        return factors, self.beta - self.moving_mean * factors

    def folded(self, convolutions: Sequence[Any]) -> list[np.ndarray]:
        """As `folded`."""
        return folded(self, convolutions)

    def folded_alone(self) -> list[np.ndarray]:
        """The kernel of a depthwise 1x1 convolution and a bias that do in
        inference as the layer does, where no convolution is before it."""
        channels = self.moving_mean.shape[0]
        kernel, bias = self.folded([np.ones((1, 1, channels))])
        return [kernel[..., None], bias]


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Bias(keras.layers.Layer):
    """Adds a number to each channel: what a batch norm leaves to be done in
    inference where it is folded into the convolution before it.

    Args:
        axis: The axis of the channels, -1 or 1. Default -1.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels at `axis`.

    Output shape:
        The same.

    Example:

    >>> Bias()(keras.ops.ones((2, 4, 4, 3))).shape
    TensorShape([2, 4, 4, 3])
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape):
        self.bias = self.add_weight(
            name="bias", shape=(input_shape[self.axis],), initializer="zeros"
        )

    def call(self, inputs, training=None, mask=None):
        return kernels.add_bias(inputs, self.bias, self.axis)

    def folded(self, convolutions: Sequence[Any]) -> list[Any]:
        """See `BatchNormalization`. The kernels are folded already, so they are
        returned with the bias."""
        return [*convolutions, self.bias]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


@keras.saving.register_keras_serializable(package="nasnet_keras")
class NoNormalization(keras.layers.Layer):
    """A layer in place of a batch norm. It returns its input.

    Example:

    >>> NoNormalization()(keras.ops.ones((2, 4, 4, 3))).shape
    TensorShape([2, 4, 4, 3])
    """

    def build(self, input_shape):
        """It has no weights."""

    def call(self, inputs, training=None):
        return inputs

    def folded(self, convolutions: Sequence[Any]) -> list[Any]:
        """See `BatchNormalization`. The kernels are returned unchanged."""
        return [*convolutions]

    def compute_output_shape(self, input_shape):
        return input_shape


def folded(
    norm: keras.layers.BatchNormalization, convolutions: Sequence[Any]
) -> list[np.ndarray]:
    """What does in inference without a batch norm as it does.

    Args:
        norm: The batch norm, of ours or of Keras.
        convolutions: The kernels of those whose outputs, one after the other
            along the channels, it normalises. Filters come last.

    Returns:
        Kernels in their place, and the values of a `Bias` in that of the
        batch norm. Float64.
    """
    mean, variance, offset, scale = (
        np.asarray(ops.convert_to_numpy(values), "float64")
        for values in (
            norm.moving_mean,
            norm.moving_variance,
            0.0 if norm.beta is None else norm.beta,
            1.0 if norm.gamma is None else norm.gamma,
        )
    )
    factors = scale / np.sqrt(variance + norm.epsilon)
    ends = np.cumsum([kernel.shape[-1] for kernel in convolutions])[:-1]
    return [
        *(
            np.asarray(ops.convert_to_numpy(kernel), "float64") * part
            for kernel, part in zip(
                convolutions, np.split(factors, ends), strict=True
            )
        ),
        offset - mean * factors,
    ]
