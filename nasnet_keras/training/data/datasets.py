"""Image data sets in memory: `load_dataset`, `ImageDataset`.

Neither TensorFlow nor scikit-learn is imported before a source needs it.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np

from nasnet_keras.files import expanded
from nasnet_keras.training.data.readers import digits, folder, npz, tfds
from nasnet_keras.training.data.readers.source import Source
from nasnet_keras.training.data.sampling import count_of, stratified


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images and their labels.

    Args:
        images: `[N, H, W, C]`, uint8, 0 to 255.
        labels: `[N]`, int32, from 0.

    Raises:
        ValueError: The images have another rank or type, or the labels are
            not one for each.
    """

    images: np.ndarray
    labels: np.ndarray

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
        """A copy of the images with the given indices, `[n]`."""
        return LabelledImages(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """A data set for image classification.

    Args:
        name: The name, or the path, that it was loaded by.
        train: The training images.
        class_names: A name for each class, in the order of the labels.
        read_test: Reads the test images and labels; None where the data set
            has none.

    Raises:
        ValueError: A label is no class, or a class has no training image.
    """

    name: str
    train: LabelledImages
    class_names: tuple[str, ...]
    read_test: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None

    def __post_init__(self) -> None:
        self._check_labels(self.train.labels, "training")
        missing = np.setdiff1d(np.arange(self.num_classes), self.train.labels)
        if missing.size:
            raise ValueError(
                f"Invalid training labels of {self.name!r}. Expected at least "
                f"one image of each of the {self.num_classes} classes, "
                "counted from 0. Received none of class "
                f"{missing[0]}, {self.class_names[missing[0]]!r}."
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
        if self.read_test is None:
            return None
        test = LabelledImages(*self.read_test())
        self._check_labels(test.labels, "test")
        if test.images.shape[1:] != self.image_shape:
            raise ValueError(
                f"The test images of {self.name!r} differ from its training "
                f"images. Expected the shape {self.image_shape}. Received: "
                f"{test.images.shape[1:]}."
            )
        return test

    def _check_labels(self, labels: np.ndarray, part: str) -> None:
        low, high = labels.min(initial=0), labels.max(initial=0)
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f"Invalid {part} labels of {self.name!r}. Expected 0 to "
                f"{self.num_classes - 1}, one of the {self.num_classes} "
                f"classes. Received: labels from {low} to {high}."
            )


def load_dataset(
    source: str | PathLike[str],
    data_dir: str | PathLike[str] | None = None,
    image_size: int | None = None,
    train_images: int | float | None = None,
    seed: int = 0,
) -> ImageDataset:
    """Loads a data set's training images into memory.

    Args:
        source: One of

            - `"digits"`: the 1,797 handwritten digits, 8 x 8, that come with
              scikit-learn. A fifth of them, always the same, is the test
              set.
            - a name of tensorflow-datasets, such as `"cifar10"`, downloaded
              when first used. The test set is its split `test`, or
              `validation` where `test` has no labels.
            - the path of a folder with a sub-folder of images for each
              class, or with the sub-folders `train` and `test` that have
              those. A folder with a name of tensorflow-datasets needs a
              `./` before it.
            - the path of an `.npz` file with the arrays `x_train` and
              `y_train`, or `images` and `labels`, and if there are some
              `x_test` and `y_test`, and `class_names`.
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

    Returns:
        An `ImageDataset`. Grey images have one channel.

    Raises:
        ValueError: The source is unknown or missing, has no images in
            classes, or is too big for memory.
        OSError: A download failed.

    Example:

    >>> dataset = load_dataset("digits")
    >>> dataset.image_shape, dataset.num_classes, len(dataset.train)
    ((8, 8, 1), 10, 1438)
    """
    if image_size is not None and (
        type(image_size) is not int or image_size < 1
    ):
        raise ValueError(
            "Invalid value for argument `image_size`. Expected a positive "
            f"integer. Received: image_size={image_size!r}."
        )
    opened = _open(source, data_dir, image_size)
    chosen = None
    if train_images is not None:
        labels = opened.read_labels()
        count = count_of(train_images, len(labels), "train_images")
        chosen = stratified(labels, count, seed)
    return ImageDataset(
        name=str(source),
        train=LabelledImages(*opened.read_train(chosen)),
        class_names=opened.class_names,
        read_test=opened.read_test,
    )


def located(source: str | PathLike[str]) -> str:
    """A source of `load_dataset` as it is written down: a path is absolute, so
    that it is found from elsewhere; a name, and what is neither, stays."""
    if _is_name(source):
        return str(source)
    path = expanded(source)
    return str(path.resolve()) if path.exists() else str(source)


def _is_name(source: str | PathLike[str]) -> bool:
    """Whether it is a data set's name; folders of that name need a `./`."""
    name = str(source)
    if isinstance(source, PathLike) or name.startswith((".", "/", "~")):
        return False
    if name == digits.NAME:
        return True
    if name.endswith(".npz") and Path(name).is_file():
        return False
    return re.split("[/:]", name)[0] in tfds.dataset_names()


def _open(
    source: str | PathLike[str],
    data_dir: str | PathLike[str] | None,
    image_size: int | None,
) -> Source:
    """Finds the reader of a source."""
    name = str(source)
    if _is_name(source):
        if name == digits.NAME:
            return digits.read_digits(image_size)
        return tfds.read_tfds(name, data_dir, image_size)
    path = expanded(source)
    if path.suffix == ".npz" and path.is_file():
        return npz.read_npz(path, image_size)
    if path.is_dir():
        return folder.read_folder(path, image_size)
    names = tfds.dataset_names()
    near = difflib.get_close_matches(name, [digits.NAME, *names])
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        "Invalid value for argument `source`. Expected 'digits', a name of "
        "tensorflow-datasets, or the path of an `.npz` file or of a folder "
        "with a sub-folder of images for each class. Received: "
        f"source={name!r}, which is none of them.{hint}"
    )
