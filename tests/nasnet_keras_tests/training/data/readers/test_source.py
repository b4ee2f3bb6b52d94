import numpy as np
import pytest

from nasnet_keras.training.data.readers import source
from nasnet_keras.training.data.readers.source import resized, stack


def test_the_centred_square_is_scaled():
    """A wide image, black but for its middle, which is white."""
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    images, labels = stack([(image, 7)], 1, (4, 4, 3))
    assert images.shape == (1, 4, 4, 3)
    assert (images[:, :, 1:3] == 255).all()
    assert (images > 200).all()  # the edges blend with what is beside them
    assert labels.tolist() == [7]


def test_images_of_the_right_size_are_left_alone():
    images = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1], np.int32)
    for size in (None, 4):
        assert resized(images, labels, size)[0] is images
    smaller, same = resized(images, labels, 2)
    assert smaller.shape == (2, 2, 2, 1)
    assert same.tolist() == [0, 1]


def test_too_big_for_memory(monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="`train_images`.*`image_size`"):
        stack(iter(()), 10, (4, 4, 1))
