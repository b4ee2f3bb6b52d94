import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.data.augmentation import (
    OPERATIONS,
    mix,
    rand_augment,
)
from nasnet_keras.training.data.pipeline import training_pipeline

COUNT = 16
SEED = tf.constant([3, 4])
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (COUNT, 16, 16, 3), np.uint8)
LABELS = np.arange(COUNT, dtype=np.int32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.one_in(2)
def test_rand_augment_changes_images_and_keeps_their_range(channels):
    images = tf.constant(IMAGES[..., :channels], tf.float32)
    augment = tf.function(rand_augment(channels, 2, 9.0))
    changed = augment(images, SEED).numpy()
    assert changed.shape == images.shape
    assert 0 <= changed.min() and changed.max() <= 255
    different = (changed != images.numpy()).any((1, 2, 3))
    assert different.sum() > COUNT / 2
    np.testing.assert_array_equal(changed, augment(images, SEED))
    assert (changed != augment(images, SEED + 1).numpy()).any()


def test_operations_of_no_magnitude_change_nothing(monkeypatch):
    for name in ("auto_contrast", "equalize"):  # These know no magnitude.
        monkeypatch.delitem(OPERATIONS, name)
    images = tf.constant(IMAGES, tf.float32)
    changed = rand_augment(3, 3, 0.0)(images, SEED)
    np.testing.assert_allclose(changed, images, atol=1.5)


def test_every_operation_is_seen():
    """Each image gets one of its own."""
    images = tf.constant(IMAGES[:1].repeat(400, 0), tf.float32)
    changed = rand_augment(3, 1, 5.0)(images, SEED).numpy()
    kinds = {image.tobytes() for image in changed}
    assert len(kinds) > 100
    assert (changed == images.numpy()).all((1, 2, 3)).sum() > 10  # "identity"


def one_hot():
    return tf.one_hot(LABELS, COUNT)


def test_mixup_blends_images_as_it_blends_labels():
    images = tf.constant(IMAGES, tf.float32)
    mixed, labels = mix(images, one_hot(), 0.5, 0.0, SEED)
    np.testing.assert_allclose(labels.numpy().sum(1), 1, rtol=1e-6)
    # Labels say how much there is of each image.
    np.testing.assert_allclose(
        mixed, np.tensordot(labels, IMAGES, 1), rtol=1e-4, atol=1e-2
    )
    assert len(np.unique(labels.numpy().max(1))) > COUNT / 2


def test_cutmix_sets_a_box_of_another_image_into_each():
    numbered = tf.ones((COUNT, 16, 12, 1)) * tf.reshape(
        tf.range(float(COUNT)), (-1, 1, 1, 1)
    )
    mixed, labels = mix(numbered, one_hot(), 0.0, 1.0, SEED)
    for number, image in enumerate(mixed.numpy()[..., 0]):
        found, counts = np.unique(image, return_counts=True)
        assert len(found) <= 2
        expected = np.zeros(COUNT)
        expected[found.astype(int)] = counts / image.size
        np.testing.assert_allclose(labels[number], expected, atol=1e-6)
        other = image != number
        box = np.ix_(other.any(1), other.any(0))
        assert other[box].all()  # a box, and nothing beside
    assert (labels.numpy().max(1) < 0.95).sum() > COUNT / 4


def test_with_both_each_batch_has_one_of_them():
    numbered = tf.ones((COUNT, 8, 8, 1)) * tf.reshape(
        tf.range(float(COUNT)), (-1, 1, 1, 1)
    )
    blended = [
        bool((mixed.numpy() % 1 > 1e-3).any())
        for mixed, _ in (
            mix(numbered, one_hot(), 1.0, 1.0, tf.constant([0, n]))
            for n in range(20)
        )
    ]
    assert 4 < sum(blended) < 16


def test_the_smallest_alpha_is_a_number():
    mixed, labels = mix(
        tf.constant(IMAGES, tf.float32), one_hot(), 1e-3, 0.0, SEED
    )
    assert np.isfinite(mixed).all()
    np.testing.assert_allclose(labels.numpy().sum(1), 1, rtol=1e-6)


@pytest.mark.large
def test_a_resumed_training_sees_what_it_would_have_seen():
    arguments = {
        "batch_size": 5,
        "seed": 2,
        "randaugment": 2,
        "mixup": 0.2,
        "cutmix": 1.0,
    }
    whole = list(training_pipeline(IMAGES, LABELS, **arguments).take(9))
    again = training_pipeline(IMAGES, LABELS, first_epoch=2, **arguments)
    for one, other in zip(whole[6:], again.take(3), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert whole[0][1].shape == (5, COUNT)
