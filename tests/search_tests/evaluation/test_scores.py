"""Scores of untrained networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from search.evaluation import create_evaluator
from search.evaluation.base import EvaluationError
from search.evaluation.jacobian_covariance import score
from search.spaces.nasnet import NASNetSpace

SPACE = NASNetSpace(1)
# Identities on both sides, and convolutions.
EMPTY, FULL = (SPACE.decode((0, 1, op, op, 0) * 2) for op in (0, 8))
NAMES = ("parameters", "multiply-adds", "naswot", "jacobian-covariance")


@pytest.fixture(scope="module")
def evaluators(child_settings):
    settings = child_settings(
        "digits",
        SPACE,
        filters=2,
        train_images=64,
        validation_images=30,
        batch_size=32,
    )
    return {name: create_evaluator(name, settings, {}) for name in NAMES}


@pytest.mark.parametrize("name", NAMES[:3])
def test_more_convolutions_score_higher(evaluators, name):
    evaluator = evaluators[name]
    assert evaluator.score(FULL, 0) > evaluator.score(EMPTY, 0) > 0


@pytest.mark.large
@pytest.mark.parametrize("name", NAMES[2:])
def test_another_seed_draws_other_kernels(evaluators, name):
    scores = [evaluators[name].score(FULL, seed) for seed in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]


def network(*layers):
    return keras.Sequential([keras.Input((1, 1, 2)), *layers])


def test_naswot_is_the_determinant_of_units_that_are_alike(evaluators):
    """Of two images one lights the first unit of two, one both; a second
    reader counts them again."""
    reads = keras.layers.Conv2D(1, 1)
    model = network(keras.layers.ReLU(), reads)
    images = tf.constant([[1.0, -1.0], [1.0, 1.0]])[:, None, None]
    naswot = evaluators["naswot"]
    assert naswot.look(model, images) == pytest.approx(np.log(2 * 2 - 1))
    alike = tf.constant([[1.0, -1.0], [1.0, -1.0]])[:, None, None]
    assert naswot.look(model, alike) == 0


def test_naswot_needs_a_relu(evaluators):
    model = network(keras.layers.Activation("swish"), keras.layers.Conv2D(1, 1))
    images = tf.constant([[1.0, -1.0], [1.0, 1.0]])[:, None, None]
    with pytest.raises(EvaluationError, match="no ReLU to score"):
        evaluators["naswot"].look(model, images)


def test_the_images_are_of_all_classes(child_settings, tmp_path):
    """Files are read class by class."""
    labels = np.repeat(np.arange(4), 20)
    images = np.broadcast_to(labels[:, None, None, None], (80, 8, 8, 1))
    path = tmp_path / "sorted.npz"
    np.savez(path, x_train=images.astype(np.uint8), y_train=labels)
    settings = child_settings(
        str(path), SPACE, filters=2, validation_images=20, batch_size=8
    )
    batch = create_evaluator("naswot", settings, {"images": 8}).batch.numpy()
    _, counts = np.unique(batch[:, 0, 0, 0], return_counts=True)
    assert counts.tolist() == [2, 2, 2, 2]


def test_each_reader_of_a_relu_counts(evaluators):
    inputs = keras.Input((1, 1, 2))
    relu = keras.layers.ReLU()(inputs)
    reads = [keras.layers.Conv2D(1, 1)(relu) for _ in range(3)]
    model = keras.Model(inputs, reads)
    images = tf.constant([[1.0, -1.0], [1.0, 1.0]])[:, None, None]
    found = evaluators["naswot"].look(model, images)
    assert found == pytest.approx(np.log(6 * 6 - 3 * 3))


def test_gradients_of_one_direction_score_low():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(8, 100))
    alike = apart + 5 * rng.normal(size=100)
    assert 0 < score(alike) < score(apart) < 1
    assert score(np.zeros((8, 100))) == 0


def test_the_score_of_gradients_is_that_of_the_authors():
    rows = np.random.default_rng(0).normal(size=(4, 50))
    values = np.linalg.eigvals(np.corrcoef(rows)).real + 1e-5
    theirs = -np.sum(np.log(values) + 1 / values)
    assert score(rows) == pytest.approx(-4 / theirs)


@pytest.mark.large
@pytest.mark.parametrize(
    ("name", "settings"),
    [("layerwise", {"filters": 4}), ("nasbench201", {})],
)
def test_any_space_with_networks_has_scores(child_settings, name, settings):
    """Of a space with another kind of networks."""
    from search.spaces import create_space

    space = create_space(name, {})
    evaluator = create_evaluator(
        "naswot",
        child_settings("digits", space, drop_path_rate=0.0),
        {"images": 16},
    )
    cell = space.decode(space.sample(np.random.default_rng(0)))
    assert evaluator.score(cell, 0) > 0
