"""The network in which every edge is a mixture of all operations: `Mixture`."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from nasnet_keras.layers.operations.pooling import Pooling
from search.weight_sharing.shared_cell import SharedCell
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import BoundLayer, adjusted


class Mixture:
    """All of a shared network at once, as DARTS trains it: a block is the sum
    over all states that it may read, and what it reads of a state is the sum
    of all operations, each by its share. A cell hands on all of its blocks.

    Batch norms normalise by the statistics of the batch. Pools have one too,
    without scale and offset, which pools of cells do not have (authors' code).

    Args:
        network: The shared network, of combiners with `add`.

    Attributes:
        layers: All its layers: the stem, of each cell the projections and the
            operations edge by edge, the classifier.
    """

    def __init__(self, network: SharedNetwork) -> None:
        self._network = network
        self._stem = BoundLayer(network.stem.slice())
        self._cells = [_MixedCell(cell) for cell in network.cells]
        rows = network.features.mixture_rows()
        self._classifier = BoundLayer(network.classifier.slice(rows))
        self.layers = [
            self._stem,
            *(layer for cell in self._cells for layer in cell.layers),
            self._classifier,
        ]

    def __call__(self, images: Any, shares: Mapping[str, Any]) -> Any:
        """The logits, `[B, classes]`.

        Args:
            images: `[B, H, W, C]`.
            shares: Of the normal and of the reduction cell the share of each
                operation in each edge, `[edges, operations]`.
        """
        by_cell = {
            name: [tf.unstack(row) for row in tf.unstack(table)]
            for name, table in shares.items()
        }
        outputs = [self._stem(images, training=True)]
        for cell in self._cells:
            inputs = [outputs[number] for number in cell.plan.inputs]
            kind = "reduction" if cell.plan.reduction else "normal"
            outputs.append(cell(inputs, by_cell[kind]))
        features = self._network.pooled(outputs[-1])
        return self._classifier(features, training=True)


class _MixedCell:
    """A cell of a mixture."""

    def __init__(self, cell: SharedCell) -> None:
        self.plan = cell.plan
        self._axis = cell.conventions.channel_axis
        self._activate = cell.conventions.activate
        self._epsilon = cell.conventions.bn_epsilon
        slices = cell.mixture_slices()
        self._adjustments = [
            None if each is None else BoundLayer(each)
            for each in slices.adjustments
        ]
        self._operations = {
            edge: [BoundLayer(each) for each in operations]
            for edge, operations in slices.operations.items()
        }
        self.layers = [
            *(layer for layer in self._adjustments if layer is not None),
            *(
                layer
                for layers in self._operations.values()
                for layer in layers
            ),
        ]

    def __call__(
        self, inputs: list[Any], shares: Sequence[Sequence[Any]]
    ) -> Any:
        states = adjusted(
            inputs, self._adjustments, self._activate, training=True
        )
        activated = [self._activate(state) for state in states]
        blocks: dict[int, list[Any]] = {}
        for (edge, operations), row in zip(
            self._operations.items(), shares, strict=True
        ):
            if edge.block + 2 > len(states):  # The block before is complete.
                states.append(tf.add_n(blocks[edge.block - 1]))
                activated.append(self._activate(states[-1]))
            terms = blocks.setdefault(edge.block, [])
            terms += [
                share
                * self._outputs(
                    operation, states[edge.state], activated[edge.state]
                )
                for share, operation in zip(row, operations, strict=True)
            ]
        states.append(tf.add_n(blocks[max(blocks)]))
        return tf.concat(states[2:], self._axis)

    def _outputs(
        self, operation: BoundLayer, state: Any, activated: Any
    ) -> Any:
        """Of an operation, a pool normalised by the batch."""
        outputs = operation(state, activated, training=True)
        function = operation.weight_slice.function
        if not isinstance(function.layer, Pooling) or function.moving:
            return outputs
        axes = [axis for axis in range(4) if axis != self._axis % 4]
        mean, variance = tf.nn.moments(outputs, axes, keepdims=True)
        return (outputs - mean) * tf.math.rsqrt(variance + self._epsilon)
