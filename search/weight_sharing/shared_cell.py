"""A cell that holds every operation of every edge: `SharedCell`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.layers.combiners import COMBINERS
from nasnet_keras.layers.conventions import Conventions
from nasnet_keras.layers.convolution_unit import UnitPlan
from nasnet_keras.network.skeletons import PlannedCell
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.layer_function import (
    LayerFunction,
    operation_function,
    unit_function,
)
from search.weight_sharing.shared_layer import Alternatives, Rows, Take


@dataclass(frozen=True)
class Source:
    """What the stem hands on: all of its channels, whatever the child.

    Attributes:
        channels: How many there can be.
    """

    channels: int

    @property
    def width(self) -> int:
        """The channels of one state."""
        return self.channels

    def rows(self, genotype: Genotype) -> np.ndarray:
        """Which of the channels a child has, in order."""
        return np.arange(self.channels)

    def mixed_rows(self) -> np.ndarray:
        """Which of the channels a `Mixture` has, in order."""
        return np.arange(self.channels)


@dataclass(frozen=True)
class CellSource(Source):
    """What a cell hands on: the channels of its output states, of which a
    state has others by each combiner.

    Attributes:
        place: The cell.
        slots: Where the channels of a block's output begin, by block and
            combiner.
    """

    place: PlannedCell
    slots: dict[tuple[int, str], int]

    @classmethod
    def of(cls, place: PlannedCell, space: NASNetSpace) -> "CellSource":
        slots, channels = {}, 0
        for block in range(space.blocks):
            for combiner in space.combiners:
                slots[block, combiner] = channels
                channels += _multiple(combiner) * place.filters
        return cls(channels, place, slots)

    @property
    def width(self) -> int:
        return self.place.filters

    def rows(self, genotype: Genotype) -> np.ndarray:
        spec = _spec(genotype, self.place)
        blocks = [state - spec.inputs for state in spec.output_states]
        return self._rows(
            [(block, spec.blocks[block].combiner) for block in blocks]
        )

    def mixed_rows(self) -> np.ndarray:
        return self._rows([slot for slot in self.slots if slot[1] == "add"])

    def _rows(self, slots: Sequence[tuple[int, str]]) -> np.ndarray:
        parts = []
        for block, combiner in slots:
            first = self.slots[block, combiner]
            count = _multiple(combiner) * self.place.filters
            parts.append(np.arange(first, first + count))
        return np.concatenate(parts)


@dataclass(frozen=True)
class CellTakes:
    """What a child takes of a cell.

    Attributes:
        spec: Its blocks.
        adjustments: The projection of each input, None where the input stays
            as it is.
        operations: The two of each block.
    """

    spec: CellSpec
    adjustments: list[Take | None]
    operations: list[list[Take]]


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
class MixedTakes:
    """What a `Mixture` takes of a cell.

    Attributes:
        adjustments: The projection of each input, None where the input stays
            as it is.
        operations: All of them, by edge.
    """

    adjustments: list[Take | None]
    operations: dict[Edge, list[Take]]


class SharedCell(keras.layers.Layer):
    """The weights of every cell at one place of the network.

    An operation has weights of its own for each edge, and for each number of
    channels that the edge's state may have.

    Args:
        place: The place.
        sources: What its inputs come from, the current one first.
        space: Its blocks, its combiners and its operations.
        initializer: Of kernels.
        basis: What a projection from so many channels to so many filters
            begins as, a matrix.
        conventions: A `Conventions`.
    """

    def __init__(
        self,
        place: PlannedCell,
        sources: Sequence[Source],
        space: NASNetSpace,
        initializer: Any,
        basis: Callable[[int, int], Any],
        conventions: Conventions,
    ) -> None:
        super().__init__(name=place.name)
        self.place = place
        self.blocks = space.blocks
        self.choices = space.operations
        self.sources = tuple(sources)
        self.conventions = conventions
        self.initializer = initializer
        self.projections = [
            self._projection(number, source, halve == 2, basis)
            for number, (source, halve) in enumerate(
                zip(self.sources, place.input_strides, strict=True)
            )
        ]
        self.combiners = {
            name: COMBINERS[name](conventions=conventions)
            for name in space.combiners
        }
        # Where an input is missing the current one stands in, unprojected.
        self._inputs = [place.filters, place.filters]
        if len(self.sources) == 1:
            self._inputs[1] = self.sources[0].channels
        users: dict[LayerFunction, list[Edge]] = {}
        for edge in edges(space.blocks):
            for channels in self._channels(edge.state):
                for name in self.choices:
                    function = self._function(name, edge.state, channels)
                    users.setdefault(function, []).append(edge)
        self.operations = [
            Alternatives(
                function,
                initializer,
                len(sharing),
                aligned=True,
                name=f"{place.name}_operations_{number}",
            )
            for number, (function, sharing) in enumerate(users.items())
        ]
        # Which of these layers, and which place in it.
        self._places = {
            (function, edge): (number, position)
            for number, (function, sharing) in enumerate(users.items())
            for position, edge in enumerate(sharing)
        }
        self.built = True

    def takes(self, genotype: Genotype) -> CellTakes:
        """What a child takes of this cell."""
        spec = _spec(genotype, self.place)
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
            channels.append(_multiple(block.combiner) * self.place.filters)
        rows = [source.rows(genotype) for source in self.sources]
        return CellTakes(spec, self._adjustments(rows), operations)

    def mixed_takes(self) -> MixedTakes:
        """What a `Mixture` takes of this cell."""
        channels = [*self._inputs, *[self.place.filters] * self.blocks]
        operations = {
            edge: [
                self._operation(name, edge, channels[edge.state])
                for name in self.choices
            ]
            for edge in edges(self.blocks)
        }
        rows = [source.mixed_rows() for source in self.sources]
        return MixedTakes(self._adjustments(rows), operations)

    def _operation(self, name: str, edge: Edge, channels: int) -> Take:
        function = self._function(name, edge.state, channels)
        layer, position = self._places[function, edge]
        return self.operations[layer].take(position)

    def _adjustments(self, rows: Sequence[np.ndarray]) -> list[Take | None]:
        """The projection of each input, given its channels."""
        takes: list[Take | None] = []
        for number, (channels, projection, strides) in enumerate(
            zip(
                rows,
                self.projections,
                self.place.input_strides,
                strict=True,
            )
        ):
            fits = len(channels) == self.place.filters and strides == 1
            takes.append(None if number and fits else projection.take(channels))
        return takes

    def _projection(
        self,
        number: int,
        source: Source,
        halve: bool,
        basis: Callable[[int, int], Any],
    ) -> Rows:
        plan = UnitPlan(
            self.place.filters, strides=(1 + halve,) * 2, factorized=halve
        )
        conventions = self.conventions
        return Rows(
            lambda channels: unit_function(plan, channels, conventions, True),
            source.channels,
            basis(source.width, self.place.filters),
            self.initializer,
            name=f"{self.place.name}_input_{number}",
        )

    def _channels(self, state: int) -> list[int]:
        """How many channels a state may have."""
        if state < 2:
            return [self._inputs[state]]
        return [
            _multiple(combiner) * self.place.filters
            for combiner in self.combiners
        ]

    def _function(self, name: str, state: int, channels: int) -> LayerFunction:
        return operation_function(
            name,
            channels,
            self.place.filters,
            self.place.strides if state < 2 else 1,
            self.conventions,
        )


def _spec(genotype: Genotype, place: PlannedCell) -> CellSpec:
    return genotype.reduction if place.reduction else genotype.normal


def _multiple(combiner: str) -> int:
    """How many times the filters a block's output has."""
    return 2 if combiner == "concat" else 1
