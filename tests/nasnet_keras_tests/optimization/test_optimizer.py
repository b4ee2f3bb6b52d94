import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from nasnet_keras.optimization.optimizer import Momentum, RMSProp

L2 = 0.02


def small_network(dtype=None):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.SeparableConv2D(4, 3, dtype=dtype),
            layers.Flatten(),
            layers.Dense(3, dtype=dtype),
        ]
    )


def regularisation(model):
    """The L2 of TF-slim: half the sum of squares of each kernel."""
    kernels = [v for v in model.trainable_variables if "kernel" in v.path]
    assert len(kernels) == 4
    return L2 / 2 * sum(tf.reduce_sum(tf.square(k)) for k in kernels)


def trained(optimizer, with_loss, compiled, steps=5):
    """The weights after some steps, and the norms of the gradients."""
    model = small_network()
    rng = np.random.default_rng(0)
    images = rng.normal(size=(steps, 8, 6, 6, 2)).astype("float32")
    targets = rng.normal(size=(8, 3)).astype("float32")

    def step(batch):
        with tf.GradientTape() as tape:
            outputs = model(batch, training=True)
            loss = tf.reduce_mean(tf.square(outputs - targets))
            if with_loss:
                loss += regularisation(model)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in variables])
        optimizer.apply(gradients, variables)
        return tf.linalg.global_norm(gradients)

    optimizer.build(model.trainable_variables)
    if compiled:
        step = tf.function(step)
    norms = [float(step(batch)) for batch in images]
    return model.get_weights(), norms


@pytest.mark.parametrize(
    ("momentum", "clipnorm", "nesterov", "compiled"),
    [
        (0.9, None, False, True),
        (0.9, None, False, False),
        (0.9, 0.1, False, True),
        (0.9, 0.1, True, True),
        (0.9, 100.0, True, True),
        (0.0, 0.1, False, True),
    ],
)
@pytest.mark.one_in(2)
def test_the_steps_are_those_of_sgd_on_the_regularised_loss(
    momentum, clipnorm, nesterov, compiled
):
    """The tolerance: float32, and products taken in another order."""
    arguments = {
        "learning_rate": 0.05,
        "momentum": momentum,
        "nesterov": nesterov,
        "global_clipnorm": clipnorm,
    }
    ours, _ = trained(Momentum(l2=L2, **arguments), False, compiled)
    expected, norms = trained(keras.optimizers.SGD(**arguments), True, compiled)
    if clipnorm == 0.1:
        assert min(norms) > clipnorm  # It does clip.
    for weight, value in zip(ours, expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


def test_batch_norms_and_biases_are_not_regularised():
    model = small_network()
    optimizer = Momentum(0.1, l2=0.5)
    before = [v.numpy() for v in model.trainable_variables]
    optimizer.apply(
        [tf.zeros(v.shape) for v in model.trainable_variables],
        model.trainable_variables,
    )
    for value, variable in zip(before, model.trainable_variables, strict=True):
        shrink = 0.95 if variable.path.endswith("kernel") else 1
        np.testing.assert_allclose(variable, shrink * value, rtol=1e-5)


def test_a_schedule_is_followed():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 4)
    ours, _ = trained(Momentum(schedule, l2=L2), False, True)
    expected, _ = trained(
        keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.1, 4), momentum=0.9
        ),
        True,
        True,
    )
    for weight, value in zip(ours, expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"clipvalue": 0.01},
        {"clipnorm": 0.1},
        {"gradient_accumulation_steps": 2},
        {"weight_decay": 0.1},
        {"use_ema": True, "ema_overwrite_frequency": 2},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
@pytest.mark.one_in(5)
def test_other_options_of_sgd_work(arguments):
    ours, _ = trained(Momentum(0.05, l2=L2, **arguments), False, True)
    expected, _ = trained(
        keras.optimizers.SGD(0.05, momentum=0.9, **arguments), True, True
    )
    for weight, value in zip(ours, expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


@pytest.mark.large
@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_other_precisions_train(policy):
    """With the scaled loss of half precision."""
    model = small_network(policy)
    model.compile(Momentum(0.05, l2=L2, global_clipnorm=1.0), "mse")
    rng = np.random.default_rng(0)
    images, targets = rng.normal(size=(8, 6, 6, 2)), rng.normal(size=(8, 3))
    history = model.fit(images, targets, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]


def test_written_and_read_again():
    optimizer = Momentum(
        keras.optimizers.schedules.CosineDecay(0.1, 4),
        momentum=0.8,
        l2=L2,
        global_clipnorm=5.0,
        nesterov=True,
    )
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(optimizer)
    )
    assert type(copy) is Momentum
    assert copy.get_config() == optimizer.get_config()
    assert copy.l2 == L2


def test_rmsprop_is_the_paper_s_on_the_regularised_loss():
    """Against the formula: v <- 0.9 v + 0.1 g^2, m <- 0.9 m + r g / sqrt(v +
    epsilon), w <- w - m, where g takes in the kernels' penalty."""
    kernel, bias = np.float32([[2.0]]), np.float32([0.5])
    layer = layers.Dense(1)
    layer.build((None, 1))
    layer.set_weights([kernel, bias])
    optimizer = RMSProp(0.1, epsilon=1.0, l2=L2)
    optimizer.build(layer.trainable_variables)
    square, moment = np.zeros(2), np.zeros(2)
    weights = np.array([2.0, 0.5])
    for gradients in ([1.0, -1.0], [0.5, 2.0]):
        optimizer.apply(
            [tf.constant([[gradients[0]]]), tf.constant([gradients[1]])]
        )
        total = np.array(gradients) + [L2 * weights[0], 0.0]
        square = 0.9 * square + 0.1 * total**2
        moment = 0.9 * moment + 0.1 * total / np.sqrt(square + 1.0)
        weights -= moment
    found = np.concatenate([weight.ravel() for weight in layer.get_weights()])
    np.testing.assert_allclose(found, weights, rtol=1e-6)


def test_rmsprop_is_written_and_read_again():
    optimizer = RMSProp(0.1, l2=L2, global_clipnorm=10.0)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(optimizer)
    )
    assert type(copy) is RMSProp
    assert copy.get_config() == optimizer.get_config()
    assert copy.get_config()["l2"] == L2
