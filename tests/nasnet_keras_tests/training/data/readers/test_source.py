import numpy as np
import pytest

from nasnet_keras.training.data.readers.source import resized


def test_images_of_the_right_size_are_left_alone():
    images = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1], np.int32)
    for size in (None, 4):
        assert resized(images, labels, size)[0] is images
    smaller, same = resized(images, labels, 2)
    assert smaller.shape == (2, 2, 2, 1)
    assert same.tolist() == [0, 1]


def test_images_are_not_made_larger_than_memory(monkeypatch):
    monkeypatch.setattr(
        "nasnet_keras.training.data.holding.available_memory", lambda: 400
    )
    images = np.zeros((2, 4, 4, 1), np.uint8)
    labels = np.zeros(2, np.int32)
    assert resized(images, labels, 10)[0].nbytes == 200
    with pytest.raises(ValueError, match=r"2 images of shape \(11, 11, 1\)"):
        resized(images, labels, 11)
