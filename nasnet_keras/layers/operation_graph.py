"""A part of a network given as a table of nodes, as one layer."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from nasnet_keras.graph_nodes import (
    CONVOLUTIONS,
    GRAPH_OPERATIONS,
    GraphNode,
)
from nasnet_keras.layers import kernels
from nasnet_keras.layers.conventions import Conventions
from nasnet_keras.layers.convolution_unit import (
    UnitPlan,
    folded_weights,
    normalization,
)


@keras.saving.register_keras_serializable(package="nasnet_keras")
class OperationGraph(keras.layers.Layer):
    """Nodes that read each other: convolutions, pools, sums, concatenations.

    Args:
        nodes: The nodes, each a `GraphNode` or its fields in a list. The last
            makes the output.
        conventions: A `Conventions` or its `to_dict`. Default: the defaults.

    Input shape:
        A 4D tensor with shape `(batch_size, height, width, channels)`, or
        with the channels first if the conventions say so.

    Output shape:
        A 4D tensor, divided by the strides on the way to the last node, with
        the channels of that.

    Raises:
        ValueError: There is no node, or one is of an unknown operation or
            reads a state that is not before it.

    Example:

    >>> nodes = [GraphNode("relu_conv_3x3", (0,), 8), GraphNode("add", (0, 1))]
    >>> OperationGraph(nodes)(keras.ops.ones((2, 7, 7, 8))).shape
    TensorShape([2, 7, 7, 8])
    """

    def __init__(
        self,
        nodes: Sequence[Sequence[Any]],
        conventions: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Of lists, where they come from a configuration file.
        self.nodes = tuple(
            GraphNode(operation, tuple(reads), *rest)
            for operation, reads, *rest in nodes
        )
        self.conventions = Conventions.from_dict(conventions)
        if not self.nodes:
            raise ValueError(
                "Invalid value for argument `nodes`. Expected at least one. "
                "Received: nodes=()."
            )
        for number, node in enumerate(self.nodes):
            if node.operation not in GRAPH_OPERATIONS or not all(
                0 <= state <= number for state in node.reads or (-1,)
            ):
                raise ValueError(
                    "Invalid value for argument `nodes`. Expected operations "
                    f"of {', '.join(GRAPH_OPERATIONS)}, each reading states "
                    f"before it. Received: {node} as node {number}."
                )

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        self.layers = []  # None for nodes without weights
        for number, node in enumerate(self.nodes):
            shape = shapes[node.reads[0]]
            layer = self._layer(
                node,
                shape[self.conventions.channel_axis],
                dtype=self.dtype_policy,
                name=f"node_{number}_{node.operation}",
            )
            if layer is not None:
                layer.build(shape)
            self.layers.append(layer)

    def _layer(self, node: GraphNode, channels: int, **kwargs: Any) -> Any:
        """That of a node, not built; None of one without weights."""
        form = GRAPH_OPERATIONS[node.operation].form
        if form == "norm":
            return normalization(channels, self.conventions, **kwargs)
        if form not in CONVOLUTIONS:
            return None
        return unit_of(node, channels).layer(self.conventions, **kwargs)

    def _shapes(self, input_shape: Any) -> list[Any]:
        """Those of all states."""
        axis, shapes = self.conventions.channel_axis, [tuple(input_shape)]
        for node in self.nodes:
            channels = node.channels([shape[axis] for shape in shapes])
            strides = (node.strides, node.strides)
            shapes.append(
                self.conventions.output_shape(
                    shapes[node.reads[0]], channels, strides
                )
            )
        return shapes

    def folded_weights(self) -> list[Any]:
        """The weights with which the same layer with biases for its batch
        norms does as this one does in inference."""
        return [
            weight
            for layer in self.layers
            if layer is not None
            for weight in folded_weights(layer)
        ]

    def call(self, inputs, training=None):
        states, activated = [inputs], {}
        for node, layer in zip(self.nodes, self.layers, strict=True):
            operation = GRAPH_OPERATIONS[node.operation]
            read = [states[state] for state in node.reads]
            if operation.relu == "before":
                (state,) = node.reads
                if state not in activated:
                    activated[state] = ops.relu(read[0])
                read = [activated[state]]
            output = self._compute(node, layer, read, training)
            states.append(
                ops.relu(output) if operation.relu == "behind" else output
            )
        return states[-1]

    def _compute(
        self, node: GraphNode, layer: Any, read: list[Any], training: Any
    ) -> Any:
        operation = GRAPH_OPERATIONS[node.operation]
        axis = self.conventions.channel_axis
        if layer is not None:
            return layer(read[0], training=training)
        if operation.form == "concat":
            return ops.concatenate(read, axis) if len(read) > 1 else read[0]
        if operation.form == "zeros":
            # What makes it is trained, by gradients of zero.
            return read[0] * 0
        if operation.form == "add":
            total = None
            for state in read:
                if 0 < node.filters < state.shape[axis]:
                    state = ops.split(state, [node.filters], axis)[0]
                total = state if total is None else total + state
            return total
        pool = ops.max_pool
        if operation.form == "average":
            pool = kernels.average_pool
        return pool(
            read[0],
            operation.size,
            node.strides,
            "same",
            self.conventions.data_format,
        )

    def compute_output_shape(self, input_shape):
        return self._shapes(input_shape)[-1]

    def get_config(self):
        return {
            **super().get_config(),
            "nodes": [list(node) for node in self.nodes],
            "conventions": self.conventions.to_dict(),
        }


def unit_of(node: GraphNode, channels: int) -> UnitPlan:
    """The unit of a convolution, given the channels that it reads."""
    operation = GRAPH_OPERATIONS[node.operation]
    return UnitPlan(
        channels if operation.form == "depthwise" else node.filters,
        (operation.size, operation.size),
        (node.strides, node.strides),
        separable=operation.form == "separable",
        depthwise=operation.form == "depthwise",
        bare=not operation.normalised,
    )
