import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import NASNET_OPERATIONS, Block, CellSpec, Genotype
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.build import build_network
from nasnet_keras.published import NASNET_A
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.shared_network import SharedNetwork
from search.weight_sharing.subnetwork import Subnetwork

IMAGES = np.random.default_rng(1).normal(size=(6, 8, 8, 3)).astype("float32")


@pytest.fixture(scope="module")
def network(create_network):
    return create_network()


def build(genotype, **settings):
    return build_network(
        genotype,
        (8, 8, 3),
        classes=4,
        classifier_activation=None,
        **{"repeats": 1, "filters": 2, **settings},
    )


def cell(*blocks):
    return CellSpec(tuple(Block(*block) for block in blocks))


def of_operation(name):
    """Reads inputs, and states of either combiner, by one operation."""
    spec = cell(
        ((0, 1), (name, name), "concat"), ((2, 1), (name, "identity"), "add")
    )
    return Genotype(spec, spec)


@pytest.fixture
def check_equal(as_trained):
    return functools.partial(_check_equal, as_trained)


def _check_equal(as_trained, network, genotype, **settings):
    model = build(genotype, **settings)
    subnetwork = Subnetwork(network, genotype)
    random = np.random.default_rng(0)
    for layer in subnetwork.layers:
        layer.moving = [
            random.uniform(0.5, 2, each.shape).astype("float32")
            for each in layer.moving
        ]
    subnetwork.copy_to(model)
    trained = as_trained(model, subnetwork)
    for reference, training in ((model, False), (trained, True)):
        np.testing.assert_allclose(
            tf.nn.softmax(subnetwork(IMAGES, training)),
            tf.nn.softmax(reference(IMAGES, training=training)),
            # The same operations; which kernel computes one may differ.
            atol=1e-5,
        )


@pytest.mark.parametrize(
    "name",
    [
        # One of each kind, and the others where time is of no matter.
        name
        if name in ("identity", "avg_pool_3x3", "conv_1x7_7x1", "sep_conv_5x5")
        else pytest.param(name, marks=pytest.mark.large)
        for name in NASNET_OPERATIONS
    ],
)
def test_the_values_are_those_of_the_network_built_alone(
    network, name, check_equal
):
    check_equal(network, of_operation(name))


@pytest.mark.parametrize(
    "seed",
    [0, *(pytest.param(seed, marks=pytest.mark.large) for seed in (1, 2, 3))],
)
def test_so_are_those_of_random_cells(network, seed, shared_space, check_equal):
    rng = np.random.default_rng(seed)
    check_equal(network, shared_space.decode(shared_space.sample(rng)))


@pytest.mark.parametrize("combiner", ["add", "concat"])
@pytest.mark.one_in(2)
def test_so_are_those_with_one_combiner(create_network, combiner, check_equal):
    network = create_network(NASNetSpace(1, (combiner,)), repeats=2)
    spec = cell(((0, 1), ("sep_conv_3x3", "conv_1x1"), combiner))
    check_equal(network, Genotype(spec, spec), repeats=2)


@pytest.mark.large
def test_so_are_those_of_another_activation(create_network, check_equal):
    conventions = Conventions(activation="swish")
    network = create_network(NASNetSpace(1), conventions=conventions)
    spec = cell(((0, 1), ("sep_conv_3x3", "identity"), "add"))
    check_equal(network, Genotype(spec, spec), conventions=conventions)


def test_a_single_output_state_needs_no_projection(network, check_equal):
    """Its channels fit where the next cell but one takes it."""
    chain = cell(
        ((0, 1), ("conv_1x1", "identity"), "add"),
        ((2, 2), ("conv_3x3", "identity"), "add"),
    )
    check_equal(network, Genotype(chain, chain))


def test_an_input_may_stay_unread(network, check_equal):
    spec = cell(
        ((0, 0), ("conv_1x1", "conv_3x3"), "add"),
        ((0, 2), ("conv_1x1", "identity"), "add"),
    )
    check_equal(network, Genotype(spec, spec))


def test_another_cell_has_other_weights_where_it_differs(network):
    """A place is a block, a state and its channels."""

    def places(genotype):
        return {
            (table.path, int(index))
            for layer in Subnetwork(network, genotype).layers
            for table, index in zip(
                layer.weight_slice.tables,
                layer.weight_slice.indices,
                strict=True,
            )
            if not index.shape.rank and "operations" in table.path
        }

    def genotype(first, second):
        spec = cell(
            (first, ("conv_3x3", "conv_1x1"), "add"),
            (second, ("conv_3x3", "conv_1x1"), "add"),
        )
        return Genotype(spec, spec)

    one = places(genotype((0, 1), (0, 1)))
    assert len(one) == 5 * 4  # cells, operations
    other = places(genotype((0, 1), (0, 2)))
    assert len(one & other) == 5 * 3
    assert not one & places(genotype((1, 0), (1, 2)))


def test_the_sides_of_a_block_may_be_swapped(network):
    """One cell, however it is written, has one value."""

    def genotype(*blocks):
        return Genotype(cell(*blocks), cell(*blocks))

    one = genotype(
        ((0, 1), ("conv_3x3", "identity"), "add"),
        ((2, 0), ("conv_1x1", "max_pool_3x3"), "add"),
    )
    other = genotype(
        ((1, 0), ("identity", "conv_3x3"), "add"),
        ((0, 2), ("max_pool_3x3", "conv_1x1"), "add"),
    )
    np.testing.assert_allclose(
        Subnetwork(network, one)(IMAGES),
        Subnetwork(network, other)(IMAGES),
        rtol=1e-5,  # Sums in another order.
    )


def test_a_block_may_read_one_state_twice_by_one_operation(
    network, check_equal
):
    """Both have the same weights, and these are there once."""

    def genotype(first, second):
        spec = cell(
            ((0, 0), (first, second), "add"),
            ((2, 1), ("conv_3x3", "identity"), "add"),
        )
        return Genotype(spec, spec)

    def parts(genotype):
        return len(Subnetwork(network, genotype).layers)

    twice = genotype("conv_3x3", "conv_3x3")
    check_equal(network, twice)
    other = genotype("conv_3x3", "conv_1x1")
    assert parts(twice) == parts(other) - len(network.cells)


@pytest.mark.large
def test_the_seed_alone_fixes_the_first_weights():
    def values(seed):
        keras.utils.set_random_seed(seed + 3)
        network = SharedNetwork(
            NASNetSpace(1, ("add",)), (8, 8, 3), 4, filters=2, seed=seed
        )
        return np.concatenate([np.ravel(table) for table in network.variables])

    first = values(0)
    np.testing.assert_array_equal(first, values(0))
    assert not np.array_equal(first, values(1))


def test_a_place_has_weights_of_its_own_from_the_start():
    network = SharedNetwork(NASNetSpace(1), (8, 8, 3), classes=4, filters=2)
    for table in network.variables:
        if "operations" in table.path:
            values = np.asarray(table).reshape(table.shape[0], -1)
            assert len(np.unique(values, axis=0)) == len(values)


@pytest.mark.large
def test_all_cells_begin_nearly_as_one(shared_space):
    """What random cells make of an image correlates, though they have few
    operations in common."""
    network = SharedNetwork(shared_space, (8, 8, 3), classes=4, filters=8)
    rng = np.random.default_rng(0)
    # Of a patch in each corner.
    images = rng.normal(size=(64, 2, 2, 3)).repeat(4, 1).repeat(4, 2)
    images = images.astype("float32")
    kernel, _ = network.classifier.tables
    rows = rng.normal(size=(network.features.width, 4))
    kernel.assign(np.tile(rows, (kernel.shape[0] // len(rows), 1)))
    logits = [
        Subnetwork(network, shared_space.decode(shared_space.sample(rng)))(
            images, training=True
        )
        for _ in range(8)
    ]
    correlations = np.corrcoef([np.ravel(each) for each in logits])
    assert np.median(correlations[np.triu_indices(8, 1)]) > 0.4


def test_a_change_of_cells_traces_nothing_that_was_there(network):
    spaces = [of_operation(name) for name in ("conv_3x3", "sep_conv_5x5")]
    for genotype in spaces:
        Subnetwork(network, genotype)(IMAGES)
    functions = {
        layer.weight_slice.function
        for genotype in spaces
        for layer in Subnetwork(network, genotype).layers
    }

    def traces():
        return sum(function.traces for function in functions)

    before = traces()
    mixed = Genotype(spaces[0].normal, spaces[0].reduction)
    for genotype in [*spaces, mixed]:
        Subnetwork(network, genotype)(IMAGES)
    assert traces() == before > 0


def test_a_genotype_of_another_space_is_refused(network):
    with pytest.raises(ValueError, match="cells of 2 blocks"):
        Subnetwork(network, NASNET_A)(IMAGES)
    only = SharedNetwork(NASNetSpace(1, ("add",)), (8, 8, 3), 4, filters=2)
    spec = cell(((0, 1), ("conv_1x1", "conv_1x1"), "concat"))
    with pytest.raises(ValueError, match="the combiners add"):
        Subnetwork(only, Genotype(spec, spec))


@pytest.mark.large
def test_weights_are_saved_as_those_of_any_model(create_network, tmp_path):
    network = create_network(NASNetSpace(1))
    other = SharedNetwork(NASNetSpace(1), (8, 8, 3), 4, filters=2)
    genotype = NASNetSpace(1).decode((0,) * 10)
    network.save_weights(tmp_path / "shared.weights.h5")
    other.load_weights(tmp_path / "shared.weights.h5")
    np.testing.assert_array_equal(
        Subnetwork(network, genotype)(IMAGES),
        Subnetwork(other, genotype)(IMAGES),
    )


def test_dropped_paths_follow_from_the_seed(network):
    subnetwork = Subnetwork(network, of_operation("conv_3x3"))

    def logits(**settings):
        return np.asarray(subnetwork(IMAGES, training=True, **settings))

    whole = logits()
    first, again, other = (
        logits(drop_path_rate=0.5, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other) and not np.allclose(first, whole)


# === Fewer operations, one cell ===

FEWER = ("conv_1x1", "none", "dil_sep_conv_5x5")


@pytest.mark.parametrize(
    ("cells", "concat"), [(1, "unused"), (2, "unused"), (2, "all")]
)
def test_the_values_with_fewer_operations(
    create_network, cells, concat, check_equal
):
    space = NASNetSpace(2, ("add",), FEWER, cells, concat)
    network = create_network(space)
    rng = np.random.default_rng(4)
    check_equal(network, space.decode(space.sample(rng)))


def test_a_network_holds_the_operations_of_its_space(create_network):
    """In each cell so many, of one edge."""
    spaces = [NASNetSpace(1, ("add",), FEWER[:n]) for n in (1, 3)]
    one, three = (
        sum(
            bank.count
            for cell in network.cells
            for bank in cell.operation_banks
        )
        for network in map(create_network, spaces)
    )
    assert 3 * one == three
    spec = cell(((0, 1), ("conv_1x1", "none"), "add"))
    with pytest.raises(ValueError, match="the operations conv_1x1. Received"):
        Subnetwork(create_network(spaces[0]), Genotype(spec, spec))


def test_one_cell_has_weights_of_its_own_at_each_stride(create_network):
    """At the places of the network, which are as many as with two cells."""
    shapes = [
        {
            bank.path: tuple(bank.shape)
            for bank in create_network(
                NASNetSpace(1, ("add",), FEWER, cells)
            ).variables
        }
        for cells in (1, 2)
    ]
    assert list(shapes[0].values()) == list(shapes[1].values())
