"""The combiners: how a block makes one hidden state of two."""

from typing import Any, ClassVar

import keras
from keras import ops

from nasnet_keras.layers.parts.conventions import Conventions


class Combiner(keras.layers.Layer):
    """The base of the combiners: two tensors of one shape in, one out.

    Args:
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.
    """

    def __init__(self, conventions: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conventions = Conventions.from_dict(conventions)

    @classmethod
    def parameters(cls, filters: int) -> int:
        """How many trainable parameters it has for states of that width."""
        return 0

    def build(self, input_shape):
        first, second = (tuple(shape) for shape in input_shape)
        if first != second:
            raise ValueError(
                f"The combiner `{self.name}` takes two tensors of one shape. "
                f"Received: {first} and {second}."
            )

    def get_config(self):
        return {
            **super().get_config(),
            "conventions": self.conventions.to_dict(),
        }


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Add(Combiner):
    """Element-wise addition.

    Input shape:
        A list of two 4D tensors with shape `(batch_size, height, width,
        filters)`.

    Output shape:
        A 4D tensor with the same shape.

    Example:

    >>> Add()([keras.ops.ones((2, 6, 6, 8))] * 2).shape
    TensorShape([2, 6, 6, 8])
    """

    def call(self, states):
        # Not `ops.add`, which makes a bias of a state of a single position.
        first, second = states
        return first + second

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="nasnet_keras")
class Concatenate(Combiner):
    """Concatenation along the channels.

    Input shape:
        A list of two 4D tensors with shape `(batch_size, height, width,
        filters)`.

    Output shape:
        A 4D tensor with shape `(batch_size, height, width, 2 * filters)`.

    Example:

    >>> Concatenate()([keras.ops.ones((2, 6, 6, 8))] * 2).shape
    TensorShape([2, 6, 6, 16])
    """

    def call(self, states):
        return ops.concatenate(states, axis=self.conventions.channel_axis)

    def compute_output_shape(self, input_shape):
        shape = list(input_shape[0])
        shape[self.conventions.channel_axis] *= 2
        return tuple(shape)


class NormalizedAdd(Combiner):
    """The base: each state is normalised by itself, then both are added.

    The statistics are those of one example, in training and in inference;
    each channel has a scale and an offset.
    """

    groups: ClassVar[int]

    @classmethod
    def parameters(cls, filters):
        return 4 * filters

    def build(self, input_shape):
        super().build(input_shape)
        self.norms = [
            keras.layers.GroupNormalization(
                self.groups,
                axis=self.conventions.channel_axis,
                epsilon=self.conventions.bn_epsilon,
                dtype=self.dtype_policy,
                name=f"norm_{side}",
            )
            for side in range(2)
        ]
        for norm in self.norms:
            norm.build(input_shape[0])

    def call(self, states):
        first, second = (
            norm(state) for norm, state in zip(self.norms, states, strict=True)
        )
        return ops.add(first, second)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="nasnet_keras")
class AddLayerNorm(NormalizedAdd):
    """Layer normalization of each state over height, width and channels, then
    element-wise addition (NASNet paper, figure 9).

    Example:

    >>> AddLayerNorm()([keras.ops.ones((2, 6, 6, 8))] * 2).shape
    TensorShape([2, 6, 6, 8])
    """

    groups = 1


@keras.saving.register_keras_serializable(package="nasnet_keras")
class AddInstanceNorm(NormalizedAdd):
    """Instance normalization of each state over height and width, then
    element-wise addition (NASNet paper, figure 9).

    Example:

    >>> AddInstanceNorm()([keras.ops.ones((2, 6, 6, 8))] * 2).shape
    TensorShape([2, 6, 6, 8])
    """

    groups = -1


# The layer of each combiner, by the name that genotypes use.
COMBINERS: dict[str, type[Combiner]] = {
    "add": Add,
    "concat": Concatenate,
    "add_layer_norm": AddLayerNorm,
    "add_instance_norm": AddInstanceNorm,
}
