import random

import numpy as np
import pytest

from search.spaces.nasnet import NASNetSpace
from search.strategies.policy.controller import Controller

# 2, 2, 13, 13 and 1 choices, twice.
SPACE = NASNetSpace(blocks=1, combiners=("add",))
COUNTS = [len(decision.choices) for decision in SPACE.decisions]


@pytest.fixture(scope="module")
def controller():
    """One far from uniform, so that every decision hangs on those before."""
    controller = Controller(SPACE, seed=0)
    for weight in controller.trainable_variables:
        weight.assign(weight * 5)
    return controller


@pytest.fixture
def noise():
    return np.random.default_rng(0).random((1000, len(COUNTS)))


def test_samples_are_in_the_space(controller, noise):
    decisions, log_prob = controller.sample(noise)
    assert decisions.shape == noise.shape
    assert log_prob.shape == (1000,)
    for row in decisions.numpy().tolist():
        SPACE.check(tuple(row))


@pytest.mark.parametrize("value", [0.0, np.nextafter(1, 0)])
def test_no_noise_reaches_an_absent_choice(controller, value):
    decisions, log_prob = controller.sample(np.full((1, len(COUNTS)), value))
    SPACE.check(tuple(decisions.numpy()[0].tolist()))
    assert np.isfinite(log_prob).all()


def test_the_sample_follows_the_distribution(controller, noise):
    decisions = controller.sample(noise)[0].numpy()
    expected = np.exp(controller(decisions)).mean(axis=0)
    for position, probabilities in enumerate(expected):
        frequencies = np.bincount(
            decisions[:, position], minlength=len(probabilities)
        )
        np.testing.assert_allclose(
            frequencies / len(decisions), probabilities, atol=0.05
        )


def test_the_sample_depends_on_weights_and_noise_alone(controller, noise):
    decisions, log_prob = controller.sample(noise)
    again, log_prob_again = controller.sample(noise)
    np.testing.assert_array_equal(decisions, again)
    np.testing.assert_array_equal(log_prob, log_prob_again)
    one_by_one = [controller.sample(row[None])[0][0] for row in noise[:5]]
    np.testing.assert_array_equal(decisions[:5], one_by_one)


def test_log_prob_is_that_of_the_sample(controller, noise):
    decisions, log_prob = controller.sample(noise)
    recomputed, entropy = controller.log_prob(decisions)
    np.testing.assert_allclose(recomputed, log_prob, rtol=1e-4)
    assert entropy.shape == (1000,)


def test_log_prob_sums_the_decisions(controller, noise):
    decisions = controller.sample(noise)[0].numpy()
    log_probs = controller(decisions).numpy()
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=2), 1, rtol=1e-5)
    by_decision = np.take_along_axis(log_probs, decisions[:, :, None], axis=2)
    np.testing.assert_allclose(
        controller.log_prob(decisions)[0],
        by_decision.sum(axis=(1, 2)),
        rtol=1e-5,
    )


def test_absent_choices_have_no_probability(controller, noise):
    probabilities = np.exp(controller(controller.sample(noise)[0]))
    for position, count in enumerate(COUNTS):
        assert not probabilities[:, position, count:].any()


def test_a_decision_depends_on_those_before_alone(controller):
    decisions = np.zeros((2, len(COUNTS)), "int32")
    decisions[1, 3] = 5
    one, other = controller(decisions).numpy()
    np.testing.assert_array_equal(one[:4], other[:4])
    assert np.abs(one[4:] - other[4:])[:, 0].max() > 0.01


def test_a_new_controller_is_almost_uniform():
    decisions = np.zeros((1, len(COUNTS)), "int32")
    _, entropy = Controller(SPACE, seed=0).log_prob(decisions)
    np.testing.assert_allclose(entropy, [np.log(COUNTS).mean()], rtol=0.02)


def test_the_published_controller():
    controller = Controller(SPACE, seed=0)
    assert controller.lstm.units == 100
    weights = np.concatenate(
        [weight.numpy().ravel() for weight in controller.weights]
    )
    assert -0.1 <= weights.min() < -0.099
    assert 0.1 >= weights.max() > 0.099


def test_the_seed_alone_fixes_the_weights():
    states = random.getstate(), np.random.get_state()[1].tolist()
    one = Controller(SPACE, seed=2**40, units=8)
    assert states == (random.getstate(), np.random.get_state()[1].tolist())
    random.random()
    np.random.random()
    same = Controller(SPACE, seed=2**40, units=8)
    other = Controller(SPACE, seed=1, units=8)
    for a, b, c in zip(one.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_the_graph_does_not_grow_with_the_space():
    sizes = set()
    for blocks in (1, 5):
        space = NASNetSpace(blocks)
        controller = Controller(space, seed=0, units=4)
        noise = np.zeros((1, len(space.decisions)), "float32")
        graph = controller._sample.get_concrete_function(noise).graph
        sizes.add(len(graph.get_operations()))
    assert len(sizes) == 1


@pytest.mark.parametrize("shape", [(10,), (3, 9), (1, 3, 10)])
@pytest.mark.parametrize("method", ["sample", "log_prob"])
def test_refuses_other_shapes(controller, method, shape):
    with pytest.raises(ValueError, match=r"Expected the shape \(B, 10\)"):
        getattr(controller, method)(np.zeros(shape))
