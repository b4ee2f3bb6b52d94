"""What DARTS learns: how much of each operation there is in each edge."""

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from nasnet_keras.genotype import (
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)
from search.weight_sharing.shared_cell import edges

CELLS = ("normal", "reduction")
COMBINER = "add"  # What a mixture of edges is.


class ArchitectureParameters:
    """A logit for each operation on each edge, of the normal and of the
    reduction cell: the alphas of DARTS, and their optimizer.

    Args:
        blocks: B.
        learning_rate: Adam's. Default 3e-4 (authors' code).
        weight_decay: What of a logit is added to its gradient. Default 1e-3
            (authors' code).

    Attributes:
        logits: By cell a variable `[edges, 13]`; zero at first (paper).
    """

    def __init__(
        self,
        blocks: int,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
    ) -> None:
        self.blocks = blocks
        shape = (len(list(edges(blocks))), len(NASNET_OPERATIONS))
        self.logits = {
            cell: keras.Variable(np.zeros(shape), dtype="float32", name=cell)
            for cell in CELLS
        }
        self._weight_decay = weight_decay
        # The betas are those of the authors' code.
        self._optimizer = keras.optimizers.Adam(learning_rate, 0.5, 0.999)
        self._optimizer.build(list(self.logits.values()))

    def apply(self, gradients: Sequence[Any]) -> None:
        """One step of the optimizer.

        Args:
            gradients: Of the logits of each cell.
        """
        self._optimizer.apply(
            [
                gradient + self._weight_decay * logits
                for gradient, logits in zip(
                    gradients, self.logits.values(), strict=True
                )
            ]
        )

    def variables(self) -> list[tuple[str, tf.Variable]]:
        """All that a step changes, by name."""
        return [
            *(
                (f"architecture/{cell}", logits.value)
                for cell, logits in self.logits.items()
            ),
            *(
                (f"architecture/optimizer_{number}", variable.value)
                for number, variable in enumerate(self._optimizer.variables)
            ),
        ]

    def strongest(self, count: int) -> list[Genotype]:
        """The discrete cells, the strongest first.

        Args:
            count: How many.
        """
        strengths = {
            cell: np.asarray(ops.log_softmax(logits))
            for cell, logits in self.logits.items()
        }
        return list(
            itertools.islice(strongest_genotypes(strengths, self.blocks), count)
        )


def strongest_genotypes(
    strengths: Mapping[str, np.ndarray], blocks: int
) -> Iterator[Genotype]:
    """The genotypes in order of the sum of the strengths that they take: a
    block takes one operation from each of two edges.

    The first is that of DARTS: of each edge the strongest operation, and of
    each block the two edges where that is strongest.

    Args:
        strengths: By cell that of each operation in each edge, `[edges, 13]`:
            the logarithm of its share.
        blocks: B.
    """
    options = [
        _options(block, strengths[cell], blocks)
        for cell in CELLS
        for block in range(blocks)
    ]

    def entry(positions: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        strength = sum(
            row[position][0]
            for row, position in zip(options, positions, strict=True)
        )
        return -strength, positions

    heap = [entry((0,) * len(options))]
    seen = {heap[0][1]}
    while heap:
        _, positions = heapq.heappop(heap)
        chosen = tuple(
            row[position][1]
            for row, position in zip(options, positions, strict=True)
        )
        yield Genotype(CellSpec(chosen[:blocks]), CellSpec(chosen[blocks:]))
        for number, position in enumerate(positions):
            weaker = (
                *positions[:number],
                position + 1,
                *positions[number + 1 :],
            )
            if position + 1 < len(options[number]) and weaker not in seen:
                seen.add(weaker)
                heapq.heappush(heap, entry(weaker))


def _options(
    block: int, strengths: np.ndarray, blocks: int
) -> list[tuple[float, Block]]:
    """What a block may be, and how strong that is, the strongest first."""
    rows = {
        edge.state: strengths[number]
        for number, edge in enumerate(edges(blocks))
        if edge.block == block
    }
    options = [
        (
            float(rows[first][one] + rows[second][other]),
            Block(
                (first, second),
                (NASNET_OPERATIONS[one], NASNET_OPERATIONS[other]),
                COMBINER,
            ),
        )
        for first, second in itertools.combinations(rows, 2)
        for one in range(len(NASNET_OPERATIONS))
        for other in range(len(NASNET_OPERATIONS))
    ]
    return sorted(options, key=lambda option: -option[0])
