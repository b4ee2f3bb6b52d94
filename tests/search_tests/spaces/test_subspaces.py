import numpy as np
import pytest

from nasnet_keras import published
from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.genotype_formats import write_genotype
from nasnet_keras.network.complexity import genotype_complexity
from search.spaces import SPACES, create_space, name_space, subspaces
from search.spaces.nasnet import NASNetSpace

# By name: the product of the states that blocks can read, operations, blocks,
# cells.
SIZES = {
    "pnasnet": (2 * 3 * 4 * 5 * 6, 8, 5, 1),
    "enas": (2 * 3 * 4 * 5 * 6, 5, 5, 2),
    "darts": (2 * 3 * 4 * 5, 8, 4, 2),
    "amoebanet": (2 * 3 * 4 * 5 * 6, 8, 5, 2),
}
SUBSPACES = [
    name
    for name, place in SPACES.items()
    if place.startswith(f"{subspaces.__name__}:")
]
EVERY = pytest.mark.parametrize("name", SUBSPACES)


def unused(genotype):
    """The same blocks; what none of them reads is concatenated."""
    return Genotype(
        CellSpec(genotype.normal.blocks), CellSpec(genotype.reduction.blocks)
    )


@EVERY
def test_sizes(name):
    inputs, operations, blocks, cells = SIZES[name]
    space = create_space(name)
    assert len(space.decisions) == 5 * blocks * cells
    assert space.size == (inputs * operations**blocks) ** (2 * cells)


def test_the_size_of_pnas_is_that_in_darts_paper():
    assert create_space("pnasnet").size == pytest.approx(5.6e14, rel=0.01)


@EVERY
def test_its_name_is_given_back(name):
    space = create_space(name)
    assert name_space(space) == (name, {})
    assert "mixture" in space.capabilities
    with pytest.raises(ValueError, match="made already.*'blocks': .*Received"):
        create_space(name, {"blocks": 3})


@EVERY
def test_its_options_make_it_too(name):
    space = create_space(name)
    options = space.describe()
    assert (options.pop("name"), options.pop("version")) == ("nasnet", 1)
    again = create_space("nasnet", options)
    assert again.decisions == space.decisions
    assert name_space(again) == (name, {})


def test_other_options_are_named_by_the_class():
    space = NASNetSpace(2, ("add",), ("conv_3x3", "identity"), 1)
    name, options = name_space(space)
    assert name == "nasnet"
    assert create_space(name, options).decisions == space.decisions


# === Published cells ===


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("enas", "ENAS_MICRO"),
        ("amoebanet", "AMOEBANET_A_DARTS"),
    ],
)
def test_published_cells_are_in_their_space(name, cells):
    space, genotype = create_space(name), getattr(published, cells)
    assert space.decode(space.encode(genotype)) == unused(genotype)


# 8 cells of 32 filters are the children of NAS-Bench-301.
@pytest.mark.parametrize(
    ("cells", "repeats", "filters", "trainable", "products"),
    [
        ("DARTS_V1", 8, 32, 871_786, 152.4),
        ("DARTS_V2", 8, 32, 919_722, 159.8),
        ("DARTS_V2", 20, 36, 3_349_342, 528.4),
    ],
)
def test_the_cells_of_darts_are_its_networks(
    cells, repeats, filters, trainable, products
):
    space, genotype = create_space("darts"), getattr(published, cells)
    decisions = space.encode(genotype)
    assert space.decode(decisions) == genotype
    with pytest.raises(ValueError, match="concatenate all of their states"):
        space.encode(unused(genotype))
    cost = space.kind.complexity(
        space.decode(space.canonical(decisions)),
        (32, 32, 3),
        10,
        repeats=repeats,
        filters=filters,
        frame="darts",
        conventions={"strided_identity": "factorized"},
    )
    assert cost.trainable_parameters == trainable
    assert round(cost.multiply_adds / 1e6, 1) == products


def test_a_table_of_darts_may_name_cells_as_darts_does():
    space = create_space("darts")
    text = write_genotype(published.DARTS_V2, "darts")
    decisions = space.encode(published.DARTS_V2)
    assert space.from_key(text) == decisions
    assert space.from_key(space.to_key(decisions)) == decisions
    with pytest.raises(ValueError, match="cells of 4 blocks"):
        space.from_key(write_genotype(published.ENAS_MICRO, "darts"))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("pnasnet", "PNASNET_5"),
        ("amoebanet", "AMOEBANET_A"),
        ("amoebanet", "AMOEBANET_C"),
    ],
)
def test_the_blocks_of_others_are_but_not_what_they_concatenate(name, cells):
    """Lists by hand, or by another rule."""
    space, genotype = create_space(name), getattr(published, cells)
    with pytest.raises(ValueError, match="concatenate their unused states"):
        space.encode(genotype)
    blocks = unused(genotype)
    assert space.decode(space.encode(blocks)) == blocks


@pytest.mark.parametrize(
    ("name", "cells", "message"),
    [
        ("amoebanet", "AMOEBANET_B", "the operations identity, .*'conv_1x1'"),
        ("amoebanet", "AMOEBANET_D", "the operations identity, .*'conv_1x1'"),
        ("enas", "DARTS_V2", "cells of 5 blocks"),
        ("pnasnet", "ENAS_MICRO", "the same normal and reduction cell"),
    ],
)
def test_what_is_of_another_space_is_refused(name, cells, message):
    genotype = unused(getattr(published, cells))
    with pytest.raises(ValueError, match=message):
        create_space(name).encode(genotype)


@EVERY
def test_random_children_have_a_cost(name):
    space, rng = create_space(name), np.random.default_rng(0)
    for _ in range(5):
        cost = genotype_complexity(
            space.decode(space.sample(rng)), repeats=1, filters=4
        )
        assert cost.parameters > 0
