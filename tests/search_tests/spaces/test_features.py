"""The features of spaces, by which surrogates learn from few trials."""

import itertools

import numpy as np
import pytest

from search.spaces.base import Decision, SearchSpace
from search.spaces.graph_features import block_features, edge_features
from search.spaces.nasnet import NASNetSpace


class Layers(SearchSpace):
    """Layers whose order does not matter, and a choice of its own."""

    name = "layers"
    version = 1

    def __init__(self):
        self.decisions = (
            *(
                Decision(f"{layer}/width", ("8", "16", "32"), "ordered", layer)
                for layer in range(3)
            ),
            Decision("head", ("pool", "flatten"), "free", 2),
        )

    def decode(self, decisions):
        return decisions

    def encode(self, architecture):
        return architecture

    def describe(self):
        return {"name": self.name, "version": self.version}

    def canonical(self, decisions):
        return (*sorted(decisions[:3]), decisions[3])


@pytest.fixture(params=["nasnet", "one combiner", "edges", "layers"])
def space(request, small_space):
    return {
        "edges": small_space,
        "nasnet": NASNetSpace(3),
        "one combiner": NASNetSpace(2, ["add"]),
        "layers": Layers(),
    }[request.param]


@pytest.fixture
def vectors(space):
    rng = np.random.default_rng(0)
    first = (0,) * len(space.decisions)
    return [first, *(space.sample(rng) for _ in range(50))]


def test_features_are_numbers_equal_for_equal_architectures(space, vectors):
    shapes, found = set(), set()
    for decisions in vectors:
        features = space.features(decisions)
        assert features.dtype == float
        assert np.isfinite(features).all()
        np.testing.assert_array_equal(
            features, space.features(space.canonical(decisions))
        )
        shapes.add(features.shape)
        found.add(tuple(features))
    ((length,),) = shapes
    assert length > 0
    assert len(found) > 1


def test_by_default_choices_are_counted_and_numbers_added():
    np.testing.assert_array_equal(
        Layers().features((2, 0, 2, 1)), [1, 0, 2, 8 + 2 * 32, 0, 1]
    )


NAMES = ["conv", "none", "skip"]


def edges(*operations):
    """A cell of four nodes, its edges in the order of NAS-Bench-201."""
    places = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
    return dict(zip(places, operations, strict=True))


def test_an_edge_that_leads_nowhere_changes_nothing():
    # Node 1 hears of nothing, node 2 leads nowhere.
    dead = edges("none", "conv", "skip", "conv", "conv", "none")
    single = edges("none", "none", "none", "conv", "none", "none")
    assert edge_features(dead, NAMES) == edge_features(single, NAMES)


def test_features_of_edges_by_hand():
    # 0 conv 1 conv 3; 0 skip 2, 1 conv 2, 2 conv 3; 0 skip 3.
    cell = edges("conv", "skip", "conv", "skip", "conv", "conv")
    (
        *counts, live, paths, length,
        conv, none, skip, most, fewest, all_convs, first, last,
    ) = edge_features(cell, NAMES)  # fmt: skip
    assert counts == [4, 0, 2]
    assert (live, paths, length) == (6, 4, 3)
    assert (conv, none, skip) == (3, 0, 1)
    assert (most, fewest) == (3, 0)
    assert (all_convs, first, last) == (4, 1, 2)


def test_nothing_comes_through_a_cell_without_paths():
    features = edge_features(edges(*["none"] * 6), NAMES)
    assert set(features) == {0.0}


def test_nodes_that_change_places_leave_features():
    """Nodes 1 and 2 swap where no edge joins them."""
    for a, b, c, d, e in itertools.product(NAMES, repeat=5):
        one = edges(a, b, "none", c, d, e)
        other = edges(b, a, "none", c, e, d)
        assert edge_features(one, NAMES) == edge_features(other, NAMES)


def test_features_of_blocks_by_hand():
    names = ("identity", "conv_3x3", "max_pool_3x3", "none")
    blocks = [(0, 1, 1, 0), (2, 0, 1, 2), (0, 1, 3, 1)]
    features = block_features(blocks, names)
    assert features == [
        *(1, 3, 1, 1),  # of each operation
        2,  # the second and the third block are not read
        *(2, 4 / 3),  # convolutions on a path: 1, 2, 1
        *(2, 4 / 3),  # blocks on a path: 1, 2, 1
        *(2, 1),  # read input 0, `none` aside: conv, pool
        *(2, 1),  # read input 1: identity, conv
    ]
