import numpy as np

from nasnet_keras.training.data.readers.source import resized


def test_images_of_the_right_size_are_left_alone():
    images = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1], np.int32)
    for size in (None, 4):
        assert resized(images, labels, size)[0] is images
    smaller, same = resized(images, labels, 2)
    assert smaller.shape == (2, 2, 2, 1)
    assert same.tolist() == [0, 1]
