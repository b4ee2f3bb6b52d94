"""The network in which every edge is a mixture of all operations: `Mixture`."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

from search.weight_sharing.shared_cell import SharedCell
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Part, adjusted


class Mixture:
    """All of a shared network at once, as DARTS trains it: a block is the sum
    over all states that it may read, and what it reads of a state is the sum
    of all operations, each by its share. A cell hands on all of its blocks.

    Batch norms normalise by the statistics of the batch.

    Args:
        network: The shared network, of combiners with `add`.

    Attributes:
        parts: All its layers: the stem, of each cell the projections and the
            operations edge by edge, the classifier.
    """

    def __init__(self, network: SharedNetwork) -> None:
        self._network = network
        self._stem = Part(network.stem.take())
        self._cells = [_MixedCell(cell) for cell in network.cells]
        rows = network.features.mixed_rows()
        self._classifier = Part(network.classifier.take(rows))
        self.parts = [
            self._stem,
            *(part for cell in self._cells for part in cell.parts),
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
            inputs = [outputs[number] for number in cell.place.inputs]
            kind = "reduction" if cell.place.reduction else "normal"
            outputs.append(cell(inputs, by_cell[kind]))
        features = self._network.pooled(outputs[-1])
        return self._classifier(features, training=True)


class _MixedCell:
    """A cell of a mixture."""

    def __init__(self, cell: SharedCell) -> None:
        self.place = cell.place
        self._axis = cell.conventions.channel_axis
        takes = cell.mixed_takes()
        self._adjustments = [
            None if take is None else Part(take) for take in takes.adjustments
        ]
        self._operations = {
            edge: [Part(take) for take in operations]
            for edge, operations in takes.operations.items()
        }
        self.parts = [
            *(part for part in self._adjustments if part is not None),
            *(part for parts in self._operations.values() for part in parts),
        ]

    def __call__(
        self, inputs: list[Any], shares: Sequence[Sequence[Any]]
    ) -> Any:
        states = adjusted(inputs, self._adjustments, training=True)
        activated = [ops.relu(state) for state in states]
        blocks: dict[int, list[Any]] = {}
        for (edge, operations), row in zip(
            self._operations.items(), shares, strict=True
        ):
            if edge.block + 2 > len(states):  # The block before is complete.
                states.append(tf.add_n(blocks[edge.block - 1]))
                activated.append(ops.relu(states[-1]))
            terms = blocks.setdefault(edge.block, [])
            terms += [
                share
                * operation(
                    states[edge.state], activated[edge.state], training=True
                )
                for share, operation in zip(row, operations, strict=True)
            ]
        states.append(tf.add_n(blocks[max(blocks)]))
        return tf.concat(states[2:], self._axis)
