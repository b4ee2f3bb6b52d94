"""Image data sets: `load_dataset`, `ImageDataset`.

Neither TensorFlow nor scikit-learn is imported before a source needs it.
"""

import difflib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from nasnet_keras.files import expanded, is_path
from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.holding import BY_MEMORY, Holding
from nasnet_keras.training.data.readers import digits, folder, npz, tfds
from nasnet_keras.training.data.readers.layout import holds_images
from nasnet_keras.training.data.readers.pipelines import in_memory, is_pipeline
from nasnet_keras.training.data.readers.source import (
    Arrays,
    Size,
    Source,
    listed,
)
from nasnet_keras.training.data.sampling import count_of, stratified
from nasnet_keras.training.data.streaming import Images, StreamedImages

# A name, a path, images and labels, or a `tf.data.Dataset`.
DataSource = str | PathLike[str] | Sequence[Any] | Any
ARRAYS = "(arrays)"  # the name of a data set that is given as such
NAME_LENGTH = 200  # of one that is quoted
UNEVEN = 3  # times the images of another class, from which on it is told


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and their labels.

    Args:
        images: `[N, H, W, C]`, uint8, 0 to 255: an array, or
            `StreamedImages`, of which a part is read when it is indexed.
        labels: `[N]`, int32, from 0.
        files: `[N]`, the names of the files that they come from, below the
            data set's folder; None where they are no files.
        digests: `[N]`, numbers by which it is seen whether images have
            changed; None where these tell.

    Raises:
        ValueError: The images have another rank or type, or the labels are
            not one for each.
    """

    images: Images
    labels: np.ndarray
    files: np.ndarray | None = None
    digests: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(
                "Invalid value for argument `images`. Expected uint8 images "
                "of shape (images, height, width, channels). Received: "
                f"{self.images.dtype} of shape {self.images.shape}."
            )
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                "The arguments `images` and `labels` disagree. Expected one "
                f"label for each of {len(self.images)} images. Received: "
                f"labels of shape {self.labels.shape}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> "LabelledImages":
        """A copy of the images with the given indices, `[n]`; of streamed
        ones none is read."""
        streamed = isinstance(self.images, StreamedImages)
        return LabelledImages(
            self.images.take(indices) if streamed else self.images[indices],
            self.labels[indices],
            None if self.files is None else self.files[indices],
            None if self.digests is None else self.digests[indices],
        )

    @property
    def identity(self) -> np.ndarray:
        """What changes when the images do: their digests, or else they."""
        if self.digests is None:
            return self.images[:]
        return self.digests


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """A data set for image classification.

    Args:
        name: The name, or the path, that it was loaded by.
        train: The training images.
        class_names: A name for each class, in the order of the labels.
        read_test: Reads the test images and labels. None if the data set has
            no test images.
        read_validation: Reads the validation images and labels. None if the
            data set has no validation images.
        notes: Sentences for the user: what was read, what was not, and what
            may surprise.

    Raises:
        ValueError: A label is no class, or a class has no training image.
    """

    name: str
    train: LabelledImages
    class_names: tuple[str, ...]
    read_test: Callable[[], Arrays] | None = None
    read_validation: Callable[[], Arrays] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_labels(self.train.labels, "training")
        missing = np.setdiff1d(np.arange(self.num_classes), self.train.labels)
        if missing.size:
            names = listed(
                f"{each} {quoted(self.class_names[each])}" for each in missing
            )
            raise ValueError(
                f"Invalid training labels of {self.name!r}. Expected at least "
                f"one image of each of the {self.num_classes} classes, "
                f"counted from 0. Received: none of {names}; give more "
                "images, or leave out the names of these classes."
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @cached_property
    def test(self) -> LabelledImages | None:
        """The test images, read when first asked for; None without any."""
        return self._part(self.read_test, "test")

    @cached_property
    def validation(self) -> LabelledImages | None:
        """The images that the data set has for validation, likewise."""
        return self._part(self.read_validation, "validation")

    def _part(
        self, read: Callable[[], Arrays] | None, part: str
    ) -> LabelledImages | None:
        if read is None:
            return None
        images = LabelledImages(*read())
        self._check_labels(images.labels, part)
        if images.images.shape[1:] != self.image_shape:
            raise ValueError(
                f"The {part} images of {self.name!r} differ from its training "
                f"images. Expected the shape {self.image_shape}. Received: "
                f"{images.images.shape[1:]}."
            )
        return images

    def _check_labels(self, labels: np.ndarray, part: str) -> None:
        low, high = labels.min(initial=0), labels.max(initial=0)
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f"Invalid {part} labels of {self.name!r}. Expected 0 to "
                f"{self.num_classes - 1}, one of the {self.num_classes} "
                f"classes. Received: labels from {low} to {high}."
            )


def load_dataset(
    source: DataSource,
    data_dir: str | PathLike[str] | None = None,
    image_size: int | None = None,
    train_images: int | float | None = None,
    seed: int = 0,
    skip_broken: bool = False,
    stream: bool | None = None,
    cache: str | PathLike[str] | None = None,
) -> ImageDataset:
    """Loads a data set: into memory, or so that each batch of images is read
    from the disk when it is needed.

    Args:
        source: One of

            - `"digits"`: the 1,797 handwritten digits, 8 x 8, that come with
              scikit-learn. A fifth of them, always the same, is the test
              set.
            - a name of tensorflow-datasets, such as `"cifar10"`, downloaded
              when first used. The test set is its split `test`, or
              `validation` where `test` has no labels; else `validation` is
              what is measured on.
            - the path of a folder with a sub-folder of images for each
              class, or with sub-folders for its parts that have those:
              `train`, and `val` or `test` or both, or others with such a
              word in their names, such as `seg_train` and `seg_test`; or
              with the parts in each class. A folder with a name of
              tensorflow-datasets that holds images comes before the data
              set; `./` before it says so.
            - the path of an `.npz` file with images and labels to train on,
              and if there are some to validate and to test on, under the
              names that people give them: `x_train` and `y_train`, `images`
              and `labels`, `train_images` and `train_labels`, … It may have
              `class_names`.
            - a pair of arrays, images and labels to train on; or two pairs,
              to train and to test on, as `keras.datasets` have them.
            - a `tf.data.Dataset` of images and labels, batched or not, that
              ends, or two of them, to train and to test on. It is read into
              memory, in its order.
        data_dir: Where tensorflow-datasets keeps its data. Defaults to the
            environment variable `TFDS_DATA_DIR`, or else
            `~/tensorflow_datasets`.
        image_size: Height and width to bring the images to, in pixels: the
            largest centred square of each is scaled. None keeps the size
            that all have; where they differ, it must be given.
        train_images: Read only so many of the training images, or such a
            share of them when below 1: a sample with the data set's
            proportions of the classes. None reads all of them.
        seed: Chooses the images of `train_images`.
        skip_broken: Whether to leave out files of a folder that are no whole
            images. Default: they are an error that names them all.
        stream: Whether images are decoded each time they are asked for,
            rather than held in memory. The pixels are the same. Default:
            where they would take more than a quarter of the memory
            available. A folder of images can be streamed, and a data set
            that tensorflow-datasets stores as array_record.
        cache: A folder in which the decoded images are kept, a byte for each
            pixel and channel, to be read from there. Default: none.

    Returns:
        An `ImageDataset`. Grey images have one channel; its `notes` say what
        was read and what was not.

    Raises:
        ValueError: The source is unknown or missing, has no images in
            classes, or is too big for memory.
        OSError: A download failed.

    Example:

    >>> dataset = load_dataset("digits")
    >>> dataset.image_shape, dataset.num_classes, len(dataset.train)
    ((8, 8, 1), 10, 1438)
    """
    _check_source(source)
    source = in_memory(source)
    if image_size is not None and (
        type(image_size) is not int or image_size < 1
    ):
        raise ValueError(
            "Invalid value for argument `image_size`. Expected a positive "
            f"integer. Received: image_size={quoted(image_size)}."
        )
    holding = Holding(stream, None if cache is None else expanded(cache))
    opened = open_dataset(source, image_size, skip_broken, data_dir, holding)
    chosen = None
    if train_images is not None:
        labels = opened.read_labels()
        count = count_of(train_images, len(labels), "train_images")
        chosen = stratified(labels, count, seed)
    train = LabelledImages(*opened.read_train(chosen))
    names = opened.class_names
    return ImageDataset(
        name=ARRAYS if are_arrays(source) else str(source),
        train=train,
        class_names=names,
        read_test=opened.read_test,
        read_validation=opened.read_validation,
        notes=(
            *opened.notes,
            *_size_note(opened.sizes, train.images.shape),
            *_holding_note(train.images),
            *_evenness_note(train.labels, names),
        ),
    )


def is_source(value: object) -> bool:
    """Whether a value could be a source: the type and the form of one."""
    return (
        are_arrays(value)
        or is_pipeline(value)
        or (is_path(value) and value != "")
    )


def _check_source(source: object) -> None:
    """Raises:
    ValueError: It is of another type than a source.
    """
    if not (
        are_arrays(source)
        or is_pipeline(source)
        or (
            isinstance(source, str | PathLike)
            and isinstance(os.fspath(source), str)
            and source != ""
        )
    ):
        raise ValueError(
            "Invalid value for argument `source`. Expected a name, a path, a "
            "tf.data.Dataset, or a pair of arrays, images and labels. "
            "Received: a value of type "
            f"{type(source).__name__}, {quoted(source)}."
        )


def are_arrays(source: object) -> TypeGuard[Sequence[Any]]:
    """Whether a source is a pair of arrays, or two such pairs."""
    return isinstance(source, tuple | list) and len(source) == 2


def _size_note(sizes: tuple[Size, ...], shape: tuple[int, ...]) -> list[str]:
    """Whether the images are no longer as large as they were."""
    width, height = shape[2], shape[1]
    if set(sizes) == {(width, height)}:
        return []
    found = " to ".join(f"{w} x {h}" for w, h in dict.fromkeys(sizes))
    found = f"{found} pixels" if sizes else "of several sizes"
    return [
        f"The images, {found}, are brought to {width} x {height}; "
        "another image size keeps more of them, or less."
    ]


def _holding_note(images: Images) -> list[str]:
    """Whether the images are not in memory."""
    return [images.note] if isinstance(images, StreamedImages) else []


def _evenness_note(labels: np.ndarray, names: tuple[str, ...]) -> list[str]:
    """Whether there are far more images of one class than of another."""
    counts = np.bincount(labels[labels >= 0], minlength=len(names))
    most, least = counts.argmax(), counts.argmin()
    if counts[most] < UNEVEN * max(1, counts[least]) or not counts[least]:
        return []
    return [
        f"The classes are uneven: {counts[most]:,} images of "
        f"{quoted(names[most])}, {counts[least]:,} of {quoted(names[least])}."
    ]


def resolve_source(source: str | PathLike[str]) -> str:
    """A source of `load_dataset` as it is written down: a path is absolute, so
    that it is found from elsewhere; a name, and what is neither, stays.

    Raises:
        ValueError: It is of another type.
    """
    _check_source(source)
    if _is_name(source):
        return str(source)
    path = expanded(source)
    return str(path.resolve()) if os.path.exists(path) else str(source)


def _is_name(source: str | PathLike[str]) -> bool:
    """Whether it is a data set's name, and not that of a folder of images
    that is there."""
    name = str(source)
    if isinstance(source, PathLike) or name.startswith((".", "/", "~")):
        return False
    if name.lower().endswith(".npz") and os.path.isfile(name):
        return False
    if name != digits.NAME and (
        re.split("[/:]", name)[0] not in tfds.dataset_names()
    ):
        return False
    return not (os.path.isdir(name) and holds_images(Path(name)))


def open_dataset(
    source: DataSource,
    image_size: int | None = None,
    skip_broken: bool = False,
    data_dir: str | PathLike[str] | None = None,
    holding: Holding = BY_MEMORY,
) -> Source:
    """A data set whose files are known, before any image is read.

    Args:
        source: A name, a folder, a file or arrays; see `load_dataset`.
        image_size: Height and width to bring the images to.
        skip_broken: Whether to leave out broken files.
        data_dir: Where tensorflow-datasets keeps its data.
        holding: Where images are held once they are read.

    Raises:
        ValueError: See `load_dataset`.

    Example:

    >>> open_dataset("digits").read_labels().shape
    (1438,)
    """
    source = in_memory(source)
    if are_arrays(source):
        _check_holding(holding, ARRAYS)
        return npz.read_arrays(npz.ArraysInMemory(source), image_size)
    source = str(source) if isinstance(source, Sequence) else source
    name = str(source)
    if _is_name(source):
        if name == digits.NAME:
            _check_holding(holding, name)
            return digits.read_digits(image_size)
        return tfds.read_tfds(name, data_dir, image_size, holding)
    path = expanded(name)
    if path.suffix.lower() == ".npz" and os.path.isfile(path):
        _check_holding(holding, name)
        return npz.read_npz(path, image_size)
    if os.path.isdir(path):
        return folder.read_folder(path, image_size, skip_broken, holding)
    names, name = tfds.dataset_names(), name[:NAME_LENGTH]
    near = difflib.get_close_matches(name, [digits.NAME, *names])
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Invalid value for argument `source`. Expected 'digits', a name of "
        "tensorflow-datasets, or the path of an `.npz` file or of a folder "
        "with a sub-folder of images for each class. Received: "
        f"source={name!r}, which is none of them.{hint}"
    )


def _check_holding(holding: Holding, name: str) -> None:
    """Raises:
    ValueError: Arrays are to be elsewhere than in memory.
    """
    if holding.stream or holding.cache:
        raise ValueError(
            "The arguments `stream` and `cache` are for files of images. "
            "Expected a folder, or a data set of tensorflow-datasets. "
            f"Received: {quoted(name)}, whose images are in memory."
        )
