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
