import numpy as np

from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.splits import fingerprint


def test_digits():
    dataset = load_dataset("digits")
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.class_names == tuple("0123456789")
    assert len(dataset.train) + len(dataset.test) == 1797
    assert len(dataset.test) == 359
    assert dataset.train.images.max() == 255
    assert np.bincount(dataset.test.labels).min() >= 34


def test_the_test_set_is_the_same_for_everybody():
    first = load_dataset("digits").test
    other = load_dataset("digits", train_images=0.5, seed=9).test
    assert fingerprint(first.images) == fingerprint(other.images)
    # Results on another test set would not compare with published ones.
    assert fingerprint(first.images, first.labels) == "877bdeb87cd01911"


def test_every_digit_is_in_one_part():
    from sklearn.datasets import load_digits

    dataset = load_dataset("digits")
    parts = [dataset.train.images, dataset.test.images]
    found = np.concatenate(parts).reshape(-1, 64)
    digits = np.rint(load_digits().data * (255 / 16)).astype(np.uint8)
    assert sorted(map(bytes, found)) == sorted(map(bytes, digits))


def test_image_size():
    dataset = load_dataset("digits", image_size=16)
    assert dataset.image_shape == dataset.test.images.shape[1:] == (16, 16, 1)
