"""Backbones and classifiers of KerasHub, with few cells and filters."""

import json

import keras
import numpy as np
import pytest

import zoo

keras_hub = pytest.importorskip("keras_hub", reason="KerasHub is an extra")

from zoo.hub import (  # noqa: E402
    NASNetBackbone,
    NASNetImageClassifier,
    NASNetImageConverter,
)

SMALL = {"repeats": 1, "filters": 8}
SIZE = 64


def pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def outputs(model, images):
    """Of inference, without what compiling costs."""
    result = model(images, training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, result)


def assert_close(found, expected):
    tolerance = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A network of the zoo with a file of its weights."""
    keras.utils.set_random_seed(0)
    model = zoo.create_model(
        "nasnet_mobile",
        (None, None, 3),
        classes=7,
        classifier_activation=None,
        **SMALL,
    )
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if weight.name == "moving_variance":
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif weight.name in ("moving_mean", "bias"):
            weight.assign(rng.uniform(-0.5, 0.5, weight.shape))
    path = tmp_path_factory.mktemp("weights") / "small.weights.h5"
    model.save_weights(path)
    return model, path


@pytest.fixture(scope="module")
def classifier(published):
    _, path = published
    return NASNetImageClassifier.from_zoo(
        "nasnet_mobile",
        path,
        num_classes=7,
        activation=None,
        image_shape=(SIZE, SIZE, 3),
        **SMALL,
    )


@pytest.fixture(scope="module")
def preset(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("preset")
    classifier.save_to_preset(str(path))
    return str(path)


@pytest.mark.large
def test_a_classifier_computes_what_the_network_does(published, classifier):
    model, _ = published
    images = pixels(2, SIZE, SIZE, 3)
    expected = outputs(model, zoo.preprocess_input(images.astype("float32")))
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert_close(classifier.predict(images, verbose=0), expected)


@pytest.mark.large
def test_grey_images_with_weights_of_colour(published, classifier):
    _, path = published
    with pytest.warns(UserWarning, match="images have 1: "):
        grey = NASNetBackbone.from_zoo(
            "nasnet_mobile", path, image_shape=(SIZE, SIZE, 1), **SMALL
        )
    images = zoo.preprocess_input(pixels(2, SIZE, SIZE, 1).astype("float32"))
    colour = np.repeat(images, 3, axis=-1)
    assert_close(outputs(grey, images), outputs(classifier.backbone, colour))


def test_a_classifier_resizes_what_it_is_given(classifier):
    images = pixels(1, 100, 80, 3)
    given = classifier.preprocessor(images)
    assert given.shape == (1, SIZE, SIZE, 3)
    assert keras.ops.min(given) >= -1 and keras.ops.max(given) <= 1


def test_a_preset_gives_the_classifier_back(classifier, preset):
    again = keras_hub.models.ImageClassifier.from_preset(preset)
    assert type(again) is NASNetImageClassifier
    assert again.preprocessor.image_size == (SIZE, SIZE)
    x = zoo.preprocess_input(pixels(2, SIZE, SIZE, 3).astype("float32"))
    np.testing.assert_array_equal(outputs(again, x), outputs(classifier, x))


def test_a_preset_gives_the_body_for_other_classes(classifier, preset):
    again = keras_hub.models.ImageClassifier.from_preset(preset, num_classes=3)
    assert again.output_shape == (None, 3)
    for ours, theirs in zip(
        again.backbone.get_weights(),
        classifier.backbone.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_preset_gives_the_converter_back(preset):
    converter = keras_hub.layers.ImageConverter.from_preset(preset)
    assert type(converter) is NASNetImageConverter
    images = pixels(1, SIZE, SIZE, 3)
    np.testing.assert_allclose(
        converter(images),
        zoo.preprocess_input(images.astype("float32")),
        atol=1e-6,
    )


@pytest.mark.large
def test_a_preset_gives_the_backbone_for_other_sizes(classifier, preset):
    again = keras_hub.models.Backbone.from_preset(
        preset, image_shape=(None, None, 3)
    )
    assert type(again) is NASNetBackbone
    x = np.ones((1, SIZE, SIZE, 3), "float32")
    np.testing.assert_array_equal(
        outputs(again, x), outputs(classifier.backbone, x)
    )
    assert again(np.ones((1, 33, 47, 3), "float32")).shape == (1, 1, 2, 192)


def test_the_configuration_is_plain_data(classifier):
    backbone = classifier.backbone
    config = backbone.get_config()
    again = NASNetBackbone.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert [weight.shape for weight in again.weights] == [
        weight.shape for weight in backbone.weights
    ]


@pytest.mark.large
@pytest.mark.filterwarnings("ignore:.*has no such classifier")
def test_the_pyramid_is_that_of_the_zoo(published):
    _, path = published
    backbone = NASNetBackbone.from_zoo("nasnet_mobile", path, **SMALL)
    assert isinstance(backbone, keras_hub.models.FeaturePyramidBackbone)
    model = zoo.create_model(
        "nasnet_mobile", (SIZE, SIZE, 3), weights=path, features=True, **SMALL
    )
    x = np.random.default_rng(0).uniform(-1, 1, (1, SIZE, SIZE, 3))
    expected = outputs(model, x)
    pyramid = keras.Model(backbone.input, backbone.pyramid_outputs)
    found = outputs(pyramid, x)
    # The first convolution pads nothing.
    sides = {level: features.shape[1] for level, features in found.items()}
    assert sides == {"P1": 31, "P2": 16, "P3": 8, "P4": 4, "P5": 2}
    assert found.keys() == expected.keys()
    for level, features in expected.items():
        assert_close(found[level], features)


def test_a_detector_takes_the_backbone(classifier):
    detector = keras_hub.models.RetinaNetBackbone(
        image_encoder=classifier.backbone,
        min_level=3,
        max_level=6,
        use_p5=False,
        image_shape=(SIZE, SIZE, 3),
    )
    maps = outputs(detector, np.ones((1, SIZE, SIZE, 3), "float32"))
    assert {level: found.shape for level, found in maps.items()} == {
        "P3": (1, 8, 8, 256),
        "P4": (1, 4, 4, 256),
        "P5": (1, 2, 2, 256),
        "P6": (1, 1, 1, 256),
    }


@pytest.mark.parametrize(
    ("name", "small"),
    [
        # No ReLU before the pool.
        ("darts_v2_cifar", {"repeats": 3, "filters": 4}),
        # No bias of the classifier.
        ("enas_micro", {"repeats": 1, "filters": 4}),
    ],
)
@pytest.mark.large
def test_heads_that_differ(name, small, tmp_path):
    model = zoo.create_model(name, **small)
    model.save_weights(tmp_path / "small.weights.h5")
    classifier = NASNetImageClassifier.from_zoo(
        name, tmp_path / "small.weights.h5", **small
    )
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
    assert_close(outputs(classifier, x), outputs(model, x))


@pytest.mark.large
def test_training_moves_the_weights():
    classifier = NASNetImageClassifier.from_zoo(
        "nasnet_a_cifar",
        num_classes=3,
        drop_path_rate=0.3,
        drop_path_steps=10,
        dropout=0.5,
        **SMALL,
    )
    classifier.compile(
        classifier.optimizer,
        "sparse_categorical_crossentropy",
        run_eagerly=True,
    )
    before = classifier.backbone.get_weights()
    history = classifier.fit(
        pixels(4, 32, 32, 3),
        np.array([0, 1, 2, 0]),
        shuffle=False,
        verbose=0,
    )
    assert np.isfinite(history.history["loss"]).all()
    after = classifier.backbone.get_weights()
    assert not all(map(np.array_equal, before, after))


def test_mixed_precision():
    backbone = NASNetBackbone.from_zoo(
        "nasnet_a_cifar", dtype="mixed_bfloat16", **SMALL
    )
    assert backbone.compute_dtype == "bfloat16"
    assert backbone.output.dtype == "bfloat16"
    assert {weight.dtype for weight in backbone.trainable_weights} == {
        "float32"
    }
    assert keras.config.dtype_policy().name == "float32"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="nasnet_mobile"):
        NASNetBackbone.from_zoo("nasnet_mobil")
    for each in (NASNetBackbone, NASNetImageClassifier):
        with pytest.raises(
            ValueError, match="of cells .NASNet, .*create_model.*'mobile'"
        ):
            each.from_zoo("mnasnet_a1")


@pytest.mark.parametrize(
    "wrong", [{"classes": 37}, {"pooling": "max"}, {"input_shape": (64, 64, 3)}]
)
def test_arguments_of_the_zoo_are_refused(wrong):
    with pytest.raises(ValueError, match="`num_classes`.*Received: "):
        NASNetImageClassifier.from_zoo(
            "nasnet_mobile", repeats=1, filters=4, **wrong
        )
