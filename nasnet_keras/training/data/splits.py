"""What is trained on and what is measured on: `split`, `Split`,
`with_test`."""

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.datasets import ImageDataset, LabelledImages
from nasnet_keras.training.data.groups import grouped, groups_of
from nasnet_keras.training.data.readers.source import listed
from nasnet_keras.training.data.resizer import RESIZER
from nasnet_keras.training.data.sampling import count_of, stratified

TEST_SHARE = 0.1
FINGERPRINT_DIGITS = 16  # hexadecimal, that is 64 bits


@dataclass(frozen=True, eq=False)
class Split:
    """Training images in two parts: to train on, and to measure on.

    Attributes:
        train: The images to train on.
        validation: The images to measure on; no image is in both.
        train_indices: `[N]`, where they are among the data set's training
            images, ascending.
        validation_indices: `[M]`, likewise, or among its images for
            validation if it has some.
    """

    train: LabelledImages
    validation: LabelledImages
    train_indices: np.ndarray
    validation_indices: np.ndarray

    @cached_property
    def fingerprint(self) -> str:
        """Changes when an image, its resizer, a label or an index of the
        split does."""
        return fingerprint(
            np.array(RESIZER),
            self.train.identity,
            self.train.labels,
            self.train_indices,
            self.validation.identity,
            self.validation.labels,
            self.validation_indices,
        )


def split(
    dataset: ImageDataset,
    validation_images: int | float | None = 0.1,
    train_images: int | float | None = None,
    seed: int = 0,
) -> Split:
    """Divides the training images into a training and a validation part,
    both with the data set's proportions of the classes. Where the data set
    has images for validation, those are the validation part.

    Images that belong together by the names of their files, such as
    patient12_3.jpg, are in the same part (`groups_of`); of those to validate
    on there may be fewer then, or more.

    The validation part does not depend on `train_images`, and a smaller
    `train_images` takes a part of what a larger one takes.

    Args:
        dataset: The data set; its test images are not touched.
        validation_images: How many images to measure on, or which share of
            the training images when below 1; None for none. Defaults to a
            tenth: the 5,000 of CIFAR-10's 50,000 of the paper (appendix A.1).
            Where the data set has images for validation, how many of them;
            all unless it is an integer.
        train_images: How many images to train on, or which share of the
            training images when below 1. None takes all that are left.
        seed: Chooses the images.

    Raises:
        ValueError: There are too few images for the parts asked for, or
            less than two classes.

    Example:

    >>> from nasnet_keras import load_dataset
    >>> parts = split(load_dataset("digits"), validation_images=200)
    >>> len(parts.train), len(parts.validation)
    (1238, 200)
    """
    if dataset.num_classes < 2:
        raise ValueError(
            f"Invalid data set {dataset.name!r}. Expected at least two classes "
            f"to tell apart. Received: {', '.join(dataset.class_names)}."
        )
    labels = dataset.train.labels
    total = len(labels)
    given = dataset.validation
    measured_on = dataset.train if given is None else given
    validation = np.arange(0)
    if given is not None:
        validation = np.arange(len(given))
        if isinstance(validation_images, int):
            count = count_of(validation_images, len(given), "validation_images")
            validation = stratified(given.labels, count, seed)
    elif validation_images is not None:
        count = count_of(validation_images, total, "validation_images")
        validation = _held_out(dataset.train, count, seed)
    held_out = 0 if given is not None else len(validation)
    wanted = total - held_out
    if train_images is not None:
        wanted = count_of(train_images, total, "train_images")
    if wanted < 1 or held_out + wanted > total:
        raise ValueError(
            "The arguments `validation_images` and `train_images` ask for "
            f"too much. Expected at most {total} images in all, at least one "
            f"of them to train on. Received: validation_images={held_out}, "
            f"train_images={wanted}."
        )
    rest = np.arange(total)
    if given is None:
        rest = np.setdiff1d(rest, validation)
    train = rest[stratified(labels[rest], wanted, seed)]
    missing = np.setdiff1d(np.arange(dataset.num_classes), labels[train])
    if missing.size:
        apart = f" after {held_out} of {total} were held out to measure on"
        names = listed(quoted(dataset.class_names[each]) for each in missing)
        raise ValueError(
            "Too few images to train on. Expected at least one of each of "
            f"the {dataset.num_classes} classes. Received: {wanted} images"
            f"{apart if held_out else ''}, none of {names}; take more "
            "images."
        )
    return Split(
        train=dataset.train.take(train),
        validation=measured_on.take(validation),
        train_indices=train,
        validation_indices=validation,
    )


def _held_out(images: LabelledImages, count: int, seed: int) -> np.ndarray:
    """The indices of so many images, or of groups of about as many."""
    groups = groups_of(images.files, images.labels)
    if groups is None:
        return stratified(images.labels, count, seed)
    found = grouped(images.labels, groups.numbers, count, seed)
    none = np.setdiff1d(images.labels, images.labels[found])
    if none.size:
        raise ValueError(
            f"Too few images to hold out {count}. Expected of each class some "
            f"{groups.word} with no more than a third of its images, for those "
            f"of one stay together. Received: {groups.total} of {len(images)} "
            f"images, and no such one of the class of label {none[0]}; take "
            "more images, name the files otherwise, or divide them into "
            "folders train and val."
        )
    return found


def fingerprint(*arrays: np.ndarray) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over the arrays' shapes,
    types and values. Recorded with a run, it tells when data changed."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def with_test(dataset: ImageDataset) -> ImageDataset:
    """A data set with test images: itself if it has some, or else itself with
    a tenth of its training images, always the same, taken out for it."""
    if dataset.read_test is not None:
        return dataset
    count = max(1, round(TEST_SHARE * len(dataset.train)))
    parts = split(dataclasses.replace(dataset, read_validation=None), count)
    test = parts.validation
    arrays = (test.images, test.labels, test.files, test.digests)
    note = (
        f"No images to test on: {len(test):,} of those to train on are held "
        "out."
    )
    return dataclasses.replace(
        dataset,
        train=parts.train,
        read_test=lambda: arrays,
        notes=(*dataset.notes, note),
    )
