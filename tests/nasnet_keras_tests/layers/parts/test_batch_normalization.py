import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from nasnet_keras.layers.parts.batch_normalization import BatchNormalization

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(1.0, 2.0, shape).astype("float32")


def pair(shape=(None, 4, 5, 3), **arguments):
    """Ours and the stock layer with the same weights, all unlike their first
    values."""
    ours = BatchNormalization(**arguments)
    stock = keras.layers.BatchNormalization(**arguments)
    for layer in (ours, stock):
        layer.build(shape)
        layer.set_weights(
            [np.abs(noise(*w.shape, seed=7)) + 0.5 for w in layer.weights]
        )
    return ours, stock


def test_is_one_for_those_who_freeze_by_type():
    assert isinstance(BatchNormalization(), keras.layers.BatchNormalization)


def test_equals_the_stock_layer_at_inference():
    ours, stock = pair()
    inputs = noise(2, 4, 5, 3)
    np.testing.assert_allclose(ours(inputs), stock(inputs), **TOLERANCE)


def test_equals_the_stock_layer_in_training_but_for_the_moving_variance():
    """The stock layer's batch variance divides by n, ours by n - 1."""
    ours, stock = pair(momentum=0.5)
    before = ours.moving_variance.numpy()
    inputs = noise(2, 4, 5, 3)
    np.testing.assert_allclose(
        ours(inputs, training=True), stock(inputs, training=True), **TOLERANCE
    )
    np.testing.assert_allclose(ours.moving_mean, stock.moving_mean, **TOLERANCE)
    taken_in = 2 * stock.moving_variance.numpy() - before
    np.testing.assert_allclose(
        ours.moving_variance, 0.5 * before + 0.5 * taken_in * 40 / 39, rtol=1e-4
    )


def test_gradients_equal_the_stock_layers():
    ours, stock = pair()
    inputs, weights = tf.constant(noise(2, 4, 5, 3)), noise(2, 4, 5, 3, seed=1)
    gradients = []
    for layer in (ours, stock):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True) * weights)
        sources = [inputs, *(v.value for v in layer.trainable_variables)]
        gradients.append(tape.gradient(loss, sources))
    for gradient, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)


def test_frozen_it_infers_and_learns_nothing():
    ours, stock = pair()
    ours.trainable = stock.trainable = False
    before = [weight.numpy() for weight in ours.weights]
    inputs = noise(2, 4, 5, 3)
    np.testing.assert_allclose(
        ours(inputs, training=True), stock(inputs), **TOLERANCE
    )
    for weight, value in zip(ours.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not ours.trainable_variables


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((6, 3), {}),
        ((2, 3, 4, 5), {"axis": 1}),
        ((2, 3, 4, 4, 5), {}),
        ((2, 4, 5, 3), {"scale": False}),
        ((2, 4, 5, 3), {"center": False}),
        ((2, 4, 5, 3), {"renorm": True}),
        ((2, 4, 5, 3), {"dtype": "float64"}),
        ((2, 4, 5, 3), {"dtype": "float16"}),
        ((2, 4, 5, 3), {"dtype": "bfloat16"}),
        ((2, 4, 5, 3), {"dtype": "mixed_float16"}),
        ((2, 4, 5, 3), {"dtype": "mixed_bfloat16"}),
        ((2, 3, 4, 5), {"dtype": "mixed_float16", "axis": 1}),
    ],
)
def test_every_other_use_is_the_stock_layers(shape, arguments, training):
    ours, stock = pair((None, *shape[1:]), **arguments)
    inputs = ops.cast(noise(*shape), ours.compute_dtype)
    outputs = ours(inputs, training=training)
    assert outputs.dtype == ours.compute_dtype
    # Half precision: outputs of up to 4 and a mantissa of 8 or 11 bits.
    tolerance = {"bfloat16": 0.05, "float16": 0.01}.get(
        ours.compute_dtype, 1e-4
    )
    np.testing.assert_allclose(
        ops.cast(outputs, "float32"),
        ops.cast(stock(inputs, training=training), "float32"),
        rtol=tolerance,
        atol=tolerance,
    )


def test_masked_positions_count_for_nothing():
    ours, stock = pair()
    inputs = noise(2, 4, 5, 3)
    mask = np.arange(40).reshape(2, 4, 5) % 3 > 0
    np.testing.assert_allclose(
        ours(inputs, training=True, mask=mask),
        stock(inputs, training=True, mask=mask),
        **TOLERANCE,
    )


def test_a_saved_model_loads(tmp_path):
    model = keras.Sequential([keras.Input((4, 5, 3)), BatchNormalization()])
    model(noise(2, 4, 5, 3), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is BatchNormalization
    inputs = noise(2, 4, 5, 3, seed=1)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
