import keras
import numpy as np
import pytest
from keras import layers, ops

from nasnet_keras.layers.branched_unit import BranchedUnit, ChannelGather
from nasnet_keras.units import (
    Convolution,
    Gather,
    Normalization,
    Pool,
    Shuffle,
    Squeeze,
    Unit,
)

# One of everything.
UNIT = Unit(
    (
        (
            Gather(0.75, groups=3),
            Normalization(),
            Convolution(12, groups=3, normalized=False),
            Shuffle(3),
            Convolution(None, 3, 2, activated=False),
            Squeeze(0.25),
        ),
        (Pool("average", padding="zeros"),),
    ),
    "concatenate",
    shuffle=2,
)
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def randomised(layer, *shape):
    """A built layer, its weights unlike their first values."""
    layer.build((None, *shape))
    layer.set_weights(
        [
            weight
            if weight.dtype == "int32"
            else np.abs(noise(*weight.shape, seed=seed)) / 2 + 0.1
            for seed, weight in enumerate(layer.get_weights())
        ]
    )
    return layer


def test_it_computes_what_stock_layers_do():
    unit = randomised(BranchedUnit(UNIT), 6, 5, 8)
    index, *weights = unit.get_weights()
    index = np.array([7, 0, 0, 3, 5, 2])
    unit.set_weights([index, *weights])
    images = noise(2, 6, 5, 8)
    norm = layers.BatchNormalization(epsilon=1e-5)
    grouped = layers.Conv2D(12, 1, groups=3, use_bias=False)
    depthwise = layers.DepthwiseConv2D(3, 2, "same", use_bias=False)
    last_norm = layers.BatchNormalization(epsilon=1e-5)
    first, second = layers.Conv2D(3, 1), layers.Conv2D(12, 1)
    model = keras.Sequential([norm, layers.ReLU(), grouped, layers.ReLU()])
    states = model(images[..., index])
    shuffled = np.asarray(states).reshape(2, 6, 5, 3, 4)
    shuffled = shuffled.swapaxes(3, 4).reshape(2, 6, 5, 12)
    states = last_norm(depthwise(shuffled))
    gates = ops.mean(states, (1, 2), keepdims=True)
    ops.sigmoid(second(first(gates)))
    for layer in (norm, grouped, depthwise, last_norm, first, second):
        count = len(layer.weights)
        layer.set_weights(weights[:count])
        weights = weights[count:]
    assert not weights
    states = np.asarray(model(images[..., index]))
    shuffled = states.reshape(2, 6, 5, 3, 4).swapaxes(3, 4)
    states = last_norm(depthwise(shuffled.reshape(2, 6, 5, 12)))
    gates = ops.mean(states, (1, 2), keepdims=True)
    states = states * ops.sigmoid(second(ops.relu(first(gates))))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    averages = layers.AveragePooling2D(3, 2)(padded)
    joined = np.concatenate([states, averages], -1)
    expected = joined.reshape(2, 3, 3, 2, 10).swapaxes(3, 4)
    outputs = unit(images)
    assert unit.compute_output_shape(images.shape) == outputs.shape
    np.testing.assert_allclose(
        outputs, expected.reshape(2, 3, 3, 20), **TOLERANCE
    )


def test_added_activated_and_split():
    halves = Unit(((), (Convolution(None, 3),)), "concatenate", split=True)
    unit = randomised(BranchedUnit(halves), 4, 4, 6)
    images = noise(2, 4, 4, 6)
    outputs = np.asarray(unit(images))
    np.testing.assert_array_equal(outputs[..., :3], images[..., :3])
    assert not np.allclose(outputs[..., 3:], images[..., 3:])
    residual = Unit(((Convolution(6, 3, activated=False),), ()))
    linear = randomised(BranchedUnit(residual), 4, 4, 6)
    relu = BranchedUnit(Unit(residual.branches, activated=True), "relu")
    relu = randomised(relu, 4, 4, 6)
    np.testing.assert_allclose(relu(images), np.maximum(linear(images), 0))
    assert (np.asarray(linear(images)) < 0).any()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_fused_it_computes_the_same(data_format):
    conventions = {"data_format": data_format}
    shape = (6, 5, 8) if data_format == "channels_last" else (8, 6, 5)
    unit = randomised(BranchedUnit(UNIT, conventions=conventions), *shape)
    config = unit.get_config()
    config["conventions"]["normalization"] = "bias"
    fused = BranchedUnit.from_config(config)
    fused.build((None, *shape))
    fused.set_weights(unit.folded_weights())
    assert not any(
        isinstance(each, keras.layers.BatchNormalization)
        for each in fused._flatten_layers()
    )
    images = noise(2, *shape)
    np.testing.assert_allclose(fused(images), unit(images), **TOLERANCE)
    again = BranchedUnit.from_config(fused.get_config())
    again.build((None, *shape))
    again.set_weights(fused.folded_weights())
    np.testing.assert_allclose(again(images), unit(images), **TOLERANCE)


def test_the_branch_beside_an_identity_is_dropped():
    residual = Unit(((Convolution(6, 3, activated=False),), ()))
    unit = BranchedUnit(residual, drop_path_rate=0.999, drop_path_steps=None)
    images = noise(4, 4, 4, 6)
    np.testing.assert_array_equal(unit(images, training=True), images)
    assert not np.allclose(unit(images), images)
    beside = Unit(((Convolution(6, 3),), (Convolution(6),)))
    unit = BranchedUnit(beside, drop_path_rate=0.5)
    unit(images)
    assert unit.drop_path is None


def test_numbers_of_channels_are_spread_and_not_trained():
    layer = ChannelGather(6, groups=3)
    images = np.arange(12.0, dtype="float32").reshape(1, 1, 1, 12)
    found = np.asarray(layer(images)).ravel()
    assert found.tolist() == [0, 6, 2, 8, 4, 10]
    assert not layer.trainable_weights


def test_a_unit_that_does_not_fit_is_a_sentence():
    with pytest.raises(ValueError, match="`groups`.*Received: groups=3"):
        BranchedUnit(Unit(((Convolution(12, groups=3),),)))(noise(1, 2, 2, 8))
    with pytest.raises(ValueError, match="Received: 8 channels"):
        BranchedUnit(Unit(((Convolution(12),), ())))(noise(1, 2, 2, 8))
