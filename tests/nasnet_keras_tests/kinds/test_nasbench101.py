import numpy as np
import pytest
from keras import ops

from nasnet_keras.architectures import find_kind
from nasnet_keras.kinds.graphs.nasbench101 import (
    NASBench101Kind,
    vertex_filters,
)
from nasnet_keras.kinds.graphs.vertex_module import MAX_EDGES, VertexModule
from nasnet_keras.network.model_cost import multiply_adds

KIND = NASBench101Kind()
IMAGES = ((32, 32, 3), 10)
CONV, POINT, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
# The example of the authors' README.
INCEPTION = VertexModule(
    ((0,), (0,), (0,), (3,), (0,), (1, 2, 4, 5)),
    (POINT, CONV, CONV, CONV, POOL),
)
SMALLEST = VertexModule(((0,), (1,), (1,), (1,), (1, 2, 3, 4)), (POOL,) * 4)
LARGEST = VertexModule(((0,), (0, 1), (0, 2), (3,), (4,), (0, 5)), (CONV,) * 5)


@pytest.mark.parametrize(
    ("module", "trainable"),
    [(INCEPTION, 2_694_282), (SMALLEST, 227_274), (LARGEST, 49_979_274)],
)
def test_costs_are_those_published(module, trainable):
    cost = KIND.complexity(module, *IMAGES)
    assert cost.trainable_parameters == trainable
    assert len(module.edges) <= MAX_EDGES and module.pruned == module


@pytest.mark.large
def test_the_published_network_is_built_as_counted():
    model = KIND.build(INCEPTION, *IMAGES)
    cost = KIND.complexity(INCEPTION, *IMAGES)
    sizes = (int(np.prod(each.shape)) for each in model.trainable_weights)
    assert sum(sizes) == cost.trainable_parameters == 2_694_282
    assert model.count_params() == cost.parameters
    assert multiply_adds(model) == cost.multiply_adds


def test_a_module_computes_what_its_vertices_say():
    """Sums are cut to the width of their vertex; what reads the input
    projects it; the output concatenates, and adds the projected input."""
    module = VertexModule(((0,), (1,), (1,), (0, 1, 2, 3)), (POOL,) * 3)
    assert vertex_filters(module, 4) == [2, 1, 1]
    model = KIND.build(module, (8, 8, 3), 2, repeats=1, filters=4)
    layer = model.get_layer("stage_1_module_1")
    states = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype("f")
    first, output = (unit for unit in layer.layers if unit is not None)

    def project(unit):
        kernel = np.asarray(unit.kernel)[0, 0]
        return np.maximum(states @ kernel / np.sqrt(1 + 1e-5), 0)

    def pool(values):
        return np.asarray(ops.max_pool(values, 3, 1, "same"))

    one = pool(project(first))
    two = pool(one[..., :1])
    expected = np.concatenate([one, two, two], -1) + project(output)
    np.testing.assert_allclose(layer(states), expected, rtol=1e-4, atol=1e-5)


def test_without_inner_vertices_the_input_is_projected():
    module = VertexModule(((0,),), ())
    model = KIND.build(module, (8, 8, 3), 2, repeats=1, filters=4)
    cost = KIND.complexity(module, (8, 8, 3), 2, repeats=1, filters=4)
    assert model.count_params() == cost.parameters


@pytest.mark.parametrize(
    ("module", "pruned"),
    [
        # No path: 1 leads nowhere, 2 reads nothing.
        (
            VertexModule(((0,), (), (2,)), (CONV, POOL)),
            VertexModule(((0,),), ()),
        ),
        # 1 leads nowhere.
        (
            VertexModule(((0,), (0,), (2,)), (CONV, POOL)),
            VertexModule(((0,), (1,)), (POOL,)),
        ),
        # Ten edges; without the last one 3 leads nowhere.
        (
            VertexModule(((0,), (0, 1), (0, 1, 2), (0, 1, 2, 3)), (CONV,) * 3),
            VertexModule(((0,), (0, 1), (0, 1, 2)), (CONV,) * 2),
        ),
    ],
)
def test_what_the_benchmark_would_refuse_is_made_valid(module, pruned):
    assert module.pruned == pruned
    arguments = {"repeats": 1, "filters": 4}
    assert KIND.complexity(module, *IMAGES, **arguments) == KIND.complexity(
        pruned, *IMAGES, **arguments
    )


def test_the_only_path_is_never_left_out():
    """All 21 edges but those to the output, which one vertex alone makes."""
    every = tuple(tuple(range(vertex)) for vertex in range(1, 6))
    module = VertexModule((*every, (5,)), (CONV,) * 5).pruned
    assert len(module.edges) <= MAX_EDGES
    assert module.reads[-1] and module.pruned == module


def test_channels_must_suffice():
    with pytest.raises(ValueError, match="each of the 4 vertices.*filters=3"):
        KIND.complexity(SMALLEST, *IMAGES, filters=3)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "01/00",
        "01/00 input",
        "00/10 input output",
        "01/0 input output",
        "01/00 input output maxpool3x3",
        "011/001/000 input output",
        "011/001/000 input pool output",
        "011/001/000  input maxpool3x3 output",
        "0/" * 1000 + " input output",
        3,
        None,
    ],
)
def test_other_texts_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="Expected a matrix of") as error:
        find_kind("nasbench101").from_data(data)
    assert len(str(error.value)) < 500
