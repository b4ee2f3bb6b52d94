"""The whole way: a model of keras.applications, a file that Keras writes of
it, our model, the same logits."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications.nasnet import NASNet
from keras.src.legacy.saving import legacy_h5_format

import zoo
from nasnet_keras.network import build_network
from nasnet_keras.published import NASNET_A
from zoo.conversion import keras_applications

CONVENTIONS = {
    "pool_padding": "zeros",
    "bn_momentum": 0.9997,
    "bn_epsilon": 1e-3,
}


def write_keras_3(model, path):
    model.save_weights(path)


def write_legacy(model, path):
    """The layout of the published files."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def write_legacy_model(model, path):
    legacy_h5_format.save_model_to_hdf5(model, path)


LAYOUTS = pytest.mark.parametrize(
    "write", [write_keras_3, write_legacy, write_legacy_model]
)


def randomise_batch_norms(model):
    """As they are made they are ones and zeros, and hide what is exchanged."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            layer.beta.assign(rng.normal(0, 0.1, shape))
            layer.moving_mean.assign(rng.normal(0, 0.1, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, shape))


def their_model(repeats=1, filters=8, size=40, skip=False, **arguments):
    keras.utils.set_random_seed(0)
    model = NASNet(
        (size, size, 3),
        penultimate_filters=24 * filters,
        num_blocks=repeats,
        stem_block_filters=6,
        skip_reduction=skip,
        weights=None,
        classes=5,
        classifier_activation=None,
        **arguments,
    )
    randomise_batch_norms(model)
    return model


def our_model(size=40, skip=False, filters=8, repeats=1, **arguments):
    arguments = {"classes": 5, **arguments}
    return build_network(
        NASNET_A,
        (size, size, 3),
        repeats=repeats,
        filters=filters,
        stem="imagenet",
        stem_filters=6,
        skip_reduction_layer_input=skip,
        classifier_activation=None,
        conventions=CONVENTIONS,
        **arguments,
    )


def difference(theirs, ours, size):
    """The largest of the outputs, as a share of the largest output."""
    images = np.random.default_rng(1).uniform(-1, 1, (2, size, size, 3))
    images[0] *= 0.2
    expected = theirs(images).numpy()
    largest = np.abs(expected).max()
    # The images do make a difference.
    assert np.abs(expected[0] - expected[1]).max() > 0.01 * largest
    return np.abs(ours(images) - expected).max() / largest


@LAYOUTS
def test_the_same_logits(write, tmp_path):
    theirs, ours = their_model(), our_model()
    path = tmp_path / "theirs.weights.h5"
    write(theirs, path)
    assert keras_applications.wrote(path)
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 40) < 1e-4


def test_several_cells_in_a_stage_and_the_other_skip(tmp_path):
    theirs = their_model(repeats=2, filters=4, skip=True)
    ours = our_model(repeats=2, filters=4, skip=True)
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 40) < 1e-4


def test_the_body_of_another_size_and_without_a_top(tmp_path):
    theirs = their_model(include_top=False, pooling="avg")
    ours = our_model(None, include_top=False, pooling="avg")
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    keras_applications.load(ours, path)
    assert difference(theirs, ours, 40) < 1e-4


@pytest.mark.parametrize("include_top", [True, False])
def test_other_classes_keep_the_body_and_say_so(include_top, tmp_path):
    theirs = their_model(include_top=include_top)
    path = tmp_path / "theirs.weights.h5"
    theirs.save_weights(path)
    ours = our_model(classes=7)
    head = ours.get_layer("logits").get_weights()
    with pytest.warns(UserWarning, match="classifier starts anew"):
        keras_applications.load(ours, path)
    for before, after in zip(
        head, ours.get_layer("logits").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    body = keras_applications.read(path)["stem_conv1"][0]
    np.testing.assert_array_equal(
        ours.get_layer("stem_convolution").get_weights()[0], body
    )


def test_what_does_not_fit_is_listed_and_nothing_loaded(tmp_path):
    path = tmp_path / "theirs.weights.h5"
    their_model().save_weights(path)
    ours = our_model(repeats=2, filters=4)
    before = ours.get_weights()
    with pytest.raises(ValueError) as error:
        keras_applications.load(ours, path)
    for line in (
        "normal_conv_1_0 + normal_bn_1_0: [(1, 1, 16, 8)",
        "normal_conv_1_1 + normal_bn_1_1: not there in the file",
        "normal_conv_1_2: only in the file",
    ):
        assert line in str(error.value)
    for one, other in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_our_own_files_are_not_theirs(tmp_path):
    path = tmp_path / "ours.weights.h5"
    our_model().save_weights(path)
    assert not keras_applications.wrote(path)
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    assert not keras_applications.wrote(text)


@pytest.mark.large
@pytest.mark.parametrize(
    ("builder", "size", "write"),
    [
        ("NASNetMobile", 224, write_keras_3),
        ("NASNetMobile", 224, write_legacy),
        ("NASNetLarge", 331, write_legacy),
    ],
)
def test_the_published_networks(builder, size, write, tmp_path):
    keras.utils.set_random_seed(0)
    theirs = getattr(keras.applications, builder)(
        weights=None, classifier_activation=None
    )
    randomise_batch_norms(theirs)
    path = tmp_path / "theirs.weights.h5"
    write(theirs, path)
    ours = getattr(zoo, builder)(
        weights=path, classifier_activation=None, pool_padding="zeros"
    )
    assert ours.count_params() == theirs.count_params()
    assert difference(theirs, ours, size) < 1e-4
