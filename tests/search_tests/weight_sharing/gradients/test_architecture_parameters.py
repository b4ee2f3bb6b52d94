import itertools
import warnings

import numpy as np
import pytest

from nasnet_keras.genotype import (
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)
from nasnet_keras.published import NASNET_A
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.gradients.architecture_parameters import (
    ArchitectureParameters,
    strongest_genotypes,
    warn_of_collapse,
)

BLOCKS = 3
EDGES = 2 + 3 + 4


@pytest.fixture
def strengths():
    rng = np.random.default_rng(0)
    return {
        cell: np.log(rng.uniform(size=(EDGES, len(NASNET_OPERATIONS))))
        for cell in ("normal", "reduction")
    }


def test_the_first_has_the_two_strongest_edges_of_each_block(strengths):
    """And of each edge the strongest operation, as the paper says."""
    genotype = next(strongest_genotypes(strengths, NASNetSpace(BLOCKS)))
    for cell, rows in strengths.items():
        begin = 0
        for number, block in enumerate(getattr(genotype, cell).blocks):
            edges = rows[begin : begin + 2 + number]
            begin += 2 + number
            states = np.sort(np.argsort(edges.max(axis=1))[-2:])
            assert block.inputs == tuple(states)
            assert block.operations == tuple(
                NASNET_OPERATIONS[np.argmax(edges[state])] for state in states
            )
            assert block.combiner == "add"


def test_the_next_are_weaker_and_all_others(strengths):
    one = {cell: rows[:2] for cell, rows in strengths.items()}

    def strength(genotype):
        return sum(
            one[cell][state, NASNET_OPERATIONS.index(name)]
            for cell in one
            for block in getattr(genotype, cell).blocks
            for state, name in zip(block.inputs, block.operations, strict=True)
        )

    found = list(
        itertools.islice(strongest_genotypes(one, NASNetSpace(1)), 300)
    )
    values = [strength(genotype) for genotype in found]
    assert values == sorted(values, reverse=True)
    assert len(set(found)) == 300
    # As strong as the strongest of all.
    sums = [np.add.outer(rows[0], rows[1]).ravel() for rows in one.values()]
    every = np.sort(np.add.outer(*sums).ravel())[::-1]
    np.testing.assert_allclose(values, every[:300])


def test_a_step_takes_the_optimizer_of_the_paper():
    """The first step of Adam is its rate against the sign of the gradient and
    of the penalty."""
    architecture = ArchitectureParameters(NASNetSpace(1), learning_rate=0.1)
    gradient = np.ones((2, 13), "float32")
    gradient[0] = -2
    architecture.apply([gradient, -gradient])
    for cell, sign in (("normal", 1), ("reduction", -1)):
        np.testing.assert_allclose(
            architecture.logits[cell], -0.1 * sign * np.sign(gradient), 1e-4
        )
    assert (
        architecture.strongest(1)[0].normal.blocks[0].operations[0]
        == (NASNET_OPERATIONS[0])
    )


def test_no_block_takes_none():
    """However strong it is: DARTS derives its cells of the others."""
    space = NASNetSpace(2, ("add",), ("none", "identity", "conv_3x3"))
    rows = np.full((2 + 3, 3), -5.0)
    rows[:, 0] = 0
    rows[[1, 3], 1] = -2
    found = list(
        strongest_genotypes({"normal": rows, "reduction": rows}, space)
    )
    assert found[0].normal.blocks[1].inputs == (0, 1)
    assert found[0].normal.blocks[1].operations == ("identity", "identity")
    # Of two operations on one pair of edges, and on each of three.
    assert len(set(found)) == len(found) == (4 * 3 * 4) ** 2
    assert not any("none" in genotype.to_json() for genotype in found)


def test_one_cell_has_one_table_for_both_strides():
    space = NASNetSpace(2, ("add",), ("none", "identity", "conv_3x3"), cells=1)
    architecture = ArchitectureParameters(space)
    assert [name for name, _ in architecture.variables()][0] == (
        "architecture/cell"
    )
    (logits,) = architecture.logits.values()
    assert logits.shape == (2 + 3, 3)
    shares = architecture.shares([logits.value])
    assert shares["normal"] is shares["reduction"]
    found = architecture.strongest(100)
    assert len(set(found)) == len(found) == 4 * 3 * 4
    assert all(genotype.normal == genotype.reduction for genotype in found)


@pytest.mark.parametrize(("count", "warned"), [(2, False), (3, True)])
def test_a_warning_says_when_identities_take_over(count, warned):
    """From a quarter on."""
    blocks = [Block((0, 1), ("conv_1x1", "identity"))] * count
    blocks += [Block((0, 1), ("conv_1x1", "conv_3x3"))] * (5 - count)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_collapse(Genotype(CellSpec(tuple(blocks)), NASNET_A.reduction))
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == warned
    assert all("3 of the 10 operations" in text for text in texts)
