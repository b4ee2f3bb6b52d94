import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.auxiliary_head import AuxiliaryHead
from nasnet_keras.layers.parts.conventions import Conventions


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("classes", "side", "channels", "parameters"),
    [(1000, 14, 528, 2_411_240), (10, 16, 384, 1_631_498)],
    ids=["mobile", "cifar"],
)
def test_its_published_sizes(classes, side, channels, parameters):
    head = AuxiliaryHead(classes)
    head.build((None, side, side, channels))
    assert head.kernel_size == (4, 4)
    trainable = [np.prod(v.shape) for v in head.trainable_variables]
    assert sum(trainable) == parameters


@pytest.mark.parametrize("sides", [(5, 5), (8, 11)])
def test_against_stock_layers(sides):
    """TF-slim's layers, flattened before the classifier."""
    head = AuxiliaryHead(3, activation=None)
    features = noise(2, *sides, 6)
    head(features)
    for number, weight in enumerate(head.weights):
        value = noise(*weight.shape, seed=number)
        if "variance" in weight.path:
            value = np.abs(value) + 0.5
        weight.assign(value)
    model = keras.Sequential(
        [
            keras.Input((*sides, 6)),
            layers.ReLU(),
            layers.AveragePooling2D(5, 3),
            layers.Conv2D(128, 1, use_bias=False),
            layers.BatchNormalization(epsilon=1e-5),
            layers.ReLU(),
            layers.Conv2D(768, head.kernel_size, use_bias=False),
            layers.BatchNormalization(epsilon=1e-5),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model.set_weights(head.get_weights())
    expected = model(features)
    np.testing.assert_allclose(
        head(features), expected, atol=1e-4 * np.abs(expected).max()
    )


def test_a_larger_map_is_averaged():
    head = AuxiliaryHead(3)
    head(noise(2, 8, 8, 6))
    outputs = head(noise(2, 14, 11, 6))
    assert outputs.shape == (2, 3)
    np.testing.assert_allclose(np.sum(outputs, -1), 1, rtol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_smaller_map_is_padded(data_format):
    """With zeros, below and to the right: the kernel's corner reads it."""
    head = AuxiliaryHead(3, (4, 3), None, {"data_format": data_format})
    small = noise(2, 8, 5, 6)
    if data_format == "channels_first":
        small = small.transpose(0, 3, 1, 2)
    outputs = head(small)
    assert head.convolution.kernel.shape == (4, 3, 128, 768)
    corner = AuxiliaryHead(3, (2, 1), None, {"data_format": data_format})
    corner(small)
    corner.set_weights(
        [
            weight[:2, :1] if weight.shape[:2] == (4, 3) else weight
            for weight in head.get_weights()
        ]
    )
    np.testing.assert_allclose(corner(small), outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_written_and_read_again(activation):
    head = AuxiliaryHead(3, activation=activation)
    features = noise(2, 8, 8, 6)
    head(features)
    copy = AuxiliaryHead.from_config(head.get_config())
    assert copy.kernel_size == (2, 2)
    copy(features)
    copy.set_weights(head.get_weights())
    np.testing.assert_array_equal(copy(features), head(features))


def test_channels_first_gives_the_same():
    last = AuxiliaryHead(3)
    first = AuxiliaryHead(
        3, conventions=Conventions(data_format="channels_first")
    )
    features = noise(2, 8, 11, 6)
    last(features), first(features.transpose(0, 3, 1, 2))
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(
        first(features.transpose(0, 3, 1, 2)), last(features), rtol=1e-4
    )


@pytest.mark.parametrize("shape", [(4, 8), (8, 4), (None, None)])
def test_maps_too_small_or_unknown_are_refused(shape):
    with pytest.raises(ValueError, match="at least 5 x 5.*Received"):
        AuxiliaryHead(10).build((None, *shape, 6))
