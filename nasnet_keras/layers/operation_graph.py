"""A part of a network given as a table of nodes, as one layer."""

import functools
import operator
from collections.abc import Sequence
from typing import Any, cast

import keras
import pydantic
from keras import ops

from nasnet_keras.console.command_line import sentence
from nasnet_keras.graph_nodes import (
    Activation,
    Concatenation,
    Convolution,
    Drop,
    Gather,
    GraphNode,
    Normalization,
    Pool,
    Shuffle,
    Split,
    Squeeze,
    Step,
    Sum,
    Zeros,
    state_channels,
)
from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.activations import find_activation
from nasnet_keras.layers.parts.channel_gather import ChannelGather
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import (
    UnitPlan,
    folded_weights,
    normalization,
)
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.layers.parts.squeeze_excite import SqueezeExcite

_NODES = pydantic.TypeAdapter(tuple[GraphNode, ...])


@keras.saving.register_keras_serializable(package="nasnet_keras")
class OperationGraph(keras.layers.Layer):
    """Nodes that read each other: convolutions, pools, sums, concatenations.

    Args:
        nodes: The nodes, each a `GraphNode`, or the same as JSON data. The
            last makes the output. Those of a `Unit` are its `nodes`.
        activation: A key of `ACTIVATIONS`. Default `"relu"`.
        drop_path_rate: With which a path is dropped in training where a node
            is a `Drop`, see `DropPath`. Default 0.
        drop_path_steps: Over how many steps that is reached. Default None:
            from the start.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor, divided by the strides on the way to the last node, with
        the channels of that.

    Raises:
        ValueError: There is no node, or one reads a state that is not before
            it, or channels that do not fit.

    Example:

    >>> nodes = [GraphNode(Convolution(8, 3)), GraphNode(Sum(), (0, 1))]
    >>> OperationGraph(nodes)(keras.ops.ones((2, 7, 7, 8))).shape
    TensorShape([2, 7, 7, 8])
    """

    def __init__(
        self,
        nodes: Sequence[Any],
        activation: str = "relu",
        drop_path_rate: float = 0.0,
        drop_path_steps: int | None = None,
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.nodes = _checked(nodes)
        self.activation = activation
        self.activate = find_activation(activation)
        self.drop_path_rate = drop_path_rate
        self.drop_path_steps = drop_path_steps
        self.conventions = Conventions.from_dict(conventions)

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        self.layers = []  # None for nodes without weights
        for number, node in enumerate(self.nodes):
            shape = shapes[node.reads[0]]
            layer = self._layer(
                node.step,
                shape[self.conventions.channel_axis],
                dtype=self.dtype_policy,
                name=f"{node.step.step}_{node.label or number}",
            )
            if layer is not None and not layer.built:
                layer.build(shape)
            self.layers.append(layer)

    def _layer(
        self, step: Step, channels: int, **kwargs: Any
    ) -> keras.layers.Layer | None:
        """That of a step, not built; None of one without weights."""
        conventions = self.conventions
        match step:
            case Convolution():
                (plan,) = units_of(step, channels)
                return plan.layer(conventions, **kwargs)
            case Normalization():
                return normalization(channels, conventions, **kwargs)
            case Squeeze():
                count = step.squeezed(channels)
                return SqueezeExcite(
                    count, self.activation, conventions, **kwargs
                )
            case Gather():
                count = step.output_channels(channels)
                return ChannelGather(count, step.groups, conventions, **kwargs)
            case Drop() if self.drop_path_rate:
                return DropPath(
                    self.drop_path_rate, self.drop_path_steps, **kwargs
                )
        return None

    def _shapes(self, input_shape: Any) -> list[Any]:
        """Those of all states."""
        first, *states = state_channels(
            self.nodes, input_shape[self.conventions.channel_axis]
        )
        shapes = [tuple(input_shape)]
        for node, channels in zip(self.nodes, states, strict=True):
            shapes.append(
                self.conventions.output_shape(
                    shapes[node.reads[0]], channels, (node.step.strides,) * 2
                )
            )
        return shapes

    def folded_weights(self) -> list[Any]:
        """The weights with which the same layer with biases for its batch
        norms, and no path to drop, does as this one does in inference."""
        return [
            weight
            for layer in self.layers
            if layer is not None and not isinstance(layer, DropPath)
            for weight in folded_weights(layer)
        ]

    def call(self, inputs, training=None):
        states = [inputs]
        for number, node in enumerate(self.nodes):
            read = [states[state] for state in node.reads]
            states.append(self.node_output(number, read, training))
        return states[-1]

    def node_output(
        self, number: int, read: Sequence[Any], training: Any = None
    ) -> Any:
        """What a node makes of the states that it reads.

        Args:
            number: The position of the node.
            read: The states.
            training: Whether paths are dropped and batches normalized by their
                own statistics.
        """
        step, layer = self.nodes[number].step, cast(Any, self.layers[number])
        (state, *_), axis = read, self.conventions.channel_axis
        match step:
            case Convolution(activated=False):
                return layer(state, training=training)
            case Convolution() | Normalization():
                return self.activate(layer(state, training=training))
            case Squeeze() | Gather():
                return layer(state)
            case Activation():
                return self.activate(state)
            case Pool():
                return self._pooled(step, state)
            case Shuffle():
                return kernels.channel_shuffle(state, step.groups, axis)
            case Split():
                return ops.split(state, step.shares, axis)[step.number]
            case Drop():
                return layer(state, training=training) if layer else state
            case Zeros():
                # What makes it is trained, by gradients of zero.
                return state * 0
            case Concatenation():
                return ops.concatenate(read, axis) if len(read) > 1 else state
            case Sum():
                cut = (self._cut(step, each) for each in read)
                return functools.reduce(operator.add, cut)
        raise TypeError(step)

    def _cut(self, step: Sum, state: Any) -> Any:
        axis = self.conventions.channel_axis
        if step.channels and step.channels < state.shape[axis]:
            return ops.split(state, [step.channels], axis)[0]
        return state

    def _pooled(self, step: Pool, state: Any) -> Any:
        data_format, padding = self.conventions.data_format, "same"
        if step.padding == "zeros":
            margin = step.size // 2
            state = kernels.with_zeros(state, (margin, margin), data_format)
            padding = "valid"
        pool = ops.max_pool if step.kind == "maximum" else kernels.average_pool
        return pool(state, step.size, step.strides, padding, data_format)

    def compute_output_shape(self, input_shape):
        return self._shapes(input_shape)[-1]

    def get_config(self):
        return {
            **super().get_config(),
            "nodes": _NODES.dump_python(self.nodes, mode="json"),
            "activation": self.activation,
            "drop_path_rate": self.drop_path_rate,
            "drop_path_steps": self.drop_path_steps,
            "conventions": self.conventions.to_dict(),
        }


def _checked(nodes: Sequence[Any]) -> tuple[GraphNode, ...]:
    try:
        table = _NODES.validate_python(nodes)
    except pydantic.ValidationError as error:
        raise ValueError(
            "Invalid value for argument `nodes`. Expected nodes of a graph. "
            + sentence(error.errors()[0])
        ) from None
    if not table:
        raise ValueError(
            "Invalid value for argument `nodes`. Expected at least one. "
            "Received: nodes=()."
        )
    for number, node in enumerate(table):
        if not all(0 <= state <= number for state in node.reads or (-1,)):
            raise ValueError(
                "Invalid value for argument `nodes`. Expected nodes that each "
                f"read states before it. Received: {node} as node {number}."
            )
    return table


def units_of(step: Step, channels: int) -> tuple[UnitPlan, ...]:
    """The units of a step that reads this number of channels."""
    match step:
        case Convolution():
            unit = UnitPlan(
                step.filters or channels,
                (step.kernel_size,) * 2,
                (step.strides,) * 2,
                depthwise=step.filters is None,
                groups=step.groups,
                bare=not step.normalized,
            )
            return (unit,)
        case Squeeze():
            return SqueezeExcite.plan(channels, step.squeezed(channels))
    return ()
