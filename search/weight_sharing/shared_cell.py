"""A cell that holds every operation of every edge: `SharedCell`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import UnitPlan
from nasnet_keras.network.skeletons import PlannedCell
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.channels import (
    StemChannels,
    block_channels,
    cell_spec,
)
from search.weight_sharing.layer_function import (
    LayerFunction,
    operation_function,
    unit_function,
)
from search.weight_sharing.weight_bank import (
    OperationBank,
    RowBank,
    WeightSlice,
)


class Edge(NamedTuple):
    """What an operation has weights of its own for: the block, and the state
    that it reads there. The two sides of a block share them, since to swap
    them changes no cell."""

    block: int
    state: int


def edges(blocks: int) -> Iterator[Edge]:
    """All edges of a cell of so many blocks."""
    for block in range(blocks):
        for state in range(2 + block):
            yield Edge(block, state)


@dataclass(frozen=True)
class CellSlices:
    """The weights of a shared cell that one child uses.

    Attributes:
        spec: The child's blocks.
        adjustments: The projection of each input, None where the input stays
            as it is.
        operations: The two operations of each block.
    """

    spec: CellSpec
    adjustments: list[WeightSlice | None]
    operations: list[list[WeightSlice]]


@dataclass(frozen=True)
class MixtureSlices:
    """The weights that a `Mixture` has of a cell.

    Attributes:
        adjustments: The projection of each input, None where the input stays
            as it is.
        operations: All of them, by edge.
    """

    adjustments: list[WeightSlice | None]
    operations: dict[Edge, list[WeightSlice]]


class SharedCell(keras.layers.Layer):
    """The weights of every cell that may stand at one position of the network.

    An operation has weights of its own for each edge, and for each number of
    channels that the edge's state may have.

    Args:
        plan: The cell's position.
        sources: The channels of its inputs, the current one first.
        space: Its blocks, its combiners and its operations.
        initializer: Of kernels.
        basis: What a projection from so many channels to so many filters
            begins as, a matrix.
        conventions: A `Conventions`.
    """

    def __init__(
        self,
        plan: PlannedCell,
        sources: Sequence[StemChannels],
        space: NASNetSpace,
        initializer: Any,
        basis: Callable[[int, int], Any],
        conventions: Conventions,
    ) -> None:
        super().__init__(name=plan.name)
        self.plan = plan
        self.blocks = space.blocks
        self.operation_names = space.operations
        self.sources = tuple(sources)
        self.conventions = conventions
        self.initializer = initializer
        self.projection_banks = [
            self._projection(number, source, halve == 2, basis)
            for number, (source, halve) in enumerate(
                zip(self.sources, plan.input_strides, strict=True)
            )
        ]
        self.combiners = {
            name: COMBINERS[name](conventions=conventions)
            for name in space.combiners
        }
        # Where an input is missing the current one stands in, unprojected.
        self._inputs = [plan.filters, plan.filters]
        if len(self.sources) == 1:
            self._inputs[1] = self.sources[0].channels
        users: dict[LayerFunction, list[Edge]] = {}
        for edge in edges(space.blocks):
            for channels in self._channels(edge.state):
                for name in self.operation_names:
                    function = self._function(name, edge.state, channels)
                    users.setdefault(function, []).append(edge)
        self.operation_banks = [
            OperationBank(
                function,
                initializer,
                len(sharing),
                aligned=True,
                name=f"{plan.name}_operations_{number}",
            )
            for number, (function, sharing) in enumerate(users.items())
        ]
        # Which of these banks, and which row of it.
        self._bank_rows = {
            (function, edge): (number, row)
            for number, (function, sharing) in enumerate(users.items())
            for row, edge in enumerate(sharing)
        }
        self.built = True

    def slices(self, genotype: Genotype) -> CellSlices:
        """The weights that a child has of this cell."""
        spec = cell_spec(genotype, self.plan)
        channels = list(self._inputs)
        operations = []
        for number, block in enumerate(spec.blocks):
            operations.append(
                [
                    self._operation(name, Edge(number, state), channels[state])
                    for state, name in zip(
                        block.inputs, block.operations, strict=True
                    )
                ]
            )
            channels.append(block_channels(block.combiner, self.plan.filters))
        rows = [source.rows(genotype) for source in self.sources]
        return CellSlices(spec, self._adjustments(rows), operations)

    def mixture_slices(self) -> MixtureSlices:
        """The weights that a `Mixture` has of this cell."""
        channels = [*self._inputs, *[self.plan.filters] * self.blocks]
        operations = {
            edge: [
                self._operation(name, edge, channels[edge.state])
                for name in self.operation_names
            ]
            for edge in edges(self.blocks)
        }
        rows = [source.mixture_rows() for source in self.sources]
        return MixtureSlices(self._adjustments(rows), operations)

    def _operation(self, name: str, edge: Edge, channels: int) -> WeightSlice:
        function = self._function(name, edge.state, channels)
        number, row = self._bank_rows[function, edge]
        return self.operation_banks[number].slice(row)

    def _adjustments(
        self, rows: Sequence[np.ndarray]
    ) -> list[WeightSlice | None]:
        """The projection of each input, given its channels."""
        slices: list[WeightSlice | None] = []
        for number, (channels, bank, strides) in enumerate(
            zip(
                rows,
                self.projection_banks,
                self.plan.input_strides,
                strict=True,
            )
        ):
            fits = len(channels) == self.plan.filters and strides == 1
            slices.append(None if number and fits else bank.slice(channels))
        return slices

    def _projection(
        self,
        number: int,
        source: StemChannels,
        halve: bool,
        basis: Callable[[int, int], Any],
    ) -> RowBank:
        unit = UnitPlan(
            self.plan.filters, strides=(1 + halve,) * 2, factorized=halve
        )
        conventions = self.conventions
        return RowBank(
            lambda channels: unit_function(unit, channels, conventions, True),
            source.channels,
            basis(source.width, self.plan.filters),
            self.initializer,
            name=f"{self.plan.name}_input_{number}",
        )

    def _channels(self, state: int) -> list[int]:
        """How many channels a state may have."""
        if state < 2:
            return [self._inputs[state]]
        return [
            block_channels(combiner, self.plan.filters)
            for combiner in self.combiners
        ]

    def _function(self, name: str, state: int, channels: int) -> LayerFunction:
        return operation_function(
            name,
            channels,
            self.plan.filters,
            self.plan.strides if state < 2 else 1,
            self.conventions,
        )
