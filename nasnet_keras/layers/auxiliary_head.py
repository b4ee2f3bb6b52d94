"""The auxiliary classifier, at two thirds of the depth, used in training."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import ConvolutionBatchNorm

POOL_SIZE = 5
POOL_STRIDES = 3
FILTERS = (128, 768)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class AuxiliaryHead(keras.layers.Layer):
    """ReLU, 5x5 average pool with stride 3, 1x1 convolution to 128 channels,
    batch norm, ReLU, a convolution over the whole remaining map to 768
    channels, batch norm, ReLU, dense (TF-slim, `nasnet.py`).

    Args:
        classes: The number of classes.
        kernel_size: Height and width of the second convolution, see
            `pooled_size`. A larger map's outputs are averaged, a smaller map
            is padded with zeros. Default: the map's at the first build.
        activation: Of the classifier, None for logits. Default `"softmax"`.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`,
        height and width at least 5.

    Output shape:
        A 2D tensor with shape `(batch_size, classes)`.

    Raises:
        ValueError: The map is smaller than the pool, or its size unknown.

    Example:

    >>> AuxiliaryHead(10)(keras.ops.ones((2, 8, 8, 24))).shape
    TensorShape([2, 10])
    """

    def __init__(
        self,
        classes: int,
        kernel_size: tuple[int, int] | None = None,
        activation: str | None = "softmax",
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.classes = classes
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.conventions = Conventions.from_dict(conventions)

    def build(self, input_shape):
        size = [input_shape[axis] for axis in self.conventions.spatial_axes]
        pooled = pooled_size(size)
        if self.kernel_size is None:
            self.kernel_size = pooled
        self.paddings = [(0, 0)] * 4
        map_shape = [None] + [FILTERS[0]] * 3
        for axis, side, kernel in zip(
            self.conventions.spatial_axes, pooled, self.kernel_size, strict=True
        ):
            self.paddings[axis] = (0, max(kernel - side, 0))
            map_shape[axis] = kernel
        self.projection = ConvolutionBatchNorm(
            FILTERS[0],
            (1, 1),
            conventions=self.conventions,
            dtype=self.dtype_policy,
            name="projection",
        )
        self.projection.build(input_shape)
        self.convolution = layers.Conv2D(
            FILTERS[1],
            self.kernel_size,
            use_bias=False,
            data_format=self.conventions.data_format,
            dtype=self.dtype_policy,
            kernel_initializer=self.conventions.kernel_initializer,
            name="convolution",
        )
        self.convolution.build(map_shape)
        self.batch_norm = self.conventions.batch_norm(
            dtype=self.dtype_policy, name="batch_norm"
        )
        self.batch_norm.build(self.convolution.compute_output_shape(map_shape))
        self.logits = layers.Dense(self.classes, dtype="float32", name="logits")
        self.logits.build((None, FILTERS[1]))

    def call(self, features, training=None):
        data_format = self.conventions.data_format
        activate = self.conventions.activate
        outputs = ops.average_pool(
            activate(features), POOL_SIZE, POOL_STRIDES, "valid", data_format
        )
        outputs = activate(self.projection(outputs, training=training))
        if any(map(any, self.paddings)):
            outputs = ops.pad(outputs, self.paddings)
        outputs = self.batch_norm(self.convolution(outputs), training=training)
        outputs = ops.mean(activate(outputs), self.conventions.spatial_axes)
        return self.activation(self.logits(outputs))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.classes)

    def get_config(self):
        return {
            **super().get_config(),
            "classes": self.classes,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
            "conventions": self.conventions.to_dict(),
        }


def pooled_size(size: Sequence[int | None]) -> tuple[int, int]:
    """Height and width of a map of that size behind the head's pool.

    Raises:
        ValueError: The map is smaller than the pool, or its size unknown.
    """
    height, width = (
        None
        if side is None or side < POOL_SIZE
        else (side - POOL_SIZE) // POOL_STRIDES + 1
        for side in size
    )
    if height is None or width is None:
        raise ValueError(
            "The auxiliary head needs a known map of at least "
            f"{POOL_SIZE} x {POOL_SIZE} at two thirds of the depth. "
            f"Received: {size[0]} x {size[1]}. Use images of a known and "
            "larger size, or no such head: a recipe with an "
            "`auxiliary_weight` of 0, a network with `auxiliary_head=False`."
        )
    return height, width
