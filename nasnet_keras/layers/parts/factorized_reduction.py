"""Halving height and width without losing positions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.conventions import Conventions


@keras.saving.register_keras_serializable(package="nasnet_keras")
class FactorizedReduction(keras.layers.Layer):
    """Two 1x1 convolutions with stride 2, the second over the input shifted
    by one row and one column; their outputs concatenated; one batch norm.

    No ReLU is applied. Where `filters` is odd the second convolution makes
    one more channel (TF-slim, `nasnet_utils.py`). With the convention
    `normalization="bias"` it is one 2x2 convolution with strides 2, which
    computes the same in less time: the first path reads one corner of the
    kernel, the second the opposite one.

    Args:
        filters: The channels of the output.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / 2), ceil(width /
        2), filters)`.

    Example:

    >>> FactorizedReduction(8)(keras.ops.ones((2, 7, 7, 3))).shape
    TensorShape([2, 4, 4, 8])
    """

    def __init__(
        self, filters: int, conventions: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.conventions = Conventions.from_dict(conventions)
        self.batch_norm = self.conventions.batch_norm(
            dtype=self.dtype_policy, name="batch_norm"
        )

    def build(self, input_shape):
        channels = input_shape[self.conventions.channel_axis]
        half = self.filters // 2
        if self.conventions.normalization == "bias":
            self.kernel = self._add_kernel(
                "kernel", (2, 2, channels, self.filters)
            )
        else:
            self.path_kernels = [
                self._add_kernel(
                    f"path_{path}_kernel", (1, 1, channels, filters)
                )
                for path, filters in enumerate((half, self.filters - half))
                # A single filter leaves nothing for the first path.
                if filters
            ]
        self.batch_norm.build(self.compute_output_shape(input_shape))

    def _add_kernel(self, name, shape):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=self.conventions.kernel_initializer,
        )

    def call(self, states, training=None):
        if self.conventions.normalization == "bias":
            outputs = kernels.conv2d(
                states, self.kernel, (2, 2), 1, self.conventions.data_format
            )
            return self.batch_norm(outputs)
        data_format = self.conventions.data_format
        outputs = [
            kernels.conv2d(
                kernels.even_positions(path, data_format),
                kernel,
                (1, 1),
                1,
                data_format,
            )
            for path, kernel in zip(
                self._paths(states)[-len(self.path_kernels) :],
                self.path_kernels,
                strict=True,
            )
        ]
        return self.batch_norm(
            ops.concatenate(outputs, axis=self.conventions.channel_axis),
            training=training,
        )

    def folded_weights(self) -> list[Any]:
        """The weights with which the same layer with a bias for its batch norm
        does as this one does in inference."""
        if self.conventions.normalization == "bias":
            return self.get_weights()
        *path_kernels, bias = self.batch_norm.folded(self.path_kernels)
        corners = (((0, 1), (0, 1)), ((1, 0), (1, 0)))[-len(path_kernels) :]
        paths = [
            np.pad(kernel, (*corner, (0, 0), (0, 0)))
            for kernel, corner in zip(path_kernels, corners, strict=True)
        ]
        return [np.concatenate(paths, axis=-1), bias]

    def _paths(self, states: Any) -> list[Any]:
        """The input, and the input shifted by one row and one column."""
        axes = self.conventions.spatial_axes
        paddings = [(0, 0)] * 4
        for axis in axes:
            # Of an even length the last position would not be read.
            if states.shape[axis] is None or states.shape[axis] % 2:
                paddings[axis] = (0, 1)
        shifted = kernels.without_first(states, axes)
        if any(map(any, paddings)):
            shifted = ops.pad(shifted, paddings)
        return [states, shifted]

    def compute_output_shape(self, input_shape):
        return self.conventions.output_shape(input_shape, self.filters, (2, 2))

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "conventions": self.conventions.to_dict(),
        }
