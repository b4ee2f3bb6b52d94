import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.resizer import fit


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_the_centre_of_images_of_any_channels_is_scaled(tmp_path, channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 12, 18, channels), np.uint8)
    # What is cut off is white: the filter sees it in the outer columns alone.
    images[:, :, :3] = images[:, :, -3:] = 255
    images[:, :, 3:-3] //= 4
    path = tmp_path / "images.npz"
    np.savez(path, images=images, labels=[0, 1, 0, 1])
    dataset = load_dataset(path, image_size=6)
    assert dataset.train.images.shape == (4, 6, 6, channels)
    # Pillow's filter and TensorFlow's are one; each rounds once.
    expected = tf.image.resize(images[:, :, 3:-3], (6, 6), antialias=True)
    difference = dataset.train.images - expected.numpy()
    assert np.abs(difference[:, :, 1:-1]).max() < 1


def test_the_centred_square_is_scaled():
    """A wide image, black but for its middle, which is white."""
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    scaled = fit(image, (4, 4, 3))
    assert scaled.shape == (4, 4, 3)
    assert (scaled[:, 1:3] == 255).all()
    assert (scaled > 200).all()  # the edges blend with what is beside them
