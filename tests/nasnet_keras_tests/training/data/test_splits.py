import dataclasses

import numpy as np
import pytest

from nasnet_keras.training.data import splits
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
        ({"train_images": 2}, "2 images after 10 of 100 .*, none of 'class 2'"),
    ],
)
def test_too_few_images(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(dataset(), **arguments)


def test_fingerprint_notices_another_resizer(monkeypatch):
    data = dataset()
    before = split(data, 20).fingerprint
    monkeypatch.setattr(splits, "RESIZER", "squeezed")
    assert split(data, 20).fingerprint != before


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


def with_validation():
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (30, 1, 2, 1), dtype=np.uint8)
    part = images, (np.arange(30) % 2).astype(np.int32)
    return dataclasses.replace(dataset(), read_validation=lambda: part)


@pytest.mark.parametrize("validation_images", [None, 0.1])
def test_images_for_validation_are_measured_on(validation_images):
    data = with_validation()
    parts = split(data, validation_images)
    assert len(parts.train) == len(data.train)
    assert np.array_equal(parts.validation.images, data.validation.images)
    other = split(dataset(), validation_images)
    assert parts.fingerprint != other.fingerprint


def test_some_of_the_images_for_validation():
    parts = split(with_validation(), 10, train_images=50)
    assert len(parts.train) == 50
    assert np.bincount(parts.validation.labels).tolist() == [5, 5]
    with pytest.raises(ValueError, match="from 1 to 30"):
        split(with_validation(), 31)


def test_images_to_test_on_are_not_those_for_validation():
    data = dataclasses.replace(with_validation(), read_test=None)
    tested = with_test(data)
    assert len(tested.train) + len(tested.test) == len(data.train)
    assert len(tested.validation) == 30
    assert "are held out." in tested.notes[-1]


def test_files_keep_their_names():
    data = dataset()
    names = np.array([f"{n}.png" for n in range(len(data.train))], object)
    train = dataclasses.replace(data.train, files=names)
    parts = split(dataclasses.replace(data, train=train), 20)
    assert np.array_equal(parts.train.files, names[parts.train_indices])
    held_out = with_test(
        dataclasses.replace(data, train=train, read_test=None)
    ).test
    assert set(held_out.files) < set(names)


def test_one_class_is_refused():
    alone = ImageDataset(
        "d",
        LabelledImages(np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int32)),
        ("cat",),
    )
    with pytest.raises(ValueError, match="at least two classes .*: cat"):
        split(alone)


def test_one_image_of_a_class_says_what_was_held_out():
    few = dataclasses.replace(dataset((1, 1)), read_test=None)
    with pytest.raises(ValueError, match="after 1 of 2 were held out"):
        with_test(few)
