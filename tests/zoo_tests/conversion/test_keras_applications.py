"""The whole way: a model of keras.applications, a file that Keras writes of
it, our model, the same logits."""

import functools
import types

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import nasnet as their_module
from keras.src.legacy.saving import legacy_h5_format

import zoo
from zoo import weights
from zoo.conversion import keras_applications

# Float32, through all cells, with sums in another order: some 1e-6.
TOLERANCE = 1e-4


def write_keras_3(model, path):
    model.save_weights(path)


def write_legacy(model, path):
    """The layout of the published files."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def write_legacy_model(model, path):
    legacy_h5_format.save_model_to_hdf5(model, path)


@pytest.fixture
def their_same_pooling(monkeypatch):
    """Their reduction cells pool with SAME padding, as TF-slim, where they
    pad with zeros and pool without padding."""

    def reduces(name):
        return (name or "").startswith("reduction_")

    def pad(padding, name=None):
        if reduces(name):
            return keras.layers.Identity(name=name)
        return keras.layers.ZeroPadding2D(padding, name=name)

    def pool(kind, *arguments, name, padding="valid", **keywords):
        padding = "same" if reduces(name) else padding
        return kind(*arguments, name=name, padding=padding, **keywords)

    layers = types.SimpleNamespace(**vars(their_module.layers))
    layers.ZeroPadding2D = pad
    for kind in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
        setattr(layers, kind.__name__, functools.partial(pool, kind))
    monkeypatch.setattr(their_module, "layers", layers)


@pytest.fixture(scope="module")
def their_body(theirs):
    outputs = theirs.get_layer("predictions").input
    return keras.Model(theirs.input, outputs, name="NASNet")


@pytest.fixture(scope="module")
def reused(our_model):
    """A model of ours to load into."""
    return our_model()


@pytest.fixture
def zeros(reused):
    """The same, its weights zero."""
    reused.set_weights([np.zeros(weight.shape) for weight in reused.weights])
    return reused


@pytest.mark.parametrize(
    "write", [write_keras_3, write_legacy, write_legacy_model]
)
@pytest.mark.one_in(3)
def test_the_same_logits(write, theirs, zeros, difference, tmp_path):
    path = tmp_path / "theirs.weights.h5"
    write(theirs, path)
    assert keras_applications.wrote(path)
    keras_applications.load(zeros, path)
    assert zeros.count_params() == theirs.count_params()
    assert difference(theirs, zeros, 40) < TOLERANCE


@pytest.mark.large
def test_the_same_logits_with_the_pools_of_slim(
    their_same_pooling, their_model, our_model, difference, tmp_path
):
    theirs = their_model(size=33)
    pool = theirs.get_layer("reduction_left2_stem_1")
    assert pool.padding == "same"
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    ours = our_model(33, pool_padding="same")
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 33) < TOLERANCE


@pytest.mark.large
def test_several_cells_in_a_stage_and_the_other_skip(
    their_model, our_model, difference, tmp_path
):
    theirs = their_model(repeats=2, filters=4, skip=True)
    ours = our_model(repeats=2, filters=4, skip=True)
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 40) < TOLERANCE


@pytest.mark.large
def test_the_body_of_another_size_and_without_a_top(
    their_model, our_model, difference, tmp_path
):
    theirs = their_model(include_top=False, pooling="avg")
    ours = our_model(None, include_top=False, pooling="avg")
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 40) < TOLERANCE


def nested(body):
    dense = keras.layers.Dense(2, name="mine")
    return keras.Sequential([keras.Input((40, 40, 3)), body, dense])


def flat(body):
    outputs = keras.layers.Dense(2, name="mine")(body.output)
    return keras.Model(body.input, outputs)


@pytest.mark.parametrize("around", [nested, flat])
@pytest.mark.parametrize(
    "suffix",
    [
        ".keras",
        *(
            pytest.param(suffix, marks=pytest.mark.large)
            for suffix in (".weights.h5", ".h5")
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
@pytest.mark.one_in(3)
def test_the_body_of_a_fine_tuned_one(
    around, suffix, their_body, zeros, difference, tmp_path
):
    theirs = around(their_body)
    path = tmp_path / f"theirs{suffix}"
    theirs.save_weights(path) if "weights" in suffix else theirs.save(path)
    assert keras_applications.wrote(path)
    with pytest.warns(UserWarning) as said:
        keras_applications.load(zeros, path)
    message = str(said[0].message)
    assert "layers around the network: mine/0, mine/1." in message
    assert "classifier starts anew: predictions is not in the file." in message
    ours = keras.Model(zeros.input, zeros.get_layer("average_pool").output)
    assert difference(their_body, ours, 40) < TOLERANCE


def test_what_does_not_fit_is_listed(theirs, our_model, tmp_path):
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    with pytest.raises(ValueError) as error:
        keras_applications.load(our_model(repeats=2, filters=4), path)
    for line in (
        "fit: this is a file of another network",
        "more: only in the file",
    ):
        assert line in str(error.value)


@pytest.mark.large
def test_a_whole_model_of_theirs_is_theirs(theirs, our_model, tmp_path):
    path = tmp_path / "theirs.keras"
    theirs.save(path)
    assert keras_applications.wrote(path)
    ours = our_model()
    keras_applications.load(ours, path)
    for kind in ("kernel", "bias"):
        np.testing.assert_array_equal(
            getattr(ours.get_layer("logits"), kind),
            getattr(theirs.get_layer("predictions"), kind),
        )


def test_our_own_files_are_not_theirs(zeros, tmp_path):
    path = tmp_path / "ours.weights.h5"
    zeros.save_weights(path)
    assert not keras_applications.wrote(path)
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    assert not keras_applications.wrote(text)


def published(builder, randomise):
    """A published network of theirs, with random weights."""
    keras.utils.set_random_seed(0)
    theirs = getattr(keras.applications, builder)(
        weights=None, classifier_activation=None
    )
    randomise(theirs)
    return theirs


PUBLISHED = pytest.mark.parametrize(
    ("builder", "size"), [("NASNetMobile", 224), ("NASNetLarge", 331)]
)


@pytest.mark.large
@PUBLISHED
def test_the_published_networks(
    builder, size, randomise_batch_norms, difference, tmp_path
):
    theirs = published(builder, randomise_batch_norms)
    legacy, current = tmp_path / "legacy.h5", tmp_path / "theirs.weights.h5"
    write_legacy(theirs, legacy)
    ours = getattr(zoo, builder)(
        weights=legacy, classifier_activation=None, pool_padding="zeros"
    )
    assert ours.count_params() == theirs.count_params()
    assert difference(theirs, ours, size) < TOLERANCE
    loaded = ours.get_weights()
    ours.set_weights([np.zeros_like(array) for array in loaded])
    write_keras_3(theirs, current)
    weights.load(ours, current, ours.name)
    for one, other in zip(loaded, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.large
@PUBLISHED
def test_the_published_networks_with_the_pools_of_slim(
    builder,
    size,
    their_same_pooling,
    randomise_batch_norms,
    difference,
    tmp_path,
):
    theirs = published(builder, randomise_batch_norms)
    path = tmp_path / "theirs.h5"
    write_legacy(theirs, path)
    ours = getattr(zoo, builder)(weights=path, classifier_activation=None)
    assert difference(theirs, ours, size) < TOLERANCE


# === MobileNetV2 ===

WIDTHS = {
    0.35: "mobilenet_v2_035",
    0.5: "mobilenet_v2_050",
    0.75: "mobilenet_v2_075",
    1.0: "mobilenet_v2",
    1.3: "mobilenet_v2_130",
    1.4: "mobilenet_v2_140",
}


def their_mobilenet(width, **arguments):
    model = keras.applications.MobileNetV2(
        (96, 96, 3),
        alpha=width,
        weights=None,
        classes=5,
        classifier_activation=None,
        **arguments,
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.path.endswith(("beta", "moving_mean")):
            weight.assign(rng.normal(0, 0.2, weight.shape))
        elif len(weight.shape) == 4:  # Such kernels that images stay apart.
            height, side, channels, filters = weight.shape
            reads = height * side * (channels if filters > 1 else 1)
            scale = np.sqrt(2 / reads)
            weight.assign(rng.normal(0, scale, weight.shape))
    return model


@pytest.mark.parametrize(
    ("width", "suffix"),
    [
        (0.35, "legacy.h5"),
        pytest.param(0.35, ".weights.h5", marks=pytest.mark.large),
        pytest.param(0.35, ".keras", marks=pytest.mark.large),
        *(
            pytest.param(width, ".keras", marks=pytest.mark.large)
            for width in WIDTHS
            if width > 0.35
        ),
    ],
)
def test_mobilenets_give_the_same_logits(
    width, suffix, largest_difference, tmp_path
):
    theirs = their_mobilenet(width)
    path = tmp_path / f"model{suffix}"
    if suffix == "legacy.h5":
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, theirs)
    elif suffix == ".keras":
        theirs.save(path)
    else:
        theirs.save_weights(path)
    ours = zoo.create_model(
        WIDTHS[width],
        (96, 96, 3),
        classes=5,
        weights=path,
        classifier_activation=None,
    )
    images = np.random.default_rng(1).uniform(-1, 1, (2, 96, 96, 3))
    images[0] *= 0.2
    print(f"mobilenet_v2, width {width}", end=" ")
    assert largest_difference(theirs(images), ours(images)) < 1e-4


@pytest.mark.large
def test_a_mobilenet_without_its_top_and_of_another_width(tmp_path):
    path = tmp_path / "model.weights.h5"
    their_mobilenet(0.35, include_top=False).save_weights(path)
    arguments = {"input_shape": (96, 96, 3), "classes": 5, "weights": path}
    with pytest.warns(UserWarning, match="classifier starts anew"):
        zoo.create_model("mobilenet_v2_035", **arguments)
    with pytest.raises(ValueError, match="Conv1 . bn_Conv1"):
        zoo.create_model("mobilenet_v2", **arguments)
