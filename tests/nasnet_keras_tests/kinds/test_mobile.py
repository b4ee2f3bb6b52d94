import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from nasnet_keras.kinds import mobile
from nasnet_keras.kinds.mobile import (
    MNASNET_A1,
    MNASNET_B1,
    MNASNET_SMALL,
    MOBILENET_V2,
    PROXYLESSNAS_CPU,
    PROXYLESSNAS_GPU,
    PROXYLESSNAS_MOBILE,
    SKIPS,
    MobileArchitecture,
    MobileBlock,
    MobileKind,
    rounded,
)
from nasnet_keras.kinds.mobile.architecture import ACTIVATIONS, MAX_BLOCKS
from nasnet_keras.layers import inverted_residual
from nasnet_keras.layers.parts import activations
from nasnet_keras.network.build import load_model

KIND = MobileKind()
PUBLISHED = {
    name: value
    for name, value in vars(mobile).items()
    if isinstance(value, MobileArchitecture)
}
# One of everything, small.
SMALL = MobileArchitecture(
    (
        MobileBlock("convolution", 8, 5, skip="pool"),
        MobileBlock("separable", 8, layers=2, strides=2),
        MobileBlock("inverted_residual_3", 12, 7, 2, 2, 0.25, "none"),
        MobileBlock("inverted_residual_6", 12, 5, 1, 1, 0.5, "pool"),
    ),
    stem_filters=8,
    head_filters=24,
    activation="hard_swish",
)
SHAPE = (32, 24, 3)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def size(weight):
    return int(np.prod(weight.shape))


# === Published networks ===


# Trainable parameters, all, multiply-adds at 224. Counted by programs that are
# in no part ours; of MobileNetV2 those of keras.applications, of the others
# those of timm and of osmr/imgclsmob.
@pytest.mark.parametrize(
    ("architecture", "trainable", "parameters", "multiply_adds"),
    [
        (MOBILENET_V2, 3_504_872, 3_538_984, 300_774_272),
        (MNASNET_A1, 3_887_038, 3_920_526, 311_579_072),
        (MNASNET_B1, 4_383_312, 4_421_232, 314_415_872),
        (MNASNET_SMALL, 2_030_264, 2_047_192, 68_339_184),
        (PROXYLESSNAS_MOBILE, 4_080_512, None, 320.4),
        (PROXYLESSNAS_GPU, 7_119_848, None, 465.3),
        (PROXYLESSNAS_CPU, 4_361_648, None, 439.2),
        (MNASNET_A1.scaled(0.75), 2_912_278, None, 223.4),
        (MNASNET_A1.scaled(1.4), 6_105_992, None, 586.3),
        (MNASNET_B1.scaled(0.5), 2_218_512, None, None),
        (MNASNET_B1.scaled(0.75), 3_170_208, None, None),
        (MNASNET_B1.scaled(1.3), 6_282_256, None, None),
        (MOBILENET_V2.scaled(1.4, True), 6_108_776, 6_156_712, 582_195_824),
        (MOBILENET_V2.scaled(1.3, True), 5_386_792, None, 509.4),
        (MOBILENET_V2.scaled(0.75, True), 2_636_424, None, 209.1),
        (MOBILENET_V2.scaled(0.5, True), 1_968_680, None, 97.1),
        (MOBILENET_V2.scaled(0.35, True), 1_677_128, None, 59.3),
    ],
)
def test_published_networks_have_the_published_costs(
    architecture, trainable, parameters, multiply_adds
):
    cost = KIND.complexity(architecture, (224, 224, 3), 1000)
    assert cost.trainable_parameters == trainable
    assert parameters in (None, cost.parameters)
    found = cost.multiply_adds
    if isinstance(multiply_adds, float):
        found = round(found / 1e6, 1)
    assert multiply_adds in (None, found)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_are_built_as_they_are_counted(name):
    model = KIND.build(PUBLISHED[name], (32, 32, 3), 1000)
    cost = KIND.complexity(PUBLISHED[name], (32, 32, 3), 1000)
    assert model.count_params() == cost.parameters
    assert model.output_shape == (None, 1000)


@pytest.mark.parametrize(
    ("width", "side"),
    [(0.35, 96), pytest.param(1.4, 64, marks=pytest.mark.large)],
)
def test_logits_are_those_of_keras_applications(width, side):
    """The same random weights in both, the statistics random too."""
    theirs = keras.applications.MobileNetV2(
        (side, side, 3),
        alpha=width,
        weights=None,
        classes=20,
        classifier_activation=None,
    )
    ours = KIND.build(
        MOBILENET_V2.scaled(width, scale_head=True),
        (side, side, 3),
        20,
        classifier_activation=None,
        conventions={"bn_epsilon": 1e-3},
    )
    random = np.random.default_rng(0)
    weights = []
    for weight in theirs.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weights.append(random.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weights.append(random.normal(scale=0.2, size=weight.shape))
        else:  # Such kernels that images stay apart.
            *inputs, outputs = weight.shape
            reads = inputs[:2] if outputs == 1 else inputs
            scale = np.sqrt(2 / np.prod(reads))
            weights.append(random.normal(scale=scale, size=weight.shape))
    theirs.set_weights(weights)
    ours.set_weights(weights)
    images = noise(2, side, side, 3)
    expected = np.asarray(theirs(images))
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    largest = np.abs(expected).max()
    difference = np.abs(ours(images) - expected).max() / largest
    print(f"mobilenet_v2, width {width}: {difference:.1e}")
    assert difference < 1e-4


def test_a_published_network_in_words():
    lines = KIND.text(MNASNET_A1).splitlines()
    assert lines[0] == "stem = 3x3, 32 / 2, relu"
    assert lines[3] == (
        " 3 = 3 x inverted residual 3, 5x5, 40 / 2, squeeze 0.25"
    )
    assert lines[-1] == "head = 1x1, 1280"
    assert KIND.text(SMALL).splitlines()[3].endswith("squeeze 0.25, no skip")


# === Networks ===


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
    model = KIND.build(SMALL, SHAPE, 7, **arguments)
    cost = KIND.complexity(SMALL, SHAPE, 7, **arguments)
    assert cost.parameters == model.count_params()
    assert cost.trainable_parameters == sum(map(size, model.trainable_weights))
    probabilities = model(noise(2, *SHAPE))
    np.testing.assert_allclose(np.sum(probabilities, 1), 1, rtol=1e-5)


def test_multiply_adds_are_those_of_each_kernel_at_its_output():
    model = KIND.build(SMALL, SHAPE, 7)
    layers = {layer.name: layer for layer in model.layers}
    products = 0
    for name, layer in layers.items():
        for weight in layer.weights:
            if weight.path.endswith("kernel"):
                tensor = layer.output
                if "expansion" in weight.path:
                    tensor = layer.input
                positions = np.prod(tensor.shape[1:-1], initial=1)
                if "squeeze" in weight.path or name == "logits":
                    positions = 1
                products += size(weight) * int(positions)
    assert KIND.complexity(SMALL, SHAPE, 7).multiply_adds == products


def test_drop_path_rises_with_depth_where_there_is_a_skip():
    model = KIND.build(SMALL, SHAPE, 7, drop_path_rate=0.4, drop_path_steps=9)
    rates = {
        layer.name: layer.drop_path.rate
        for layer in model.layers
        if getattr(layer, "drop_path", None) is not None
    }
    assert rates == pytest.approx(
        {
            "block_1_layer_1": 0.4 / 6,
            "block_2_layer_2": 1.2 / 6,
            "block_4_layer_1": 0.4,
        }
    )


def test_features_are_the_last_maps_of_each_size():
    outputs = KIND.build(SMALL, SHAPE, 7, features=True).output
    assert {name: each.shape[1:] for name, each in outputs.items()} == {
        "P1": (16, 12, 8),
        "P2": (8, 6, 8),
        "P3": (4, 3, 24),
    }
    model = KIND.build(SMALL, (None, None, 3), 7, include_top=False)
    assert model.output_shape == (None, None, None, 24)
    model = KIND.build(
        SMALL, SHAPE, 7, include_top=False, pooling="max", name="mine"
    )
    assert model.output_shape == (None, 24) and model.name == "mine"


def test_channels_may_come_first():
    arguments = {"conventions": {"data_format": "channels_first"}}
    model = KIND.build(SMALL, (3, 32, 24), 7, **arguments)
    cost = KIND.complexity(SMALL, (3, 32, 24), 7, **arguments)
    assert cost == KIND.complexity(SMALL, SHAPE, 7)
    assert model.count_params() == cost.parameters


@pytest.mark.large
def test_it_trains_and_loads_as_it_was_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = KIND.build(SMALL, SHAPE, 2, drop_path_rate=0.2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = noise(8, *SHAPE)
    before = model.get_weights()
    model.fit(images, np.arange(8) % 2, verbose=0)
    changed = [
        (old != new).any()
        for old, new in zip(before, model.get_weights(), strict=True)
    ]
    assert np.mean(changed) > 0.9
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(images, verbose=0), model.predict(images, verbose=0)
    )


@pytest.mark.parametrize("method", ["build", "complexity"])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"auxiliary_head": 3}, "`auxiliary_head`.*some of conventions"),
        ({"filters": 8}, "`filters`.*Received: filters=8"),
        ({"dropout": 1.0}, "`dropout`.*Received"),
        ({"drop_path_rate": 1.0}, "`drop_path_rate`.*Received"),
        ({"drop_path_steps": 0}, "`drop_path_steps`.*Received"),
        ({"pooling": "sum"}, "`pooling`.*Received"),
        ({"input_tensor": 3}, "`input_tensor`.*Received"),
        ({"conventions": {"colour": 1}}, "`conventions`.*Received"),
        ({"input_shape": (16, 3)}, "`input_shape`.*Received"),
        ({"input_shape": (16, 16, None)}, "`input_shape`.*Received"),
        ({"classes": 0}, "`classes`.*Received"),
    ],
)
def test_other_arguments_are_a_sentence(method, arguments, sentence):
    recipe = {"auxiliary_head", "dropout", "drop_path_rate", "drop_path_steps"}
    if method == "complexity" and recipe & set(arguments):
        return  # Costs do not depend on these.
    arguments = {"input_shape": SHAPE, "classes": 7, **arguments}
    with pytest.raises(ValueError, match=sentence):
        getattr(KIND, method)(SMALL, **arguments)


def test_costs_of_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match="known input size. Received"):
        KIND.complexity(SMALL, (None, 32, 3), 7)


# === Architectures ===


def test_names_are_those_of_the_layers():
    assert set(ACTIVATIONS) == set(activations.ACTIVATIONS)
    assert SKIPS == inverted_residual.SKIPS


def test_small_images_are_halved_less():
    small = MNASNET_A1.for_small_images()
    strides = [block.strides for block in small.blocks]
    assert (small.stem_strides, strides) == (1, [1, 1, 2, 2, 1, 2, 1])
    model = KIND.build(small, (32, 32, 3), 10, include_top=False)
    assert model.output_shape == (None, 4, 4, 1280)


def test_filters_are_rounded_as_mobilenet_rounds():
    found = [rounded(0.35, each) for each in (32, 16, 24, 64, 96, 1280)]
    assert found == [16, 8, 8, 24, 32, 448]
    assert rounded(1.0, 24) == 24


@pytest.mark.parametrize(
    "change",
    [
        {"operator": "dense"},
        {"operator": ["separable"]},
        {"filters": 0},
        {"filters": True},
        {"filters": 10**9},
        {"kernel_size": 4},
        {"kernel_size": True},
        {"layers": 0},
        {"layers": 10**6},
        {"strides": 3},
        {"squeeze_ratio": 2},
        {"squeeze_ratio": "much"},
        {"skip": "dense"},
    ],
)
def test_blocks_are_checked(change):
    with pytest.raises(ValueError, match=f"`{[*change][0]}`.*Received"):
        dataclasses.replace(MobileBlock("separable", 8), **change)


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": ()},
        {"blocks": None},
        {"blocks": (3,)},
        {"blocks": (MobileBlock("separable", 8),) * (MAX_BLOCKS + 1)},
        {"stem_filters": 0},
        {"stem_strides": 4},
        {"head_filters": "many"},
        {"activation": "elu"},
    ],
)
def test_architectures_are_checked(change):
    with pytest.raises(ValueError, match=f"`{[*change][0]}`.*Received"):
        dataclasses.replace(SMALL, **change)


@pytest.mark.parametrize("architecture", [SMALL, *PUBLISHED.values()])
def test_data_are_json_both_ways(architecture):
    data = json.loads(json.dumps(KIND.to_data(architecture)))
    assert KIND.from_data(data) == architecture


@pytest.mark.parametrize(
    "change",
    [
        lambda data: 3,
        lambda data: {},
        lambda data: {**data, "blocks": 3},
        lambda data: {**data, "blocks": []},
        lambda data: {**data, "blocks": [3]},
        lambda data: {**data, "blocks": data["blocks"] * 1000},
        lambda data: {**data, "more": 1},
        lambda data: {**data, "activation": None},
    ],
)
def test_other_data_are_refused_with_a_sentence(change):
    with pytest.raises(ValueError, match="Expected.*Received") as error:
        KIND.from_data(change(KIND.to_data(SMALL)))
    assert len(str(error.value)) < 400


def test_the_picture_has_a_box_for_each_block():
    from matplotlib.patches import FancyBboxPatch

    for architecture in (SMALL, *PUBLISHED.values()):
        (figure,) = KIND.pictures(architecture).values()
        patches = figure.axes[0].patches
        boxes = [each for each in patches if isinstance(each, FancyBboxPatch)]
        assert len(boxes) == len(architecture.blocks) + 4


def test_importing_loads_no_framework():
    code = (
        "import sys, nasnet_keras.kinds.mobile\n"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
