import numpy as np
import pytest

from nasnet_keras.deployment.photographs import photographs


def test_two_photographs_and_their_quarters():
    images = photographs((32, 48, 3))
    assert images.shape == (10, 32, 48, 3) and images.dtype == np.uint8
    assert len(np.unique(images.reshape(10, -1), axis=0)) == 10
    assert images.std(axis=(1, 2)).min() > 5  # something is to be seen
    for whole, *quarters in (images[:5], images[5:]):
        assert abs(whole.mean() - np.mean(quarters)) < 8


def test_grey_ones():
    images = photographs((16, 16, 1))
    colour = photographs((16, 16, 3)).mean(3, keepdims=True)
    assert images.shape == (10, 16, 16, 1)
    assert np.abs(images - colour).max() < 4


def test_of_other_channels_there_are_none():
    with pytest.raises(ValueError, match=r"1 or 3 channels.*\(8, 8, 4\)"):
        photographs((8, 8, 4))
