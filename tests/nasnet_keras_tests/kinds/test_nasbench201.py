import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from nasnet_keras.architectures import find_kind
from nasnet_keras.kinds.graphs.edge_cell import EDGE_OPERATIONS, EdgeCell
from nasnet_keras.kinds.graphs.nasbench201 import NASBench201Kind
from nasnet_keras.network.build import load_model
from nasnet_keras.network.model_cost import multiply_adds

KIND = NASBench201Kind()
IMAGES = ((32, 32, 3), 10)
REAL = (
    Path(__file__).parents[4] / "shared/benchmarks/nasbench201_cifar10.csv.gz"
)
# Of the table's cells the one with the best test accuracy.
BEST = EdgeCell.from_text(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
)


def of_one(name):
    return EdgeCell(((name,), (name,) * 2, (name,) * 3))


@pytest.mark.parametrize(
    ("cell", "trainable", "products"),
    [
        (of_one("none"), 73_306, 7_783_040),
        (of_one("nor_conv_3x3"), 1_531_546, 220_119_680),
        (BEST, 1_073_466, 153_272_960),
    ],
)
def test_costs_are_those_published(cell, trainable, products):
    cost = KIND.complexity(cell, *IMAGES)
    assert cost.trainable_parameters == trainable
    assert cost.multiply_adds == products


@pytest.mark.large
@pytest.mark.skipif(not REAL.exists(), reason="needs NAS-Bench-201's table")
def test_all_parameters_of_the_table_are_counted():
    with gzip.open(REAL, "rt") as file:
        rows = [(row["arch"], row["params"]) for row in csv.DictReader(file)]
    assert len(rows) == 15_625
    different = [
        text
        for text, parameters in rows
        if KIND.complexity(
            EdgeCell.from_text(text), *IMAGES
        ).trainable_parameters
        != int(parameters)
    ]
    assert not different


@pytest.mark.large
def test_the_published_network_is_built_as_counted(tmp_path):
    model = KIND.build(BEST, *IMAGES)
    cost = KIND.complexity(BEST, *IMAGES)
    sizes = (int(np.prod(each.shape)) for each in model.trainable_weights)
    assert sum(sizes) == cost.trainable_parameters == 1_073_466
    assert model.count_params() == cost.parameters
    assert multiply_adds(model) == cost.multiply_adds
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        load_model(tmp_path / "model.keras")(images), model(images)
    )


def test_a_cell_adds_what_its_edges_compute():
    cell = EdgeCell(
        (("nor_conv_1x1",), ("avg_pool_3x3", "none"), ("skip_connect",) * 3)
    )
    model = KIND.build(cell, (8, 8, 3), 2, repeats=1, filters=4)
    layer = model.get_layer("stage_1_cell_1")
    states = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype("f")
    kernel = np.asarray(layer.layers[1].kernel)[0, 0]
    scale = 1 / np.sqrt(1 + 1e-5)
    convolved = np.maximum(states, 0) @ kernel * scale
    pooled = ops.average_pool(states, 3, 1, "same")
    np.testing.assert_allclose(
        layer(states), states + convolved + pooled, rtol=1e-5, atol=1e-5
    )
    # An average leaves out what is beyond the edge.
    corner = states[0, :2, :2].mean((0, 1))
    np.testing.assert_allclose(np.asarray(pooled)[0, 0, 0], corner, rtol=1e-5)


def test_all_weights_have_gradients():
    """Those too that `none` keeps from the output."""
    import tensorflow as tf

    cell = EdgeCell((("nor_conv_1x1",), ("none", "none")))
    model = KIND.build(cell, (8, 8, 3), 2, repeats=1, filters=4)
    with tf.GradientTape() as tape:
        loss = ops.sum(model(np.ones((2, 8, 8, 3), "f"), training=True)[:, 0])
    gradients = tape.gradient(loss, model.trainable_weights)
    assert all(gradient is not None for gradient in gradients)


def test_images_of_any_size():
    model = KIND.build(of_one("skip_connect"), (None, None, 3), 2, repeats=1)
    for size in (9, 16):
        assert model(np.ones((1, size, size, 3))).shape == (1, 2)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "nor_conv_1x1",
        "|nor_conv_1x1~0",
        "|nor_conv_1x1~1|",
        "|nor_conv_1x1~0|nor_conv_1x1~0|",
        "|none~0||none~1|",
        "|pool~0|",
        "|none~0|+",
        "|none~0|+|none~0|",
        "|none~00|",
        3,
        None,
        "|none~0|+" * 1000,
    ],
)
def test_other_texts_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="Expected a cell such as") as error:
        find_kind("nasbench201").from_data(data)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"filters": 0}, "`filters`. Expected an integer from 1 to 10,000"),
        ({"repeats": 101}, "`repeats`. Expected an integer from 1 to 100"),
        ({"stem": "cifar"}, "`stem` of a network of the kind nasbench201"),
        ({"dropout": 1}, "`dropout`. Expected a probability"),
        ({"classes": 0}, "`classes`. Expected an integer"),
        ({"input_shape": (8, 8)}, "`input_shape`. Expected height, width"),
        ({"input_shape": (8, 8, None)}, "`input_shape`. Expected height"),
    ],
)
def test_errors_name_the_argument(arguments, sentence):
    arguments = {"input_shape": (8, 8, 3), "classes": 2} | arguments
    with pytest.raises(ValueError, match=sentence):
        KIND.build(BEST, **arguments)


def test_operations_are_those_of_the_benchmark():
    assert sorted(EDGE_OPERATIONS) == list(EDGE_OPERATIONS)
    assert len(EDGE_OPERATIONS) == 5
