"""ONNX's operations against TensorFlow's, in networks where padding matters:
odd sizes, strides, dilations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.deployment.frozen import frozen_function
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.network.build import build_network

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from nasnet_keras.deployment.formats.onnx_graph import (  # noqa: E402
    TRANSLATIONS,
    NoTranslation,
    onnx_model,
)

SHAPE = (9, 12, 3)


def genotype(*names, combiner="add"):
    cell = CellSpec(tuple(Block((0, 1), (n, n), combiner) for n in names))
    return Genotype(cell, cell)


def randomise(model):
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif not weight.path.endswith("kernel"):
            weight.assign(rng.normal(size=weight.shape))


def check(genotype, **arguments):
    """Compares the outputs; returns the model's nodes."""
    arguments = {
        "repeats": 1,
        "filters": 4,
        "classifier_activation": None,
        **arguments,
    }
    keras.utils.set_random_seed(0)
    model = build_network(genotype, SHAPE, **arguments)
    randomise(model)
    written = onnx_model(frozen_function(fuse_for_inference(model), 2))
    session = onnxruntime.InferenceSession(written.SerializeToString())
    images = np.random.default_rng(1).uniform(-1, 1, (2, *SHAPE))
    (output,) = session.run(None, {"images": images.astype("float32")})
    expected = np.asarray(model(images, training=False))
    largest = np.abs(expected).max()
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5 * largest)
    return [node.op_type for node in written.graph.node]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.one_in(4)
def test_every_operation(name):
    nodes = check(genotype(name))
    assert not {"Slice", "Pad"} & set(nodes) or "dil" in name


@pytest.mark.parametrize(
    "arguments",
    [
        {"conventions": {"pool_padding": "zeros"}},
        {"conventions": {"strided_identity": "factorized"}},
        {"conventions": {"convolution_form": "bottleneck"}},
        {"include_preprocessing": True},
        {"include_top": False},
        {"include_top": False, "pooling": "avg"},
        {"include_top": False, "pooling": "max"},
        {"classifier_activation": "softmax"},
        {"classifier_activation": "sigmoid"},
    ],
    ids=str,
)
@pytest.mark.one_in(3)
def test_every_convention_and_head(arguments):
    names = ("identity", "avg_pool_3x3", "max_pool_3x3", "sep_conv_3x3")
    check(genotype(*names, combiner="concat"), **arguments)


def test_one_node_for_a_convolution_its_bias_and_none_between():
    """Images are transposed once, biases are part of the convolutions."""
    nodes = check(genotype("sep_conv_3x3", "conv_3x3"))
    assert nodes.count("Transpose") == 1
    sums = nodes.count("Add")
    # Two blocks in each of 5 cells, and the bias of the classifier.
    assert sums == 2 * 5 + 1


@pytest.mark.parametrize(
    "make",
    [
        lambda states: states[..., :2],
        lambda states: states[:, :, :, ::-1],
        lambda states: states[:, 0],
        lambda states: keras.ops.mean(states, 1),
        lambda states: keras.layers.Lambda(
            lambda means: tf.matmul(means, means, transpose_b=True)
        )(keras.ops.mean(states, (1, 2))),
        lambda states: keras.ops.matmul(states, keras.ops.ones((3, 5))),
    ],
    ids=[
        *("ellipsis", "backwards", "one row", "mean of rows", "transposed"),
        "constant",
    ],
)
@pytest.mark.one_in(3)
def test_what_is_not_translated_is_no_wrong_file(make):
    """Another converter has it, or it comes to the same."""
    images = keras.Input(SHAPE, name="images")
    model = keras.Model(images, make(images))
    try:
        written = onnx_model(frozen_function(model, 2))
    except NoTranslation:
        return
    session = onnxruntime.InferenceSession(written.SerializeToString())
    pixels = np.random.default_rng(1).uniform(-1, 1, (2, *SHAPE))
    (output,) = session.run(None, {"images": pixels.astype("float32")})
    np.testing.assert_allclose(output, model(pixels), atol=1e-5)


def test_a_softmax_is_over_the_channels():
    images = keras.Input(SHAPE, name="images")
    model = keras.Model(images, keras.ops.softmax(images))
    written = onnx_model(frozen_function(model, 2))
    session = onnxruntime.InferenceSession(written.SerializeToString())
    pixels = np.random.default_rng(1).uniform(-1, 1, (2, *SHAPE))
    (output,) = session.run(None, {"images": pixels.astype("float32")})
    np.testing.assert_allclose(output, model(pixels), atol=1e-6)


def test_an_operation_without_a_translation_is_named():
    model = build_network(
        genotype("identity"), SHAPE, repeats=1, filters=4, include_top=False
    )
    fused = fuse_for_inference(model)
    outputs = keras.ops.erf(fused.output)
    function = frozen_function(keras.Model(fused.input, outputs))
    with pytest.raises(ValueError, match="Received: Erf, at "):
        onnx_model(function)
    assert "Erf" not in TRANSLATIONS
