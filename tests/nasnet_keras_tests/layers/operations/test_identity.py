import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.operations import OPERATIONS


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def test_it_passes_the_state_through():
    """Negative values as well: the ReLU of the state is not read."""
    state = noise(2, 5, 4, 3)
    operation = OPERATIONS["identity"](3)
    outputs = operation(state, activated=np.maximum(state, 0))
    np.testing.assert_array_equal(outputs, state)
    assert operation.weights == []
    assert operation.reads_raw


@pytest.mark.parametrize(("strides", "filters"), [(2, 3), (1, 4), (2, 4)])
def test_else_relu_1x1_convolution_batch_norm(strides, filters):
    state = noise(2, 5, 4, 3)
    operation = OPERATIONS["identity"](filters, strides)
    operation(state)
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.ReLU(),
            layers.Conv2D(filters, 1, strides, use_bias=False),
            layers.BatchNormalization(epsilon=1e-5),
        ]
    )
    model.set_weights(operation.get_weights())
    np.testing.assert_allclose(
        operation(state), model(state), rtol=1e-4, atol=1e-5
    )
    assert not operation.reads_raw
