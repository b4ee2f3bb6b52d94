"""A look at the images before anything is trained: `survey`."""

import dataclasses
import os
from os import PathLike
from typing import Any

import numpy as np

from nasnet_keras.console.accuracy import standard_error
from nasnet_keras.training.data.datasets import (
    ARRAYS,
    DataSource,
    ImageDataset,
    LabelledImages,
    are_arrays,
    open_dataset,
)
from nasnet_keras.training.data.holding import BY_MEMORY, Holding
from nasnet_keras.training.data.splits import (
    TEST_SHARE,
    fingerprint,
    split,
    with_test,
)

# Of images that are larger, this size is trained at first: four times the
# pixels of CIFAR-10.
FIRST_SIZE = 64
MOST_CLASSES = 8  # that are listed
# Below so many images a fifth is validated on, for a tenth would be too few to
# tell networks apart.
FEW = 2_000
MOST_VALIDATED = 5_000


@dataclasses.dataclass(frozen=True)
class Survey:
    """What is known of images before they are decoded.

    Attributes:
        class_names: A name for each class.
        counts: How many training images each class has.
        sizes: Width and height of the smallest image and of the largest;
            none where they were not looked at.
        has_validation: Whether there are images to validate on.
        has_test: Whether there are images to test on.
        notes: Sentences on what is read and what is not.
        given: How many images there are to validate on, as far as that is
            known before they are read.
        fingerprint: Changes when an image to train on does, or a class; of a
            data set by name, when a label does.
    """

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    has_validation: bool
    has_test: bool
    notes: tuple[str, ...]
    given: int = 0
    fingerprint: str = ""

    @property
    def images(self) -> int:
        """How many training images there are."""
        return sum(self.counts)

    @property
    def image_size(self) -> int:
        """Height and width to train at first."""
        return min(FIRST_SIZE, self.largest_size)

    @property
    def largest_size(self) -> int:
        """From which size on images would be made larger than most are."""
        sides = [min(size) for size in self.sizes]
        return max(8, round(sum(sides) / len(sides))) if sides else FIRST_SIZE

    @property
    def validation_images(self) -> int | None:
        """How many of the training images are held out to choose by; None
        where there are images for validation."""
        if self.has_validation:
            return None
        left = self.images
        if not self.has_test:
            left -= max(1, round(TEST_SHARE * left))
        share = 0.2 if left < FEW else 0.1
        return max(1, min(MOST_VALIDATED, round(share * left)))

    @property
    def validated(self) -> int:
        """How many images a network is measured on after an epoch."""
        return self.validation_images or self.given

    def lines(self) -> list[str]:
        """What a user should know, a sentence a line."""
        order = np.argsort(-np.array(self.counts), kind="stable")
        named = [
            f"{self.class_names[i]} {self.counts[i]:,}"
            for i in order[:MOST_CLASSES]
        ]
        more = len(order) - len(named)
        tail = f" and {more:,} more" if more else ""
        lines = [
            f"{self.images:,} training images of {len(self.counts):,} classes: "
            f"{', '.join(named)}{tail}.",
            *self.notes,
        ]
        if self.sizes:
            found = " to ".join(
                f"{w} x {h}" for w, h in dict.fromkeys(self.sizes)
            )
            lines.append(
                f"Images of {found} pixels; trained first at "
                f"{self.image_size} x {self.image_size}, the largest centred "
                "square of each, scaled."
            )
        held_out = self.validation_images
        if held_out is None:
            lines.append("Networks are chosen by the images for validation.")
        else:
            lines.append(
                f"{held_out:,} images are held out to choose networks by; an "
                "accuracy of 80 % on them has a standard error of "
                f"{100 * standard_error(0.8, held_out):.1f} points."
            )
        if self.has_test:
            lines.append("The test images are looked at once, at the end.")
        return lines


def survey(
    source: DataSource, skip_broken: bool = False, seed: int = 0
) -> Survey:
    """Looks at a data set. Of files no image is decoded; arrays are read, all
    of them, so that what is wrong with those to test on is found now.

    Args:
        source: As of `load_dataset`.
        skip_broken: As of `load_dataset`.
        seed: Chooses the images that are held out.

    Raises:
        ValueError: As of `load_dataset`; or networks of colour images cannot
            take the images, or there are too few to hold some out.

    Example:

    >>> survey("digits").images
    1438
    """
    is_folder = isinstance(source, str | PathLike) and (
        os.path.isabs(source) and os.path.isdir(source)
    )
    is_named = isinstance(source, str) and not os.path.isabs(source)
    # A size is needed where images differ; none of a folder is read here.
    opened: Any = open_dataset(
        source,
        FIRST_SIZE,
        skip_broken,
        holding=Holding(stream=True) if is_folder else BY_MEMORY,
    )
    labels: np.ndarray = opened.read_labels()
    identity, given = [labels], 0
    if opened.read_validation is not None and not is_named:
        given = len(opened.read_validation()[1])
    if is_folder:
        identity.append(opened.read_train(None)[3])  # digests
    elif not is_named:
        images = opened.read_train(None)[0]
        _check_channels(images)
        identity.append(images)
        if opened.read_test is not None:
            opened.read_test()
    counts = np.bincount(labels, minlength=len(opened.class_names))
    found = Survey(
        class_names=tuple(opened.class_names),
        counts=tuple(map(int, counts)),
        sizes=tuple(opened.sizes),
        has_validation=opened.read_validation is not None,
        has_test=opened.read_test is not None,
        notes=tuple(opened.notes),
        given=given,
        fingerprint=fingerprint(*identity, np.array(opened.class_names)),
    )
    name = ARRAYS if are_arrays(source) else str(source)
    _check_split(name, found, labels, seed)
    return found


def _check_channels(images: np.ndarray) -> None:
    channels = images.shape[-1]
    if channels not in (1, 3):
        raise ValueError(
            "Invalid images. Expected grey ones, or 3 channels. Received: "
            f"{channels} channels."
        )


def _check_split(
    name: str, found: Survey, labels: np.ndarray, seed: int
) -> None:
    """Holds images out as trainings will, without their pixels.

    Raises:
        ValueError: A class has no image left to train on, or there is one
            class alone.
    """

    def read() -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(labels), 1, 1, 1), np.uint8), labels

    dataset = ImageDataset(
        name,
        LabelledImages(*read()),
        found.class_names,
        read_test=read if found.has_test else None,
        read_validation=read if found.has_validation else None,
    )
    split(with_test(dataset), found.validation_images, seed=seed)
