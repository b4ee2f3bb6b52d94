"""One model that holds every child of a space: `SharedNetwork`."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from nasnet_keras.cell import Cell, apply_blocks, count_paths
from nasnet_keras.conventions import Conventions
from nasnet_keras.convolution_unit import UnitPlan
from nasnet_keras.drop_path import path_factors
from nasnet_keras.frames import plan_cells, plan_stem
from nasnet_keras.genotype import NASNET_COMBINERS, Genotype
from search.space import NASNetSpace
from search.weight_sharing.layer_function import (
    classifier_function,
    unit_function,
)
from search.weight_sharing.shared_cell import (
    CellSource,
    CellTakes,
    SharedCell,
    Source,
)
from search.weight_sharing.shared_layer import Alternatives, Rows, Take


class SharedNetwork(keras.Model):
    """Every operation of every possible edge of the NASNet space, in one
    model: it runs any genotype with the weights that belong to it.

    Only the layers of the genotype are computed. They are the layers of
    `build_network`, each as one traced function that takes its weights as
    arguments, put together eagerly: another genotype traces nothing but what
    no genotype before it had.

    What is shared: an operation keeps its weights from child to child if it is
    at the same place of the network, in the same block, on the same side of
    it, and reads the same state of as many channels. A projection shares the
    rows of its kernel by the state that they read.

    References:
        ENAS, [Pham et al. 2018](https://arxiv.org/abs/1802.03268); one-shot,
        [Bender et al. 2018](
        https://proceedings.mlr.press/v80/bender18a.html).

    Args:
        input_shape: `(height, width, channels)` of the images.
        classes: The number of classes.
        blocks: B. Default 5.
        combiners: Those to choose from. Default both of the paper's.
        repeats: N, the normal cells of each stage. Default 1.
        filters: F, the filters of the first stage. Default 8.
        seed: Fixes the first weights, whatever the state of the global random
            generators. Default 0.
        conventions: A `Conventions`. Default: the defaults.

    Example:

    >>> network = SharedNetwork((32, 32, 3), classes=10, filters=4)
    >>> space = NASNetSpace()
    >>> genotype = space.decode(space.sample(np.random.default_rng(0)))
    >>> network(tf.ones((2, 32, 32, 3)), genotype=genotype).shape
    TensorShape([2, 10])
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        classes: int,
        blocks: int = 5,
        combiners: Sequence[str] = NASNET_COMBINERS,
        repeats: int = 1,
        filters: int = 8,
        seed: int = 0,
        conventions: Conventions | None = None,
    ) -> None:
        super().__init__(name="shared_network")
        self.space = NASNetSpace(blocks, tuple(combiners))
        self.conventions = conventions or Conventions()
        # The functions return the statistics of the batch alone.
        by_batch = Conventions(
            **{**self.conventions.to_dict(), "bn_momentum": 0.0}
        )
        seeds = keras.random.SeedGenerator(
            int(np.random.SeedSequence(seed).generate_state(1)[0])
        )
        initializer = by_batch.kernel_initializer
        initializer.seed = seeds
        (stem,) = plan_stem(filters)
        self.stem = Alternatives(
            unit_function(
                UnitPlan(stem.filters, (3, 3)),
                input_shape[-1],
                by_batch,
                by_row=False,
            ),
            initializer,
            name="stem",
        )
        sources: list[Source] = [Source(stem.filters)]
        self.cells = []
        for place in plan_cells(repeats, filters):
            inputs = [sources[number] for number in place.inputs]
            self.cells.append(
                SharedCell(
                    place, inputs, blocks, combiners, initializer, by_batch
                )
            )
            sources.append(CellSource.of(place, blocks, combiners))
        self.features = sources[-1]
        self.classifier = Rows(
            lambda channels: classifier_function(classes, channels),
            self.features.channels,
            keras.initializers.GlorotUniform(seeds),
            name="logits",
        )
        self.built = True

    def call(
        self, images: Any, *, genotype: Genotype, training: bool = False
    ) -> Any:
        """The logits, `[B, classes]`, of a genotype's network for images
        `[B, H, W, C]`."""
        return self.subnetwork(genotype)(images, training)

    def subnetwork(self, genotype: Genotype) -> "Subnetwork":
        """The network of one genotype, with the weights as they are now.

        Raises:
            ValueError: The genotype is not of the space that this network was
                made for.
        """
        self.space.encode(genotype)
        return Subnetwork(self, genotype)


class Part:
    """A layer of a subnetwork: called as the layer is in a `Cell`.

    Attributes:
        take: Where its weights come from.
        weights: The packed weights to train, copies.
        moving: The moving statistics of its batch norms. A shared network has
            none: those of all children together would be right for no one.
        statistics: Those of the last batch that it was called with in
            training, None before.
    """

    def __init__(self, take: Take) -> None:
        self.take = take
        self.weights = take.read([bank.value for bank in take.banks])
        self.moving = take.function.moving
        self.statistics: Sequence[Any] | None = None

    @property
    def reads_raw(self) -> bool:
        return self.take.function.reads_raw

    def __call__(
        self, state: Any, activated: Any = None, training: bool = False
    ) -> Any:
        inputs = state if self.reads_raw else activated
        outputs, moving = self.take.function(
            inputs, self.weights, self.moving, training
        )
        if training:
            self.statistics = moving
        return outputs


class Subnetwork:
    """The network of one genotype within a shared one.

    Args:
        network: The shared network.
        genotype: The two cells.

    Attributes:
        parts: All its layers with weights or without, in the order in which
            they are called: the stem, of each cell the projections and the
            operations, the classifier.
    """

    def __init__(self, network: SharedNetwork, genotype: Genotype) -> None:
        self._network = network
        self._stem = Part(network.stem.take())
        self._cells = [
            _BoundCell(cell, cell.takes(genotype)) for cell in network.cells
        ]
        self._classifier = Part(
            network.classifier.take(network.features.rows(genotype))
        )
        self.parts = [
            self._stem,
            *(part for cell in self._cells for part in cell.parts),
            self._classifier,
        ]

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
            inputs = [outputs[number] for number in cell.place.inputs]
            rate = drop_path_rate * depth / len(self._cells)
            outputs.append(cell(inputs, training, rate, (seed, depth)))
        axes = self._network.conventions.spatial_axes
        features = ops.mean(ops.relu(outputs[-1]), axis=axes)
        return self._classifier(features, training=training)

    def copy_to(self, model: keras.Model) -> None:
        """Gives an ordinary model of the genotype, as `build_network` makes
        it, these weights."""
        for layers, part in zip(_layers(model), self.parts, strict=True):
            variables = [
                variable
                for kind in ("trainable_variables", "non_trainable_variables")
                for layer in layers
                for variable in getattr(layer, kind)
            ]
            weights = part.take.function.unpack(part.weights)
            for variable, value in zip(
                variables, [*weights, *part.moving], strict=True
            ):
                variable.assign(value)


class _BoundCell:
    """A cell of a subnetwork."""

    def __init__(self, cell: SharedCell, takes: CellTakes) -> None:
        self.place = cell.place
        self._spec = takes.spec
        self._axis = cell.conventions.channel_axis
        self._adjustments = [
            None if take is None else Part(take) for take in takes.adjustments
        ]
        self._operations = [
            [Part(take) for take in sides] for sides in takes.operations
        ]
        self._combiners = [
            cell.combiners[block.combiner] for block in takes.spec.blocks
        ]

    @property
    def parts(self) -> Iterator[Part]:
        yield from (part for part in self._adjustments if part is not None)
        for sides in self._operations:
            yield from sides

    def __call__(
        self,
        inputs: list[Any],
        training: bool,
        drop_path_rate: float,
        seed: tuple[int, int],
    ) -> Any:
        states = [
            state
            if adjustment is None
            else adjustment(ops.relu(state), training=training)
            for state, adjustment in zip(inputs, self._adjustments, strict=True)
        ]
        states += [inputs[0]] * (self._spec.inputs - len(states))
        apply_blocks(
            self._spec,
            states,
            self._operations,
            self._combiners,
            self._masks(inputs[0], drop_path_rate, seed),
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


def _layers(model: keras.Model) -> Iterator[list[keras.layers.Layer]]:
    """The layers of a network in the order of `Subnetwork.parts`: the stem's
    two are one there."""
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
