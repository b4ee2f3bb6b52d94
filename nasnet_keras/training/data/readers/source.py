"""What every reader returns: `Source`; and images brought to one shape."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.data.holding import check_memory
from nasnet_keras.training.data.resizer import fit
from nasnet_keras.training.data.streaming import in_parallel

# What `LabelledImages` takes: images [n, H, W, C], labels [n], and where the
# images are files [n] names of these and [n] digests.
Arrays = tuple[Any, ...]
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
            for None. Where images are files, their names come third, `[n]`,
            and fourth digests, `[n]`, uint64.
        read_test: Returns the test images and labels. None if there are none.
        read_validation: Returns the validation images and labels. None if
            there are none.
        sizes: Width and height of the smallest image and of the largest, as
            they were found.
        notes: Sentences on what is read and what is not.
    """

    class_names: tuple[str, ...]
    read_labels: Callable[[], np.ndarray]
    read_train: Callable[[np.ndarray | None], Arrays]
    read_test: Callable[[], Arrays] | None
    read_validation: Callable[[], Arrays] | None = None
    sizes: tuple[Size, ...] = ()
    notes: tuple[str, ...] = ()


def extremes(sizes: Iterable[Size]) -> tuple[Size, Size]:
    """The size of the smallest image, and that of the largest, by their
    areas."""
    by_area = sorted(set(sizes), key=lambda size: (size[0] * size[1], size))
    return by_area[0], by_area[-1]


def listed(names: Iterable[str], most: int = LISTED) -> str:
    """Names in a sentence, as many as one reads."""
    names = list(names)
    more = len(names) - most
    shown = ", ".join(names[:most])
    return f"{shown} and {more:,} more" if more > 0 else shown


def resized(
    images: np.ndarray, labels: np.ndarray, image_size: int | None
) -> Arrays:
    """Images, `[N, H, W, C]`, made squares of `image_size` if that is not
    None, and their labels.

    Raises:
        ValueError: These do not fit into memory.
    """
    if image_size is None or images.shape[1:3] == (image_size, image_size):
        return images, labels
    shape = (image_size, image_size, images.shape[3])
    check_memory((len(images), *shape), "ask for fewer")
    scaled = np.empty((len(images), *shape), np.uint8)
    scale = functools.partial(fit, shape=shape)
    for row, image in enumerate(in_parallel(scale, images)):
        tell_activity("scaling images", row, len(images))
        scaled[row] = image
    return scaled, labels
