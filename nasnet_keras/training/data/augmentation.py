"""Augmentations beyond crops: `rand_augment`, `mix`.

What they draw depends on a seed alone, so that a resumed training has the
batches of one that was never stopped. The layers of Keras draw from a state;
here they are given the draws of a seed.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

MOST = 10.0  # the highest magnitude
RANGE: dict[str, Any] = {"value_range": (0, 255), "dtype": "float32"}
FILL: dict[str, Any] = {
    "fill_mode": "constant",
    "fill_value": 127.5,
    "dtype": "float32",
}

# RandAugment's operations, of a strength from 0 to 1: the ranges are those of
# AutoAugment (https://arxiv.org/abs/1805.09501, table 6), within which layers
# of Keras draw. Of brightness they add; of solarization they know no strength.
OPERATIONS: dict[str, Callable[[float], Any]] = {
    "identity": lambda _: None,
    "auto_contrast": lambda _: keras.layers.AutoContrast(**RANGE),
    "equalize": lambda _: keras.layers.Equalization(**RANGE),
    "rotate": lambda s: keras.layers.RandomRotation(s * 30 / 360, **FILL),
    "posterize": lambda s: keras.layers.RandomPosterization(
        (8 - round(4 * s), 8), **RANGE
    ),
    "contrast": lambda s: keras.layers.RandomContrast(0.9 * s, **RANGE),
    "color": lambda s: keras.layers.RandomColorDegeneration(0.9 * s, **RANGE),
    "brightness": lambda s: keras.layers.RandomBrightness(0.5 * s, **RANGE),
    "sharpness": lambda s: keras.layers.RandomSharpness(
        (0.5 - 0.45 * s, 0.5 + 0.45 * s), **RANGE
    ),
    "shear_x": lambda s: keras.layers.RandomShear(0.3 * s, 0.0, **FILL),
    "shear_y": lambda s: keras.layers.RandomShear(0.0, 0.3 * s, **FILL),
    "translate_x": lambda s: keras.layers.RandomTranslation(
        0.0, 150 / 331 * s, **FILL
    ),
    "translate_y": lambda s: keras.layers.RandomTranslation(
        150 / 331 * s, 0.0, **FILL
    ),
}
FOR_COLOUR = ("color",)


class _Draws(keras.random.SeedGenerator):
    """Seeds for the layers of Keras, one after the other, all of one."""

    def __init__(self, seed: tf.Tensor) -> None:
        # Without the state that makes those of Keras depend on what was.
        self._seed, self._drawn = seed, 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        self._drawn += 1
        return tf.random.fold_in(self._seed, self._drawn)


def rand_augment(
    channels: int, operations: int, magnitude: float
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """[RandAugment](https://arxiv.org/abs/1909.13719): a function of images,
    `[B, H, W, C]`, float32, 0 to 255, and a seed, `[2]`, that returns them
    changed, each by operations of its own.

    Args:
        channels: Of the images; colour is changed where there are three.
        operations: How many an image gets, one after the other.
        magnitude: How much they change at most, 0 to 10.

    Example:

    >>> augment = rand_augment(3, operations=2, magnitude=9)
    >>> augment(tf.zeros((4, 8, 8, 3)), tf.constant([0, 1])).shape
    TensorShape([4, 8, 8, 3])
    """
    layers = [
        make(magnitude / MOST)
        for name, make in OPERATIONS.items()
        if channels == 3 or name not in FOR_COLOUR
    ]

    def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for number in range(operations):
            images = _one_each(layers, images, tf.random.fold_in(seed, number))
        return images

    return augment


def _one_each(
    layers: list[Any], images: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Changes each image by one of the layers."""
    draws = _Draws(seed)
    chosen = tf.random.stateless_uniform(
        tf.shape(images)[:1], draws.next(), 0, len(layers), tf.int32
    )
    rows, parts = [], []
    for number, layer in enumerate(layers):
        own = tf.where(chosen == number)[:, 0]
        part = tf.gather(images, own)
        if layer is not None:
            part = _changed(layer, part, draws)
        rows.append(tf.cast(own, tf.int32))
        parts.append(part)
    return tf.ensure_shape(tf.dynamic_stitch(rows, parts), images.shape)


def _changed(layer: Any, images: tf.Tensor, draws: _Draws) -> tf.Tensor:
    """A layer's work on images, `[n, H, W, C]`; n may be 0."""
    seed = _Draws(draws.next())

    def change() -> tf.Tensor:
        drawn = layer.get_random_transformation(images, True, seed=seed)
        return layer.transform_images(images, drawn, True)

    # Some layers cannot be given no image.
    return tf.cond(tf.size(images) > 0, change, lambda: images)


def mix(
    images: tf.Tensor,
    labels: tf.Tensor,
    mixup: float,
    cutmix: float,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes each image of a batch, and its label, with another's: by
    [mixup](https://arxiv.org/abs/1710.09412) in all pixels, by
    [CutMix](https://arxiv.org/abs/1905.04899) in a box of them. With both,
    each batch by one of them.

    Args:
        images: `[B, H, W, C]`, float32.
        labels: `[B, K]`, float32, the share of each class.
        mixup: Alpha: an image's own share is drawn from Beta(mixup, mixup).
            0 for none.
        cutmix: Alpha: the share of the area that stays an image's own is drawn
            from Beta(cutmix, cutmix). 0 for none.
        seed: `[2]`, fixes what is drawn.

    Example:

    >>> images = tf.reshape(tf.range(4.0), (4, 1, 1, 1))
    >>> labels = tf.one_hot([0, 1, 2, 3], 4)
    >>> images, labels = mix(images, labels, 0.2, 0.0, tf.constant([0, 1]))
    >>> labels.shape
    TensorShape([4, 4])
    """
    draws = _Draws(seed)
    coin, order, shares, box = (draws.next() for _ in range(4))
    others = tf.random.experimental.stateless_shuffle(
        tf.range(tf.shape(images)[0]), order
    )
    if mixup and cutmix:
        by_mixup = tf.random.stateless_uniform([], coin) < 0.5
    else:
        by_mixup = tf.constant(bool(mixup))
    kept = _beta(tf.where(by_mixup, mixup, cutmix), images.shape[0], shares)

    def blend() -> tuple[tf.Tensor, tf.Tensor]:
        return tf.broadcast_to(kept[:, None, None], images.shape[:3]), kept

    def cut() -> tuple[tf.Tensor, tf.Tensor]:
        outside = 1.0 - _boxes(images, 1.0 - kept, box)
        return outside, tf.reduce_mean(outside, (1, 2))

    pixels, share = tf.cond(by_mixup, blend, cut)
    pixels, share = pixels[..., tf.newaxis], share[:, tf.newaxis]
    return (
        pixels * images + (1.0 - pixels) * tf.gather(images, others),
        share * labels + (1.0 - share) * tf.gather(labels, others),
    )


def _beta(alpha: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws from Beta(alpha, alpha), `[count]`."""
    # In double precision: the small ones are very small.
    draws = tf.random.stateless_gamma(
        [2, count], seed, tf.cast(alpha, tf.float64), dtype=tf.float64
    )
    share = tf.math.divide_no_nan(draws[0], draws[0] + draws[1])
    return tf.cast(share, tf.float32)


def _boxes(images: tf.Tensor, areas: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """1 in a box of each image, of the proportions of the image and around a
    random pixel, else 0; `[B, H, W]`. What lies beyond an edge is lost.

    Args:
        images: `[B, H, W, C]`.
        areas: `[B]`, shares of the image.
        seed: `[2]`, fixes the places.
    """
    batch, height, width, _ = images.shape
    places = tf.random.stateless_uniform([2, batch, 1], seed)
    inside = []
    for length, place in zip((height, width), tf.unstack(places), strict=True):
        half = 0.5 * length * tf.sqrt(areas)[:, tf.newaxis]
        middles = tf.range(length, dtype=tf.float32) + 0.5
        inside.append(tf.abs(middles - length * place) < half)
    rows, columns = inside
    return tf.cast(rows[:, :, None] & columns[:, None, :], tf.float32)
