import pytest

from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.placed_operations import (
    PlacedOperation,
    cell_operations,
    network_operations,
)
from nasnet_keras.network.plan import NetworkPlan


def plan(genotype, input_shape=(9, 8, 3)):
    return NetworkPlan(
        genotype, input_shape, 10, 1, 4, "cifar", None, False, Conventions(),
        "nasnet",
    )  # fmt: skip


SPEC = CellSpec(
    (
        Block((0, 1), ("sep_conv_3x3", "identity"), "concat"),
        Block((2, 0), ("max_pool_3x3", "conv_1x1")),
        Block((2, 2), ("identity", "identity")),
    )
)


def test_the_operations_of_a_reduction_cell():
    """An earlier input twice as large is halved; operations on the inputs
    halve, those on the blocks' outputs do not."""
    assert list(cell_operations(SPEC, 4, 2, (1, 2), [12, 6], (5, 8))) == [
        PlacedOperation("adjustment", 5, 8, 12, 4),
        PlacedOperation("adjustment", 10, 16, 6, 4, strides=2),
        PlacedOperation("sep_conv_3x3", 5, 8, 4, 4, strides=2),
        PlacedOperation("identity", 5, 8, 4, 4, strides=2),
        PlacedOperation("concat", 3, 4, 4, 4),
        PlacedOperation("max_pool_3x3", 3, 4, 8, 4),
        PlacedOperation("conv_1x1", 5, 8, 4, 4, strides=2),
        PlacedOperation("add", 3, 4, 4, 4),
        PlacedOperation("identity", 3, 4, 8, 4),
        PlacedOperation("identity", 3, 4, 8, 4),
        PlacedOperation("add", 3, 4, 4, 4),
        PlacedOperation("output", 3, 4, 8, 4),
    ]


def test_a_missing_earlier_input_is_the_current_one_unprojected():
    spec = CellSpec((Block((0, 1), ("conv_3x3", "conv_1x1")),))
    assert list(cell_operations(spec, 4, 1, (1,), [12], (8, 8))) == [
        PlacedOperation("adjustment", 8, 8, 12, 4),
        PlacedOperation("conv_3x3", 8, 8, 4, 4),
        PlacedOperation("conv_1x1", 8, 8, 12, 4),
        PlacedOperation("add", 8, 8, 4, 4),
    ]


def test_an_input_that_is_put_out_is_adjusted():
    spec = CellSpec((Block((0, 0), ("identity", "identity")),), concat=(1, 2))
    assert list(cell_operations(spec, 4, 2, (1, 1), [4, 4], (8, 8)))[-2:] == [
        PlacedOperation("adjustment", 8, 8, 4, 4, strides=2),
        PlacedOperation("output", 4, 4, 8, 4),
    ]


def test_a_network_has_those_of_its_cells_in_their_sizes():
    places = list(network_operations(plan(Genotype(SPEC, SPEC))))
    outputs = [place for place in places if place.name == "output"]
    assert [(p.height, p.width, p.channels, p.filters) for p in outputs] == [
        (9, 8, 8, 4),
        (5, 4, 16, 8),
        (5, 4, 16, 8),
        (3, 2, 32, 16),
        (3, 2, 32, 16),
    ]


def test_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match="`input_shape`.*known height.*None"):
        list(network_operations(plan(Genotype(SPEC, SPEC), (None, None, 3))))
