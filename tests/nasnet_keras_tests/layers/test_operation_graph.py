from typing import get_args

import keras
import numpy as np
import pytest
from keras import layers, ops

from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.graph_nodes import (
    Activation,
    Concatenation,
    Convolution,
    Drop,
    Gather,
    GraphNode,
    Normalization,
    Pool,
    Shuffle,
    Split,
    Squeeze,
    Step,
    Sum,
    Zeros,
)
from nasnet_keras.layers.operation_graph import OperationGraph
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.network.complexity import graph_complexity
from nasnet_keras.network.model_cost import multiply_adds
from nasnet_keras.units import Unit

# One of everything: halved at once, and put together at the end.
NODES = (
    GraphNode(Convolution(6, 3, 2, activated=False)),
    GraphNode(Pool("average", 2)),
    GraphNode(Convolution(5, normalized=False, activated=False), (2,)),
    GraphNode(Sum(5), (1, 3)),
    GraphNode(Activation(), (4,)),
    GraphNode(Convolution(4, activated=False), (5,)),
    GraphNode(Convolution(4, 3), (6,)),
    GraphNode(Pool("average", strides=1), (7,)),
    GraphNode(Pool("maximum", strides=1, padding="zeros"), (8,)),
    GraphNode(Zeros(), (9,)),
    GraphNode(Drop(), (9,)),
    GraphNode(Sum(), (8, 10, 11)),
    GraphNode(Normalization(), (12,)),
    GraphNode(Convolution(None, 3), (13,)),
    GraphNode(Squeeze(0.5), (14,)),
    GraphNode(Shuffle(2), (15,)),
    GraphNode(Split(1, 2), (16,)),
    GraphNode(Gather(0.5), (16,)),
    GraphNode(Concatenation(), (17, 4, 18)),
    GraphNode(Pool("maximum", 2), (19,)),
)


# One of everything.
UNIT = Unit(
    (
        (
            Gather(0.75, groups=3),
            Normalization(),
            Convolution(12, groups=3, normalized=False),
            Shuffle(3),
            Convolution(None, 3, 2, activated=False),
            Squeeze(0.25),
        ),
        (Pool("average", padding="zeros"),),
    ),
    "concatenate",
    shuffle=2,
)
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def model_of(nodes=NODES, shape=(12, 8, 3), **arguments):
    inputs = keras.Input(shape)
    return keras.Model(inputs, OperationGraph(nodes, **arguments)(inputs))


def test_every_operation_is_in_the_example():
    assert {type(node.step) for node in NODES} == set(get_args(Step))


def test_costs_are_counted_as_it_is_built():
    model = model_of()
    cost, channels, size = graph_complexity(NODES, 3, (12, 8))
    assert model.output_shape == (None, *size, channels) == (None, 3, 2, 9)
    assert model.count_params() == cost.parameters
    assert multiply_adds(model) == cost.multiply_adds


def test_steps_that_do_not_fit():
    with pytest.raises(ValueError, match="'same' with windows of 2"):
        Pool("maximum", 2, padding="zeros")
    for channels, expected in [(None, "equal ones"), (4, "at least 4")]:
        with pytest.raises(ValueError, match=f"Expected {expected} where"):
            Sum(channels).output_channels(4, 3)


def test_what_is_added_is_cut_to_the_first_channels():
    nodes = (
        GraphNode(Concatenation(), (0, 0)),
        GraphNode(Sum(2), (0, 1)),
    )
    inputs = noise(1, 4, 4, 3)
    outputs = OperationGraph(nodes)(inputs)
    np.testing.assert_allclose(outputs, 2 * inputs[..., :2])


def test_it_is_fused_and_loads_as_it_was_saved(tmp_path):
    model = model_of()
    for number, weight in enumerate(model.weights):
        values = noise(*weight.shape, seed=number)
        positive = weight.path.endswith("moving_variance")
        weight.assign(np.abs(values) + 0.1 if positive else values)
    images = noise(2, 12, 8, 3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(images), model(images))
    fused = fuse_for_inference(model)
    expected = np.asarray(model(images))
    for each in (fused, fuse_for_inference(fused)):
        np.testing.assert_allclose(
            each(images), expected, atol=1e-5 * expected.max()
        )
    cost, _, _ = graph_complexity(NODES, 3, (12, 8), "bias")
    assert fused.count_params() == cost.parameters


def test_channels_may_come_first():
    conventions = {"data_format": "channels_first"}
    first = model_of(shape=(3, 12, 8), conventions=conventions)
    assert first.output_shape == (None, 9, 3, 2)


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        3,
        (GraphNode("conv_9x9"),),
        (GraphNode({"step": "conv_9x9"}),),
        (GraphNode({"step": "split", "number": 2, "shares": 2}),),
        (GraphNode(Sum(), (0, 1)),),
        (GraphNode(Sum(), ()),),
        (GraphNode(Sum(), (-1,)),),
    ],
)
def test_other_nodes_are_refused_with_a_sentence(nodes):
    with pytest.raises(ValueError, match="`nodes`. Expected"):
        OperationGraph(nodes)


def randomised(layer, *shape):
    """A built layer, its weights unlike their first values."""
    layer.build((None, *shape))
    layer.set_weights(
        [
            weight
            if weight.dtype == "int32"
            else np.abs(noise(*weight.shape, seed=seed)) / 2 + 0.1
            for seed, weight in enumerate(layer.get_weights())
        ]
    )
    return layer


def test_a_unit_computes_what_stock_layers_do():
    unit = randomised(OperationGraph(UNIT.nodes), 6, 5, 8)
    index, *weights = unit.get_weights()
    index = np.array([7, 0, 0, 3, 5, 2])
    unit.set_weights([index, *weights])
    images = noise(2, 6, 5, 8)
    norm = layers.BatchNormalization(epsilon=1e-5)
    grouped = layers.Conv2D(12, 1, groups=3, use_bias=False)
    depthwise = layers.DepthwiseConv2D(3, 2, "same", use_bias=False)
    last_norm = layers.BatchNormalization(epsilon=1e-5)
    first, second = layers.Conv2D(3, 1), layers.Conv2D(12, 1)
    model = keras.Sequential([norm, layers.ReLU(), grouped, layers.ReLU()])
    states = model(images[..., index])
    shuffled = np.asarray(states).reshape(2, 6, 5, 3, 4)
    shuffled = shuffled.swapaxes(3, 4).reshape(2, 6, 5, 12)
    states = last_norm(depthwise(shuffled))
    gates = ops.mean(states, (1, 2), keepdims=True)
    ops.sigmoid(second(first(gates)))
    for layer in (norm, grouped, depthwise, last_norm, first, second):
        count = len(layer.weights)
        layer.set_weights(weights[:count])
        weights = weights[count:]
    assert not weights
    states = np.asarray(model(images[..., index]))
    shuffled = states.reshape(2, 6, 5, 3, 4).swapaxes(3, 4)
    states = last_norm(depthwise(shuffled.reshape(2, 6, 5, 12)))
    gates = ops.mean(states, (1, 2), keepdims=True)
    states = states * ops.sigmoid(second(ops.relu(first(gates))))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    averages = layers.AveragePooling2D(3, 2)(padded)
    joined = np.concatenate([states, averages], -1)
    expected = joined.reshape(2, 3, 3, 2, 10).swapaxes(3, 4)
    outputs = unit(images)
    assert unit.compute_output_shape(images.shape) == outputs.shape
    np.testing.assert_allclose(
        outputs, expected.reshape(2, 3, 3, 20), **TOLERANCE
    )


def test_added_activated_and_split():
    halves = Unit(((), (Convolution(None, 3),)), "concatenate", split=True)
    unit = randomised(OperationGraph(halves.nodes), 4, 4, 6)
    images = noise(2, 4, 4, 6)
    outputs = np.asarray(unit(images))
    np.testing.assert_array_equal(outputs[..., :3], images[..., :3])
    assert not np.allclose(outputs[..., 3:], images[..., 3:])
    residual = Unit(((Convolution(6, 3, activated=False),), ()))
    linear = randomised(OperationGraph(residual.nodes), 4, 4, 6)
    relu = OperationGraph(Unit(residual.branches, activated=True).nodes)
    relu = randomised(relu, 4, 4, 6)
    np.testing.assert_allclose(relu(images), np.maximum(linear(images), 0))
    assert (np.asarray(linear(images)) < 0).any()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_fused_unit_computes_the_same(data_format):
    conventions = {"data_format": data_format}
    shape = (6, 5, 8) if data_format == "channels_last" else (8, 6, 5)
    unit = randomised(
        OperationGraph(UNIT.nodes, conventions=conventions), *shape
    )
    config = unit.get_config()
    config["conventions"]["normalization"] = "bias"
    fused = OperationGraph.from_config(config)
    fused.build((None, *shape))
    fused.set_weights(unit.folded_weights())
    assert not any(
        isinstance(each, keras.layers.BatchNormalization)
        for each in fused._flatten_layers()
    )
    images = noise(2, *shape)
    np.testing.assert_allclose(fused(images), unit(images), **TOLERANCE)
    again = OperationGraph.from_config(fused.get_config())
    again.build((None, *shape))
    again.set_weights(fused.folded_weights())
    np.testing.assert_allclose(again(images), unit(images), **TOLERANCE)


def test_the_branch_beside_an_identity_is_dropped():
    residual = Unit(((Convolution(6, 3, activated=False),), ()))
    unit = OperationGraph(
        residual.nodes, drop_path_rate=0.999, drop_path_steps=None
    )
    images = noise(4, 4, 4, 6)
    np.testing.assert_array_equal(unit(images, training=True), images)
    assert not np.allclose(unit(images), images)
    beside = Unit(((Convolution(6, 3),), (Convolution(6),)))
    unit = OperationGraph(beside.nodes, drop_path_rate=0.5)
    unit.build(images.shape)
    assert not any(isinstance(layer, DropPath) for layer in unit.layers)


def test_a_unit_that_does_not_fit_is_a_sentence():
    with pytest.raises(ValueError, match="a multiple of 3. Received: 8 ch"):
        OperationGraph(Unit(((Convolution(12, groups=3),),)).nodes)(
            noise(1, 2, 2, 8)
        )
    with pytest.raises(ValueError, match="equal ones"):
        OperationGraph(Unit(((Convolution(12),), ())).nodes)(noise(1, 2, 2, 8))
