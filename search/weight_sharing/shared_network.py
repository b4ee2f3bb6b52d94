"""One model that holds every child of a space: `SharedNetwork`."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.network.skeletons import plan_cells, plan_stem
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.channels import CellChannels, StemChannels
from search.weight_sharing.layer_function import (
    classifier_function,
    unit_function,
)
from search.weight_sharing.shared_cell import SharedCell
from search.weight_sharing.weight_bank import (
    OperationBank,
    RowBank,
    WeightBank,
    passing_kernel,
)


class SharedNetwork(keras.Model):
    """Every operation of every possible edge of a `NASNetSpace`, in one
    model. `Subnetwork(network, genotype)` runs any genotype with the weights
    that belong to it.

    Only the layers of the genotype are computed. They are the layers of
    `build_network`. Each layer is one traced function that takes its weights
    as arguments, and these functions are called eagerly. So a genotype traces
    only the layers that no genotype before it had.

    Children share weights in this way: an operation has the same weights in
    two children if it is in the same cell of the network and in the same
    block, and reads the same state with the same number of channels. A
    projection has rows of its kernel for each state that it may read, and
    children share these rows.

    If the space has one cell, a child uses this cell with both strides. Each
    cell of the network has its own weights, as with two cells, because a layer
    that halves height and width is another layer.

    A training step for one child should help the others. Therefore all
    operations begin as functions that nearly return their input, and the
    classifier normalises the features by the batch (`NormalizedClassifier`).
    `Subnetwork.copy_to` folds this normalisation into the dense layer of an
    ordinary model.

    References:
        ENAS, [Pham et al. 2018](https://arxiv.org/abs/1802.03268); one-shot,
        [Bender et al. 2018](
        https://proceedings.mlr.press/v80/bender18a.html).

    Args:
        space: The space whose children the network holds.
        input_shape: `(height, width, channels)` of the images.
        classes: The number of classes.
        repeats: N, the normal cells of each stage. Default 1.
        filters: F, the filters of the first stage. Default 8.
        seed: Fixes the first weights, whatever the state of the global random
            generators. Default 0.
        conventions: A `Conventions`. Default: the defaults.

    Example:

    >>> from search.spaces.nasnet import NASNetSpace
    >>> from search.weight_sharing.subnetwork import Subnetwork
    >>> space = NASNetSpace(blocks=1)
    >>> network = SharedNetwork(space, (8, 8, 1), classes=10, filters=4)
    >>> genotype = space.decode(space.sample(np.random.default_rng(0)))
    >>> Subnetwork(network, genotype)(np.ones((2, 8, 8, 1), "float32")).shape
    TensorShape([2, 10])
    """

    def __init__(
        self,
        space: NASNetSpace,
        input_shape: Sequence[int],
        classes: int,
        repeats: int = 1,
        filters: int = 8,
        seed: int = 0,
        conventions: Conventions | None = None,
    ) -> None:
        super().__init__(name="shared_network")
        self.space = space
        self.conventions = conventions or Conventions()
        # The functions return the statistics of the batch alone.
        by_batch = dataclasses.replace(self.conventions, bn_momentum=0.0)
        seeds = keras.random.SeedGenerator(
            int(np.random.SeedSequence(seed).generate_state(1)[0])
        )
        initializer = by_batch.kernel_initializer
        initializer.seed = seeds
        (stem,) = plan_stem(filters)
        self.stem = OperationBank(
            unit_function(
                UnitPlan(stem.filters, (3, 3)),
                input_shape[-1],
                by_batch,
                by_row=False,
            ),
            initializer,
            name="stem",
        )

        @functools.cache
        def basis(channels: int, filters: int) -> Any:
            """What all projections of these widths begin as: so the states
            that a cell reads, from wherever, begin in the same terms."""
            if channels % filters:
                return initializer((channels, filters))
            return passing_kernel((channels, filters))

        sources: list[StemChannels] = [StemChannels(stem.filters)]
        self.cells = []
        for plan in plan_cells(repeats, filters):
            inputs = [sources[number] for number in plan.inputs]
            self.cells.append(
                SharedCell(plan, inputs, space, initializer, basis, by_batch)
            )
            sources.append(CellChannels.of(plan, space))
        self.features = sources[-1]
        width = self.features.width
        self.classifier = RowBank(
            lambda channels: classifier_function(classes, width, channels),
            self.features.channels,
            keras.ops.zeros((width, classes)),
            keras.initializers.GlorotUniform(seeds),
            name="logits",
        )
        self.built = True

    @property
    def banks(self) -> list[WeightBank]:
        """All that has weights."""
        return [
            self.stem,
            *(
                bank
                for cell in self.cells
                for bank in (*cell.projection_banks, *cell.operation_banks)
            ),
            self.classifier,
        ]

    def pooled(self, state: Any) -> Any:
        """The features of what the last cell hands on, `[B, channels]`."""
        axes = self.conventions.spatial_axes
        return keras.ops.mean(self.conventions.activate(state), axis=axes)
