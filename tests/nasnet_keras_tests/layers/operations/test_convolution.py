import keras
import numpy as np
import pytest
from keras import layers

from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.convolution_unit import UnitPlan

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def built(name, strides=1, filters=4, **arguments):
    operation = OPERATIONS[name](filters, strides, **arguments)
    operation.build((None, None, None, 3))
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    return operation


def stock(operation, convolutions):
    """ReLU, convolution, batch norm for each convolution, in stock Keras."""
    model = keras.Sequential([keras.Input((None, None, 3))])
    for filters, kernel_size, strides, dilation in convolutions:
        model.add(layers.ReLU())
        model.add(
            layers.Conv2D(
                filters,
                kernel_size,
                strides,
                "same",
                dilation_rate=dilation,
                use_bias=False,
            )
        )
        model.add(layers.BatchNormalization(epsilon=1e-5))
    model.set_weights(operation.get_weights())
    return model


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize("s", [1, 2])
@pytest.mark.parametrize(
    ("name", "kernel_sizes"),
    [
        ("conv_1x1", [(1, 1)]),
        ("conv_3x3", [(3, 3)]),
        ("conv_1x3_3x1", [(1, 3), (3, 1)]),
        ("conv_1x7_7x1", [(1, 7), (7, 1)]),
    ],
)
def test_relu_convolution_batch_norm(name, kernel_sizes, s, size):
    """Of two kernels each takes the stride along its longer side."""
    operation = built(name, s)
    convolutions = [
        (
            4,
            kernel,
            (s, s)
            if len(kernel_sizes) == 1
            else tuple(s if side > 1 else 1 for side in kernel),
            1,
        )
        for kernel in kernel_sizes
    ]
    state = noise(2, *size, 3)
    np.testing.assert_allclose(
        operation(state), stock(operation, convolutions)(state), **TOLERANCE
    )


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
def test_dilated(size):
    """Strided, it is the unstrided output at even positions."""
    unstrided, strided = built("dil_conv_3x3"), built("dil_conv_3x3", 2)
    state = noise(2, *size, 3)
    expected = stock(unstrided, [(4, (3, 3), (1, 1), 2)])(state)
    np.testing.assert_allclose(unstrided(state), expected, **TOLERANCE)
    np.testing.assert_allclose(
        strided(state), expected[:, ::2, ::2], **TOLERANCE
    )


@pytest.mark.parametrize(
    ("name", "width"),
    [("conv_3x3", 4), ("conv_1x7_7x1", 4), ("conv_1x3_3x1", 6)],
)
def test_bottleneck(name, width):
    """A quarter of the filters, of conv_1x3_3x1 three eighths (TPU code)."""
    operation = built(
        name, 2, 16, conventions={"convolution_form": "bottleneck"}
    )
    inner = [
        (width, unit.kernel_size, unit.strides, 1)
        for unit in operation.units[1:-1]
    ]
    convolutions = [(width, 1, 1, 1), *inner, (16, 1, 1, 1)]
    state = noise(2, 7, 6, 3)
    np.testing.assert_allclose(
        operation(state), stock(operation, convolutions)(state), **TOLERANCE
    )


@pytest.mark.parametrize(
    ("name", "filters", "widths"),
    [
        ("conv_1x1", 16, [16]),
        ("conv_3x3", 3, [3]),
        ("conv_3x3", 4, [1, 1, 4]),
        ("conv_1x3_3x1", 2, [2, 2]),
        ("dil_conv_3x3", 16, [4, 4, 16]),
    ],
)
def test_no_bottleneck_below_a_channel(name, filters, widths):
    operation = built(
        name, 1, filters, conventions={"convolution_form": "bottleneck"}
    )
    assert [unit.filters for unit in operation.units] == widths


def test_a_plan_is_what_is_built():
    plan = OPERATIONS["conv_1x7_7x1"].plan(
        3, 4, 2, built("conv_1x1").conventions
    )
    assert plan == (
        UnitPlan(4, (1, 7), (1, 2)),
        UnitPlan(4, (7, 1), (2, 1)),
    )
