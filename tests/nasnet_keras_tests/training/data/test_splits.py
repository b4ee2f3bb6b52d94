import dataclasses

import numpy as np
import pytest

from nasnet_keras.training.data.datasets import ImageDataset, LabelledImages
from nasnet_keras.training.data.splits import fingerprint, split, with_test


def dataset(counts=(60, 30, 10)):
    """Images that hold their own number, in two bytes."""
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    labels = np.random.default_rng(0).permutation(labels)
    numbers = np.arange(len(labels), dtype=np.uint16)
    images = numbers.view(np.uint8).reshape(-1, 1, 2, 1)

    def read_test():
        raise RuntimeError("the test images were touched")

    names = tuple(f"class {number}" for number in range(len(counts)))
    return ImageDataset("d", LabelledImages(images, labels), names, read_test)


def numbers(part):
    return part.images.reshape(-1, 2).copy().view(np.uint16)[:, 0]


def test_parts_are_disjoint_and_in_proportion():
    data = dataset()
    parts = split(data, validation_images=20)
    assert np.bincount(parts.validation.labels).tolist() == [12, 6, 2]
    assert np.bincount(parts.train.labels).tolist() == [48, 24, 8]
    together = np.concatenate([parts.train_indices, parts.validation_indices])
    assert sorted(together) == list(range(100))


def test_indices_say_which_images_were_taken():
    data = dataset()
    parts = split(data, 0.25, train_images=40)
    for part, indices in (
        (parts.train, parts.train_indices),
        (parts.validation, parts.validation_indices),
    ):
        assert np.array_equal(numbers(part), indices)
        assert np.array_equal(part.labels, data.train.labels[indices])
    assert (len(parts.train), len(parts.validation)) == (40, 25)


def test_fewer_training_images_are_a_part_of_more():
    data = dataset()
    small, large = (split(data, 20, train_images=n) for n in (20, 50))
    assert np.array_equal(small.validation_indices, large.validation_indices)
    assert set(small.train_indices) < set(large.train_indices)


def test_seed_chooses_the_images():
    data = dataset()
    first, again, other = (split(data, 20, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.validation_indices, again.validation_indices)
    assert not np.array_equal(
        first.validation_indices, other.validation_indices
    )
    assert first.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"validation_images": 100}, "ask for too much"),
        ({"validation_images": 60, "train_images": 60}, "ask for too much"),
        ({"validation_images": 0}, "`validation_images`"),
        ({"validation_images": 1.0}, "`validation_images`"),
        ({"validation_images": 0.001}, "`validation_images`"),
        ({"train_images": True}, "`train_images`"),
        ({"train_images": 101}, "`train_images`"),
        ({"train_images": 2}, "none of class 'class 2'"),
    ],
)
def test_too_few_images(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(dataset(), **arguments)


def test_fingerprint_notices_a_changed_pixel_label_or_index():
    data = dataset()
    parts = split(data, 20)
    before = parts.fingerprint
    assert len(before) == 16 and int(before, 16) >= 0

    for array in (data.train.images, data.train.labels):
        position = (int(parts.train_indices[0]),) + (0,) * (array.ndim - 1)
        array[position] ^= 1
        assert split(data, 20).fingerprint != before
        array[position] ^= 1
    assert split(data, 20).fingerprint == before
    assert split(data, 20, train_images=79).fingerprint != before


def test_fingerprint_depends_on_shape_and_type():
    array = np.arange(4, dtype=np.uint8)
    assert fingerprint(array) != fingerprint(array.reshape(2, 2))
    assert fingerprint(array) != fingerprint(array.view(np.int8))
    assert fingerprint(array, array) != fingerprint(np.tile(array, 2))
    assert fingerprint(array[::2]) == fingerprint(array[::2].copy())


def test_a_test_part_is_held_out_where_there_is_none():
    whole = dataclasses.replace(dataset(), read_test=None)
    data = with_test(whole)
    assert (len(data.train), len(data.test)) == (90, 10)
    assert not set(numbers(data.train)) & set(numbers(data.test))
    again = with_test(whole)
    np.testing.assert_array_equal(data.test.images, again.test.images)
    assert with_test(data) is data


def test_at_least_one_test_image_is_held_out():
    few = dataclasses.replace(dataset((2, 2)), read_test=None)
    assert len(with_test(few).test) == 1
    fewer = dataclasses.replace(dataset((1, 1)), read_test=None)
    with pytest.raises(ValueError, match="Expected at least one of each"):
        with_test(fewer)
