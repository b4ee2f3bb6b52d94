import keras
import numpy as np
import pytest

from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.graph_nodes import GRAPH_OPERATIONS, GraphNode
from nasnet_keras.layers.operation_graph import OperationGraph
from nasnet_keras.network.complexity import graph_complexity, multiply_adds

# One of everything: halved at once, and put together at the end.
NODES = (
    GraphNode("conv_3x3", (0,), 6, 2),
    GraphNode("avg_pool_2x2", (0,), 0, 2),
    GraphNode("linear_1x1", (2,), 5),
    GraphNode("add", (1, 3), 5),
    GraphNode("relu_conv_1x1", (4,), 4),
    GraphNode("relu_conv_3x3", (4,), 4),
    GraphNode("conv_1x1_relu", (5,), 4),
    GraphNode("conv_3x3_relu", (6,), 4),
    GraphNode("avg_pool_3x3", (7,)),
    GraphNode("max_pool_3x3", (8,)),
    GraphNode("zeros", (9,)),
    GraphNode("add", (9, 10, 11)),
    GraphNode("norm_relu", (12,)),
    GraphNode("depthwise_3x3_relu", (13,)),
    GraphNode("separable_3x3_relu", (14,), 4),
    GraphNode("concat", (15, 4)),
    GraphNode("max_pool_2x2", (16,), 0, 2),
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def model_of(nodes=NODES, shape=(12, 8, 3), **arguments):
    inputs = keras.Input(shape)
    return keras.Model(inputs, OperationGraph(nodes, **arguments)(inputs))


def test_every_operation_is_in_the_example():
    assert {node.operation for node in NODES} == set(GRAPH_OPERATIONS)


def test_costs_are_counted_as_it_is_built():
    model = model_of()
    cost, channels, size = graph_complexity(NODES, 3, (12, 8))
    assert model.output_shape == (None, *size, channels) == (None, 3, 2, 9)
    assert model.count_params() == cost.parameters
    assert multiply_adds(model) == cost.multiply_adds


def test_what_is_added_is_cut_to_the_first_channels():
    nodes = (GraphNode("concat", (0, 0)), GraphNode("add", (0, 1), 2))
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
        (GraphNode("conv_9x9"),),
        (GraphNode("add", (0, 1)),),
        (GraphNode("add", ()),),
        (GraphNode("add", (-1,)),),
    ],
)
def test_other_nodes_are_refused_with_a_sentence(nodes):
    with pytest.raises(ValueError, match="`nodes`. Expected"):
        OperationGraph(nodes)
