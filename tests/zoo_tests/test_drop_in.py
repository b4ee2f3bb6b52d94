"""What users of keras.applications' NASNet have asked for, call by call.

Each test names the threads. The calls are literal; the networks are cut down
and the published files are of random weights, written by Keras from a
keras.applications model.
"""

import dataclasses
import inspect

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications.nasnet import NASNet
from keras.src.legacy.saving import legacy_h5_format

import nasnet_keras
import zoo
from nasnet_keras.layers.cell import Cell
from zoo.presets import PRESETS

FILTERS = 8
# keras.applications: the arguments in which Mobile and Large differ.
THEIRS = {
    "nasnet_mobile": {"stem_block_filters": 32, "skip_reduction": False},
    "nasnet_large": {"stem_block_filters": 96, "skip_reduction": True},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder of files by their name in the cache, as `keras.utils.get_file`
    gives them; `.npz` beside them, kernels that are in them."""
    folder = tmp_path_factory.mktemp("models")
    for name, arguments in THEIRS.items():
        keras.utils.set_random_seed(0)
        model = NASNet(
            (64, 64, 3),
            penultimate_filters=24 * FILTERS,
            num_blocks=1,
            weights=None,
            classes=1000,
            **arguments,
        )
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                variance = np.random.default_rng(0).uniform(
                    0.5, 2, layer.moving_variance.shape
                )
                layer.moving_variance.assign(variance)
        kernels = {
            layer: model.get_layer(layer).get_weights()[0]
            for layer in ("stem_conv1", "normal_conv_1_3", "predictions")
        }
        np.savez(folder / f"{name}.npz", **kernels)
        body = keras.Model(model.input, model.layers[-3].output)
        for part, path in ((model, f"{name}.h5"), (body, f"{name}_no_top.h5")):
            with h5py.File(folder / path, "w") as file:
                legacy_h5_format.save_weights_to_hdf5_group(file, part)
    return folder


@pytest.fixture(autouse=True)
def cut_down(monkeypatch, published):
    """A cell in a stage, 8 filters, and a cache that has the files."""
    for name in THEIRS:
        preset = dataclasses.replace(
            PRESETS[name],
            image_size=96,
            arguments={
                **PRESETS[name].arguments,
                "repeats": 1,
                "filters": FILTERS,
            },
        )
        monkeypatch.setitem(PRESETS, name, preset)
    monkeypatch.setattr(
        keras.utils, "get_file", lambda name, *_, **__: str(published / name)
    )


def images(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def map_side(side):
    """A convolution with strides 2 that pads nothing, and four halvings."""
    return -(-((side - 1) // 2) // 16)


def variables(model):
    return [(v.path, tuple(v.shape)) for v in model.variables]


def assert_has_the_body(model, published, preset="nasnet_mobile"):
    """The first and a late kernel are the file's."""
    kernels = np.load(published / f"{preset}.npz")
    late = next(c for c in reversed(model.layers) if isinstance(c, Cell))
    for layer, name in (
        (model.get_layer("stem_convolution"), "stem_conv1"),
        (late.adjustments[0], "normal_conv_1_3"),
    ):
        np.testing.assert_array_equal(layer.get_weights()[0], kernels[name])


# === keras.applications' own way to call ===


@pytest.mark.parametrize("builder", ["NASNetMobile", "NASNetLarge"])
def test_the_arguments_come_first_and_have_their_defaults(builder):
    theirs = inspect.signature(getattr(keras.applications, builder))
    ours = inspect.signature(getattr(zoo, builder))
    assert list(ours.parameters)[: len(theirs.parameters)] == list(
        theirs.parameters
    )
    for name, parameter in theirs.parameters.items():
        assert ours.parameters[name].default == parameter.default
        assert ours.parameters[name].kind == parameter.kind


@pytest.mark.large
def test_the_readme_of_keras_applications(published):
    """Every argument by its place, images in, class names out."""
    model = zoo.NASNetMobile(
        (96, 96, 3), True, "imagenet", None, None, 1000, "softmax", "mine"
    )
    assert model.name == "mine"
    assert_has_the_body(model, published)
    pixels = 127.5 * (images(2, 96, 96, 3) + 1)
    predictions = model.predict(zoo.preprocess_input(pixels), verbose=0)
    np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-4)
    np.testing.assert_array_equal(
        model.get_layer("logits").get_weights()[0],
        np.load(published / "nasnet_mobile.npz")["predictions"],
    )


@pytest.mark.large
def test_two_in_one_model():
    """Every builder has `name`, so that names do not clash."""
    inputs = keras.Input((64, 64, 3))
    one, two = (
        zoo.NASNetMobile(
            weights=None, input_shape=(64, 64, 3), name=name, repeats=1
        )
        for name in ("one", "two")
    )
    both = keras.Model(inputs, keras.layers.add([one(inputs), two(inputs)]))
    assert [layer.name for layer in both.layers[1:3]] == ["one", "two"]


# === include_top=False with weights, at any size ===


@pytest.mark.parametrize(
    "size",
    [
        150,
        *(pytest.param(s, marks=pytest.mark.large) for s in (224, 512, 640)),
    ],
)
def test_the_body_with_weights_at_any_size(size, published):
    """keras#9812, keras#9865, keras#10294, keras#13690, keras#14170;
    keras-applications#78, #95, #122, #164, #208."""
    model = zoo.NASNetMobile(
        include_top=False, weights="imagenet", input_shape=(size, size, 3)
    )
    assert model.output_shape == (None, *2 * [map_side(size)], 24 * FILTERS)
    assert_has_the_body(model, published)


def test_unknown_sizes_give_the_same_network(published):
    """keras#12013, keras#10109, keras-applications#62: 532 layers instead of
    526 for `(None, None, 3)`."""
    known, unknown = (
        zoo.NASNetMobile(
            include_top=False, weights="imagenet", input_shape=shape
        )
        for shape in ((96, 96, 3), (None, None, 3))
    )
    assert variables(unknown) == variables(known)
    assert len(unknown.layers) == len(known.layers)
    assert unknown.count_params() == known.count_params()
    assert_has_the_body(unknown, published)


@pytest.fixture(scope="module")
def backbone(published):
    """One whose size is unknown; module-wide, so without `cut_down`."""
    return zoo.create_model(
        "nasnet_mobile",
        (None, None, 3),
        include_top=False,
        weights=published / "nasnet_mobile_no_top.h5",
        repeats=1,
        filters=FILTERS,
    )


@pytest.mark.large
@pytest.mark.parametrize("height, width", [(64, 64), (65, 97), (99, 64)])
def test_unknown_sizes_predict_at_any(height, width, backbone):
    """keras#10324, titu1994/Keras-NASNet#10: builds, then fails at predict,
    "shapes [1,28,28,22] vs [1,56,56,22]"."""
    known = zoo.NASNetMobile(
        include_top=False, weights="imagenet", input_shape=(height, width, 3)
    )
    assert variables(known) == variables(backbone)
    batch = images(2, height, width, 3)
    outputs = backbone.predict(batch, verbose=0)
    sides = map_side(height), map_side(width)
    assert outputs.shape == (2, *sides, 24 * FILTERS)
    np.testing.assert_allclose(
        outputs, known(batch), atol=1e-5 * np.abs(outputs).max()
    )


@pytest.mark.parametrize(
    "pooling", ["avg", pytest.param("max", marks=pytest.mark.large)]
)
def test_pooled_features_of_any_size(pooling, backbone):
    model = zoo.NASNetMobile(
        include_top=False,
        weights="imagenet",
        input_shape=(None, None, 3),
        pooling=pooling,
    )
    batch = images(2, 75, 66, 3)
    reduce = {"avg": np.mean, "max": np.max}[pooling]
    expected = reduce(backbone(batch).numpy(), axis=(1, 2))
    np.testing.assert_allclose(
        model(batch), expected, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.large
def test_the_classifier_at_another_size(published):
    """keras.applications allows the top at 224 alone."""
    model = zoo.NASNetMobile(weights="imagenet", input_shape=(None, None, 3))
    assert_has_the_body(model, published)
    assert model(images(1, 70, 81, 3)).shape == (1, 1000)


@pytest.mark.large
def test_the_wiring_of_large_is_not_that_of_mobile(published):
    """keras#10209, keras-contrib#258: one flag for two things, and weights
    that did not load."""
    model = zoo.NASNetLarge(
        include_top=False, weights="imagenet", input_shape=(None, None, 3)
    )
    assert_has_the_body(model, published, "nasnet_large")
    with pytest.raises(ValueError, match="stem_conv"):
        zoo.NASNetLarge(weights=published / "nasnet_mobile.h5")


def test_upon_a_tensor_with_weights(published):
    inputs = keras.Input((80, 80, 3))
    model = zoo.NASNetMobile(
        include_top=False,
        weights="imagenet",
        input_tensor=keras.layers.RandomFlip()(inputs),
    )
    assert model.input is inputs
    assert_has_the_body(model, published)


# === Transfer ===


def test_other_classes_keep_the_body_and_say_so(published):
    """Cadene#89; keras.applications refuses `classes=37` with weights."""
    with pytest.warns(UserWarning, match="classifier starts anew"):
        model = zoo.NASNetMobile(weights="imagenet", classes=37)
    assert model.output_shape == (None, 37)
    assert_has_the_body(model, published)


def test_fine_tuning_with_its_options(published):
    """titu1994/Keras-NASNet#9, yeephycho#1: training improves, validation
    does not, with a momentum of 0.9997; keras#8714: no auxiliary head."""
    with pytest.warns(UserWarning, match="classifier starts anew"):
        model = zoo.NASNetMobile(
            weights="imagenet",
            classes=5,
            drop_path_rate=0.2,
            dropout=0.5,
            bn_momentum=0.9,
        )
    assert_has_the_body(model, published)
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert {norm.momentum for norm in norms} == {0.9}
    for norm in norms:
        norm.trainable = False
    before = [norm.get_weights() for norm in norms]
    batch = images(2, 96, 96, 3)
    plain, dropped = model(batch), model(batch, training=True)
    assert np.abs(plain - dropped).max() > 1e-6
    after = [norm.get_weights() for norm in norms]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.large
@pytest.mark.parametrize("size", [80, 150])
def test_the_auxiliary_head_is_the_same_at_any_size(size):
    """keras#8714, keras-contrib#186; tensorflow/models#2648, #8643."""
    arguments = {"weights": None, "auxiliary_head": True}
    nominal = zoo.NASNetMobile(**arguments)
    other = zoo.NASNetMobile(input_shape=(size, size, 3), **arguments)
    assert variables(other) == variables(nominal)
    outputs = other(images(2, size, size, 3))
    auxiliary = outputs["auxiliary_predictions"]
    np.testing.assert_allclose(np.sum(auxiliary, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("size", [64, None])
def test_the_auxiliary_head_needs_a_map(size):
    with pytest.raises(ValueError, match="auxiliary head.*5 x 5.*Received"):
        zoo.NASNetMobile(
            weights=None, auxiliary_head=True, input_shape=(size, size, 3)
        )


@pytest.mark.large
def test_pixels_as_they_are(published):
    """yeephycho#1, layumi/Person_reID_baseline_pytorch#154: pixels from 0 to
    255 where -1 to 1 is meant."""
    arguments = {
        "include_top": False,
        "weights": "imagenet",
        "input_shape": (64, 64, 3),
        "pooling": "avg",
    }
    pixels = 127.5 * (images(2, 64, 64, 3) + 1)
    within = zoo.NASNetMobile(include_preprocessing=True, **arguments)(pixels)
    outside = zoo.NASNetMobile(**arguments)(zoo.preprocess_input(pixels))
    np.testing.assert_allclose(
        within, outside, atol=1e-4 * np.abs(outside).max()
    )


def test_several_labels_at_once_get_a_new_classifier(published):
    """keras.applications refuses any activation but softmax with weights."""
    with pytest.warns(UserWarning, match="classifier starts anew"):
        model = zoo.NASNetMobile(
            weights="imagenet", classifier_activation="sigmoid"
        )
    assert_has_the_body(model, published)
    trained = np.load(published / "nasnet_mobile.npz")["predictions"]
    kernel = model.get_layer("logits").get_weights()[0]
    assert kernel.shape == trained.shape
    assert (kernel == trained).mean() < 0.01
    outputs = model(images(1, 96, 96, 3)).numpy()
    np.testing.assert_allclose(
        outputs, 1 / (1 + np.exp(-before(model, "predictions"))), rtol=1e-5
    )


def before(model, name):
    """What a layer takes, of one image."""
    part = keras.Model(model.input, model.get_layer(name).input)
    return part(images(1, 96, 96, 3)).numpy()


@pytest.mark.parametrize(
    "channels", [1, pytest.param(4, marks=pytest.mark.large)]
)
def test_images_of_other_channels(channels, published):
    """X-rays, or near infrared beside the colours. Images alike in all
    channels give what they give in colour."""
    shape = {"include_top": False, "weights": "imagenet", "pooling": "avg"}
    with pytest.warns(UserWarning, match=rf"images have {channels}: .* mean"):
        model = zoo.NASNetMobile((96, 96, channels), **shape)
    colour = zoo.NASNetMobile((96, 96, 3), **shape)
    grey = images(2, 96, 96, 1)
    expected = colour(np.repeat(grey, 3, axis=-1)).numpy()
    np.testing.assert_allclose(
        model(np.repeat(grey, channels, axis=-1)),
        expected,
        atol=1e-4 * np.abs(expected).max(),
    )


# === Detection and segmentation ===


def test_named_feature_maps(published):
    """tensorflow/models#5009, DeepRNN/image_captioning#12: which endpoints to
    use; titu1994/Keras-NASNet#10."""
    model = zoo.NASNetMobile(
        include_top=False,
        weights="imagenet",
        input_shape=(None, None, 3),
        features=True,
    )
    assert_has_the_body(model, published)
    shapes = {
        name: output.shape[1:]
        for name, output in model(images(1, 97, 64, 3)).items()
    }
    assert shapes == {
        "P1": (48, 31, 32),
        "P2": (24, 16, FILTERS),
        "P3": (12, 8, 6 * FILTERS),
        "P4": (6, 4, 12 * FILTERS),
        "P5": (3, 2, 24 * FILTERS),
    }


# === Data formats and precision ===


def test_channels_first(backbone):
    """keras.applications raises ValueError."""
    model = zoo.NASNetMobile(
        include_top=False,
        weights="imagenet",
        input_shape=(3, None, None),
        data_format="channels_first",
    )
    assert [v.shape for v in model.variables] == [
        v.shape for v in backbone.variables
    ]
    batch = images(1, 65, 64, 3)
    expected = backbone(batch).numpy()
    np.testing.assert_allclose(
        model(batch.transpose(0, 3, 1, 2)),
        expected.transpose(0, 3, 1, 2),
        atol=1e-4 * np.abs(expected).max(),
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy, published):
    """tensorflow/models#4846, insightface#373: out of memory."""
    model = zoo.NASNetMobile(
        weights="imagenet",
        input_shape=(64, 64, 3),
        dtype=keras.DTypePolicy(policy),
    )
    assert keras.config.dtype_policy().name == "float32"
    assert_has_the_body(model, published)
    outputs = model(images(1, 64, 64, 3))
    assert outputs.dtype == "float32"
    assert np.isfinite(outputs).all()


# === Other sizes of network ===


@pytest.mark.parametrize("filters", [4, 7])
@pytest.mark.one_in(2)
def test_any_number_of_filters(filters):
    """keras-applications#36, titu1994/Keras-NASNet#11: numbers that do not
    divide, and small networks."""
    model = zoo.create_model("nasnet_mobile", repeats=1, filters=filters)
    assert model(images(1, 96, 96, 3)).shape == (1, 1000)
    assert model.get_layer("features").output.shape[-1] == 24 * filters


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 3}, "`filters`. Expected an integer of at least 4"),
        ({"filters": 8.5}, "`filters`. Expected an integer of at least 4"),
        ({"repeats": 0}, "`repeats`. Expected an integer of at least 1"),
        ({"input_shape": (31, 64, 3)}, "`input_shape`.*at least 32"),
        ({"input_shape": (224, 224)}, "`input_shape`.*width and channels"),
    ],
)
def test_what_is_legal_is_said(arguments, message):
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        zoo.NASNetMobile(weights=None, **arguments)


def test_our_way_to_say_it():
    """N @ F: 1 @ 8 of the paper's cell."""
    model = nasnet_keras.build_network(
        nasnet_keras.NASNET_A, (32, 32, 3), repeats=1, filters=8
    )
    assert model.get_layer("logits").kernel.shape == (24 * 8, 10)
