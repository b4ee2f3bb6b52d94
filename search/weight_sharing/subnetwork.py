"""The network of one child within a shared one: `Subnetwork`."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from nasnet_keras.genotype import Genotype
from nasnet_keras.layers.cell import Cell, apply_blocks, count_paths
from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.drop_path import path_factors
from search.weight_sharing.shared_cell import CellSlices, SharedCell
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.weight_bank import WeightSlice


class BoundLayer:
    """A layer with the weights of one child. It is called like a layer of a
    `Cell`.

    Attributes:
        weight_slice: The part of the shared weights that the layer reads.
        weights: Copies of the packed weights, to train.
        moving: The moving statistics of its batch norms. A shared network has
            no moving statistics, since statistics over all children would be
            wrong for each child.
        statistics: The statistics of the last batch in training; None before
            the first.
    """

    def __init__(self, weight_slice: WeightSlice) -> None:
        self.weight_slice = weight_slice
        self.weights = self.read()
        self.moving = weight_slice.function.moving
        self.statistics: Sequence[Any] | None = None

    def read(self) -> list[Any]:
        """The present packed weights."""
        return self.weight_slice.read(
            [table.value for table in self.weight_slice.tables]
        )

    @property
    def reads_raw(self) -> bool:
        return self.weight_slice.function.reads_raw

    def __call__(
        self, state: Any, activated: Any = None, training: bool = False
    ) -> Any:
        inputs = state if self.reads_raw else activated
        outputs, moving = self.weight_slice.function(
            inputs, self.weights, self.moving, training
        )
        if training:
            self.statistics = moving
        return outputs


class Subnetwork:
    """The network of one genotype inside a shared network, with the present
    weights.

    Args:
        network: The shared network.
        genotype: The two cells.

    Attributes:
        layers: All layers, with weights or without, each once, in the order of
            their first calls: the stem; for each cell its projections and its
            operations; the classifier. If a block reads one state twice by one
            operation, both reads have one layer.

    Raises:
        ValueError: The genotype is not of the space that the network was made
            for.
    """

    def __init__(self, network: SharedNetwork, genotype: Genotype) -> None:
        network.space.encode(genotype)
        self._network = network
        self._stem = BoundLayer(network.stem.slice())
        self._cells = [
            _BoundCell(cell, cell.slices(genotype)) for cell in network.cells
        ]
        self._classifier = BoundLayer(
            network.classifier.slice(network.features.rows(genotype))
        )
        self.layers = list(dict.fromkeys(self._calls))

    @property
    def _calls(self) -> Iterator[BoundLayer]:
        """A layer for each one of the network built alone, in order."""
        yield self._stem
        for cell in self._cells:
            yield from cell.calls
        yield self._classifier

    def __call__(
        self,
        images: Any,
        training: bool = False,
        drop_path_rate: float = 0.0,
        seed: int = 0,
    ) -> Any:
        """The logits, `[B, classes]`.

        Args:
            images: `[B, H, W, C]`.
            training: Whether to normalise by the statistics of the batch.
            drop_path_rate: The drop probability of the last cell's paths;
                earlier cells have less, in proportion to depth. Default 0.
            seed: Fixes the paths that are dropped.
        """
        outputs = [self._stem(images, training=training)]
        for depth, cell in enumerate(self._cells, start=1):
            inputs = [outputs[number] for number in cell.plan.inputs]
            rate = drop_path_rate * depth / len(self._cells)
            outputs.append(cell(inputs, training, rate, (seed, depth)))
        features = self._network.pooled(outputs[-1])
        return self._classifier(features, training=training)

    def calibrate(self, batches: Sequence[Any]) -> None:
        """Sets the statistics of the batch norms to their means over some
        batches of images, each `[B, H, W, C]`."""
        seen: list[list[Any]] = [[] for _ in self.layers]
        for images in batches:
            self(images, training=True)
            for layer, each in zip(self.layers, seen, strict=True):
                each.append(layer.statistics)
        for layer, each in zip(self.layers, seen, strict=True):
            layer.moving = [
                tf.add_n(values) / len(values)
                for values in zip(*each, strict=True)
            ]

    def copy_to(self, model: keras.Model) -> None:
        """Copies these weights into an ordinary model of the genotype, as
        `build_network` makes it."""
        for targets, layer in zip(_layers(model), self._calls, strict=True):
            variables = [
                variable
                for kind in ("trainable_variables", "non_trainable_variables")
                for target in targets
                for variable in getattr(target, kind)
            ]
            values = layer.weight_slice.function.values_alone(
                layer.weights, layer.moving
            )
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


class _BoundCell:
    """A cell of a subnetwork."""

    def __init__(self, cell: SharedCell, slices: CellSlices) -> None:
        self.plan = cell.plan
        self._spec = slices.spec
        self._axis = cell.conventions.channel_axis
        self._activate = functools.partial(
            kernels.activate_shared, activate=cell.conventions.activate
        )
        self._adjustments = [
            None if each is None else BoundLayer(each)
            for each in slices.adjustments
        ]
        bound = {
            each: BoundLayer(each)
            for sides in slices.operations
            for each in sides
        }
        self._operations = [
            [bound[each] for each in sides] for sides in slices.operations
        ]
        self._combiners = [
            cell.combiners[block.combiner] for block in slices.spec.blocks
        ]

    @property
    def calls(self) -> Iterator[BoundLayer]:
        yield from filter(None, self._adjustments)
        for sides in self._operations:
            yield from sides

    def __call__(
        self,
        inputs: list[Any],
        training: bool,
        drop_path_rate: float,
        seed: tuple[int, int],
    ) -> Any:
        states = adjusted(inputs, self._adjustments, self._activate, training)
        apply_blocks(
            self._spec,
            states,
            self._operations,
            self._combiners,
            self._masks(inputs[0], drop_path_rate, seed),
            self._activate,
            training,
        )
        outputs = [states[number] for number in self._spec.output_states]
        if len(outputs) == 1:
            return outputs[0]
        return tf.concat(outputs, self._axis)

    def _masks(
        self, like: Any, rate: float, seed: tuple[int, int]
    ) -> list[Any]:
        paths = count_paths(self._spec)
        if not rate or not paths:
            return []
        shape = (paths, like.shape[0], 1, 1, 1)
        draws = tf.random.stateless_uniform(shape, seed)
        return tf.unstack(path_factors(draws, 1 - rate, like.dtype))


def adjusted(
    inputs: Sequence[Any],
    adjustments: Sequence[BoundLayer | None],
    activate: Callable[[Any], Any],
    training: bool,
) -> list[Any]:
    """The two states that the blocks of a cell begin with."""
    states = [
        state
        if adjustment is None
        else adjustment(activate(state), training=training)
        for state, adjustment in zip(inputs, adjustments, strict=True)
    ]
    # Where an input is missing the current one stands in.
    return [*states, inputs[0]][:2]


def _layers(model: keras.Model) -> Iterator[list[keras.layers.Layer]]:
    """The layers of a network in the order in which a subnetwork calls them:
    the stem's two are one there."""
    yield [
        model.get_layer("stem_convolution"),
        model.get_layer("stem_batch_norm"),
    ]
    for cell in model.layers:
        if isinstance(cell, Cell):
            for adjustment in cell.adjustments:
                if adjustment is not None:
                    yield [adjustment]
            for operations in cell.blocks:
                for operation in operations:
                    yield [operation]
    yield [model.get_layer("logits")]
