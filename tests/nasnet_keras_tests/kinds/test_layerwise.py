import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from nasnet_keras.kinds.layerwise import (
    NAS_V1,
    ConvolutionLayer,
    LayerwiseArchitecture,
    LayerwiseKind,
)
from nasnet_keras.kinds.layerwise.architecture import MAX_LAYERS

KIND = LayerwiseKind()
# Sizes of 16 x 12 images: 8 x 12, 6 x 4, then 8 x 12 of both, then 4 x 4 of the
# image; 3 and 4 are read by none.
STRIDED = LayerwiseArchitecture(
    (
        ConvolutionLayer((3, 1), 4, strides=(2, 1)),
        ConvolutionLayer((1, 5), 6, strides=(3, 3)),
        ConvolutionLayer((5, 7), 8, (1, 2)),
        ConvolutionLayer((7, 3), 5, strides=(4, 3)),
    )
)
SHAPE = (16, 12, 3)


# === The published network ===


def test_the_published_network_has_the_published_number_of_parameters():
    """4.2M in the paper's table 1; multiply-adds counted by hand."""
    cost = KIND.complexity(NAS_V1, (32, 32, 3), 10)
    assert round(cost.trainable_parameters / 1e6, 1) == 4.2
    assert cost.trainable_parameters == 4_201_630
    assert cost.parameters == 4_202_902
    assert cost.multiply_adds == 4_300_665_312
    model = KIND.build(NAS_V1, (32, 32, 3), 10)
    assert model.count_params() == 4_202_902
    assert sum(map(_size, model.trainable_weights)) == 4_201_630


def test_the_published_network_in_words():
    lines = KIND.text(NAS_V1).splitlines()
    assert lines[0] == " 1 = 3x3, 36 (image)"
    assert lines[8] == " 9 = 7x1, 36 (1, 5, 6, 8)"
    assert lines[-1] == "output = concat(15)"
    assert len(lines) == 16


def _size(weight):
    return int(np.prod(weight.shape))


# === Networks ===


def test_smaller_inputs_are_padded_at_the_bottom_and_on_the_right():
    model = KIND.build(STRIDED, SHAPE, 7)
    images = np.random.default_rng(0).normal(size=(2, *SHAPE))
    one, two, joined, three, four, head = _values(
        model,
        images,
        *("layer_1_activation", "layer_2_activation", "layer_3_inputs"),
        *("layer_3_activation", "layer_4_activation", "head_inputs"),
    )
    assert one.shape[1:] == (8, 12, 4) and two.shape[1:] == (6, 4, 6)
    assert three.shape[1:] == (8, 12, 8) and four.shape[1:] == (4, 4, 5)
    padded = np.pad(two, ((0, 0), (0, 2), (0, 8), (0, 0)))
    np.testing.assert_array_equal(joined, np.concatenate([one, padded], -1))
    padded = np.pad(four, ((0, 0), (0, 4), (0, 8), (0, 0)))
    np.testing.assert_array_equal(head, np.concatenate([three, padded], -1))


def _values(model, images, *names):
    outputs = [model.get_layer(name).output for name in names]
    values = keras.Model(model.input, outputs)(images)
    return [keras.ops.convert_to_numpy(value) for value in values]


def test_a_layer_is_convolution_batch_norm_and_relu():
    model = KIND.build(STRIDED, SHAPE, 7)
    images = np.random.default_rng(0).normal(size=(2, *SHAPE))
    unit = model.get_layer("layer_4")
    mean, variance = np.linspace(-1, 1, 5), np.linspace(0.5, 2, 5)
    unit.batch_norm.moving_mean.assign(mean)
    unit.batch_norm.moving_variance.assign(variance)
    expected = keras.ops.conv(
        images.astype("float32"), unit.kernel, (4, 3), "same"
    )
    expected = (expected - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(
        _values(model, images, "layer_4_activation", "layer_4")[0],
        np.maximum(expected, 0),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"dropout": 0.3},
        {"conventions": {"bn_momentum": 0.99}},
        {"conventions": {"normalization": "bias"}},
    ],
)
def test_networks_are_built_as_they_are_counted(arguments):
    model = KIND.build(STRIDED, SHAPE, 7, **arguments)
    cost = KIND.complexity(STRIDED, SHAPE, 7, **arguments)
    assert cost.parameters == model.count_params()
    assert cost.trainable_parameters == sum(map(_size, model.trainable_weights))
    positions = {"layer_1": 96, "layer_2": 24, "layer_3": 96, "layer_4": 16}
    products = _size(model.get_layer("logits").kernel)
    for name, count in positions.items():
        products += count * _size(model.get_layer(name).kernel)
    assert cost.multiply_adds == products
    probabilities = model(np.zeros((2, *SHAPE)))
    np.testing.assert_allclose(np.sum(probabilities, 1), 1, rtol=1e-5)


def test_channels_may_come_first():
    arguments = {"conventions": {"data_format": "channels_first"}}
    model = KIND.build(STRIDED, (3, 16, 12), 7, **arguments)
    assert model.get_layer("layer_3").output.shape[1:] == (8, 8, 12)
    cost = KIND.complexity(STRIDED, (3, 16, 12), 7, **arguments)
    assert cost == KIND.complexity(STRIDED, SHAPE, 7)
    assert model.count_params() == cost.parameters


def test_it_trains_and_loads_as_it_was_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = KIND.build(STRIDED, SHAPE, 2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).normal(size=(8, *SHAPE))
    before = model.get_weights()
    model.fit(images, np.arange(8) % 2, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(new).all() and (old != new).any()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0), model.predict(images, verbose=0)
    )


@pytest.mark.parametrize("method", ["build", "complexity"])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"drop_path_rate": 0.1}, "`drop_path_rate`.*some of dropout"),
        ({"auxiliary_head": True}, "`auxiliary_head`.*some of dropout"),
        ({"filters": 8}, "`filters`.*some of dropout.*filters=8"),
        ({"dropout": 1.0}, "`dropout`.*Received: dropout=1.0"),
        ({"dropout": "much"}, "`dropout`.*Received"),
        ({"conventions": {"colour": 1}}, "`conventions`.*Received"),
        ({"input_shape": (16, None, 3)}, "`input_shape`.*Received"),
        ({"input_shape": (16, 3)}, "`input_shape`.*Received"),
        ({"classes": 0}, "`classes`.*Received"),
    ],
)
def test_other_arguments_are_a_sentence(method, arguments, sentence):
    arguments = {"input_shape": SHAPE, "classes": 7, **arguments}
    with pytest.raises(ValueError, match=sentence):
        getattr(KIND, method)(STRIDED, **arguments)


# === Architectures ===


@pytest.mark.parametrize(
    "change",
    [
        {"kernel_size": (3,)},
        {"kernel_size": (3, 0)},
        {"kernel_size": 3},
        {"kernel_size": (3, 3.0)},
        {"strides": (1, 2, 3)},
        {"strides": (0, 1)},
        {"filters": 0},
        {"filters": True},
        {"filters": "24"},
        {"filters": 10**9},
        {"reads": (0,)},
        {"reads": (2, 1)},
        {"reads": (1, 1)},
        {"reads": 1},
    ],
)
def test_layers_are_checked(change):
    with pytest.raises(ValueError, match=f"`{[*change][0]}`.*Received"):
        dataclasses.replace(ConvolutionLayer((3, 3), 24), **change)


@pytest.mark.parametrize(
    "layers",
    [
        (),
        None,
        ((3, 3),),
        (ConvolutionLayer((3, 3), 24),) * (MAX_LAYERS + 1),
        (ConvolutionLayer((3, 3), 24, (1,)),),
        (ConvolutionLayer((3, 3), 24), ConvolutionLayer((3, 3), 24, (1, 3))),
    ],
)
def test_architectures_are_checked(layers):
    with pytest.raises(ValueError, match="`layers`.*Received"):
        LayerwiseArchitecture(layers)


def test_data_are_json_both_ways():
    for architecture in (NAS_V1, STRIDED):
        data = json.loads(json.dumps(KIND.to_data(architecture)))
        assert KIND.from_data(data) == architecture


@pytest.mark.parametrize(
    "data",
    [
        3,
        {},
        {"layers": 3},
        {"layers": []},
        {"layers": [3]},
        {"layers": [{"kernel_size": [3, 3], "filters": 24, "reads": []}]},
        {"layers": KIND.to_data(NAS_V1)["layers"][1:]},
        {"layers": KIND.to_data(NAS_V1)["layers"][:1] * 10**5},
    ],
)
def test_other_data_are_refused_with_a_sentence(data):
    with pytest.raises(ValueError, match="Expected.*Received") as error:
        KIND.from_data(data)
    assert len(str(error.value)) < 400


def test_the_picture_has_a_line_for_everything_that_is_read():
    from matplotlib.patches import FancyBboxPatch, PathPatch

    for architecture in (NAS_V1, STRIDED):
        (figure,) = KIND.pictures(architecture).values()
        patches = figure.axes[0].patches
        boxes = [each for each in patches if isinstance(each, FancyBboxPatch)]
        lines = [each for each in patches if type(each) is PathPatch]
        assert len(boxes) == len(architecture.layers) + 2
        reads = sum(len(layer.reads) or 1 for layer in architecture.layers)
        assert len(lines) == reads + len(architecture.outputs)


def test_importing_loads_no_framework():
    code = (
        "import sys, nasnet_keras.kinds.layerwise\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
