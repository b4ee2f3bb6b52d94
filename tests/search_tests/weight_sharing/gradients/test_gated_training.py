import itertools

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.recipes import RECIPES
from search.spaces.macro import MacroSpace
from search.spaces.proxylessnas import ProxylessNASSpace
from search.weight_sharing.gradients.gated_network import (
    GatedNetwork,
    calibrate,
)
from search.weight_sharing.gradients.gated_training import (
    GatedTraining,
    cross_entropy,
    draw_two,
    gradient_of_two,
    softmax,
)

SPACE = ProxylessNASSpace(0.25, kernels=(3,), stages=1)
IMAGES = tf.constant(
    np.random.default_rng(0).normal(size=(8, 8, 8, 3)), "float32"
)
LABELS = tf.constant([0, 1, 2, 0, 1, 2, 0, 1])


@pytest.fixture(scope="module")
def network():
    return GatedNetwork(SPACE, (8, 8, 3), 3, {}, seed=1)


def create(network, **arguments):
    def batches(first):
        pair = (IMAGES, LABELS)
        return tf.data.Dataset.from_tensors((pair, pair)).repeat()

    return GatedTraining(
        network, RECIPES["search-proxy"], 2, batches, **arguments
    )


# === The network ===


def test_each_weight_has_a_name(network):
    names = [each.path for each in network.variables]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("space", "decisions", "side", "last"),
    [
        (SPACE, (1, 0, 2, 1), 8, 8),
        # The first layer is an identity that halves: it has weights.
        pytest.param(
            *(MacroSpace(), (0, 1, 0, 2, 0, 1, 2, 0), 64, 8),
            marks=pytest.mark.large,
        ),
    ],
)
def test_a_child_is_the_ordinary_network(space, decisions, side, last):
    """With the statistics of the batch, in training and out of it."""
    network = GatedNetwork(space, (side, side, 3), 3, {}, seed=1)
    model = space.kind.build(
        space.decode(decisions), (side, side, 3), 3, classifier_activation=None
    )
    network.copy_to(model, decisions)
    images = np.random.default_rng(0).normal(size=(8, side, side, 3))
    images = tf.constant(images, "float32")
    expected = network(images, decisions)
    np.testing.assert_allclose(
        model(images, training=True), expected, atol=1e-4
    )
    calibrate(model, [images] * 3)
    count = 8 * last * last
    # Moving variances are unbiased, those of a batch are not.
    np.testing.assert_allclose(model(images), expected, atol=20 / count)


def test_statistics_are_the_mean_of_the_batches(network):
    model = SPACE.kind.build(SPACE.decode((0, 0, 0, 0)), (8, 8, 3), 3)
    stem = model.get_layer("stem").batch_norm
    means = []
    for images in (IMAGES, 3 * IMAGES):
        calibrate(model, [images])
        means.append(stem.moving_mean.numpy())
    calibrate(model, [IMAGES, 3 * IMAGES])
    np.testing.assert_allclose(stem.moving_mean, np.mean(means, 0), rtol=1e-4)
    assert stem.momentum == 0.9


def test_a_closed_gate_changes_nothing(network):
    gates = [tf.constant([1.0, 0.0])] * 4
    alone = network(IMAGES, (0, 1, 2, 0))
    both = network(IMAGES, (0, 1, 2, 0), (1, 2, 0, 1), gates)
    np.testing.assert_allclose(both, alone, rtol=1e-4, atol=1e-5)


def test_the_second_path_keeps_no_more_than_its_output(network):
    """So a step needs the memory of one network: no gradient goes through the
    second path, whatever it holds, and other paths are not computed."""
    decisions, others = (0, 1, 2, 0), (1, 2, 0, 1)
    gates = [tf.constant([1.0, 0.0])] * 4
    with tf.GradientTape() as tape:
        logits = network(IMAGES, decisions, others, gates)
        value = cross_entropy(logits, LABELS)
    watched = {id(each) for each in tape.watched_variables()}
    both = {
        variable.path
        for paths in (decisions, others)
        for layer in network.layers_of(paths)
        for variable in layer.trainable_variables
    }
    assert both == {
        each.path for each in network.variables if id(each.value) in watched
    }
    gradients = tape.gradient(value, [each.value for each in network.variables])
    reached = {
        each.path
        for each, gradient in zip(network.variables, gradients, strict=True)
        if gradient is not None
    }
    assert reached == {
        variable.path
        for layer in network.layers_of(decisions)
        for variable in layer.trainable_variables
    }


def test_the_gradient_of_a_gate_is_what_its_path_would_change(network):
    """By finite differences, that of the path beside it too."""

    def loss(gates):
        logits = network(IMAGES, (0, 1, 2, 0), (1, 2, 0, 1), gates)
        return cross_entropy(logits, LABELS)

    gates = [tf.constant([1.0, 0.0]) for _ in range(4)]
    with tf.GradientTape() as tape:
        tape.watch(gates)
        value = loss(gates)
    gradients = tape.gradient(value, gates)
    for place, side in itertools.product((0, 2, 3), (0, 1)):
        step = np.zeros(2)
        step[side] = 1e-2
        above, below = (
            loss(
                [
                    gate + tf.constant(sign * step, "float32")
                    if number == place
                    else gate
                    for number, gate in enumerate(gates)
                ]
            )
            for sign in (1, -1)
        )
        found = float(above - below) / 2e-2
        assert found == pytest.approx(float(gradients[place][side]), abs=5e-3)


# === The training ===


def test_the_gradient_of_two_parameters_by_hand():
    """p = 1/3, 2/3; sum_j g_j p_j (d_ij - p_i)."""
    found = gradient_of_two(np.log([1.0, 2.0]), np.array([3.0, 0.0]))
    np.testing.assert_allclose(found, [3 * 1 / 3 * 2 / 3, -3 * 1 / 3 * 2 / 3])


def test_two_paths_are_drawn_by_their_shares():
    rng = np.random.default_rng(0)
    shares = np.array([0.6, 0.3, 0.1])
    pairs = [draw_two(shares, rng) for _ in range(4000)]
    assert all(one != other for one, other in pairs)
    # The pair, in either order, then which of it is taken.
    pair = shares[0] * shares[1] * (1 / (1 - 0.6) + 1 / (1 - 0.3))
    expected = pair * shares[0] / (shares[0] + shares[1])
    found = np.mean([each == (0, 1) for each in pairs])
    assert found == pytest.approx(expected, abs=0.03)


def test_weights_that_were_not_taken_stay(network):
    training = create(network, warmup=1.0)
    before = {each.path: each.numpy() for each in network.variables}
    training.step(*next(iter(training.batches(0))))
    changed = {
        each.path.split("/")[0]
        for each in network.variables
        if not np.array_equal(each.numpy(), before[each.path])
    }
    assert {"stem", "block_1_path_0", "head_convolution", "logits"} <= changed
    paths = {name for name in changed if name.startswith("block_")}
    assert len(paths) <= 5  # one of a layer
    numbers = {name.split("_")[1] for name in paths}
    assert len(numbers) == len(paths)


@pytest.mark.large
def test_gates_stand_still_in_the_warmup(network):
    training = create(network, warmup=0.5, interval=1)
    training.steps = training.last_step // 2 - 1
    before = [each.numpy() for each in training.parameters]
    pair = next(iter(training.batches(0)))
    training.step(*pair)
    for one, other in zip(before, training.parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    training.step(*pair)
    assert not all(
        np.array_equal(one, other)
        for one, other in zip(before, training.parameters, strict=True)
    )


def test_a_loss_that_is_no_number_teaches_nothing(network):
    """The step of the weights says that the training diverged."""
    training = create(network, warmup=0.0, interval=1)
    before = training.shares()
    rng = np.random.default_rng(0)
    training._update_architecture(rng, IMAGES * np.nan, LABELS)
    for one, other in zip(before, training.shares(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_paths_that_were_not_drawn_keep_their_shares(network):
    training = create(network, warmup=0.0, interval=1, learning_rate=0.1)
    before = training.shares()
    training.step(*next(iter(training.batches(0))))
    moved = [
        int(np.sum(np.abs(one - other) > 1e-6))
        for one, other in zip(before, training.shares(), strict=True)
    ]
    assert set(moved) <= {0, 2} and 2 in moved
    for one in training.shares():
        assert one.sum() == pytest.approx(1)


def test_a_price_decides_where_it_is_all_that_counts(network):
    """Ten thousand times the loss: the cheapest path wins, first of all."""
    prices = [np.zeros(len(row)) for row in training_rows()]
    for row in prices:
        row[1] = -1e4
    training = create(
        network, warmup=0.0, interval=1, learning_rate=0.3, prices=prices
    )
    images, labels = IMAGES, LABELS
    for step in range(40):
        training._update_architecture(
            np.random.default_rng(step), images, labels
        )
    strongest = training.strongest()
    assert next(strongest) == (1, 1, 1, 1)
    others = list(strongest)
    assert len({*others}) == len(others) == 2 * 27 - 1


def training_rows():
    return [decision.choices for decision in SPACE.decisions]


@pytest.mark.large
def test_a_training_goes_on_as_if_never_stopped(tmp_path):
    whole = create(
        GatedNetwork(SPACE, (8, 8, 3), 3, {}, 1), warmup=0.0, interval=2
    )
    whole.run(until=4)
    first = create(
        GatedNetwork(SPACE, (8, 8, 3), 3, {}, 1), warmup=0.0, interval=2
    )
    first.run(tmp_path / "shared.npz", until=2)
    second = create(
        GatedNetwork(SPACE, (8, 8, 3), 3, {}, 2), warmup=0.0, interval=2
    )
    second.run(tmp_path / "shared.npz", until=4)
    for (name, one), (_, other) in zip(
        whole.variables(), second.variables(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=name)


def test_softmax():
    np.testing.assert_allclose(softmax(np.log([1.0, 3.0])), [0.25, 0.75])
