"""What holds of every operation: the suite runs over the registry."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.genotype import NASNET_OPERATIONS, OPERATION_NAMES
from nasnet_keras.layers.operations import OPERATIONS
from nasnet_keras.layers.parts.conventions import Conventions

FILTERS = 4
EVERY = pytest.mark.parametrize("name", OPERATIONS)
# All but that which no gradient goes through.
READING = pytest.mark.parametrize(
    "name", [n for n in OPERATIONS if n != "none"]
)
STRIDES = pytest.mark.parametrize("strides", [1, 2])
CHANNELS = pytest.mark.parametrize("channels", [FILTERS, 3])
FORMS = pytest.mark.parametrize(
    "conventions",
    [
        Conventions(),
        Conventions(
            convolution_form="bottleneck",
            pool_padding="zeros",
            strided_identity="factorized",
        ),
    ],
    ids=["plain", "bottleneck-zeros-factorized"],
)


def noise(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32")


def built(name, channels, strides=1, conventions=None, **arguments):
    """An operation whose weights are unlike their first values."""
    operation = OPERATIONS[name](FILTERS, strides, conventions, **arguments)
    channels_last = operation.conventions.channel_axis == -1
    operation.build(
        (None, None, None, channels)
        if channels_last
        else (None, channels, None, None)
    )
    for number, weight in enumerate(operation.weights):
        weight.assign(np.abs(noise(*weight.shape, seed=number)) + 0.1)
    return operation


def test_there_is_one_for_every_name_in_the_papers_order():
    assert tuple(OPERATIONS) == OPERATION_NAMES
    assert tuple(OPERATIONS)[:13] == NASNET_OPERATIONS


@EVERY
@STRIDES
@CHANNELS
def test_shapes(name, strides, channels):
    """Odd, even, tiny and unequal sides."""
    operation = built(name, channels, strides)
    for height, width in ((6, 6), (7, 4), (1, 1)):
        state = noise(2, height, width, channels)
        outputs = operation(state)
        expected = (2, -(-height // strides), -(-width // strides), FILTERS)
        assert outputs.shape == expected
        assert operation.compute_output_shape(state.shape) == expected
    assert operation.compute_output_shape((None, None, None, channels)) == (
        (None, None, None, FILTERS)
    )
    symbolic = operation(keras.Input((None, None, channels)))
    assert symbolic.shape == (None, None, None, FILTERS)


@EVERY
@FORMS
def test_unknown_sides_give_the_same(name, conventions):
    operation = built(name, 3, 2, conventions)
    compiled = tf.function(
        lambda state: operation(state),
        input_signature=[tf.TensorSpec((None, None, None, 3))],
    )
    for height, width in ((6, 6), (7, 4), (1, 1)):
        state = noise(2, height, width, 3)
        np.testing.assert_allclose(
            compiled(state), operation(state), rtol=1e-4, atol=1e-5
        )


@EVERY
@STRIDES
@FORMS
@pytest.mark.one_in(3)
def test_written_and_read_again(name, strides, conventions):
    operation = built(name, 3, strides, conventions)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(operation)
    )
    assert type(copy) is type(operation)
    state = noise(2, 5, 6, 3)
    copy(state)
    copy.set_weights(operation.get_weights())
    np.testing.assert_array_equal(copy(state), operation(state))


@EVERY
@STRIDES
@CHANNELS
@FORMS
@pytest.mark.one_in(3)
def test_its_weights_are_those_of_its_units(
    name, strides, channels, conventions
):
    """Costs and files of weights know no others."""
    operation = built(name, channels, strides, conventions)
    of_units = [each.path for unit in operation.units for each in unit.weights]
    assert sorted(of_units) == sorted(each.path for each in operation.weights)


@READING
@STRIDES
@CHANNELS
@pytest.mark.one_in(3)
def test_gradients_reach_every_weight_and_the_state(name, strides, channels):
    operation = built(name, channels, strides)
    state = tf.constant(noise(4, 7, 6, channels))
    with tf.GradientTape() as tape:
        tape.watch(state)
        outputs = operation(state, training=True)
        loss = tf.reduce_sum(outputs * noise(*outputs.shape, seed=1))
    sources = [state, *(v.value for v in operation.trainable_variables)]
    for source, gradient in zip(
        sources, tape.gradient(loss, sources), strict=True
    ):
        assert gradient is not None, source.name
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 1e-6


@EVERY
@STRIDES
@CHANNELS
@pytest.mark.parametrize("activation", ["relu", "swish"])
@pytest.mark.one_in(3)
def test_the_shared_activation_gives_the_same_as_its_own(
    name, strides, channels, activation
):
    operation = built(name, channels, strides, {"activation": activation})
    state = noise(2, 6, 5, channels)
    activated = {"relu": tf.nn.relu, "swish": tf.nn.silu}[activation](state)
    np.testing.assert_array_equal(
        operation(state, activated=activated), operation(state)
    )
    if not operation.reads_raw:
        # Then it reads nothing else.
        np.testing.assert_array_equal(
            operation(0 * state, activated=activated), operation(state)
        )


@EVERY
@CHANNELS
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.one_in(3)
def test_mixed_precision(name, channels, policy):
    exact = built(name, channels, 2)
    operation = built(name, channels, 2, dtype=policy)
    assert {weight.dtype for weight in operation.weights} <= {"float32"}
    state = noise(2, 6, 5, channels)
    outputs = operation(tf.cast(state, operation.compute_dtype))
    assert outputs.dtype == operation.compute_dtype
    expected = exact(state).numpy()
    # Mantissas of 8 bits, over two convolutions.
    np.testing.assert_allclose(
        tf.cast(outputs, "float32"),
        expected,
        atol=0.05 * np.abs(expected).max(),
    )


@EVERY
@STRIDES
@FORMS
@pytest.mark.one_in(3)
def test_channels_first_gives_the_same(name, strides, conventions):
    """On a CPU, too: Keras transposes where TensorFlow has no kernel."""
    last = built(name, 3, strides, conventions)
    first = built(
        name,
        3,
        strides,
        {**conventions.to_dict(), "data_format": "channels_first"},
    )
    state = noise(2, 6, 5, 3)
    outputs = first(state.transpose(0, 3, 1, 2))
    assert first.compute_output_shape((2, 3, 6, 5)) == outputs.shape
    np.testing.assert_allclose(
        outputs,
        np.transpose(last(state), (0, 3, 1, 2)),
        rtol=1e-4,
        atol=1e-5,
    )


@EVERY
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"filters": 0}, "`filters`"),
        ({"filters": 2.0}, "`filters`"),
        ({"filters": True}, "`filters`"),
        ({"filters": 4, "strides": 3}, "`strides`"),
        ({"filters": 4, "conventions": {"padding": "same"}}, "`conventions`"),
    ],
)
def test_errors_name_the_argument(name, arguments, named):
    with pytest.raises(ValueError, match=f"{named}.*Received"):
        OPERATIONS[name](**arguments)


@EVERY
def test_an_unknown_number_of_channels_is_refused(name):
    with pytest.raises(ValueError, match="channels.*Received"):
        OPERATIONS[name](4).build((None, 8, 8, None))
