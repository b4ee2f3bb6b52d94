"""What every reader returns: `Source`; and images brought to one shape."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from nasnet_keras.activity import tell_activity

MAX_BYTES = 4 * 2**30  # of training or test images: 28 times CIFAR-10

# Images [n, H, W, C], labels [n], and [n] names where the images are files.
Arrays = tuple[Any, ...]
Shape = tuple[int, int, int]  # height, width, channels
Size = tuple[int, int]  # width, height, as of pictures

LISTED = 20  # names that a sentence has at most

# The parts of a data set, and what each is for.
PURPOSES = {
    "train": "to train on",
    "validation": "to validate on",
    "test": "to test on",
}


class Source(NamedTuple):
    """A data set that is read when asked for, and as far as asked for.

    Attributes:
        class_names: A name for each class.
        read_labels: Returns all training labels, `[N]`, int32.
        read_train: Returns the training images, `[n, H, W, C]`, uint8, and
            labels, `[n]`, int32, of the given indices, which ascend; of all
            for None. Where images are files, their names come third, `[n]`.
        read_test: Returns the test images and labels; None without any.
        read_validation: Likewise those to validate on.
        sizes: Width and height of the smallest image and of the largest, as
            they were found; none where all that is known is that they differ.
        notes: Sentences on what is read and what is not.
    """

    class_names: tuple[str, ...]
    read_labels: Callable[[], np.ndarray]
    read_train: Callable[[np.ndarray | None], Arrays]
    read_test: Callable[[], Arrays] | None
    read_validation: Callable[[], Arrays] | None = None
    sizes: tuple[Size, ...] = ()
    notes: tuple[str, ...] = ()


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, as many as one reads."""
    names = list(names)
    more = len(names) - LISTED
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {more:,} more" if more > 0 else shown


def resized(
    images: np.ndarray, labels: np.ndarray, image_size: int | None
) -> Arrays:
    """Images, `[N, H, W, C]`, made squares of `image_size` if that is not
    None, and their labels."""
    if image_size is None or images.shape[1:3] == (image_size, image_size):
        return images, labels
    shape = (image_size, image_size, images.shape[3])
    return stack(zip(images, labels, strict=True), len(images), shape)


def stack(
    examples: Iterable[tuple[np.ndarray, int]], count: int, shape: Shape
) -> Arrays:
    """Puts uint8 images and their labels into arrays. Of an image of another
    size the largest centred part of the shape's proportions is scaled.

    Raises:
        ValueError: They would take too much memory.
    """
    size = count * int(np.prod(shape))
    if size > MAX_BYTES:
        raise ValueError(
            "The data set is too big for memory. Expected at most "
            f"{MAX_BYTES / 2**30:.0f} GiB of images. Received: {count:,} of "
            f"shape {shape}, {size / 2**30:.1f} GiB. Ask for fewer with "
            "`train_images`, or for smaller ones with `image_size`."
        )
    images = np.empty((count, *shape), np.uint8)
    labels = np.empty(count, np.int32)
    for row, (image, label) in enumerate(examples):
        tell_activity("reading images", row, count)
        images[row] = image if image.shape == shape else fit(image, shape)
        labels[row] = label
    return images, labels


def fit(image: np.ndarray, shape: Shape) -> np.ndarray:
    """The one resizer: the largest centred part of an image, `[H, W, C]`, of
    the shape's proportions, scaled."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    # Pillow knows images of 1 and 3 channels; any number is so many of 1.
    whole = channels == 3
    pictures = [image] if whole else np.moveaxis(image, -1, 0)
    fitted = [
        np.asarray(
            ImageOps.fit(
                Image.fromarray(picture),
                (width, height),
                Image.Resampling.BILINEAR,
            )
        )
        for picture in pictures
    ]
    return fitted[0] if whole else np.stack(fitted, axis=-1)
