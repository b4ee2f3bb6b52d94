from typing import get_args

import numpy as np
import pytest
import tensorflow as tf

from nasnet_keras.training.data.pipeline import (
    AUGMENTED,
    augmentation_note,
    default_augmentation,
    evaluation_batch,
    evaluation_pipeline,
    training_pipeline,
)
from nasnet_keras.training.data.streaming import in_channels
from nasnet_keras.training.recipes import Augmentation

COUNT = 22
IMAGES = np.random.default_rng(0).integers(1, 256, (COUNT, 16, 16, 3), np.uint8)
LABELS = np.arange(COUNT, dtype=np.int32)  # each tells its image


def batches(count, **arguments):
    pipeline = training_pipeline(
        IMAGES, LABELS, **{"batch_size": 5} | arguments
    )
    return [
        (images.numpy(), labels.numpy())
        for images, labels in pipeline.take(count)
    ]


def pixels(images):
    """-1 to 1 as 0 to 255."""
    return np.rint((images + 1) * 127.5).astype(int)


def same(first, second):
    return all(
        np.array_equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(
    ("side", "least", "size"),
    [(32, 64, 250), (128, 2, 250), (256, 2, 62), (331, 2, 37), (331, 64, 64)],
)
def test_of_large_images_fewer_are_measured_at_once(side, least, size):
    images = np.broadcast_to(np.uint8(0), (9, side, side, 3))
    assert evaluation_batch(images, least) == size


def test_shapes_are_static_and_the_scale_is_minus_one_to_one():
    pipeline = training_pipeline(IMAGES, LABELS, batch_size=5)
    images, labels = pipeline.element_spec
    assert images.shape == (5, 16, 16, 3) and images.dtype == tf.float32
    assert labels.shape == (5,)
    black_and_white = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    scaled, _ = next(
        iter(evaluation_pipeline(black_and_white, np.zeros(2), batch_size=2))
    )
    assert scaled.numpy().ravel().tolist() == [-1.0, 1.0]


def test_an_epoch_has_no_image_twice_and_the_next_another_order():
    labels = [labels for _, labels in batches(8)]
    first, second = (np.concatenate(part) for part in (labels[:4], labels[4:]))
    assert len(set(first)) == len(set(second)) == 20
    assert first.tolist() != second.tolist()


def test_images_keep_their_labels():
    for images, labels in batches(4, augmentation="none"):
        assert np.array_equal(pixels(images), IMAGES[labels])


@pytest.mark.parametrize("augmentation", ["none", "crop", "crop-flip"])
def test_the_seed_fixes_the_batches(augmentation):
    arguments = {"augmentation": augmentation, "cutout": 4}
    first = batches(6, seed=1, **arguments)
    assert same(first, batches(6, seed=1, **arguments))
    assert not same(first, batches(6, seed=2, **arguments))


def test_a_resumed_training_sees_what_it_would_have_seen():
    whole = batches(12, cutout=4)
    assert same(whole[8:], batches(4, first_epoch=2, cutout=4))


def positions(augmentation):
    """How often each (row, column, mirrored) crop of a numbered image is
    seen; `None` for a crop that is none of them."""
    numbered = np.arange(1, 257, dtype=np.float32).reshape(1, 16, 16, 1)
    padded = np.pad(numbered[0, :, :, 0], 2)
    known = {}
    for row in range(5):
        for column in range(5):
            crop = padded[row : row + 16, column : column + 16]
            known[crop.tobytes()] = (row, column, False)
            known[crop[:, ::-1].tobytes()] = (row, column, True)
    pipeline = training_pipeline(
        np.repeat(numbered, 500, axis=0),
        np.zeros(500),
        batch_size=500,
        augmentation=augmentation,
    )
    images, _ = next(iter(pipeline))
    seen = np.rint((images.numpy()[..., 0] + 1) * 127.5).astype(np.float32)
    return [known.get(image.tobytes()) for image in seen]


def test_crops_are_of_the_padded_image_and_differ_within_a_batch():
    seen = positions("crop")
    assert set(seen) == {(r, c, False) for r in range(5) for c in range(5)}


def test_every_augmentation_has_a_sentence():
    assert {*AUGMENTED} == {*get_args(Augmentation)}


def test_half_of_the_images_are_mirrored():
    seen = positions("crop-flip")
    assert None not in seen
    assert len({(row, column) for row, column, _ in seen}) == 25
    assert 200 < sum(mirrored for _, _, mirrored in seen) < 300


def test_small_images_are_padded_by_one():
    digits = np.full((50, 8, 8, 1), 255, np.uint8)
    pipeline = training_pipeline(
        digits, np.zeros(50), batch_size=50, augmentation="crop"
    )
    images, _ = next(iter(pipeline))
    black = (images.numpy() == -1).sum(axis=(1, 2, 3))
    assert set(black) == {0, 8, 15}  # moved not at all, once, or twice


def test_cutout_puts_out_a_square():
    white = np.full((200, 16, 16, 3), 255, np.uint8)
    pipeline = training_pipeline(
        white, np.zeros(200), batch_size=200, augmentation="none", cutout=4
    )
    images, _ = next(iter(pipeline))
    out = images.numpy() == 0
    assert (images.numpy()[~out] == 1).all()
    sizes = out[..., 0].sum(axis=(1, 2))
    assert sizes.max() == 16 and sizes.min() >= 4
    assert np.array_equal(out[..., 0], out[..., 2])
    # A whole square is 4 x 4; at the border a part of it is lost.
    image = out[np.argmax(sizes), ..., 0]
    assert sorted(set(image.sum(axis=0))) == [0, 4]
    assert out.any(axis=(0, 3)).all()


@pytest.mark.parametrize(
    "dataset, augmentation",
    [
        ("digits", "crop"),
        ("emnist/letters", "crop"),
        ("omniglot", "crop"),
        ("binary_alpha_digits", "crop"),
        ("mnist_corrupted/spatter", "crop"),
        ("mnist:3.0.1", "crop"),
        ("cmaterdb/bangla", "crop"),
        ("visual_domain_decathlon/svhn", "crop"),
        ("/home/me/data/MNIST", "crop"),
        ("data/mnist", "crop"),
        ("Handwritten Math Symbols", "crop"),
        ("/home/me/mnist/train.npz", "crop"),
        ("/home/digits/pets/photographs", "crop-flip"),
        ("cifar10", "crop-flip"),
        ("fashion_mnist", "crop-flip"),
        ("pneumonia_mnist", "crop-flip"),
        ("visual_domain_decathlon/aircraft", "crop-flip"),
    ],
)
def test_characters_are_not_mirrored(dataset, augmentation):
    assert default_augmentation(dataset) == augmentation


def test_classes_may_say_that_they_are_letters():
    assert default_augmentation("mine", "abcdefghij") == "crop"
    assert default_augmentation("mine", ("a", "b")) == "crop-flip"
    assert default_augmentation("mine", ("cat", "dog") * 10) == "crop-flip"


@pytest.mark.parametrize(
    "chosen, dataset, note",
    [
        (None, "cifar10", "cropped and mirrored (augmentation crop-flip)"),
        (None, "mnist", "cropped and not mirrored, as suits characters"),
        ("crop-flip", "mnist", "though they seem to be of characters"),
        ("inception", "mnist", "though they seem to be of characters"),
        ("crop", "mnist", ""),
        ("crop-flip", "cifar10", ""),
    ],
)
def test_it_is_said_how_images_are_changed(chosen, dataset, note):
    said = augmentation_note(chosen, dataset, ())
    assert note in said if note else said == ""


def test_evaluation_has_every_image_once_in_order():
    seen = list(evaluation_pipeline(IMAGES, LABELS, batch_size=8))
    assert [len(labels) for _, labels in seen] == [8, 8, 6]
    assert np.concatenate([labels for _, labels in seen]).tolist() == (
        LABELS.tolist()
    )
    assert np.array_equal(pixels(seen[0][0].numpy()), IMAGES[:8])


def test_evaluation_batches_that_are_all_full_have_a_static_shape():
    full = evaluation_pipeline(IMAGES, LABELS, batch_size=11)
    assert full.element_spec[0].shape == (11, 16, 16, 3)
    assert len(list(full)) == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"batch_size": 0}, "`batch_size`"),
        ({"batch_size": 23}, "at most the number of images to train on, 22"),
        ({"augmentation": "flip"}, "`augmentation`"),
        ({"cutout": -1}, "`cutout`"),
        ({"first_epoch": -1}, "`first_epoch`"),
        ({"images": IMAGES[0]}, "`images`"),
        ({"labels": LABELS[:3]}, "`images`"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {
        "images": IMAGES,
        "labels": LABELS,
        "batch_size": 5,
    } | arguments
    with pytest.raises(ValueError, match=message):
        training_pipeline(**arguments)


def test_inception_cuts_parts_out_and_mirrors_half():
    """A ramp from left to right: a part of it is a ramp of less height, which
    falls where it is mirrored."""
    ramp = np.broadcast_to(
        np.arange(0, 256, 8, dtype=np.uint8)[None, None, :, None],
        (64, 32, 32, 1),
    )
    batches = training_pipeline(
        ramp, np.zeros(64, np.int32), 64, augmentation="inception"
    )
    images, _ = next(iter(batches))
    rows = images.numpy()[:, 16, :, 0]
    heights = rows[:, -1] - rows[:, 0]
    assert images.shape == (64, 32, 32, 1)
    assert 16 < (heights > 0).sum() < 48
    widths = abs(heights) / (248 / 127.5)
    # The square root of the least area, less by the aspect.
    assert widths.min() >= np.sqrt(0.08 / (4 / 3)) - 1e-3
    assert widths.max() <= 1 + 1e-3 and np.ptp(widths) > 0.4


def test_grey_images_for_a_network_that_takes_colour():
    grey = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    colour = in_channels(grey, 3)
    assert colour.shape == (2, 2, 2, 3)
    assert (colour == grey).all()
    assert in_channels(colour, 3) is colour
    with pytest.raises(ValueError, match="Expected images of 1"):
        in_channels(colour, 1)


@pytest.mark.parametrize("pipeline", [training_pipeline, evaluation_pipeline])
def test_nobody_waits_for_a_thread_that_tunes(pipeline):
    """Whoever lets go of batches waited for it, for up to as long as they were
    read. That comes and goes, so it is not timed here."""
    images = np.zeros((4, 8, 8, 3), np.uint8)
    batches = pipeline(images, np.zeros(4, np.int32), 2)
    assert batches.options().autotune.enabled is False
