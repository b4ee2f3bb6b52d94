import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.recipes import RECIPES
from search.spaces.nasnet import NASNetSpace
from search.weight_sharing.gradients.architecture_parameters import (
    ArchitectureParameters,
)
from search.weight_sharing.gradients.mixture_training import MixtureTraining

# Networks that hold all operations, whose tracing takes a while.
LARGE = pytest.mark.large

RECIPE = dataclasses.replace(
    RECIPES["search-proxy"], epochs=3, batch_size=32, clip_norm=None
)
RNG = np.random.default_rng(3)


def data():
    images = RNG.normal(size=(32, 8, 8, 3)).astype("float32")
    return images, RNG.integers(4, size=32).astype("int32")


TRAINING, VALIDATION = data(), data()


def batches(first_step):
    training, validation = (
        tf.data.Dataset.from_tensors(part).repeat()
        for part in (TRAINING, VALIDATION)
    )
    return tf.data.Dataset.zip(training, validation)


@pytest.fixture
def create(create_network):
    def create(order=1, clip_norm=None):
        space = NASNetSpace(1, ("add",))
        network = create_network(space, filters=4)
        recipe = dataclasses.replace(RECIPE, clip_norm=clip_norm)
        return MixtureTraining(
            network, recipe, 2, batches, ArchitectureParameters(space), order
        )

    return create


def read(training):
    weights = [layer.read() for layer in training._mixture.layers]
    logits = [
        tf.constant(each) for each in training.architecture.logits.values()
    ]
    return weights, logits


def values(training):
    return {name: np.array(variable) for name, variable in training.variables()}


@LARGE
def test_the_gradient_of_the_architecture(create):
    """First order: along itself, beside the difference of the validation
    loss."""
    training = create()
    weights, logits = read(training)
    gradients = training._by_logits(
        weights, logits, TRAINING, VALIDATION, tf.constant(0.1)
    )
    norm = tf.linalg.global_norm(gradients)

    def loss(shift):
        shifted = [
            each + shift * gradient / norm
            for each, gradient in zip(logits, gradients, strict=True)
        ]
        loss, _ = training._gradients(weights, shifted, VALIDATION, shifted)
        return float(loss)

    slope = (loss(0.005) - loss(-0.005)) / 0.01
    assert slope == pytest.approx(float(norm), rel=0.02)  # Kinks of ReLUs.


def smooth(weights, logits, batch, by):
    """In the place of `_gradients`, a loss with derivatives of all orders."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(by)
        numbers = tf.concat(
            [tf.reshape(each, [-1]) for each in tf.nest.flatten(weights)], 0
        )
        scores = tf.reduce_mean(tf.sin(2 * numbers + batch))
        shares = tf.reduce_sum(
            [tf.reduce_sum(tf.sin(each + batch)) for each in logits]
        )
        loss = scores**2 * tf.cos(shares) + scores * shares
    return loss, tape.gradient(loss, by)


@LARGE
@pytest.mark.parametrize("clipped", [False, True])
def test_second_order_is_the_gradient_after_a_step(
    create, monkeypatch, clipped
):
    """Beside the derivative of the whole, which the paper approximates by a
    difference."""
    rate = tf.constant(100.0)  # The loss is of the mean of many weights.
    train, validation = tf.constant(0.3), tf.constant(0.7)
    first_order = create()
    monkeypatch.setattr(first_order, "_gradients", smooth)
    weights, logits = read(first_order)
    norm = tf.linalg.global_norm(
        tf.nest.flatten(
            first_order._of_trained(smooth(weights, logits, train, weights)[1])
        )
    )
    training = create(2, clip_norm=float(norm) / 2 if clipped else None)
    monkeypatch.setattr(training, "_gradients", smooth)
    _, _, taken = training.optimizer.moved(
        training._mixture.layers,
        training._of_trained(smooth(weights, logits, train, weights)[1]),
        rate,
    )
    # By half of the gradients, and the penalties.
    assert (float(taken) < 60) == clipped
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(logits)
        _, gradients = smooth(weights, logits, train, weights)
        _, ahead, _ = first_order.optimizer.moved(
            first_order._mixture.layers,
            first_order._of_trained(gradients),
            taken,
        )
        loss, _ = smooth(ahead, logits, validation, logits)
    expected = tape.gradient(loss, logits)
    found = training._by_logits(weights, logits, train, validation, rate)
    other = first_order._by_logits(weights, logits, train, validation, rate)
    for each, whole, direct in zip(found, expected, other, strict=True):
        scale = np.max(np.abs(whole))
        np.testing.assert_allclose(each, whole, atol=0.01 * scale)
        assert np.max(np.abs(direct - whole)) > 0.05 * scale


@LARGE
def test_it_learns_both_but_no_scales(create):
    training = create()
    before = values(training)
    losses = [training.step(TRAINING, VALIDATION) for _ in range(6)]
    assert losses[-1] < losses[0]
    after = values(training)
    for cell in ("normal", "reduction"):
        name = f"architecture/{cell}"
        assert not np.allclose(after[name], before[name])
    kept = 0
    for bank in training.network.banks:
        for table, decay in zip(bank.tables, bank.decays, strict=True):
            name = f"weights/{table.path}"
            changed = before[name] != after[name]
            if bank is training.network.classifier:
                assert changed.any()
            else:
                assert not changed[..., decay == 0].any()
                kept += int(np.sum(decay == 0))
    assert kept > 100


@LARGE
@pytest.mark.usefixtures("deterministic")
def test_a_training_goes_on_as_if_never_stopped(create, tmp_path):
    whole = create()
    whole.run()
    path = tmp_path / "shared.npz"
    create().run(path, until=3)
    resumed = create()
    resumed.run(path)
    assert resumed.steps == 6
    expected = values(whole)
    for name, value in values(resumed).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.large
def test_the_gradient_of_one_cell_is_that_of_both_strides(create_network):
    """Its operations have a share in the normal and in the reduction cell."""
    gradients = []
    for cells in (1, 2):
        space = NASNetSpace(
            1, ("add",), ("none", "identity", "conv_1x1"), cells
        )
        training = MixtureTraining(
            create_network(space),
            RECIPE,
            2,
            batches,
            ArchitectureParameters(space),
        )
        weights, logits = read(training)
        gradients.append(
            training._by_logits(
                weights, logits, TRAINING, VALIDATION, tf.constant(0.1)
            )
        )
    ((one,), (normal, reduction)) = gradients
    np.testing.assert_allclose(one, normal + reduction, rtol=1e-4, atol=1e-6)
    assert np.max(np.abs(one)) > 1e-4
    training.update(TRAINING, VALIDATION)
    assert np.any(np.array(training.architecture.logits["normal"]))
