import random

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import NASNET_OPERATIONS, Block, CellSpec, Genotype
from nasnet_keras.layers.cell import Cell
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.network.build import build_network
from nasnet_keras.network.complexity import (
    Complexity,
    cell_complexity,
    genotype_complexity,
)
from nasnet_keras.network.model_cost import multiply_adds
from nasnet_keras.published import NASNET_A

# Parameters (all, trainable) and multiply-adds that hold exactly: the first
# two networks are those of keras.applications.
PUBLISHED = {
    "mobile": (
        {
            "input_shape": (224, 224, 3),
            "classes": 1000,
            "repeats": 4,
            "filters": 44,
            "stem": "imagenet",
        },
        (5_326_716, 5_289_978),
        563.6e6,
    ),
    "large": (
        {
            "input_shape": (331, 331, 3),
            "classes": 1000,
            "repeats": 6,
            "filters": 168,
            "stem": "imagenet",
            "stem_filters": 96,
            "skip_reduction_layer_input": True,
        },
        (88_949_818, 88_753_150),
        23.783e9,
    ),
    "cifar": (
        {
            "input_shape": (32, 32, 3),
            "classes": 10,
            "repeats": 6,
            "filters": 32,
        },
        (3_383_786, 3_346_538),
        544.3e6,
    ),
}


def random_cell(seed):
    """Of 1 to 5 blocks; half of them say what they concatenate."""
    rng = random.Random(seed)
    blocks = tuple(
        Block(
            (rng.randrange(2 + n), rng.randrange(2 + n)),
            (rng.choice(NASNET_OPERATIONS), rng.choice(NASNET_OPERATIONS)),
            rng.choice(("add", "concat")),
        )
        for n in range(1 + seed % 5)
    )
    states = rng.sample(range(2 + len(blocks)), 2)
    return CellSpec(blocks, tuple(states) if seed % 2 else "unused")


def products(compute, *shapes):
    """The multiply-adds of the operations in TensorFlow's graph.

    A dilated convolution is there an ordinary one of a batch of smaller
    images, hence the batch among the sides of its output.
    """
    function = tf.function(lambda *images: compute(*images))
    graph = function.get_concrete_function(
        *[tf.TensorSpec((1, *shape)) for shape in shapes]
    ).graph
    # How many sides of the kernel each output sums over.
    summed = {"Conv2D": 3, "DepthwiseConv2dNative": 2, "MatMul": 1}
    total = 0
    for operation in graph.get_operations():
        if operation.type in summed:
            output, kernel = operation.outputs[0], operation.inputs[1]
            reads = kernel.shape.as_list()[: summed[operation.type]]
            total += np.prod(output.shape.as_list()) * np.prod(reads)
    return total


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    arguments, parameters, products = PUBLISHED[name]
    cost = genotype_complexity(NASNET_A, **arguments)
    assert (cost.parameters, cost.trainable_parameters) == parameters
    assert cost.multiply_adds == pytest.approx(products, rel=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        "cifar",
        pytest.param("mobile", marks=pytest.mark.large),
        pytest.param("large", marks=pytest.mark.large),
    ],
)
def test_published_networks_have_those_sizes(name):
    arguments, parameters, _ = PUBLISHED[name]
    model = build_network(NASNET_A, **arguments)
    assert (model.count_params(), trainable(model)) == parameters
    cost = genotype_complexity(NASNET_A, **arguments)
    assert multiply_adds(model) == cost.multiply_adds


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.one_in(4)
def test_random_cells_cost_what_is_counted(seed):
    """Of sides that stay even, so that TensorFlow's dilated convolutions add
    no padding to its operations."""
    spec = random_cell(seed)
    conventions = Conventions("bottleneck" if seed % 3 else "plain")
    strides = 1 + seed % 2
    # The first cell of a network, one after a reduction, one among others.
    shapes, input_strides = [
        ([(8, 4, 5)], (1,)),
        ([(8, 4, 5), (16, 8, 6)], (1, 2)),
        ([(8, 4, 5), (8, 4, 6)], (1, 1)),
    ][seed % 3]
    cell = Cell(spec, 6, strides, input_strides, conventions=conventions)
    cell.build([(None, *shape) for shape in shapes])
    cost = cell_complexity(
        spec,
        6,
        strides,
        input_strides,
        [shape[-1] for shape in shapes],
        (8, 4),
        conventions,
    )
    assert cell.count_params() == cost.parameters
    assert trainable(cell) == cost.trainable_parameters
    assert products(lambda *s: cell(list(s)), *shapes) == cost.multiply_adds


@pytest.mark.parametrize("seed", [1, 3, 4])
@pytest.mark.one_in(3)
def test_random_networks_cost_what_is_counted(seed):
    imagenet = seed == 1
    arguments = {
        "input_shape": (65, 65, 3) if imagenet else (16, 8, 3),
        "classes": 7,
        "repeats": 1,
        "filters": 4,
        "stem": "imagenet" if imagenet else "cifar",
        "skip_reduction_layer_input": seed == 4,
    }
    genotype = Genotype(random_cell(seed), random_cell(seed + 1))
    cost = genotype_complexity(genotype, **arguments)
    model = build_network(genotype, **arguments)
    assert model.count_params() == cost.parameters
    assert trainable(model) == cost.trainable_parameters
    assert multiply_adds(model) == cost.multiply_adds
    assert products(model, arguments["input_shape"]) == cost.multiply_adds


def test_odd_sizes_and_channels_first():
    """Of a cell without a dilated convolution."""
    genotype = Genotype(*[CellSpec(NASNET_A.reduction.blocks[:2])] * 2)
    for shape, data_format in (
        ((11, 9, 3), "channels_last"),
        ((3, 11, 9), "channels_first"),
    ):
        arguments = {
            "input_shape": shape,
            "repeats": 1,
            "filters": 5,
            "conventions": {"data_format": data_format},
        }
        model = build_network(genotype, **arguments)
        cost = genotype_complexity(genotype, **arguments)
        assert model.count_params() == cost.parameters
        assert multiply_adds(model) == cost.multiply_adds
        if data_format == "channels_last":
            assert products(model, shape) == cost.multiply_adds


def test_heads_that_do_not_count():
    """Neither the auxiliary head nor what replaces the classifier."""
    genotype = Genotype(random_cell(0), random_cell(0))
    arguments = {"input_shape": (16, 16, 3), "repeats": 1, "filters": 4}
    counted = genotype_complexity(genotype, **arguments).multiply_adds
    training = build_network(genotype, **arguments, auxiliary_head=True)
    assert multiply_adds(training) == counted
    headless = build_network(genotype, **arguments, include_top=False)
    classifier = 10 * headless.output_shape[-1]
    assert multiply_adds(headless) == counted - classifier


def test_costs_add_up():
    total = Complexity(1, 2, 3) + Complexity(10, 20, 30)
    assert total == Complexity(11, 22, 33)
    assert total.parameters == 33


def test_an_unknown_size_is_refused():
    arguments = {"input_shape": (None, None, 3), "repeats": 1, "filters": 4}
    with pytest.raises(ValueError, match="size.*Received"):
        genotype_complexity(NASNET_A, **arguments)
    genotype = Genotype(random_cell(0), random_cell(0))
    with pytest.raises(ValueError, match="size.*Received"):
        multiply_adds(build_network(genotype, **arguments))


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("genotype", "nasnet"),
        ("repeats", 0),
        ("filters", -1),
        ("stem", "vgg"),
        ("input_shape", (4, 4, 3)),
        ("classes", None),
    ],
)
def test_what_cannot_be_built_is_not_counted(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        genotype_complexity(**{"genotype": NASNET_A, argument: value})
