import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import (
    NASNET_OPERATIONS,
    Block,
    CellSpec,
    Genotype,
)
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.gradients.mixture import Mixture
from search.weight_sharing.shared_cell import edges
from search.weight_sharing.subnetwork import Subnetwork

IMAGES = np.random.default_rng(1).normal(size=(6, 8, 8, 3)).astype("float32")


def shares(spec, operations=NASNET_OPERATIONS):
    """Of a cell: 1 where it has the operation, else 0."""
    rows = list(edges(len(spec.blocks)))
    table = np.zeros((len(rows), len(operations)), "float32")
    for number, block in enumerate(spec.blocks):
        for state, name in zip(block.inputs, block.operations, strict=True):
            table[rows.index((number, state)), operations.index(name)] = 1
    return tf.constant(table)


@pytest.mark.large
def test_a_mixture_of_one_cell_is_that_cell(create_network):
    """Which reads no block, so that it hands all of them on."""
    network = create_network()
    normal, reduction = (
        CellSpec(
            (
                Block((0, 1), (first, "sep_conv_3x3"), "add"),
                Block((1, 0), ("identity", first), "add"),
            )
        )
        for first in ("conv_3x3", "sep_conv_5x5")
    )
    logits = Mixture(network)(
        IMAGES, {"normal": shares(normal), "reduction": shares(reduction)}
    )
    np.testing.assert_allclose(
        logits,
        Subnetwork(network, Genotype(normal, reduction))(IMAGES, training=True),
        # Sums in another order, before batch norms.
        atol=1e-4,
    )


def test_pools_are_normalised(create_network):
    """Each channel of a batch has mean 0 and variance 1."""
    operations = ("max_pool_3x3", "avg_pool_3x3", "conv_1x1", "identity")
    network = create_network(NASNetSpace(1, ("add",), operations))
    cell = Mixture(network)._cells[0]
    state = np.random.default_rng(1).uniform(3, 9, (6, 8, 8, 6))
    for number in range(2):
        table = np.zeros((2, 4), "float32")
        table[0, number] = 1
        outputs = cell([state.astype("float32")], table)
        np.testing.assert_allclose(np.mean(outputs, (0, 1, 2)), 0, atol=1e-5)
        np.testing.assert_allclose(np.var(outputs, (0, 1, 2)), 1, rtol=1e-3)


@pytest.mark.large
def test_all_of_it_is_part_of_the_mixture(create_network):
    """Every weight that a child without concatenation can have."""
    network = create_network(NASNetSpace(1, ("add",)))
    mixture = Mixture(network)
    taken = sum(
        int(np.prod(np.shape(value)))
        for layer in mixture.layers
        for value in layer.weights
    )
    unused = sum(
        int(np.prod(table.shape))
        for cell in network.cells
        for bank, adjustment in zip(
            cell.projection_banks,
            cell.mixture_slices().adjustments,
            strict=True,
        )
        if adjustment is None
        for table in bank.tables
    )
    assert taken + unused == sum(
        int(np.prod(table.shape)) for table in network.variables
    )


@pytest.mark.parametrize("cells", [1, 2])
def test_a_mixture_has_the_operations_of_its_space(create_network, cells):
    """Beside those of the cell, none has a share, and changes nothing."""
    operations = ("none", "conv_1x1", "identity")
    network = create_network(NASNetSpace(2, ("add",), operations, cells))
    spec = CellSpec(
        (
            Block((0, 1), ("conv_1x1", "identity"), "add"),
            Block((1, 0), ("identity", "conv_1x1"), "add"),
        )
    )
    table = np.array(shares(spec, operations))
    assert table.shape == (5, 3)
    table[:, 0] = 1
    logits = Mixture(network)(IMAGES, {"normal": table, "reduction": table})
    np.testing.assert_allclose(
        logits,
        Subnetwork(network, Genotype(spec, spec))(IMAGES, training=True),
        atol=1e-4,  # As above.
    )
