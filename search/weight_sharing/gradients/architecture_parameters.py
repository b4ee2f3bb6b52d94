"""What DARTS learns: how much of each operation there is in each edge."""

import heapq
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from nasnet_keras.genotype import Block, Genotype
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.shared_cell import edges

COMBINER = "add"  # What a mixture of edges is.

# The share of identities in the normal cell from which DARTS is taken to have
# collapsed: two of eight operations, where DARTS+ stops its training
# (https://arxiv.org/abs/1909.06035).
COLLAPSE = 0.25


class ArchitectureParameters:
    """A logit for each operation on each edge, of the normal and of the
    reduction cell: the alphas of DARTS, and their optimizer. If the space has
    one cell for both, so are the logits.

    Args:
        space: Its blocks, its operations and its cells.
        learning_rate: Adam's. Default 3e-4 (authors' code).
        weight_decay: What of a logit is added to its gradient. Default 1e-3
            (authors' code).

    Attributes:
        logits: By cell a variable `[edges, operations]`; zero at first
            (paper).
    """

    def __init__(
        self,
        space: NASNetSpace,
        learning_rate: float = 3e-4,
        weight_decay: float = 1e-3,
    ) -> None:
        self.space = space
        shape = (len(list(edges(space.blocks))), len(space.operations))
        self.logits = {
            cell: keras.Variable(np.zeros(shape), dtype="float32", name=cell)
            for cell in space.cell_names
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

    def shares(self, logits: Sequence[Any]) -> dict[str, Any]:
        """The share of each operation in each edge, `[edges, operations]`, for
        the normal cell and the reduction cell.

        Args:
            logits: The logits of each cell.
        """
        tables = [tf.nn.softmax(each) for each in logits]
        return {"normal": tables[0], "reduction": tables[-1]}

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
            itertools.islice(strongest_genotypes(strengths, self.space), count)
        )


def strongest_genotypes(
    strengths: Mapping[str, np.ndarray], space: NASNetSpace
) -> Iterator[Genotype]:
    """The genotypes in order of the sum of the strengths that they take: a
    block takes one operation from each of two edges.

    The first is that of DARTS: of each edge the strongest operation, and of
    each block the two edges where that is strongest. No block takes `none`,
    which has a share of each edge like the others, and so weakens it.

    Args:
        strengths: By cell that of each operation in each edge, `[edges,
            operations]`: the logarithm of its share.
        space: Its blocks, its operations and its cells.
    """
    options = [
        _options(block, strengths[cell], space)
        for cell in space.cell_names
        for block in range(space.blocks)
    ]

    for chosen in strongest_choices(options):
        yield space.genotype(chosen)


def strongest_choices(
    options: Sequence[Sequence[tuple[float, Any]]],
) -> Iterator[tuple[Any, ...]]:
    """One of each row, in order of the sum of their strengths.

    Args:
        options: Of each row the strength of each option and the option, the
            strongest first.

    Example:

    >>> rows = [[(-1.0, "a"), (-3.0, "b")], [(-1.0, "c"), (-2.0, "d")]]
    >>> ["".join(chosen) for chosen in strongest_choices(rows)]
    ['ac', 'ad', 'bc', 'bd']
    """

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
        yield tuple(
            row[position][1]
            for row, position in zip(options, positions, strict=True)
        )
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
    block: int, strengths: np.ndarray, space: NASNetSpace
) -> list[tuple[float, Block]]:
    """What a block may be, and how strong that is, the strongest first."""
    rows = {
        edge.state: strengths[number]
        for number, edge in enumerate(edges(space.blocks))
        if edge.block == block
    }
    taken = [
        (number, name)
        for number, name in enumerate(space.operations)
        if name != "none"
    ]
    options = [
        (
            float(rows[first][one] + rows[second][other]),
            Block(
                (first, second),
                (one_name, other_name),
                COMBINER,
            ),
        )
        for first, second in itertools.combinations(rows, 2)
        for one, one_name in taken
        for other, other_name in taken
    ]
    return sorted(options, key=lambda option: -option[0])


def warn_of_collapse(genotype: Genotype) -> None:
    """Warns if identities are a quarter of the normal cell, or more."""
    operations = [
        name for block in genotype.normal.blocks for name in block.operations
    ]
    count = operations.count("identity")
    if count >= max(2, COLLAPSE * len(operations)):
        warnings.warn(
            f"{count} of the {len(operations)} operations of the normal cell "
            "are identities: gradients favour operations without weights, and "
            "more so in a longer training. Fewer `epochs` may give a better "
            "cell.",
            stacklevel=2,
        )
