"""Data sets that are given as `tf.data.Dataset`s."""

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.data.datasets import load_dataset
from nasnet_keras.training.data.readers import pipelines

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 6, 3), np.uint8)
LABELS = np.arange(10) % 3


def pairs(images=IMAGES, labels=LABELS):
    return tf.data.Dataset.from_tensor_slices((images, labels))


@pytest.mark.parametrize(
    "pipeline",
    [
        pairs(),
        pairs().batch(4),
        pairs().batch(4).prefetch(1),
        pairs().filter(lambda image, label: True),  # of unknown length
        pairs(labels=LABELS[:, None]).batch(4),
        pairs(images=IMAGES / 255),
    ],
)
def test_images_are_those_of_arrays(pipeline):
    expected = load_dataset((IMAGES, LABELS))
    found = load_dataset(pipeline)
    np.testing.assert_array_equal(found.train.images, expected.train.images)
    np.testing.assert_array_equal(found.train.labels, expected.train.labels)


def test_grey_images_and_labels_of_text():
    names = np.array(["ant", "bee"])[LABELS % 2]
    pipeline = pairs(IMAGES[..., 0], names)
    for found in map(load_dataset, (pipeline, pipeline.batch(3))):
        assert found.class_names == ("ant", "bee")
        assert found.image_shape == (8, 6, 1)


def test_two_of_them_are_to_train_and_to_test_on():
    found = load_dataset((pairs(), pairs(IMAGES[:4], LABELS[:4]).batch(2)))
    assert (len(found.train), len(found.test)) == (10, 4)


@pytest.mark.parametrize("size", [1, 3, 4, 8])
@pytest.mark.parametrize("rest", [False, True])
def test_grey_images_come_in_batches(size, rest):
    """Of as many images as these have rows, or others have channels; the last
    batch of any number."""
    images = IMAGES[..., 0]
    found = load_dataset(pairs(images).batch(size, drop_remainder=rest))
    assert len(found.train) == (10 - 10 % size if rest else 10)
    np.testing.assert_array_equal(
        found.train.images[..., 0], images[: len(found.train)]
    )


def one_hot(images, classes):
    return pairs(images, np.eye(classes, dtype=int)[LABELS])


def with_unknown_sizes(image, label):
    return tf.ensure_shape(
        tf.py_function(lambda pixels: pixels, [image], image.dtype),
        (None, None, 3),
    ), label


def ragged():
    def generate():
        for size in (8, 9):
            yield np.zeros((size, 8, 3), np.uint8), 0

    signature = (
        tf.TensorSpec((None, 8, 3), tf.uint8),
        tf.TensorSpec((), tf.int32),
    )
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (pairs().repeat(), r"one that ends, as after `\.take\(1000\)`"),
        (ragged(), r"one shape.*Received: \(8, 8, 3\) and \(9, 8, 3\)"),
        (ragged().batch(2), "one that can be read"),
        (pairs().take(0), "Expected images. Received: none"),
        (tf.data.Dataset.from_tensor_slices(IMAGES), "pairs of an image and"),
        (pairs(labels=np.eye(3)[LABELS]), "as the label of each image"),
        # As many classes as rows, or as channels that come first.
        (one_hot(IMAGES, 8), r"`argmax`.*shape \(8,\) for images of \(8, 6, 3"),
        (one_hot(IMAGES.transpose(0, 3, 1, 2), 3), "`argmax`"),
        (one_hot(IMAGES, 8).map(with_unknown_sizes), "`argmax`"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(pipeline, message):
    with pytest.raises(ValueError, match=message) as raised:
        load_dataset(pipeline)
    assert "\n" not in str(raised.value)


def test_more_than_memory_holds(monkeypatch):
    monkeypatch.setattr(pipelines, "most_in_memory", lambda: 500)
    with pytest.raises(ValueError, match="fit into half of the memory"):
        load_dataset(pairs())
