"""Channels by their numbers, which are a weight."""

from typing import Any

import keras
import numpy as np
from keras import ops

from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.conventions import Conventions


@keras.saving.register_keras_serializable(package="nasnet_keras")
class ChannelGather(keras.layers.Layer):
    """Some of the channels, by their numbers, which are a weight of integers.

    Args:
        channels: How many.
        groups: Those of the convolution that reads them: at first the numbers
            ascend within each. Default 1.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, any)`.

    Output shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`.

    Example:

    >>> layer = ChannelGather(4, groups=2)
    >>> images = keras.ops.reshape(keras.ops.arange(8.0), (1, 1, 1, 8))
    >>> keras.ops.convert_to_numpy(layer(images)).tolist()
    [[[[0.0, 4.0, 2.0, 6.0]]]]
    """

    def __init__(
        self,
        channels: int,
        groups: int = 1,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.groups = groups
        self.conventions = Conventions.from_dict(conventions)

    def build(self, input_shape):
        self.available = input_shape[self.conventions.channel_axis]
        spread = np.arange(self.channels) * self.available // self.channels
        in_groups = [
            spread[first :: self.groups] for first in range(self.groups)
        ]
        numbers = np.concatenate(in_groups).astype("int32")
        self.index = self.add_weight(
            name="index",
            shape=(self.channels,),
            dtype="int32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(
                numbers, dtype
            ),
            trainable=False,
            autocast=False,
        )

    def folded_weights(self) -> list[Any]:
        """Its weight: there is no batch norm."""
        return [self.index]

    def call(self, states):
        return kernels.gather(states, self.index, self.conventions.channel_axis)

    def compute_output_shape(self, input_shape):
        return self.conventions.output_shape(input_shape, self.channels, (1, 1))

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "groups": self.groups,
            "conventions": self.conventions.to_dict(),
        }
