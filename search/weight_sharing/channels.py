"""Which channels a child has of those that the network before may hand on:
`StemChannels`, `CellChannels`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.network.skeletons import PlannedCell
from search.spaces.nasnet import NASNetSpace


@dataclass(frozen=True)
class StemChannels:
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

    def mixture_rows(self) -> np.ndarray:
        """Which of the channels a `Mixture` has, in order."""
        return np.arange(self.channels)


@dataclass(frozen=True)
class CellChannels(StemChannels):
    """What a cell hands on: the channels of its output states, of which a
    state has others by each combiner.

    Attributes:
        plan: The cell.
        offsets: Where the channels of a block's output begin, by block and
            combiner.
    """

    plan: PlannedCell
    offsets: dict[tuple[int, str], int]

    @classmethod
    def of(cls, plan: PlannedCell, space: NASNetSpace) -> "CellChannels":
        offsets, channels = {}, 0
        for block in range(space.blocks):
            for combiner in space.combiners:
                offsets[block, combiner] = channels
                channels += block_channels(combiner, plan.filters)
        return cls(channels, plan, offsets)

    @property
    def width(self) -> int:
        return self.plan.filters

    def rows(self, genotype: Genotype) -> np.ndarray:
        spec = cell_spec(genotype, self.plan)
        blocks = [state - spec.inputs for state in spec.output_states]
        return self._rows(
            [(block, spec.blocks[block].combiner) for block in blocks]
        )

    def mixture_rows(self) -> np.ndarray:
        return self._rows([each for each in self.offsets if each[1] == "add"])

    def _rows(self, outputs: Sequence[tuple[int, str]]) -> np.ndarray:
        ranges = []
        for block, combiner in outputs:
            first = self.offsets[block, combiner]
            count = block_channels(combiner, self.plan.filters)
            ranges.append(np.arange(first, first + count))
        return np.concatenate(ranges)


def cell_spec(genotype: Genotype, plan: PlannedCell) -> CellSpec:
    """The blocks that a genotype has in a cell of the network."""
    return genotype.reduction if plan.reduction else genotype.normal


def block_channels(combiner: str, filters: int) -> int:
    """The channels of a block's output."""
    return 2 * filters if combiner == "concat" else filters
