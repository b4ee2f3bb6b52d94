"""A look at the images before anything is trained: `survey`."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.console.accuracy import standard_error
from nasnet_keras.console.activity import tell_activity
from nasnet_keras.training.data.datasets import (
    ARRAYS,
    UNEVEN,
    DataSource,
    ImageDataset,
    LabelledImages,
    are_arrays,
    open_dataset,
)
from nasnet_keras.training.data.groups import groups_of
from nasnet_keras.training.data.holding import (
    BY_MEMORY,
    Holding,
    amount,
    available_memory,
)
from nasnet_keras.training.data.pipeline import (
    augmentation_text,
    default_augmentation,
)
from nasnet_keras.training.data.readers.folder import broken_files
from nasnet_keras.training.data.readers.source import (
    PURPOSES,
    Arrays,
    listed,
)
from nasnet_keras.training.data.resizer import RESIZER
from nasnet_keras.training.data.splits import (
    TEST_SHARE,
    fingerprint,
    split,
    with_test,
)
from nasnet_keras.training.data.streaming import unreadable_told
from nasnet_keras.training.recipes import Augmentation

# Of images that are larger, this size is trained at first: four times the
# pixels of CIFAR-10.
FIRST_SIZE = 64
MOST_CLASSES = 8  # that are listed
# Below so many images a fifth is validated on, for a tenth would be too few to
# tell networks apart.
FEW = 2_000
MOST_VALIDATED = 5_000
# Up to so many images of a folder are compared by their pixels; more are by
# their files, for to decode them takes minutes.
MOST_DECODED = 20_000
AT_ONCE = 256  # of these in memory
EXAMPLES = 3  # of files that are copies


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
        fingerprint: Changes when an image or a label does, or a class; of a
            data set by name, when a label to train on does.
        copies: Sentences on images that are there twice.
        augmentation: How images to train on are augmented.
        groups: What several images are of, and how many of these there are;
            None where the names of files do not say so.
    """

    class_names: tuple[str, ...]
    counts: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    has_validation: bool
    has_test: bool
    notes: tuple[str, ...]
    given: int = 0
    fingerprint: str = ""
    copies: tuple[str, ...] = ()
    augmentation: Augmentation = "crop-flip"
    groups: tuple[str, int] | None = None

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
        left = self.images - self.held_for_test
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
            *self.copies,
        ]
        if self.groups is not None:
            word, count = self.groups
            lines.append(
                f"By the names of files the images are of {count:,} {word}s: "
                "whoever is held out is not trained on."
            )
        if self.sizes:
            found = " to ".join(
                f"{w} x {h}" for w, h in dict.fromkeys(self.sizes)
            )
            lines.append(
                f"Images of {found} pixels. The largest centred square of each "
                "is scaled, to the size that the leaderboard says."
            )
        lines += [self._memory(), augmentation_text(self.augmentation)]
        if self.is_uneven:
            lines.append(
                "The classes are uneven: losses are weighted, so that all "
                "classes count alike."
            )
        return [*lines, self._validation(), self._test()]

    def _memory(self) -> str:
        size = 3 * self.images * self.image_size**2
        return (
            f"Decoded at {self.image_size} x {self.image_size} they take "
            f"{amount(size)}; {amount(available_memory())} of memory are "
            "available."
        )

    def _validation(self) -> str:
        """By what networks are chosen, and the error of that."""
        held_out = self.validation_images
        if held_out is None:
            by = "Networks are chosen by the images for validation"
        else:
            about = "About " if self.groups else ""
            by = (
                f"{about}{held_out:,} images are held out to choose networks by"
            )
        if not self.validated:
            return f"{by}."
        error = 100 * standard_error(0.8, self.validated)
        return (
            f"{by}; an accuracy of 80 % on them has a standard error of "
            f"{error:.1f} points."
        )

    def _test(self) -> str:
        """What is tested on."""
        once = "looked at once, at the end"
        if self.has_test:
            return f"The test images are {once}."
        about = "About " if self.groups else ""
        return (
            f"{about}{self.held_for_test:,} images are held out to test on, "
            f"{once}."
        )

    @property
    def held_for_test(self) -> int:
        """How many training images are put aside to test on."""
        return 0 if self.has_test else max(1, round(TEST_SHARE * self.images))

    @property
    def is_uneven(self) -> bool:
        """Whether a class has far more images than another."""
        counts = [count for count in self.counts if count]
        return max(counts) >= UNEVEN * min(counts)


def survey(
    source: DataSource,
    skip_broken: bool = False,
    seed: int = 0,
    augmentation: Augmentation | None = None,
) -> Survey:
    """Looks at a data set. All arrays are read, so that errors in the test
    images are found now; of a data set by name no image is read. In arrays and
    folders it looks for images that are there twice: by the pixels in the size
    that photographs are trained at first, of more than `MOST_DECODED` files by
    these.

    Args:
        source: See `load_dataset`.
        skip_broken: See `load_dataset`.
        seed: Chooses the images that are held out.
        augmentation: How images are augmented; None for what suits the names
            of the data set and of its classes.

    Raises:
        ValueError: See `load_dataset`; or networks of colour images cannot
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
    identity, files = [labels], None
    parts: dict[str, Arrays] = {}
    if not is_named:
        parts["train"] = opened.read_train(None)
        for name, read in (
            ("validation", opened.read_validation),
            ("test", opened.read_test),
        ):
            if read is not None:
                parts[name] = read()
        images, _, *of_files = parts["train"]
        files = of_files[0] if of_files else None
        _check_channels(images)
        for part, part_labels, *others in parts.values():
            # Of files the digests stand for them.
            identity += [part_labels, others[1] if others else part]
    try:
        copies = tuple(_copies(parts))
    except ValueError:
        if is_folder:
            raise broken_files(Path(str(source))) from None
        raise
    given = len(parts["validation"][1]) if "validation" in parts else 0
    groups = groups_of(files, labels)
    counts = np.bincount(labels, minlength=len(opened.class_names))
    name = ARRAYS if are_arrays(source) else str(source)
    found = Survey(
        class_names=tuple(opened.class_names),
        counts=tuple(map(int, counts)),
        sizes=tuple(opened.sizes),
        has_validation=opened.read_validation is not None,
        has_test=opened.read_test is not None,
        notes=tuple(opened.notes),
        given=given,
        fingerprint=fingerprint(
            np.array(RESIZER), *identity, np.array(opened.class_names)
        ),
        copies=copies,
        augmentation=augmentation
        or default_augmentation(name, opened.class_names),
        groups=groups and (groups.word, groups.total),
    )
    _check_split(name, found, labels, files, seed)
    return found


def _copies(parts: Mapping[str, Arrays]) -> list[str]:
    """Sentences on images that are there twice: in two parts, or to train
    on."""
    decoded = sum(len(part[1]) for part in parts.values()) <= MOST_DECODED
    numbers = {
        name: _digests(part) if decoded or len(part) < 4 else part[3]
        for name, part in parts.items()
    }
    sentences = []
    seen: dict[str, np.ndarray] = {}
    for name, these in numbers.items():
        for before, others in seen.items():
            twice = np.flatnonzero(np.isin(these, others))
            if len(twice):
                sentences.append(
                    f"Images {PURPOSES[name]} that are {PURPOSES[before]} "
                    f"too: {len(twice):,}{_named(parts[name], twice)}. "
                    "Accuracies on them say too much. Remove them from either."
                )
        seen[name] = these
    if "train" in numbers:
        _, first = np.unique(numbers["train"], return_index=True)
        twice = np.setdiff1d(np.arange(len(numbers["train"])), first)
        if len(twice):
            sentences.append(
                "Images to train on that are copies of others: "
                f"{len(twice):,}{_named(parts['train'], twice)}. Where one of "
                "the two is held out, accuracies say too much."
            )
    return sentences


def _named(part: Arrays, rows: np.ndarray) -> str:
    """The names of a part's files, to go into a sentence."""
    return f" ({listed(part[2][rows], EXAMPLES)})" if part[2:] else ""


def _digests(part: Arrays) -> np.ndarray:
    """A number for each image, equal of equal pixels."""
    images = part[0]
    numbers = np.empty(len(images), np.uint64)
    with unreadable_told(images):
        for start in range(0, len(images), AT_ONCE):
            tell_activity("looking for copies", start, len(images))
            for row, image in enumerate(images[start : start + AT_ONCE], start):
                digest = hashlib.blake2b(image.tobytes(), digest_size=8)
                numbers[row] = int.from_bytes(digest.digest())
    return numbers


def _check_channels(images: np.ndarray) -> None:
    channels = images.shape[-1]
    if channels not in (1, 3):
        raise ValueError(
            "Invalid images. Expected grey ones, or 3 channels. Received: "
            f"{channels} channels."
        )


def _check_split(
    name: str,
    found: Survey,
    labels: np.ndarray,
    files: np.ndarray | None,
    seed: int,
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
        LabelledImages(*read(), files),
        found.class_names,
        read_test=read if found.has_test else None,
        read_validation=read if found.has_validation else None,
    )
    split(with_test(dataset), found.validation_images, seed=seed)
