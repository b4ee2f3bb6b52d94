import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.operations import OPERATIONS


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("sides", [(6, 6), (7, 5), (2, 2)])
@pytest.mark.one_in(4)
def test_twice_relu_separable_convolution_batch_norm(size, strides, sides):
    """The stride in the first; nothing between the two halves."""
    operation = OPERATIONS[f"sep_conv_{size}x{size}"](4, strides)
    state = noise(2, *sides, 3)
    operation(state)
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    model = keras.Sequential([keras.Input((None, None, 3))])
    for stride in (strides, 1):
        model.add(layers.ReLU())
        model.add(
            layers.SeparableConv2D(4, size, stride, "same", use_bias=False)
        )
        model.add(layers.BatchNormalization(epsilon=1e-5))
    model.set_weights(operation.get_weights())
    expected = model(state)
    np.testing.assert_allclose(
        operation(state), expected, rtol=1e-4, atol=1e-4 * np.max(expected)
    )


def test_wide_states_need_no_projection():
    """The depthwise kernel has the channels of the state, the pointwise one
    brings them to the filters."""
    operation = OPERATIONS["sep_conv_3x3"](4)
    operation.build((None, 8, 8, 8))
    assert [tuple(w.shape) for w in operation.weights if len(w.shape) == 4] == [
        (3, 3, 8, 1),
        (1, 1, 8, 4),
        (3, 3, 4, 1),
        (1, 1, 4, 4),
    ]


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("sides", [(9, 8), (7, 5), (2, 2)])
def test_the_dilated_ones_read_every_second_position(size, strides, sides):
    """Once; with strides 2, the unstrided output at even positions, as in
    PyTorch with a padding of size - 1."""
    operation = OPERATIONS[f"dil_sep_conv_{size}x{size}"](4, strides)
    state = noise(2, *sides, 3)
    operation(state)
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    depthwise, pointwise = operation.weights[:2]
    margin = size - 1
    padded = np.pad(
        np.maximum(state, 0), [(0, 0), (margin,) * 2, (margin,) * 2, (0, 0)]
    )
    expected = 0
    for row in range(size):
        for column in range(size):
            part = padded[
                :,
                2 * row : 2 * row + sides[0],
                2 * column : 2 * column + sides[1],
            ]
            expected = expected + part * np.array(depthwise)[row, column, :, 0]
    expected = expected[:, ::strides, ::strides] @ np.array(pointwise)[0, 0]
    expected = operation.units[0].batch_norm(expected)
    np.testing.assert_allclose(
        operation(state), expected, rtol=1e-4, atol=1e-4 * np.max(expected)
    )
