import keras
import numpy as np
import pytest

from nasnet_keras.optimization.losses import SmoothedCrossentropy, accuracy

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], "float32")


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_a_share_of_each_label_is_spread_over_all_classes(shape):
    labels = np.array([0, 1]).reshape(shape)
    targets = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    expected = -(targets * np.log(PROBABILITIES)).sum(axis=1).mean()
    loss = SmoothedCrossentropy(0.3)(labels, PROBABILITIES)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_without_smoothing_it_is_the_cross_entropy():
    labels = np.array([0, 1])
    loss = SmoothedCrossentropy(0.0)(labels, PROBABILITIES)
    expected = keras.losses.SparseCategoricalCrossentropy()(
        labels, PROBABILITIES
    )
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


def test_written_and_read_again():
    loss = SmoothedCrossentropy(0.2)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is SmoothedCrossentropy
    assert copy.label_smoothing == 0.2


def test_labels_are_integers_or_shares():
    labels = np.array([2, 0])
    probabilities = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    shares = np.eye(3)[labels]
    loss = SmoothedCrossentropy(0.1)
    np.testing.assert_allclose(
        loss(labels, probabilities), loss(shares, probabilities)
    )
    for given in (labels, labels[:, None], shares):
        assert np.asarray(accuracy(given, probabilities)).tolist() == [0, 1]
    # Half and half: the mean of both losses.
    each = [loss(np.array([label]), probabilities[:1]) for label in (0, 1)]
    mixed = loss(np.array([[0.5, 0.5, 0.0]]), probabilities[:1])
    np.testing.assert_allclose(mixed, np.mean(each), rtol=1e-6)
