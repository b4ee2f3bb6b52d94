"""What every reader returns: `Source`; and images brought to one shape."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

MAX_BYTES = 4 * 2**30  # of training or test images: 28 times CIFAR-10

Arrays = tuple[np.ndarray, np.ndarray]  # images [n, H, W, C] and labels [n]
Shape = tuple[int, int, int]  # height, width, channels


class Source(NamedTuple):
    """A data set that is read when asked for, and as far as asked for.

    Attributes:
        class_names: A name for each class.
        read_labels: Returns all training labels, `[N]`, int32.
        read_train: Returns the training images, `[n, H, W, C]`, uint8, and
            labels, `[n]`, int32, of the given indices, which ascend; of all
            for None.
        read_test: Returns the test images and labels; None without any.
    """

    class_names: tuple[str, ...]
    read_labels: Callable[[], np.ndarray]
    read_train: Callable[[np.ndarray | None], Arrays]
    read_test: Callable[[], Arrays] | None


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
        images[row] = image if image.shape == shape else _fit(image, shape)
        labels[row] = label
    return images, labels


def _fit(image: np.ndarray, shape: Shape) -> np.ndarray:
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
