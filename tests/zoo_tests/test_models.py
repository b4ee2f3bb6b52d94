import dataclasses
import doctest
import inspect

import keras
import numpy as np
import pytest

import zoo
from nasnet_keras.architectures import find_kind
from nasnet_keras.deployment.fuse import fuse_for_inference
from nasnet_keras.network.model_cost import (
    known_multiply_adds,
    multiply_adds,
)
from zoo import models
from zoo.presets import PRESETS

BUILDERS = (
    "AmoebaNetA",
    "CondenseNet74",
    "MnasNetA1",
    "MnasNetB1",
    "MnasNetSmall",
    "MobileNetV2",
    "NASNetCIFAR",
    "NASNetCIFARNano",
    "NASNetLarge",
    "NASNetMobile",
    "PNASNet5Large",
    "PNASNet5Mobile",
    "ProxylessNASCPU",
    "ProxylessNASGPU",
    "ProxylessNASMobile",
    "SENet154",
    "SEResNet50",
    "ShuffleNetV1",
    "ShuffleNetV2",
)

# The first preset of every architecture in every frame.
DISTINCT = list(
    {
        (preset.architecture, preset.arguments.get("frame")): name
        for name, preset in reversed(PRESETS.items())
    }.values()
)


@pytest.fixture
def small(monkeypatch, shrunk):
    """Every preset, with as few cells and filters as it allows."""
    for name, preset in PRESETS.items():
        if preset.kind == "multibranch":
            monkeypatch.setitem(PRESETS, name, shrunk(name, preset))
            continue
        small = {"image_size": 32}
        if preset.kind == "mobile":
            small["architecture"] = preset.architecture.scaled(0.1)
        else:
            least = 3 if preset.arguments["frame"] == "darts" else 1
            small["arguments"] = {
                **preset.arguments,
                "repeats": least,
                "filters": 8,
                "stem_filters": 4,
            }
        change = dataclasses.replace(preset, **small)
        monkeypatch.setitem(PRESETS, name, change)


def preset_of(name):
    """The preset of a builder."""
    return inspect.signature(getattr(zoo, name)).parameters["name"].default


def images(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def test_the_list_is_what_can_be_made():
    assert zoo.list_models() == sorted(PRESETS)
    assert zoo.list_models("pnasnet*") == [
        "pnasnet_5_cifar",
        "pnasnet_5_large",
        "pnasnet_5_mobile",
    ]
    assert zoo.list_models("resnet*") == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            # The first of each family is among the fast ones.
            marks=[pytest.mark.large]
            if name.split("_")[0] in {each.split("_")[0] for each in before}
            else [],
        )
        for name, before in (
            (name, DISTINCT[:number]) for number, name in enumerate(DISTINCT)
        )
    ],
)
def test_each_runs(small, name):
    """Small, but with its cells, its frame and its conventions."""
    model = zoo.create_model(name, classifier_activation=None)
    outputs = model(images(2, *PRESETS[name].input_shape))
    assert model.name == name
    assert outputs.shape == (2, PRESETS[name].classes)
    assert np.isfinite(outputs).all()
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-6


@pytest.mark.parametrize(
    ("name", "builder"),
    [
        ("nasnet_mobile", "NASNetMobile"),
        pytest.param("nasnet_large", "NASNetLarge", marks=pytest.mark.large),
        pytest.param(
            "pnasnet_5_mobile", "PNASNet5Mobile", marks=pytest.mark.large
        ),
    ],
)
def test_the_real_ones_have_the_published_size(name, builder):
    model = getattr(zoo, builder)(weights=None)
    recount = PRESETS[name].recount
    assert model.input_shape == (None, *PRESETS[name].input_shape)
    assert model.count_params() == recount.parameters
    assert multiply_adds(model) == recount.multiply_adds


@pytest.mark.large
@pytest.mark.parametrize(
    "name", [name for name, each in PRESETS.items() if each.kind != "nasnet"]
)
def test_networks_of_units_are_built_as_they_are_counted(name):
    model = zoo.create_model(name)
    recount = PRESETS[name].recount
    trainable = sum(np.prod(each.shape) for each in model.trainable_weights)
    assert model.count_params() == recount.parameters
    assert trainable == recount.trainable_parameters
    assert known_multiply_adds(model) == recount.multiply_adds


@pytest.mark.parametrize("builder", BUILDERS)
def test_help_shows_all_arguments(builder):
    ours = inspect.signature(getattr(zoo, builder)).parameters
    assert set(ours) | {"preset"} == set(
        inspect.signature(zoo.create_model).parameters
    )


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.one_in(5)
def test_builders_take_all_arguments(small, builder):
    model = getattr(zoo, builder)(
        weights=None, classes=7, name="mine", dropout=0.5, drop_path_rate=0.1
    )
    assert model.name == "mine"
    assert model.output_shape == (None, 7)
    assert model.get_layer("dropout").rate == 0.5


def test_without_the_top(small):
    build = zoo.NASNetMobile
    options = {"weights": None, "include_top": False}
    assert build(**options).output_shape == (None, 1, 1, 192)
    assert build(pooling="avg", **options).output_shape == (None, 192)
    unknown = build(input_shape=(None, None, 3), pooling="max", **options)
    assert unknown.output_shape == (None, 192)
    assert unknown(images(1, 45, 38, 3)).shape == (1, 192)


def test_features_of_mobile_networks():
    model = zoo.MnasNetA1(features=True, input_shape=(96, 64, 3))
    assert {name: o.shape[1:] for name, o in model.output.items()} == {
        "P1": (48, 32, 16),
        "P2": (24, 16, 24),
        "P3": (12, 8, 40),
        "P4": (6, 4, 112),
        "P5": (3, 2, 1280),
    }


def test_features_of_companions(small):
    model = zoo.ShuffleNetV2(features=True, input_shape=(96, 64, 3))
    assert {name: o.shape[1:] for name, o in model.output.items()} == {
        "P1": (48, 32, 24),
        "P2": (24, 16, 24),
        "P3": (12, 8, 116),
        "P4": (6, 4, 232),
        "P5": (3, 2, 1024),
    }


@pytest.mark.parametrize(
    ("name", "places"),
    [
        pytest.param("nasnet_a_cifar", 5, marks=pytest.mark.large),
        ("shufflenet_v2", 6),
        pytest.param("mobilenet_v2_035", 17, marks=pytest.mark.large),
        pytest.param("se_resnet_50", 8, marks=pytest.mark.large),
    ],
)
def test_squeeze_and_excite_joins_any_network(small, name, places, tmp_path):
    """By one argument; those that have it are as they were."""
    arguments = {"classes": 5, "squeeze_excite": 0.25}
    model = zoo.create_model(name, (32, 32, 3), **arguments)
    squeezes = [w for w in model.weights if "/squeeze/kernel" in w.path]
    assert len(squeezes) == places
    preset = PRESETS[name]
    given = {**preset.network_arguments(), "input_shape": (32, 32, 3)}
    count = find_kind(preset.kind).complexity
    plain = count(preset.architecture, **{**given, "classes": 5})
    cost = count(preset.architecture, **{**given, **arguments})
    assert (cost != plain) == (name != "se_resnet_50")
    assert model.count_params() == cost.parameters
    assert known_multiply_adds(model) == cost.multiply_adds
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    again = zoo.create_model(name, (32, 32, 3), weights=path, **arguments)
    pixels = images(2, 32, 32, 3)
    expected = np.asarray(model(pixels))
    np.testing.assert_allclose(again(pixels), expected, atol=1e-6)
    fused = fuse_for_inference(model)
    np.testing.assert_allclose(fused(pixels), expected, atol=1e-4)


@pytest.mark.parametrize(
    "arguments", [{"repeats": 3}, {"filters": 8}, {"auxiliary_head": True}]
)
def test_what_cells_alone_have_is_refused(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}` of a mobile network.*Rec"):
        zoo.MobileNetV2(**arguments)


@pytest.mark.parametrize(
    ("builder", "channels"),
    [
        ("NASNetLarge", (96, 168, 1008, 2016, 4032)),
        ("PNASNet5Large", (96, 270, 1080, 2160, 4320)),
    ],
)
@pytest.mark.one_in(2)
def test_features_have_the_channels_of_timm(builder, channels):
    """timm's `feature_info`; at strides 2 to 32, however many cells."""
    model = getattr(zoo, builder)(
        include_top=False, weights=None, features=True, repeats=1
    )
    assert {name: o.shape[1:] for name, o in model.output.items()} == {
        f"P{level}": (side, side, width)
        for level, side, width in zip(
            range(1, 6), (165, 83, 42, 21, 11), channels, strict=True
        )
    }


def test_upon_a_tensor(small):
    inputs = keras.Input((40, 40, 3))
    model = zoo.NASNetMobile(
        weights=None, input_tensor=keras.layers.GaussianNoise(0.1)(inputs)
    )
    assert model.input is inputs
    assert model(images(1, 40, 40, 3)).shape == (1, 1000)


def test_preprocessing_within_is_that_of_without(small):
    keras.utils.set_random_seed(0)
    model = zoo.NASNetCIFAR(classifier_activation=None)
    within = zoo.NASNetCIFAR(
        classifier_activation=None, include_preprocessing=True
    )
    within.set_weights(model.get_weights())
    pixels = 127.5 * (images(2, 32, 32, 3) + 1)
    np.testing.assert_allclose(
        within(pixels),
        model(zoo.preprocess_input(pixels.copy())),
        rtol=1e-3,
        atol=1e-4,
    )


def test_batch_norms_are_those_of_the_preset(small):
    def batch_norm(**arguments):
        model = zoo.create_model(**arguments)
        layer = model.get_layer("stem_batch_norm")
        return layer.momentum, layer.epsilon

    assert batch_norm(preset="nasnet_mobile") == (0.9997, 1e-3)
    assert batch_norm(preset="nasnet_a_cifar") == (0.9, 1e-5)
    assert batch_norm(preset="nasnet_mobile", bn_momentum=0.9) == (0.9, 1e-3)
    changed = {"preset": "nasnet_mobile", "bn_epsilon": 1e-5}
    assert batch_norm(**changed) == (0.9997, 1e-5)


def test_padding_is_that_of_the_preset(small):
    assert PRESETS["shufflenet_v2"].conventions == {
        "strided_padding": "symmetric"
    }
    assert PRESETS["mobilenet_v2"].conventions == {}
    model = zoo.create_model("mobilenet_v2", strided_padding="symmetric")
    assert model.get_layer("stem").conventions.strided_padding == "symmetric"


def test_mixed_precision(small):
    before = keras.config.dtype_policy().name
    model = zoo.NASNetCIFAR(dtype="mixed_bfloat16")
    assert keras.config.dtype_policy().name == before
    assert model.get_layer("cell_0").compute_dtype == "bfloat16"
    assert model(images(1, 32, 32, 3)).dtype == "float32"


@pytest.mark.large
def test_channels_first_gives_the_same(small):
    keras.utils.set_random_seed(0)
    last = zoo.NASNetCIFAR(classifier_activation=None)
    first = zoo.NASNetCIFAR(
        classifier_activation=None, data_format="channels_first"
    )
    assert first.input_shape == (None, 3, 32, 32)
    first.set_weights(last.get_weights())
    inputs = images(2, 32, 32, 3)
    np.testing.assert_allclose(
        first(inputs.transpose(0, 3, 1, 2)),
        last(inputs),
        rtol=1e-3,
        atol=1e-4,
    )


def test_auxiliary_head(small):
    model = zoo.NASNetCIFAR(auxiliary_head=True, classes=7)
    assert {name: o.shape for name, o in model.output.items()} == {
        "predictions": (None, 7),
        "auxiliary_predictions": (None, 7),
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"preset": "nasnet_a_mobile"}, "`preset`.*Received.*nasnet_mobile"),
        ({"preset": None}, "`preset`.*Received"),
        ({"weights": "imagenet"}, "`weights`.*nasnet_mobile.*Received"),
        ({"weights": "no/such.h5"}, "`weights`.*Received"),
        ({"weights": 3}, "`weights`.*Received"),
        ({"classes": 0}, "`classes`.*Received"),
        ({"squeeze_excite": 2}, "`squeeze_excite`.*Received"),
        (
            {"preset": "nasnet_b_4_1152", "squeeze_excite": 0.1},
            "`squeeze_excite`.*separate.*Received",
        ),
        (
            {"preset": "shufflenet_v2", "squeeze_excite": "much"},
            "`squeeze_excite`.*Received",
        ),
        ({"pooling": "sum"}, "`pooling`.*Received"),
        ({"pool_padding": "valid"}, "`pool_padding`.*Received"),
        ({"input_shape": (4, 4, 3)}, "`input_shape`.*Received"),
        ({"input_shape": (4, 4)}, "`input_shape`.*Received"),
        ({"preset": "mnasnet_a1", "input_shape": 3}, "`input_shape`.*Received"),
    ],
)
def test_errors_name_the_argument(arguments, named):
    with pytest.raises(ValueError, match=named):
        models.create_model(**{"preset": "nasnet_a_cifar", **arguments})


@pytest.mark.parametrize("name", BUILDERS)
def test_the_docstring_of_a_builder_is_whole(name):
    builder = getattr(zoo, name)
    said = inspect.getdoc(builder)
    arguments = said.partition("Args:\n")[2].partition("Returns:")[0]
    for parameter in inspect.signature(builder).parameters:
        assert f"\n    {parameter}: " in f"\n{arguments}"
    for heading in ("Returns:", "Raises:", "Example:"):
        assert said.count(f"\n{heading}") == 1
    assert "preprocess_input" in said
    assert said.splitlines()[0].startswith(PRESETS[preset_of(name)].title)


def test_the_difference_from_keras_applications_is_told():
    for name in ("NASNetMobile", "NASNetLarge"):
        said = inspect.getdoc(getattr(zoo, name))
        assert 'pool_padding="zeros"' in said.partition("Args:")[0]


@pytest.mark.parametrize("name", ["MnasNetA1", "NASNetMobile"])
def test_the_example_of_a_builder_runs(name, small):
    builder = getattr(zoo, name)
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(builder), {name: builder}, name, None, 0
    )
    assert test.examples
    assert not doctest.DocTestRunner(verbose=False).run(test).failed
