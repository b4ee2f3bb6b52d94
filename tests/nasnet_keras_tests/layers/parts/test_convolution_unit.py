import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from nasnet_keras.layers.parts import kernels
from nasnet_keras.layers.parts.conventions import Conventions
from nasnet_keras.layers.parts.convolution_unit import (
    ConvolutionBatchNorm,
    DepthwiseConvolutionBatchNorm,
    SeparableConvolutionBatchNorm,
    UnitPlan,
)

BIAS = Conventions(normalization="bias")
SYMMETRIC = Conventions(strided_padding="symmetric")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def randomise(unit, seed=3):
    """Weights unlike their first values; all positive for the variances."""
    for number, weight in enumerate(unit.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=seed + number)) + 0.1)


def stock(unit, convolution):
    """The same computation in stock Keras layers."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            convolution,
            layers.BatchNormalization(epsilon=unit.conventions.bn_epsilon),
        ]
    )
    model.set_weights([weight.numpy() for weight in unit.weights])
    return model


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize(
    ("kernel_size", "strides", "dilation"),
    [
        ((1, 1), (1, 1), 1),
        ((1, 1), (2, 2), 1),
        ((3, 3), (2, 2), 1),
        ((1, 7), (1, 2), 1),
        ((3, 1), (2, 1), 1),
        ((3, 3), (1, 1), 2),
    ],
)
def test_convolution(size, kernel_size, strides, dilation):
    unit = ConvolutionBatchNorm(4, kernel_size, strides, dilation)
    inputs = noise(2, *size, 3)
    unit(inputs)
    randomise(unit)
    expected = stock(
        unit,
        layers.Conv2D(
            4,
            kernel_size,
            strides,
            "same",
            dilation_rate=dilation,
            use_bias=False,
        ),
    )(inputs)
    assert unit.compute_output_shape(inputs.shape) == expected.shape
    np.testing.assert_allclose(unit(inputs), expected, **TOLERANCE)


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize(
    "make",
    [
        ConvolutionBatchNorm,
        DepthwiseConvolutionBatchNorm,
        SeparableConvolutionBatchNorm,
    ],
)
def test_symmetric_padding_is_that_of_zeros_on_all_sides(make, side, size):
    """As in PyTorch; the sizes are those of SAME."""
    strided = make(3, (side, side), (2, 2), conventions=SYMMETRIC)
    whole = make(3, (side, side))
    inputs = noise(2, *size, 3)
    for unit in (strided, whole):
        unit(inputs)
        randomise(unit)
    expected = np.asarray(whole(inputs))[:, ::2, ::2]
    assert strided.compute_output_shape(inputs.shape) == expected.shape
    np.testing.assert_allclose(strided(inputs), expected, **TOLERANCE)


def test_bare_and_grouped_units_are_built_by_their_plan():
    unit = UnitPlan(6, (3, 3), groups=2, bare=True).layer(Conventions())
    inputs = noise(2, 5, 5, 4)
    unit(inputs)
    assert [tuple(weight.shape) for weight in unit.weights] == [(3, 3, 2, 6)]
    assert unit.folded_weights() == [unit.kernel]
    again = type(unit).from_config(unit.get_config())
    again(inputs)
    again.set_weights(unit.get_weights())
    np.testing.assert_array_equal(again(inputs), unit(inputs))


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize(("side", "strides"), [(3, 1), (5, 2), (7, 1)])
def test_depthwise(size, side, strides):
    unit = DepthwiseConvolutionBatchNorm(3, (side, side), (strides, strides))
    inputs = noise(2, *size, 3)
    unit(inputs)
    randomise(unit)
    convolution = layers.DepthwiseConv2D(side, strides, "same", use_bias=False)
    expected = stock(unit, convolution)(inputs)
    assert unit.compute_output_shape(inputs.shape) == expected.shape
    np.testing.assert_allclose(unit(inputs), expected, **TOLERANCE)
    folded = DepthwiseConvolutionBatchNorm(
        3, (side, side), (strides, strides), conventions=BIAS
    )
    folded.build(inputs.shape)
    folded.set_weights(unit.folded_weights())
    np.testing.assert_allclose(folded(inputs), expected, **TOLERANCE)


def test_depthwise_has_the_channels_of_its_input():
    with pytest.raises(ValueError, match="`filters`.* 3. Received: filters=4"):
        DepthwiseConvolutionBatchNorm(4, (3, 3)).build((None, 6, 6, 3))


@pytest.mark.parametrize("size", [(6, 6), (7, 5), (1, 1), (2, 9)])
@pytest.mark.parametrize(
    "unit", [ConvolutionBatchNorm, SeparableConvolutionBatchNorm]
)
def test_strided_dilated_is_the_unstrided_at_even_positions(unit, size):
    inputs = noise(2, *size, 3)
    strided = unit(4, (3, 3), (2, 2), dilation=2)
    whole = unit(4, (3, 3), dilation=2)
    strided(inputs), whole(inputs)
    randomise(strided)
    whole.set_weights(strided.get_weights())
    np.testing.assert_allclose(
        strided(inputs), whole(inputs)[:, ::2, ::2], **TOLERANCE
    )


@pytest.mark.parametrize("size", [(6, 6), (7, 5)])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_separable_convolution(size, strides, dilation):
    unit = SeparableConvolutionBatchNorm(
        4, (5, 5), (strides, strides), dilation
    )
    inputs = noise(2, *size, 3)
    unit(inputs)
    randomise(unit)
    expected = stock(
        unit,
        layers.SeparableConv2D(
            4,
            5,
            strides,
            "same",
            dilation_rate=dilation,
            use_bias=False,
        ),
    )(inputs)
    assert unit.compute_output_shape(inputs.shape) == expected.shape
    np.testing.assert_allclose(unit(inputs), expected, **TOLERANCE)


def test_kernels_start_with_the_variance_of_their_fan_out():
    """TF-slim: variance 2 / fan-out; in inference batch norm hides it."""
    unit = ConvolutionBatchNorm(64, (3, 3))
    unit.build((None, 8, 8, 16))
    assert np.std(unit.kernel) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    "plan",
    [
        UnitPlan(4, (3, 3), (2, 2)),
        UnitPlan(4, (3, 3), (2, 2), dilation=2, separable=True),
        UnitPlan(4, strides=(2, 2), factorized=True),
    ],
)
def test_a_plan_makes_its_layer(plan):
    conventions = Conventions(bn_momentum=0.5, bn_epsilon=1e-3)
    unit = plan.layer(conventions, name="unit")
    assert unit(noise(1, 5, 5, 3)).shape == (1, 3, 3, 4)
    assert unit.batch_norm.momentum == 0.5
    assert unit.batch_norm.epsilon == 1e-3
    copy = type(unit).from_config(unit.get_config())
    assert copy.get_config() == unit.get_config()


def inference(unit, inputs):
    """The outputs of a graph in inference, and the gradients of all that is
    not frozen."""

    @tf.function
    def compute(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = unit(inputs, training=False)
            loss = tf.reduce_sum(outputs * noise(*outputs.shape, seed=1))
        variables = [each.value for each in unit.trainable_variables]
        return outputs, *tape.gradient(loss, [inputs, *variables])

    return compute(tf.constant(inputs))


@pytest.mark.parametrize(
    "unit",
    [
        ConvolutionBatchNorm(4, (3, 3), (2, 2)),
        ConvolutionBatchNorm(4, (3, 3), (2, 2), conventions=SYMMETRIC),
        ConvolutionBatchNorm(4, (1, 1), (2, 2)),
        ConvolutionBatchNorm(6, (1, 1), groups=3),
        SeparableConvolutionBatchNorm(4, (5, 5)),
        DepthwiseConvolutionBatchNorm(3, (5, 5), (2, 2)),
        DepthwiseConvolutionBatchNorm(3, (5, 5), (2, 2), conventions=SYMMETRIC),
    ],
)
def test_a_batch_norm_folded_at_every_call(monkeypatch, unit):
    inputs = noise(2, 6, 7, 3)
    unit(inputs)
    randomise(unit)
    results = []
    for folds in (False, True):
        monkeypatch.setattr(
            kernels, "folds_batch_norms", lambda _, folds=folds: folds
        )
        results.append(inference(unit, inputs))
    assert len(results[0]) == len(unit.trainable_variables) + 2
    for plain, folded in zip(*results, strict=True):
        np.testing.assert_allclose(folded, plain, rtol=1e-4, atol=1e-4)


def test_what_is_trained_folds_nothing(monkeypatch):
    monkeypatch.setattr(kernels, "folds_batch_norms", lambda dtype: True)
    unit = ConvolutionBatchNorm(4, (1, 1))
    outputs = unit(3 * noise(2, 6, 7, 3) + 1, training=True)
    np.testing.assert_allclose(np.mean(outputs, (0, 1, 2)), 0, atol=1e-5)
    assert np.any(unit.batch_norm.moving_mean)
