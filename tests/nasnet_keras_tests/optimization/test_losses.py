import keras
import numpy as np
import pytest

from nasnet_keras.optimization.losses import SmoothedCrossentropy

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
