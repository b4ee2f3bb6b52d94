"""A unit of several branches: one layer that computes what a `Unit` says."""

from typing import Any

import keras
import numpy as np
import pydantic
from keras import ops

from nasnet_keras.layers import kernels
from nasnet_keras.layers.activations import find_activation
from nasnet_keras.layers.conventions import Conventions
from nasnet_keras.layers.convolution_unit import (
    UnitPlan,
    folded_weights,
    normalization,
)
from nasnet_keras.layers.drop_path import DropPath
from nasnet_keras.layers.squeeze_excite import SqueezeExcite
from nasnet_keras.units import (
    Convolution,
    Gather,
    Normalization,
    Pool,
    Shuffle,
    Squeeze,
    Unit,
)

_UNITS = pydantic.TypeAdapter(Unit)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class BranchedUnit(keras.layers.Layer):
    """One of the units that a `Unit` stands for; `repeats` is not looked at.

    Args:
        unit: A `Unit`, or the same as JSON data.
        activation: A key of `ACTIVATIONS`. Default `"relu"`.
        drop_path_rate: The rate with which the branches beside an identity
            that they are added to are dropped in training, see `DropPath`.
            Default 0.
        drop_path_steps: Over how many steps that is reached. Default None:
            from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor with shape `(batch_size, ceil(height / strides),
        ceil(width / strides), unit.output_channels(channels))`.

    Raises:
        ValueError: The unit does not fit the channels.

    Example:

    >>> branch = (Convolution(8, 3, groups=4), Squeeze(0.25), Shuffle(4))
    >>> layer = BranchedUnit(Unit((branch, ()), join="concatenate"))
    >>> layer(keras.ops.ones((2, 7, 7, 16))).shape
    TensorShape([2, 7, 7, 24])
    """

    def __init__(
        self,
        unit: Any,
        activation: str = "relu",
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.unit = _UNITS.validate_python(unit)
        self.activation = activation
        self.activate = find_activation(activation)
        self.drop_path_rate = drop_path_rate
        self.drop_path_steps = drop_path_steps
        self.conventions = Conventions.from_dict(conventions)

    def build(self, input_shape):
        axis = self.conventions.channel_axis
        self.unit.output_channels(input_shape[axis])  # or a sentence
        self.branches = []
        for number, steps in enumerate(self.unit.branches):
            shape = list(input_shape)
            shape[axis] = self.unit.branch_channels(shape[axis])
            layers = []
            for place, step in enumerate(steps):
                layer = self._layer(step, shape[axis], f"{number}_{place}")
                if layer is not None:
                    layer.build(tuple(shape))
                layers.append(layer)
                shape = self._shape_behind(step, shape)
            self.branches.append(layers)
        self.drop_path = None
        adds = self.unit.join == "add" and () in self.unit.branches
        if adds and self.drop_path_rate:
            self.drop_path = DropPath(
                self.drop_path_rate, self.drop_path_steps, name="drop_path"
            )

    def _layer(
        self, step: Any, channels: int, place: str
    ) -> keras.layers.Layer | None:
        """What has the weights of a step, not built."""
        conventions = self.conventions
        kwargs = {"dtype": self.dtype_policy, "name": f"{step.step}_{place}"}
        match step:
            case Convolution():
                plan = convolution_plan(step, channels)
                return plan.layer(conventions, **kwargs)
            case Normalization():
                return normalization(channels, conventions, **kwargs)
            case Squeeze():
                return SqueezeExcite(
                    step.squeezed(channels),
                    self.activation,
                    conventions,
                    **kwargs,
                )
            case Gather():
                count = step.output_channels(channels)
                return ChannelGather(count, step.groups, conventions, **kwargs)
        return None

    def _shape_behind(self, step: Any, shape: Any) -> list[int | None]:
        channels = shape[self.conventions.channel_axis]
        return list(
            self.conventions.output_shape(
                shape, step.output_channels(channels), (step.strides,) * 2
            )
        )

    @property
    def steps(self) -> list[tuple[int, int, Any, keras.layers.Layer]]:
        """Branch, place, step and layer of every step with weights, in the
        order of the weights."""
        return [
            (number, place, step, layer)
            for number, steps in enumerate(self.unit.branches)
            for place, (step, layer) in enumerate(
                zip(steps, self.branches[number], strict=True)
            )
            if layer is not None
        ]

    def folded_weights(self) -> list[Any]:
        """The weights with which the same unit with biases for its batch
        norms does as this one does in inference."""
        return [
            weight
            for *_, layer in self.steps
            for weight in folded_weights(layer)
        ]

    def call(self, inputs, training=None):
        axis = self.conventions.channel_axis
        count = len(self.unit.branches)
        states = [inputs] * count
        if self.unit.split:
            states = ops.split(inputs, count, axis)
        outputs = []
        for state, steps, layers in zip(
            states, self.unit.branches, self.branches, strict=True
        ):
            for step, layer in zip(steps, layers, strict=True):
                state = self._done(step, layer, state, training)
            if steps and self.drop_path is not None:
                state = self.drop_path(state, training=training)
            outputs.append(state)
        joined = outputs[0]
        if self.unit.join == "concatenate":
            joined = ops.concatenate(outputs, axis)
        else:
            for output in outputs[1:]:
                joined = joined + output
        if self.unit.activated:
            joined = self.activate(joined)
        return kernels.channel_shuffle(joined, self.unit.shuffle, axis)

    def _done(self, step: Any, layer: Any, state: Any, training: Any) -> Any:
        """What a step makes of a state."""
        match step:
            case Convolution() | Normalization():
                state = layer(state, training=training)
                activated = not isinstance(step, Convolution) or step.activated
                return self.activate(state) if activated else state
            case Shuffle():
                axis = self.conventions.channel_axis
                return kernels.channel_shuffle(state, step.groups, axis)
            case Pool():
                return self._pooled(step, state)
        return layer(state)

    def _pooled(self, step: Pool, state: Any) -> Any:
        data_format, padding = self.conventions.data_format, "same"
        if step.padding == "zeros":
            margin = step.size // 2
            state = kernels.with_zeros(state, (margin, margin), data_format)
            padding = "valid"
        pool = ops.max_pool if step.kind == "maximum" else kernels.average_pool
        return pool(state, step.size, 2, padding, data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[self.conventions.channel_axis]
        return self.conventions.output_shape(
            input_shape,
            self.unit.output_channels(channels),
            (self.unit.strides,) * 2,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "unit": _UNITS.dump_python(self.unit, mode="json"),
            "activation": self.activation,
            "drop_path_rate": self.drop_path_rate,
            "drop_path_steps": self.drop_path_steps,
            "conventions": self.conventions.to_dict(),
        }


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
        available = input_shape[self.conventions.channel_axis]
        spread = np.arange(self.channels) * available // self.channels
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


def convolution_plan(step: Convolution, channels: int) -> UnitPlan:
    """The unit of a step, given the channels that come in."""
    return UnitPlan(
        step.output_channels(channels),
        (step.kernel_size,) * 2,
        (step.strides,) * 2,
        depthwise=step.filters is None,
        groups=step.groups,
        bare=not step.normalized,
    )
