"""A look at the images before anything is trained: `survey`."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nasnet_keras.training.data.datasets import DataSource, open_dataset
from nasnet_keras.training.data.splits import TEST_SHARE

# Of images that are larger, this size is trained at first: four times the
# pixels of CIFAR-10, a few milliseconds an image on a processor.
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
    """

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    has_validation: bool
    has_test: bool
    notes: tuple[str, ...]

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


def survey(source: DataSource, skip_broken: bool = False) -> Survey:
    """Looks at a data set, of which no image is decoded.

    Args:
        source: As of `load_dataset`.
        skip_broken: As of `load_dataset`.

    Raises:
        ValueError: As of `load_dataset`.

    Example:

    >>> survey("digits").images
    1438
    """
    # A size is needed where images differ; none is read here.
    opened: Any = open_dataset(source, FIRST_SIZE, skip_broken)
    labels: Sequence[int] = opened.read_labels()
    counts = np.bincount(labels, minlength=len(opened.class_names))
    return Survey(
        class_names=tuple(opened.class_names),
        counts=tuple(map(int, counts)),
        sizes=tuple(opened.sizes),
        has_validation=opened.read_validation is not None,
        has_test=opened.read_test is not None,
        notes=tuple(opened.notes),
    )


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy that was measured on so many images (binomial).

    Example:

    >>> standard_error(0.5, 100)
    0.05
    """
    return math.sqrt(accuracy * (1 - accuracy) / images)
