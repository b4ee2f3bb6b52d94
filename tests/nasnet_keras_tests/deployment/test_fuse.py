"""The fused network against the network, of random weights and statistics: what
is folded wrongly shows."""

import itertools

import keras
import numpy as np
import pytest

from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.genotype import Block, CellSpec, Genotype
from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.batch_normalization import (
    BatchNormalization,
    Bias,
)
from nasnet_keras.layers.parts.drop_path import DropPath
from nasnet_keras.layers.parts.factorized_reduction import FactorizedReduction
from nasnet_keras.network.build import build_network
from nasnet_keras.network.model_cost import multiply_adds

SHAPE = (9, 11, 3)

# Strided pools and a factorized reduction: padding matters.
SMALL = Genotype(
    normal=CellSpec((Block((0, 1), ("sep_conv_3x3", "identity"), "concat"),)),
    reduction=CellSpec(
        (
            Block((0, 1), ("max_pool_5x5", "conv_1x7_7x1")),
            Block((1, 0), ("avg_pool_3x3", "dil_conv_3x3")),
            Block((0, 1), ("identity", "avg_pool_3x3")),
        ),
        concat=(1, 2, 3, 4),
    ),
)


def noise(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def build(genotype=SMALL, input_shape=SHAPE, **arguments):
    """A network as training might leave it."""
    arguments = {
        "repeats": 1,
        "filters": 4,
        "classifier_activation": None,
        **arguments,
    }
    model = build_network(genotype, input_shape, **arguments)
    randomise(model)
    return model


def randomise(model):
    random = np.random.default_rng(1)
    for weight in model.weights:
        if "float" not in weight.dtype:
            continue
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif not weight.path.endswith("kernel"):
            weight.assign(random.normal(size=weight.shape))


def sublayers(model):
    return list(model._flatten_layers(include_self=False))


def assert_same(actual, expected, tolerance=1e-4):
    """Within the tolerance of the largest."""
    actual, expected = (
        keras.tree.map_structure(lambda x: np.asarray(x, "float32"), outputs)
        for outputs in (actual, expected)
    )
    keras.tree.assert_same_structure(actual, expected)
    for one, other in zip(
        keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True
    ):
        largest = np.abs(other).max()
        assert 0 < largest < np.inf
        np.testing.assert_allclose(one, other, atol=tolerance * largest, rtol=0)


def assert_fuses(model, *shape, tolerance=1e-4):
    images = noise(2, *(shape or SHAPE))
    fused = fuse_for_inference(model)
    assert_same(fused(images), model(images), tolerance)
    layers = sublayers(fused)
    assert not any(
        isinstance(
            layer,
            keras.layers.BatchNormalization
            | keras.layers.Dropout
            | DropPath
            | AuxiliaryHead,
        )
        for layer in layers
    )
    assert any(isinstance(layer, Bias) for layer in layers)
    return fused


# === Networks ===


def test_each_operation():
    names = list(OPERATIONS)
    pairs = itertools.zip_longest(names[::2], names[1::2], fillvalue=names[0])
    cell = CellSpec(tuple(Block((0, 1), pair) for pair in pairs))
    assert_fuses(build(Genotype(normal=cell, reduction=cell)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"include_top": False},
        {"include_top": False, "pooling": "avg"},
        {"include_top": False, "pooling": "max"},
        {"features": True},
        {"classifier_activation": "softmax"},
        {"dropout": 0.5, "drop_path_rate": 0.4, "drop_path_steps": 10},
        {"conventions": {"pool_padding": "zeros", "bn_epsilon": 0.1}},
        {"conventions": {"convolution_form": "bottleneck"}, "filters": 8},
        {"conventions": {"strided_identity": "factorized"}, "filters": 5},
        {"conventions": {"activation": "hard_swish"}},
        {"include_preprocessing": True},
        {"frame": "pnasnet"},
        {"frame": "enas"},
        {"frame": "darts", "repeats": 3},
    ],
    ids=str,
)
@pytest.mark.one_in(3)
def test_each_form(arguments):
    assert_fuses(build(**arguments))


@pytest.mark.parametrize("frame", ["nasnet", "darts"])
def test_the_imagenet_stem(frame):
    shape = (37, 32, 3)
    model = build(
        input_shape=shape, stem="imagenet", frame=frame, repeats=3, filters=4
    )
    assert_fuses(model, *shape)


def test_any_size():
    fused = assert_fuses(build(input_shape=(None, None, 3)))
    assert fused.input_shape == (None, None, None, 3)
    assert fused(noise(1, 13, 8, 3)).shape == (1, 10)


@pytest.mark.parametrize("combiner", ["add_layer_norm", "add_instance_norm"])
def test_norms_of_one_example_stay(combiner):
    cell = CellSpec((Block((0, 1), ("conv_1x1", "identity"), combiner),))
    fused = assert_fuses(build(Genotype(normal=cell, reduction=cell)))
    assert any(
        isinstance(layer, keras.layers.GroupNormalization)
        for layer in sublayers(fused)
    )


def test_without_the_auxiliary_head():
    model = build(
        input_shape=(16, 16, 3), auxiliary_head=True, frame="nasnet", filters=4
    )
    fused = fuse_for_inference(model)
    images = noise(2, 16, 16, 3)
    assert_same(fused(images), model(images)["predictions"])
    assert not any(isinstance(x, AuxiliaryHead) for x in fused.layers)


def test_upon_a_tensor_of_the_user_and_below_layers_of_the_user():
    images = keras.Input((*SHAPE[:2], 1), name="images")
    colours = keras.layers.Conv2D(3, 1, name="colours")(images)
    network = build(input_tensor=colours, include_top=False)
    outputs = keras.layers.Conv2D(5, 1, name="maps_convolution")(network.output)
    outputs = keras.layers.Activation("tanh")(outputs)
    outputs = keras.layers.BatchNormalization(name="maps_batch_norm")(outputs)
    model = keras.Model(network.input, outputs)
    randomise(model)
    fused = fuse_for_inference(model)
    batch = noise(2, *SHAPE[:2], 1)
    assert_same(fused(batch), model(batch))
    assert fused.inputs[0].name == "images"
    # Layers of the user stay as they are.
    assert isinstance(
        fused.get_layer("maps_batch_norm"), keras.layers.BatchNormalization
    )


def in_sequential(body):
    dense = keras.layers.Dense(2)
    return keras.Sequential([keras.Input(SHAPE), body, dense])


def in_sequential_in_functional(body):
    images = keras.Input(SHAPE)
    scaled = keras.layers.Rescaling(0.5)(images)
    outputs = keras.layers.Dense(3, name="logits")(in_sequential(body)(scaled))
    return keras.Model(images, {"mine": outputs})


def called_twice(body):
    images = keras.Input(SHAPE)
    darker = keras.layers.Rescaling(0.5)(images)
    return keras.Model(
        images, keras.layers.subtract([body(images), body(darker)])
    )


@pytest.mark.parametrize(
    "around", [in_sequential, in_sequential_in_functional, called_twice]
)
def test_a_model_around_a_network(around):
    body = build(include_top=False, pooling="avg", name="body")
    body(keras.Input(SHAPE))  # Elsewhere too.
    assert_fuses(around(body))


def test_channels_first():
    model = build(
        input_shape=(3, 9, 11), conventions={"data_format": "channels_first"}
    )
    assert_fuses(model, 3, 9, 11)


def test_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy("float32")
    # Eight bits of a fraction, rounded in a dozen layers.
    fused = assert_fuses(model, tolerance=0.05)
    assert fused.get_layer("cell_0").compute_dtype == "bfloat16"
    assert fused.get_layer("stem_batch_norm").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in fused.weights} == {"float32"}


# === The copy ===


def test_saved_and_loaded(tmp_path):
    fused = fuse_for_inference(build(drop_path_rate=0.4, features=True))
    fused.save(tmp_path / "fused.keras")
    loaded = keras.models.load_model(tmp_path / "fused.keras")
    images = noise(2, *SHAPE)
    assert_same(loaded(images), fused(images), tolerance=1e-7)


def test_the_network_stays_as_it_is():
    model = build(drop_path_rate=0.4)
    before = [np.array(values) for values in model.get_weights()]
    fuse_for_inference(model)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(isinstance(x, BatchNormalization) for x in sublayers(model))


def test_fused_twice_is_fused():
    fused = fuse_for_inference(build())
    again = fuse_for_inference(fused)
    images = noise(2, *SHAPE)
    assert_same(again(images), fused(images), tolerance=1e-7)


def test_name_and_cost_are_those_of_the_network():
    model = build()
    fused = fuse_for_inference(model)
    assert multiply_adds(fused) == multiply_adds(model)
    assert fused.name == model.name


def test_a_bias_is_the_same_on_every_backend(monkeypatch):
    states, bias = noise(2, 3, 4, 5), noise(5)
    outputs = kernels.add_bias(states, bias, -1)
    np.testing.assert_allclose(outputs, states + bias)
    monkeypatch.setattr(kernels, "tf", None)
    np.testing.assert_allclose(kernels.add_bias(states, bias, -1), outputs)


# === Layers of Keras ===


def test_convolutions_of_keras_take_in_the_batch_norm_behind_them():
    images = keras.Input(SHAPE)
    states = images
    for layer in (
        keras.layers.Conv2D(4, 3, name="plain"),
        keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        keras.layers.Conv2D(6, 1, use_bias=False, groups=2),
    ):
        states = keras.layers.BatchNormalization()(layer(states))
        states = keras.layers.ReLU()(states)
    states = keras.layers.GlobalAveragePooling2D()(states)
    states = keras.layers.Dense(5)(states)
    states = keras.layers.BatchNormalization(axis=1, scale=False)(states)
    states = DropPath(0.5)(states)
    model = keras.Model(images, states)
    randomise(model)
    fused = assert_fuses(model)
    assert not fused.get_layer("plain").use_bias
    assert sum(isinstance(layer, Bias) for layer in fused.layers) == 4


def read_by_others(convolution, norm, states):
    outputs = convolution(states)
    return keras.layers.Concatenate()([norm(outputs), outputs])


def after_an_activation(convolution, norm, states):
    convolution.activation = keras.activations.relu
    return norm(convolution(states))


def shared(convolution, norm, states):
    return norm(convolution(convolution(states)))


def norm_of_the_input(convolution, norm, states):
    return convolution(norm(states))


def by_the_batch(convolution, norm, states):
    return norm(convolution(states), training=True)


def along_the_rows(convolution, norm, states):
    norm.axis = 1
    return norm(convolution(states))


@pytest.mark.parametrize(
    "around",
    [
        read_by_others,
        after_an_activation,
        shared,
        norm_of_the_input,
        by_the_batch,
        along_the_rows,
    ],
)
def test_a_batch_norm_that_cannot_be_folded_stays(around):
    images = keras.Input(SHAPE)
    convolution = keras.layers.Conv2D(3, 3, padding="same")
    norm = keras.layers.BatchNormalization(name="norm")
    model = keras.Model(images, around(convolution, norm, images))
    randomise(model)
    batch = noise(2, *SHAPE)
    fused = fuse_for_inference(model)
    assert_same(fused(batch), model(batch), tolerance=1e-6)
    assert isinstance(fused.get_layer("norm"), keras.layers.BatchNormalization)


def test_operations_alone():
    images = keras.Input(SHAPE)
    states = OPERATIONS["sep_conv_3x3"](4, strides=2)(images)
    states = FactorizedReduction(5)(states)
    model = keras.Model(images, states)
    randomise(model)
    assert_fuses(model)


# === Errors ===


class Subclass(keras.Model):
    pass


@pytest.mark.parametrize(
    "model",
    [
        None,
        "nasnet_mobile",
        SMALL,
        keras.layers.Dense(2),
        keras.Sequential([keras.Sequential([keras.layers.Dense(2)])]),
        Subclass(),
    ],
    ids=["none", "name", "genotype", "layer", "not built", "subclass"],
)
def test_what_is_no_network_is_refused(model):
    with pytest.raises(ValueError, match="`model`.*Received: model="):
        fuse_for_inference(model)
