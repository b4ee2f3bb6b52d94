"""Data sets that are `tf.data.Dataset`s of images and labels: `in_memory`."""

import sys
from typing import Any

import numpy as np

from nasnet_keras.training.data.holding import amount, most_in_memory
from nasnet_keras.training.data.readers.npz import CHANNELS


def is_pipeline(value: object) -> bool:
    """Whether a value is a `tf.data.Dataset`; TensorFlow is not imported."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(value, tensorflow.data.Dataset)


def in_memory(source: Any) -> Any:
    """Reads the `tf.data.Dataset`s of a source into arrays. A source may have
    one, to train on, or a second one, to test on. Any other source is returned
    unchanged.

    Raises:
        ValueError: A dataset has no end, fails, is too large for memory, or
            has no pairs of images and labels of one shape.

    Example:

    >>> import tensorflow as tf
    >>> images, labels = np.zeros((9, 8, 8)), np.arange(9)
    >>> pairs = tf.data.Dataset.from_tensor_slices((images, labels))
    >>> images, labels = in_memory(pairs.batch(2))
    >>> images.shape, labels.shape
    ((9, 8, 8), (9,))
    """
    if is_pipeline(source):
        return _read(source)
    if isinstance(source, tuple | list) and any(map(is_pipeline, source)):
        return tuple(map(in_memory, source))
    return source


def _read(pipeline: Any) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf

    from nasnet_keras.training.data.autotuning import untuned

    spec = pipeline.element_spec
    if not (
        isinstance(spec, tuple)
        and len(spec) == 2
        and all(isinstance(each, tf.TensorSpec) for each in spec)
    ):
        raise _unusable("pairs of an image and a label, or batches", spec)
    if pipeline.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise _unusable("one that ends, as after `.take(1000)`", "no end")
    _check_labels(*spec)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    size, most = 0, most_in_memory()
    try:
        for image, label in untuned(pipeline).as_numpy_iterator():
            parts.append(_batch(np.asarray(image), np.asarray(label)))
            size += parts[-1][0].nbytes
            if size > most:
                raise _unusable(
                    "images that fit into half of the memory available; write "
                    "them as files into a folder",
                    f"over {amount(size)}",
                )
    except tf.errors.OpError as error:
        reason = str(error.message).partition("\n")[0]
        raise _unusable("one that can be read", reason) from None
    if not parts:
        raise _unusable("images", "none")
    if all(_has_one_hot_label(*part) for part in parts):
        raise _unlabelled(parts[0][1].shape, parts[0][0].shape)
    shapes = sorted({images.shape[1:] for images, _ in parts})
    if len(shapes) > 1:
        raise _unusable(
            "images of one shape; resize them in `map`",
            " and ".join(map(str, shapes[:2])),
        )
    images, labels = map(np.concatenate, zip(*parts, strict=True))
    return images, labels


def _check_labels(image: Any, label: Any) -> None:
    """Raises:
    ValueError: Each image has a vector, as of one-hot labels, and not a batch
        of images its labels. The numbers of both may be the same by chance.
    """
    if image.shape.rank != 3 or label.shape.rank != 1:
        return
    first, _, last = image.shape
    (length,) = label.shape
    # A lone image has channels, and rows that its label does not follow.
    if first != length or last in CHANNELS:
        raise _unlabelled(label.shape, image.shape)


def _batch(image: np.ndarray, label: np.ndarray) -> tuple[Any, Any]:
    """A batch of images and labels; a lone image becomes one."""
    if label.dtype.kind == "O":
        label = label.astype("S")
    if image.ndim - label.ndim not in (2, 3) or (
        label.ndim and len(label) != len(image)
    ):
        raise _unlabelled(label.shape, image.shape)
    return (image, label) if label.ndim else (image[None], label[None])


def _has_one_hot_label(images: np.ndarray, labels: np.ndarray) -> bool:
    """Whether it seems to be no batch of grey images, but a lone image whose
    channels come first, as many as there are classes."""
    return (
        images.ndim == 3
        and len(images) in CHANNELS
        and labels.dtype.kind in "biuf"
        and sorted(labels) == [*np.zeros(len(labels) - 1), 1]
    )


def _unlabelled(label: Any, image: Any) -> ValueError:
    return _unusable(
        "an integer or a text as the label of each image; `argmax` makes one "
        "of a one-hot label",
        f"labels of shape {label} for images of {image}",
    )


def _unusable(expected: str, received: object) -> ValueError:
    return ValueError(
        f"Invalid tf.data.Dataset. Expected {expected}. Received: {received}."
    )
