"""Data sets in `.npz` files."""

import functools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.training.data.readers.source import Arrays, Source, resized

TRAIN_KEYS = (("x_train", "y_train"), ("images", "labels"))
TEST_KEYS = ("x_test", "y_test")
CLASS_NAMES = "class_names"


def read_npz(path: Path, image_size: int | None) -> Source:
    """The arrays `x_train` and `y_train`, or `images` and `labels`; where
    there are some `x_test` and `y_test`; where there are some `class_names`.

    Raises:
        ValueError: The file is no `.npz` file, or has no such arrays.
    """
    present = set(_open(path, lambda file: file.files))
    train_keys = [keys for keys in TRAIN_KEYS if present.issuperset(keys)]
    if not train_keys:
        raise ValueError(
            f"Invalid file {str(path)!r}. Expected the arrays `x_train` and "
            "`y_train`, or `images` and `labels`. Received: "
            f"{', '.join(sorted(present)) or 'no array'}."
        )
    images, labels = train_keys[0]
    if CLASS_NAMES in present:
        class_names = _open(path, lambda file: file[CLASS_NAMES]).ravel()
    else:
        class_names = np.arange(_labels(path, labels).max(initial=0) + 1)
    tested = present.issuperset(TEST_KEYS) and len(_labels(path, TEST_KEYS[1]))
    return Source(
        class_names=tuple(str(name) for name in class_names),
        read_labels=lambda: _labels(path, labels),
        read_train=functools.partial(_read, path, images, labels, image_size),
        read_test=functools.partial(_read, path, *TEST_KEYS, image_size)
        if tested
        else None,
    )


def _open(path: Path, get: Callable[[Any], Any]) -> Any:
    try:
        with np.load(path, allow_pickle=False) as file:
            return get(file)
    except (
        AttributeError,  # a single array, an .npy file
        TypeError,  # likewise
        EOFError,
        OSError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            "Invalid value for argument `source`. Expected an `.npz` file of "
            "arrays without Python objects. Received: "
            f"{str(path)!r}, which cannot be read ({error})."
        ) from None


def _read(
    path: Path,
    images: str,
    labels: str,
    image_size: int | None,
    chosen: np.ndarray | None = None,
) -> Arrays:
    rows = slice(None) if chosen is None else chosen
    array = _as_images(_open(path, lambda file: file[images]), images)
    numbers = _labels(path, labels)
    if len(array) != len(numbers):
        raise ValueError(
            f"The arrays `{images}` and `{labels}` of {str(path)!r} disagree. "
            f"Expected one label for each of {len(array)} images. Received: "
            f"{len(numbers)} labels."
        )
    return resized(array[rows], numbers[rows], image_size)


def _as_images(array: np.ndarray, key: str) -> np.ndarray:
    """Images as `[N, H, W, C]`, uint8."""
    if array.ndim not in (3, 4) or array.dtype.kind not in "uif":
        raise ValueError(
            f"Invalid array `{key}`. Expected numbers of shape (images, "
            "height, width, channels), or (images, height, width) for grey "
            f"images. Received: {array.dtype} of shape {array.shape}."
        )
    low, high = array.min(initial=0), array.max(initial=0)
    if not 0 <= low <= high <= 255:
        raise ValueError(
            f"Invalid array `{key}`. Expected values from 0 to 255, or from "
            f"0 to 1 when floating. Received: values from {low} to {high}."
        )
    if array.dtype.kind == "f":
        array = np.rint(array * (255 if high <= 1 else 1))
    images = array.astype(np.uint8)
    return images[..., np.newaxis] if images.ndim == 3 else images


def _labels(path: Path, key: str) -> np.ndarray:
    """Labels as `[N]`, int32."""
    array = _open(path, lambda file: file[key])
    if array.ndim == 2 and array.shape[1] == 1:  # as `keras.datasets` has them
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise ValueError(
            f"Invalid array `{key}`. Expected an integer for each image, its "
            f"class counted from 0. Received: {array.dtype} of shape "
            f"{array.shape}."
        )
    return array.astype(np.int32)
