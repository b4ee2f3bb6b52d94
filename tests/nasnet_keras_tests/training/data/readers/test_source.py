import numpy as np

from nasnet_keras.training.data.readers.source import fit, resized


def test_the_centred_square_is_scaled():
    """A wide image, black but for its middle, which is white."""
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    scaled = fit(image, (4, 4, 3))
    assert scaled.shape == (4, 4, 3)
    assert (scaled[:, 1:3] == 255).all()
    assert (scaled > 200).all()  # the edges blend with what is beside them


def test_images_of_the_right_size_are_left_alone():
    images = np.arange(2 * 4 * 4 * 1, dtype=np.uint8).reshape(2, 4, 4, 1)
    labels = np.array([0, 1], np.int32)
    for size in (None, 4):
        assert resized(images, labels, size)[0] is images
    smaller, same = resized(images, labels, 2)
    assert smaller.shape == (2, 2, 2, 1)
    assert same.tolist() == [0, 1]
