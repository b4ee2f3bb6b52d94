"""Genotypes to measure: some that have all places of operations that networks
of a space have, and random ones."""

from collections.abc import Iterator, Sequence

import numpy as np

from nasnet_keras.genotype import Block, CellSpec, Genotype


def covering_genotypes(
    blocks: int, operations: Sequence[str], combiners: Sequence[str]
) -> Iterator[Genotype]:
    """Genotypes that together place each operation wherever a network of the
    space may, on the inputs of a cell and on the states of its blocks.

    Outputs of cells, and what reads them, come in the fewest and in the most
    channels and in some between.

    Args:
        blocks: B.
        operations: Those of the space.
        combiners: Those of the space.
    """
    for combiner in combiners:
        for operation in operations:
            sides = (operation, operation)
            yield _twice(
                [Block((0, 1), sides, combiner), Block((2, 2), sides, combiner)]
            )
        for unread in {2, blocks}:
            block = Block((0, 1), (operations[0], operations[0]), combiner)
            yield _twice([block] * unread)


def random_genotypes(
    count: int,
    blocks: int,
    operations: Sequence[str],
    combiners: Sequence[str],
    seed: int = 0,
) -> list[Genotype]:
    """Genotypes of which each decision is uniform."""
    rng = np.random.default_rng(seed)

    def cell() -> CellSpec:
        return CellSpec(
            tuple(
                Block(
                    (int(rng.integers(2 + n)), int(rng.integers(2 + n))),
                    (str(rng.choice(operations)), str(rng.choice(operations))),
                    str(rng.choice(combiners)),
                )
                for n in range(blocks)
            )
        )

    return [Genotype(cell(), cell()) for _ in range(count)]


def _twice(blocks: list[Block]) -> Genotype:
    cell = CellSpec(tuple(blocks))
    return Genotype(cell, cell)
