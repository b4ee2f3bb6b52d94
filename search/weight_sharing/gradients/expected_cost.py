"""What choices cost, for losses that weigh it: `choice_costs`, `edge_costs`.

Both ask for the costs of whole architectures, by which strategies are
rewarded, and take differences: so any cost that is a sum over layers is
weighed by gradients as by rewards, be it from a table of latencies.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from nasnet_keras.genotype import Block
from search.spaces.base import SearchSpace
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.shared_cell import edges

Cost = Callable[[Any], float]  # of an architecture

# By how much costs weigh in the loss: authors' code of ProxylessNAS, of its
# loss `add#linear`, the cross-entropy + 0.1 (E - target) / target.
COST_WEIGHT = 0.1


@dataclasses.dataclass(frozen=True)
class WeighedCost:
    """A cost of architectures that a loss weighs.

    Attributes:
        cost: A function that returns the cost of an architecture.
        target: The wanted cost.
        weight: `weight * (E - target) / target` is added to the loss, E the
            expected cost.
    """

    cost: Cost
    target: float
    weight: float = COST_WEIGHT

    @property
    def factor(self) -> float:
        """The factor of the gradient of the expected cost."""
        return self.weight / self.target


def choice_costs(space: SearchSpace, cost: Cost) -> list[np.ndarray]:
    """What each choice of each decision costs, beside the first one, where
    the cost of an architecture is a sum over its decisions.

    Args:
        space: The space.
        cost: A function that returns the cost of an architecture.
    """
    first = (0,) * len(space.decisions)
    base = cost(space.decode(first))
    return [
        np.array(
            [
                cost(
                    space.decode(
                        (*first[:position], choice, *first[position + 1 :])
                    )
                )
                - base
                for choice in range(len(decision.choices))
            ]
        )
        for position, decision in enumerate(space.decisions)
    ]


def edge_costs(space: NASNetSpace, cost: Cost) -> dict[str, np.ndarray]:
    """What each operation on each edge costs, by cell `[edges, operations]`,
    beside the first operation there, times the chance that an edge is one of
    the two that a block takes in the end.

    Args:
        space: Its blocks, its operations and its cells; with the combiner
            `add` alone.
        cost: Of a genotype.
    """
    cells = space.cell_names

    def priced(cell: str, edge: Any, operation: str) -> float:
        blocks = {name: [block] * space.blocks for name in cells}
        sides = (operation, space.operations[0])
        blocks[cell][edge.block] = Block((edge.state, 0), sides, "add")
        chosen = [each for name in cells for each in blocks[name]]
        return cost(space.genotype(chosen))

    block = Block((0, 1), (space.operations[0],) * 2, "add")
    found = {}
    for cell in cells:
        rows = [
            [priced(cell, edge, operation) for operation in space.operations]
            for edge in edges(space.blocks)
        ]
        table = np.array(rows)
        chances = [2 / (2 + edge.block) for edge in edges(space.blocks)]
        found[cell] = (table - table[:, :1]) * np.array(chances)[:, None]
    return found
