"""From arrays of images to batches: `training_pipeline`,
`evaluation_pipeline`.

A child of a search trains for seconds, so a pipeline must start at once: the
images are one tensor from which each step gathers a batch, without a shuffle
buffer to fill, and the augmentation is two gathers per batch. Keras' own
layers do not serve for crops: its `RandomCrop` crops all images of a batch
alike, and they draw from a state, so that a run could not be resumed exactly.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import tensorflow as tf

from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.augmentation import mix, rand_augment
from nasnet_keras.training.data.autotuning import untuned
from nasnet_keras.training.data.streaming import Images, StreamedImages
from nasnet_keras.training.recipes import Augmentation, Recipe

EVALUATION_BATCH_SIZE = 250
EVALUATION_PIXELS = 250 * 128 * 128  # of a batch, at the most
STREAMED_AHEAD = 2  # batches
PADDING_SHARE = 8  # 32 x 32 images are padded by 4, to 40 x 40
# The parts that are cut out for ImageNet, as TF-slim does.
LEAST_AREA, MOST_ASPECT = 0.08, 4 / 3

# Words in the names of data sets of characters, which mean something else when
# mirrored; and of others that are called after them.
CHARACTERS = (
    *("mnist", "emnist", "kmnist", "qmnist", "notmnist", "svhn", "usps"),
    *("handwritten", "handwriting", "captcha", "captchas", "numerals"),
    *("omniglot", "cmaterdb", "digit", "digits", "letter", "letters"),
    *("alphabet", "alphabets", "character", "characters", "chars", "glyphs"),
    *("hiragana", "katakana", "kanji", "hanzi", "font", "fonts", "ocr"),
)
NO_CHARACTERS = ("fashion", "pneumonia", "sign", "signs")
LETTERS = 10  # classes named by a letter each, from which on they are letters


# By the augmentation, what becomes of images.
AUGMENTED: dict[str, str] = {
    "none": "not augmented",
    "crop": "cropped and not mirrored, as suits characters",
    "crop-flip": "cropped and mirrored",
    "inception": "cropped at all scales and mirrored",
}


def default_augmentation(
    dataset: str, class_names: Sequence[str] = ()
) -> Augmentation:
    """What suits a data set: `"crop"` for those of characters, which it is by
    a word of its name, or of the last two names of its path, or by ten
    classes and more that are named by a letter each; else `"crop-flip"`.

    Example:

    >>> default_augmentation("mnist_corrupted/spatter")
    'crop'
    >>> default_augmentation("cifar10")
    'crop-flip'
    """
    ending = "/".join(re.split("[/:]", dataset)[-2:])
    words = set(re.split("[^a-z]+", ending.lower()))
    characters = bool(words.intersection(CHARACTERS))
    if words.intersection(NO_CHARACTERS):
        characters = False
    letters = sum(len(name) == 1 and name.isalpha() for name in class_names)
    if letters >= LETTERS and letters > len(class_names) / 2:
        characters = True
    return "crop" if characters else "crop-flip"


def augmentation_text(augmentation: str) -> str:
    """A sentence on what an augmentation does.

    Example:

    >>> augmentation_text("crop-flip")
    'Images are cropped and mirrored (augmentation crop-flip).'
    """
    return (
        f"Images are {AUGMENTED[augmentation]} (augmentation {augmentation})."
    )


def augmentation_note(
    chosen: Augmentation | None, dataset: str, class_names: Sequence[str]
) -> str:
    """A sentence on what was chosen, or on what is surprising in a choice."""
    suited = default_augmentation(dataset, class_names)
    if chosen is None:
        return augmentation_text(suited)
    if chosen in ("crop-flip", "inception") and suited == "crop":
        return (
            f"Images are mirrored (augmentation {chosen}) though they seem to "
            "be of characters, which mean something else then."
        )
    return ""


def training_pipeline(
    images: Images,
    labels: np.ndarray,
    batch_size: int,
    augmentation: Augmentation = "crop-flip",
    cutout: int = 0,
    seed: int = 0,
    first_epoch: int = 0,
    randaugment: int = 0,
    randaugment_magnitude: float = 9.0,
    mixup: float = 0.0,
    cutmix: float = 0.0,
    classes: int | None = None,
) -> tf.data.Dataset:
    """Batches to train on, without end: shuffled anew each epoch, full, and
    augmented.

    An epoch is `len(images) // batch_size` batches; each epoch leaves out
    other images. The batches of an epoch depend on the seed and the epoch's
    number alone, so a resumed training has the batches of one that was never
    stopped.

    Args:
        images: `[N, H, W, C]`, 0 to 255, uint8 if they are streamed.
        labels: `[N]`.
        batch_size: How many images a batch has.
        augmentation: `"crop-flip"`, what the paper does for CIFAR (appendix
            A.1): crop a padded image at random and mirror half of the
            images. `"crop"` where mirrored images mean something else, as
            digits do. Images are padded by an eighth of their size on each
            side, in black. `"inception"`, what is done for ImageNet: crop a
            part of 8 to 100 % of the area, 3:4 to 4:3, scale it, and mirror
            half of the images. `"none"` for nothing.
        cutout: The side of a square that is masked at a random place of
            each image, in pixels; 0 for none. For CIFAR 16 ([Improved
            Regularization of Convolutional Neural Networks with Cutout](
            https://arxiv.org/abs/1708.04552)).
        seed: Fixes all batches.
        first_epoch: The number of the epoch to begin with, from 0.
        randaugment: How many operations of RandAugment an image gets, after
            crops and before cutout. Default: none.
        randaugment_magnitude: How much these change at most, 0 to 10. The
            default, 9, is the paper's for ImageNet, with two operations.
        mixup: Alpha of mixup; default 0, for none. For ImageNet 0.2.
        cutmix: Alpha of CutMix; default 0, for none. For ImageNet 1.
        classes: How many classes there are, where images are mixed. Default:
            one more than the highest label.

    Returns:
        A `tf.data.Dataset` of images, `[batch_size, H, W, C]`, float32, -1
        to 1, and labels, `[batch_size]`; of mixed images the share of each
        class, `[batch_size, classes]`, float32.

    Raises:
        ValueError: An argument is out of its range, or the images do not
            fill a batch.

    Example:

    >>> from nasnet_keras import load_dataset
    >>> digits = load_dataset("digits").train
    >>> batches = training_pipeline(
    ...     digits.images, digits.labels, batch_size=128, augmentation="crop"
    ... )
    >>> images, labels = next(iter(batches))
    >>> images.shape, labels.shape
    (TensorShape([128, 8, 8, 1]), TensorShape([128]))

    Keras is told how long an epoch is: `model.fit(batches,
    steps_per_epoch=len(digits.images) // 128, epochs=20)`.
    """
    _check_images(images, labels)
    _check_least(1, batch_size=batch_size)
    _check_least(
        0,
        cutout=cutout,
        first_epoch=first_epoch,
        randaugment=randaugment,
        mixup=mixup,
        cutmix=cutmix,
    )
    if augmentation not in get_args(Augmentation):
        raise ValueError(
            "Invalid value for argument `augmentation`. Expected one of "
            f"{', '.join(get_args(Augmentation))}. Received: "
            f"augmentation={quoted(augmentation)}."
        )
    steps = len(images) // batch_size
    if not steps:
        raise ValueError(
            "Invalid value for argument `batch_size`. Expected at most the "
            f"number of images to train on, {len(images)}. Received: "
            f"batch_size={batch_size}; give more images, or a smaller one "
            "(--batch-size)."
        )
    gather, label_tensor = _gatherer(images), tf.constant(labels)

    mixes = bool(mixup or cutmix)
    if mixes:
        classes = int(labels.max()) + 1 if classes is None else classes
    augment = None
    if randaugment:
        augment = rand_augment(
            images.shape[-1], randaugment, randaugment_magnitude
        )

    def shuffled(epoch: tf.Tensor) -> tf.Tensor:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(images)), tf.stack([seed, epoch])
        )
        return tf.reshape(order[: steps * batch_size], [steps, batch_size])

    def batch(step: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        step_seed = tf.stack([seed, step])
        crop_seed, cutout_seed = tf.unstack(tf.random.split(step_seed, 2))
        chosen = gather(rows)
        if augmentation == "inception":
            chosen = _crop_part(chosen, crop_seed)
        elif augmentation != "none":
            mirrored = augmentation == "crop-flip"
            chosen = _crop(chosen, mirrored, crop_seed)
        if augment is not None:
            augment_seed = tf.random.fold_in(step_seed, 1)
            chosen = augment(tf.cast(chosen, tf.float32), augment_seed)
        chosen = _scale(chosen)
        if cutout:
            chosen = _cut_out(chosen, cutout, cutout_seed)
        drawn = tf.gather(label_tensor, rows)
        if not mixes:
            return chosen, drawn
        mix_seed = tf.random.fold_in(step_seed, 2)
        return mix(chosen, tf.one_hot(drawn, classes), mixup, cutmix, mix_seed)

    parallel = _parallel_calls(images)
    return (
        tf.data.Dataset.range(first_epoch, tf.int64.max)
        .map(shuffled)
        .unbatch()
        .enumerate(first_epoch * steps)
        .map(batch, parallel, deterministic=True)
        .apply(
            tf.data.experimental.assert_cardinality(
                tf.data.INFINITE_CARDINALITY
            )
        )
        .prefetch(parallel)
        .apply(untuned)
    )


def recipe_pipeline(
    recipe: Recipe,
    dataset: str,
    images: Images,
    labels: np.ndarray,
    seed: int,
    first_epoch: int,
    class_names: Sequence[str] = (),
) -> tf.data.Dataset:
    """The batches of `training_pipeline` that a recipe trains on.

    Args:
        recipe: The recipe.
        dataset: The data set's name, which says how to augment where the
            recipe does not.
        images: `[N, H, W, C]`, 0 to 255.
        labels: `[N]`.
        seed: Fixes all batches.
        first_epoch: The number of the epoch to begin with, from 0.
        class_names: A name for each class, which may say how to augment too;
            needed where images are mixed and some class has none.
    """
    return training_pipeline(
        images,
        labels,
        recipe.batch_size,
        augmentation=recipe.augmentation
        or default_augmentation(dataset, class_names),
        cutout=recipe.cutout,
        seed=seed,
        first_epoch=first_epoch,
        randaugment=recipe.randaugment,
        randaugment_magnitude=recipe.randaugment_magnitude,
        mixup=recipe.mixup,
        cutmix=recipe.cutmix,
        classes=len(class_names) or None,
    )


def evaluation_batch(images: Images, least: int) -> int:
    """How many images a batch to measure on has: 250; of larger images than
    128 x 128 so many fewer, since states of a network take memory.

    Args:
        images: `[N, H, W, C]`.
        least: How many it has of large images: those of a training step, which
            takes more memory.
    """
    height, width = images.shape[1:3]
    fitting = EVALUATION_PIXELS // (height * width)
    return min(EVALUATION_BATCH_SIZE, max(least, fitting))


def evaluation_pipeline(
    images: Images,
    labels: np.ndarray,
    batch_size: int = EVALUATION_BATCH_SIZE,
) -> tf.data.Dataset:
    """Batches to measure on: every image once, in order, unchanged.

    Args:
        images: `[N, H, W, C]`, 0 to 255.
        labels: `[N]`.
        batch_size: How many images a batch has; the last may have fewer.
            Default 250.

    Returns:
        A `tf.data.Dataset` as `training_pipeline` returns it.

    Raises:
        ValueError: An argument is out of its range.
    """
    _check_images(images, labels)
    _check_least(1, batch_size=batch_size)

    gather, label_tensor = _gatherer(images), tf.constant(labels)

    def batch(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _scale(gather(rows)), tf.gather(label_tensor, rows)

    # Batches that are all full have a static shape.
    full = len(images) % batch_size == 0
    parallel = _parallel_calls(images)
    return (
        tf.data.Dataset.range(len(images))
        .batch(batch_size, drop_remainder=full)
        .map(batch, parallel, deterministic=True)
        .prefetch(parallel)
        .apply(untuned)
    )


def _gatherer(images: Images) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function of rows, `[B]`, that returns their images, `[B, H, W, C]`."""
    if not isinstance(images, StreamedImages):
        tensor = tf.constant(images)
        return lambda rows: tf.gather(tensor, rows)

    def read(rows: tf.Tensor) -> tf.Tensor:
        # Not stateful, else deterministic operations would be no more than
        # one at a time.
        chosen = tf.numpy_function(
            images.__getitem__, [rows], tf.uint8, stateful=False
        )
        return tf.ensure_shape(chosen, [*rows.shape, *images.shape[1:]])

    return read


def _parallel_calls(images: Images) -> int:
    """How many batches are made at once, and how many wait: few of streamed
    ones, each of which several threads read, so that memory is bounded."""
    return (
        STREAMED_AHEAD
        if isinstance(images, StreamedImages)
        else tf.data.AUTOTUNE
    )


def _scale(images: tf.Tensor) -> tf.Tensor:
    """0 to 255 as -1 to 1, as `keras.applications.nasnet` has its inputs."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def _crop(images: tf.Tensor, mirrored: bool, seed: tf.Tensor) -> tf.Tensor:
    """Moves each image of a batch, `[B, H, W, C]`, by its own offset, and
    mirrors half of them if asked to."""
    batch, height, width, _ = images.shape
    top = max(1, height // PADDING_SHARE)
    left = max(1, width // PADDING_SHARE)
    padded = tf.pad(images, [[0, 0], [top, top], [left, left], [0, 0]])
    # Offsets down and to the right and whether to mirror, each [B, 1].
    sides = tf.constant([2.0 * top + 1, 2.0 * left + 1, 2.0])
    down, right, flip = tf.unstack(_draw(seed, batch, sides))
    columns = tf.range(width)
    if mirrored:
        columns = tf.where(flip == 1, width - 1 - columns, columns)
    rows = tf.gather(padded, down + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(rows, right + columns, axis=2, batch_dims=1)


def _crop_part(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Cuts a part out of each image, `[B, H, W, C]`, of random area and
    aspect, brings it to the image's size, and mirrors half of them."""
    batch, height, width, _ = images.shape
    area, aspect, down, right, flip = tf.unstack(
        tf.random.stateless_uniform([5, batch], seed)
    )
    side = tf.sqrt(LEAST_AREA + (1 - LEAST_AREA) * area)
    stretch = tf.exp((aspect - 0.5) * math.log(MOST_ASPECT))
    tall, wide = tf.minimum(side / stretch, 1), tf.minimum(side * stretch, 1)
    top, left = down * (1 - tall), right * (1 - wide)
    sides = left, left + wide
    starts, ends = (
        tf.where(flip < 0.5, one, other) for one, other in (sides, sides[::-1])
    )
    boxes = tf.stack([top, starts, top + tall, ends], axis=1)
    return tf.image.crop_and_resize(
        tf.cast(images, tf.float32), boxes, tf.range(batch), [height, width]
    )


def _cut_out(images: tf.Tensor, side: int, seed: tf.Tensor) -> tf.Tensor:
    """Sets a square around a random pixel of each image to 0, the middle of
    the scale; what of it lies outside the image is lost."""
    batch, height, width, _ = images.shape
    down, right = tf.unstack(
        _draw(seed, batch, tf.constant([1.0 * height, 1.0 * width]))
    )
    rows = tf.range(height) - down + side // 2  # [B, H]
    columns = tf.range(width) - right + side // 2  # [B, W]
    inside = ((rows >= 0) & (rows < side))[:, :, tf.newaxis] & (
        (columns >= 0) & (columns < side)
    )[:, tf.newaxis, :]
    return tf.where(inside[..., tf.newaxis], 0.0, images)


def _draw(seed: tf.Tensor, batch: int, ends: tf.Tensor) -> tf.Tensor:
    """Integers from 0 to below each of the K `ends`, `[K, B, 1]`."""
    shares = tf.random.stateless_uniform([batch, 1, len(ends)], seed)
    return tf.transpose(tf.cast(shares * ends, tf.int32), [2, 0, 1])


def _check_images(images: Images, labels: np.ndarray) -> None:
    if images.ndim != 4 or len(images) != len(labels):
        raise ValueError(
            "Invalid value for argument `images`. Expected images of shape "
            "(images, height, width, channels) with a label for each. "
            f"Received: shape {images.shape} and {len(labels)} labels."
        )


def _check_least(least: int, **arguments: float | None) -> None:
    for name, value in arguments.items():
        if value is not None and value < least:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected {least} or "
                f"more. Received: {name}={value}."
            )
