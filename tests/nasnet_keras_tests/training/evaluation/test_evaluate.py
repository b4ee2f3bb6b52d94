import json

import keras
import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    top_k_accuracy_score,
)

from nasnet_keras.training.evaluation.evaluate import (
    Mistake,
    NetworkEvaluation,
    evaluate_network,
)

NAMES = tuple("abcdefg")


@pytest.fixture
def evaluation():
    """Of 60 images of seven classes, none of them of class f."""
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 3, 4, 6], 60)
    probabilities = rng.dirichlet(np.ones(7), 60) + 0.1 * np.eye(7)[labels]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return NetworkEvaluation(NAMES, labels, probabilities)


def test_the_figures_are_those_of_scikit_learn(evaluation):
    labels, classes = evaluation.labels, np.arange(7)
    truth = (labels, evaluation.predictions)
    expected = confusion_matrix(*truth, labels=classes)
    np.testing.assert_array_equal(evaluation.confusion_matrix, expected)
    assert evaluation.accuracy == pytest.approx(accuracy_score(*truth))
    assert evaluation.top_5_accuracy == pytest.approx(
        top_k_accuracy_score(
            labels, evaluation.probabilities, k=5, labels=classes
        )
    )
    assert 0.2 < evaluation.accuracy < evaluation.top_5_accuracy < 1
    assert evaluation.cross_entropy == pytest.approx(
        log_loss(labels, evaluation.probabilities, labels=classes)
    )
    for number in (0, 6):
        of_class = labels == number
        assert evaluation.class_accuracies[number] == pytest.approx(
            accuracy_score(labels[of_class], truth[1][of_class])
        )
    assert np.isnan(evaluation.class_accuracies[5])


def test_mistakes_come_by_their_confidence():
    probabilities = np.array(
        [[0.4, 0.6], [0.9, 0.1], [0.2, 0.8], [0.0, 1.0], [0.7, 0.3]]
    )
    evaluation = NetworkEvaluation(
        ("cat", "dog"), np.array([0, 0, 0, 1, 1]), probabilities
    )
    worst = [Mistake(2, 0, 1, 0.8), Mistake(4, 1, 0, 0.7)]
    assert evaluation.worst_mistakes(2) == worst
    assert evaluation.worst_mistakes() == [*worst, Mistake(0, 0, 1, 0.6)]
    assert evaluation.top_5_accuracy is None


def test_mistakes_have_the_names_of_their_files():
    evaluation = NetworkEvaluation(
        ("cat", "dog"),
        np.array([0, 1]),
        np.array([[1.0, 0.0], [0.7, 0.3]]),
        np.array(["cat/a.png", "dog/b.png"], object),
    )
    (mistake,) = evaluation.to_dict()["worst_mistakes"]
    assert mistake["file"] == "dog/b.png"


def test_all_of_it_as_json(evaluation):
    data = evaluation.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["images"] == sum(each["images"] for each in data["classes"])
    assert data["classes"][5] == {"name": "f", "images": 0, "accuracy": None}
    assert np.trace(data["confusion_matrix"]) == round(60 * data["accuracy"])
    assert data["worst_mistakes"][0]["confidence"] == pytest.approx(
        evaluation.probabilities[
            evaluation.predictions != evaluation.labels
        ].max()
    )


def test_a_certain_mistake_has_a_finite_cross_entropy():
    wrong = NetworkEvaluation(("a", "b"), np.array([0]), np.array([[0.0, 1.0]]))
    assert wrong.cross_entropy == pytest.approx(-np.log(1e-7))


@pytest.fixture(scope="module")
def model():
    """Class 1 for what is bright, each of its outputs a probability."""
    inputs = keras.Input((4, 4, 1))
    brightness = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(inputs, dense(brightness))
    dense.set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])
    return model


@pytest.mark.parametrize("batch_size", [2, 3, 100])
def test_a_network_classifies_each_image_once_in_order(model, batch_size):
    grey = np.array([0, 255, 51, 204, 255], np.uint8)
    images = np.broadcast_to(grey[:, None, None, None], (5, 4, 4, 1))
    evaluation = evaluate_network(
        model, images, np.array([0, 1, 1, 1, 1]), ("dark", "light"), batch_size
    )
    assert evaluation.accuracy == 0.8
    (mistake,) = evaluation.worst_mistakes()
    assert (mistake.image, mistake.label, mistake.predicted) == (2, 1, 0)
    brightness = grey / 127.5 - 1
    np.testing.assert_allclose(
        evaluation.probabilities[:, 1],
        1 / (1 + np.exp(-2 * brightness)),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 2], ("dark", "light"), "0 to 1, one of the classes. .* 0 to 2"),
        ([0, 1], ("dark", "grey", "light"), r"shape \(2, 3\). .* \(2, 2\)"),
        ([0], ("dark", "light"), "with a label for each. .* 1 labels"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(
    model, labels, names, message
):
    images = np.zeros((2, 4, 4, 1), np.uint8)
    with pytest.raises(ValueError, match=message):
        evaluate_network(model, images, np.array(labels), names)
