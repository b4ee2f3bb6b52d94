import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.spaces.proxylessnas import ProxylessNASSpace
from search.weight_sharing.gradients.expected_cost import (
    choice_costs,
    edge_costs,
)
from search.weight_sharing.shared_cell import Edge, edges


def multiply_adds(space, **scale):
    return lambda architecture: (
        space.kind.complexity(
            architecture, (8, 8, 3), 10, **scale
        ).multiply_adds
    )


def test_the_cost_of_any_network_is_a_sum_over_its_layers():
    space = ProxylessNASSpace(0.25)
    cost = multiply_adds(space)
    rows = choice_costs(space, cost)
    base = cost(space.decode((0,) * len(space.decisions)))
    rng = np.random.default_rng(0)
    for _ in range(5):
        decisions = space.sample(rng)
        total = base + sum(
            row[choice] for row, choice in zip(rows, decisions, strict=True)
        )
        assert total == cost(space.decode(decisions))


def sides(space, genotype):
    """By cell the edge and the operation of each side of each block."""
    places = list(edges(space.blocks))
    for cell, name in zip(
        (genotype.normal, genotype.reduction), space.cell_names, strict=False
    ):
        for number, block in enumerate(cell.blocks):
            for state, operation in zip(
                block.inputs, block.operations, strict=True
            ):
                yield name, places.index(Edge(number, state)), operation


@pytest.mark.parametrize("cells", [1, 2])
def test_the_cost_of_a_cell_is_a_sum_over_its_sides(cells):
    """Where all blocks are concatenated, so that nothing else differs."""
    names = ("identity", "sep_conv_3x3", "conv_1x1")
    space = NASNetSpace(2, ("add",), names, cells=cells, concat="all")
    cost = multiply_adds(space, repeats=1, filters=4)
    tables = edge_costs(space, cost)
    assert [*tables] == [*space.cell_names]
    chances = [2 / (2 + edge.block) for edge in edges(2)]
    rng = np.random.default_rng(0)
    for _ in range(5):
        decisions = space.sample(rng)
        plain = tuple(
            0 if decision.kind == "operation" else choice
            for decision, choice in zip(space.decisions, decisions, strict=True)
        )
        genotype = space.decode(decisions)
        total = cost(space.decode(plain)) + sum(
            tables[cell][edge, names.index(operation)] / chances[edge]
            for cell, edge, operation in sides(space, genotype)
        )
        assert total == pytest.approx(cost(genotype))
