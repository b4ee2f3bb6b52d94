import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.operations import OPERATIONS

POOLS = {
    "avg_pool_3x3": (layers.AveragePooling2D, np.mean, 3),
    "max_pool_3x3": (layers.MaxPooling2D, np.max, 3),
    "max_pool_5x5": (layers.MaxPooling2D, np.max, 5),
    "max_pool_7x7": (layers.MaxPooling2D, np.max, 7),
}
EVERY = pytest.mark.parametrize("name", POOLS)
SIDES = pytest.mark.parametrize("sides", [(6, 6), (7, 5), (8, 3), (1, 2)])


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def windows(state, size, strides):
    """For each output position what SAME padding lets a pool see of the
    images: windows cut off at the borders."""
    for row in range(-(-state.shape[1] // strides)):
        for column in range(-(-state.shape[2] // strides)):
            slices = []
            for position, side in ((row, 1), (column, 2)):
                length = state.shape[side]
                count = -(-length // strides)
                padding = max((count - 1) * strides + size - length, 0)
                start = position * strides - padding // 2
                slices.append(slice(max(start, 0), max(start + size, 0)))
            yield row, column, state[:, slices[0], slices[1]]


@EVERY
@SIDES
@pytest.mark.parametrize("strides", [1, 2])
def test_the_padding_is_left_out(name, sides, strides):
    _, reduce, size = POOLS[name]
    # Negative, so that a zero taken in would be a maximum.
    state = noise(2, *sides, 3) - 5
    outputs = OPERATIONS[name](3, strides)(state).numpy()
    for row, column, window in windows(state, size, strides):
        np.testing.assert_allclose(
            outputs[:, row, column], reduce(window, (1, 2)), rtol=1e-5
        )


@EVERY
@SIDES
def test_zeros_pools_over_padded_zeros(name, sides):
    """As keras.applications: `ZeroPadding2D(correct_pad)`, then VALID."""
    stock, _, size = POOLS[name]
    state = noise(2, *sides, 3) - 5
    half = size // 2
    padding = [(half - (1 - side % 2), half) for side in sides]
    expected = stock(size, 2, "valid")(layers.ZeroPadding2D(padding)(state))
    operation = OPERATIONS[name](3, 2, {"pool_padding": "zeros"})
    np.testing.assert_allclose(operation(state), expected, rtol=1e-5)


@EVERY
def test_zeros_changes_strided_pools_alone(name):
    state = noise(2, 7, 6, 3) - 5
    np.testing.assert_array_equal(
        OPERATIONS[name](3, 1, {"pool_padding": "zeros"})(state),
        OPERATIONS[name](3, 1)(state),
    )


@EVERY
@pytest.mark.parametrize("strides", [1, 2])
def test_other_channels_are_projected_without_a_relu(name, strides):
    state = noise(2, 6, 5, 3) - 1
    operation = OPERATIONS[name](4, strides)
    operation(state)
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    projection = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Conv2D(4, 1, use_bias=False),
            layers.BatchNormalization(epsilon=1e-5),
        ]
    )
    projection.set_weights(operation.get_weights())
    pooled = OPERATIONS[name](3, strides)(state)
    assert np.min(pooled) < 0
    np.testing.assert_allclose(
        operation(state), projection(pooled), rtol=1e-4, atol=1e-4
    )


@EVERY
def test_equal_channels_need_no_weights(name):
    operation = OPERATIONS[name](3, 2)
    operation.build((None, 6, 6, 3))
    assert operation.weights == []
    assert operation.reads_raw
