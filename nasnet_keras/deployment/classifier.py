"""Classifiers that take photographs as they are and know their classes:
`as_classifier`, `classify`; and what files for other runtimes say of one:
`description`."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, cast

import keras
import numpy as np

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import check_path
from nasnet_keras.layers.class_names import ClassNames
from nasnet_keras.network.build import without_auxiliary_head
from nasnet_keras.network.inspection import class_names_of, scales_pixels
from nasnet_keras.quotation import printable, quoted
from nasnet_keras.training.data.readers.pictures import (
    NotAPicture,
    read_picture,
)
from nasnet_keras.training.data.readers.source import listed
from nasnet_keras.training.data.resizer import fit
from nasnet_keras.training.data.streaming import in_channels

BATCH = 32
RESIZE = "the largest centred square, bilinear"


class Guess(NamedTuple):
    """A class that an image may be of.

    Attributes:
        name: Of the class.
        probability: By the network.
    """

    name: str
    probability: float


def as_classifier(
    model: keras.Model, class_names: Sequence[str]
) -> keras.Model:
    """Makes a network ready for use: the result takes pixels from 0 to 255 and
    keeps the names of its classes when it is saved or exported.

    Args:
        model: A network that ends in probabilities; an auxiliary head is left
            out. It takes pixels from -1 to 1, or scales them itself.
        class_names: A name for each class.

    Returns:
        A `keras.Model` around it; the model itself if it is one already.

    Raises:
        ValueError: There are not as many names as classes.

    Example:

    >>> from nasnet_keras import NASNET_A, build_network
    >>> model = build_network(NASNET_A, classes=2, repeats=1, filters=8)
    >>> classifier = as_classifier(model, ["cat", "dog"])
    >>> classifier.layers[-1].class_names
    ('cat', 'dog')
    """
    if class_names_of(model) == tuple(class_names):
        return model
    network = without_auxiliary_head(model)
    images = keras.Input(network.input_shape[1:], name="images")
    pixels: Any = images
    if not scales_pixels(network):
        pixels = keras.layers.Rescaling(1 / 127.5, -1, name="scale")(images)
    outputs = ClassNames(class_names, name="class_names")(network(pixels))
    return keras.Model(images, outputs, name=model.name)


def description(model: keras.Model, shape: Sequence[int]) -> dict[str, Any]:
    """What a file for another runtime says of a classifier, as JSON data;
    nothing of a model that does not know its classes.

    Args:
        model: The model.
        shape: Height, width and channels of its images.
    """
    names = class_names_of(model)
    if names is None:
        return {}
    height, width, channels = shape
    return {
        "class_names": list(names),
        "image_size": [height, width],
        "channels": channels,
        "colours": "grey" if channels == 1 else "RGB",
        "pixels": "0 to 255" if scales_pixels(model) else "-1 to 1",
        "resize": RESIZE,
    }


def classify(
    model: keras.Model,
    images: str | PathLike[str] | Sequence[str | PathLike[str]] | np.ndarray,
    top: int = 5,
    image_size: int | None = None,
) -> list[list[Guess]]:
    """Says what images show.

    Args:
        model: Of `as_classifier`.
        images: Paths of pictures, or one, whatever their sizes; or
            `[N, H, W, C]`, pixels from 0 to 255, in the model's size.
        top: How many classes to name, the most probable first. Default 5.
        image_size: Height and width to bring pictures to, for a model that
            leaves them open. Default: the model's.

    Returns:
        For each image a list of at most `top` guesses.

    Raises:
        InputError: The model does not know its classes, or not how large its
            images are, a file is no picture, `top` is no positive number, or
            the pixels are of another range or shape.
    """
    if type(top) is not int or top < 1:
        raise InputError(
            "Invalid value for argument `top`. Expected a positive integer. "
            f"Received: top={quoted(top)}."
        )
    names = class_names_of(model)
    if names is None:
        raise InputError(
            "Invalid value for argument `model`. Expected one that knows its "
            "classes, of `as_classifier`. Received: a model without names."
        )
    if isinstance(images, str | PathLike):  # else each letter would be one
        images = [images]
    if not isinstance(images, np.ndarray):
        if not isinstance(images, Sequence):
            raise InputError(
                "Invalid value for argument `images`. Expected paths, or an "
                f"array of pixels. Received: images={quoted(images)}."
            )
        for path in images:
            check_path("images", path)
    elif image_size is not None:
        raise InputError(
            "Invalid value for argument `image_size`. Expected None with an "
            f"array of pixels. Received: image_size={quoted(image_size)}."
        )
    shape = model.input_shape[1:]
    pixels = (
        _checked(images, shape)
        if isinstance(images, np.ndarray)
        else _read(images, _picture_shape(shape, image_size))
    )
    guesses = []
    for start in range(0, len(pixels), BATCH):
        batch = np.asarray(pixels[start : start + BATCH], "float32")
        for row in np.asarray(model(batch, training=False)):
            best = np.argsort(-row, kind="stable")[:top]
            guesses.append([Guess(names[i], float(row[i])) for i in best])
    return guesses


def _picture_shape(
    shape: tuple[int | None, int | None, int], image_size: int | None
) -> tuple[int, int, int]:
    """That of the pictures that a model of this input shape takes."""
    height, width, channels = shape
    if image_size is not None and (
        type(image_size) is not int or image_size < 1
    ):
        raise InputError(
            "Invalid value for argument `image_size`. Expected a positive "
            f"integer. Received: image_size={quoted(image_size)}."
        )
    if channels not in (1, 3):
        raise InputError(
            "Invalid value for argument `images`. Expected arrays for a model "
            f"of {channels} channels, since pictures have 1 or 3. Received: "
            "paths."
        )
    sides = height or image_size, width or image_size
    if image_size not in (None, *sides) or None in sides:
        raise InputError(
            "Invalid value for argument `image_size`. Expected "
            + (
                "the height and width of the model's images, "
                f"{height} x {width}"
                if height and width
                else "a number, since the model takes images of any size"
            )
            + f". Received: image_size={quoted(image_size)}."
        )
    return cast(tuple[int, int, int], (*sides, channels))


def _read(
    paths: Iterable[str | PathLike[str]], shape: tuple[int, int, int]
) -> list[np.ndarray]:
    """The pictures in the model's size; what is none is named at once."""
    pictures, others = [], []
    for path in paths:
        try:
            picture = read_picture(Path(path), grey=shape[2] == 1)
            pictures.append(fit(picture, shape))
        except (NotAPicture, OSError) as error:
            others.append(f"{printable(str(path))} ({error})")
    if others:
        raise InputError(f"Expected pictures. Received: {listed(others)}.")
    return pictures


def _checked(
    pixels: np.ndarray, shape: tuple[int | None, int | None, int]
) -> np.ndarray:
    """The pixels, if they are what a classifier takes; grey ones in as many
    channels as it has."""
    if pixels.ndim == 4 and pixels.shape[-1] == 1:
        pixels = np.asarray(in_channels(pixels, shape[-1]))
    if pixels.ndim != 4 or not all(
        known in (None, side)
        for known, side in zip(shape, pixels.shape[1:], strict=True)
    ):
        raise InputError(
            "Invalid value for argument `images`. Expected images of shape "
            f"{shape}. Received: an array of shape {pixels.shape}."
        )
    low, high = pixels.min(initial=0), pixels.max(initial=0)
    scaled = not np.issubdtype(pixels.dtype, np.integer) and high <= 1
    if scaled or not 0 <= low <= high <= 255:  # Neither is what is no number.
        raise InputError(
            "Invalid value for argument `images`. Expected pixels from 0 to "
            f"255. Received: pixels from {low:g} to {high:g}."
        )
    return pixels
