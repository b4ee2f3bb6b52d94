"""Data sets of tensorflow-datasets (TFDS)."""

import functools
import os
import textwrap
from os import PathLike
from typing import Any

import numpy as np

from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.readers.source import (
    Arrays,
    Shape,
    Source,
    stack,
)

BATCH_SIZE = 256  # of reading; one at a time takes six times as long
CHANNELS = (1, 3, 4)
TEST_SPLITS = ("test", "validation")
REASON_LENGTH = 160  # of other libraries' errors within ours


def dataset_names() -> list[str]:
    """The names that TFDS has; importing it does not import TensorFlow."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def read_tfds(
    name: str, data_dir: str | PathLike[str] | None, image_size: int | None
) -> Source:
    """A data set of TFDS, downloaded if it is not there yet.

    Raises:
        ValueError: It is not for image classification, its images differ in
            size and there is no `image_size`, or it has no training images.
        OSError: It cannot be downloaded.
    """
    builder = _builder(name, data_dir)
    _check_features(builder)
    image, label = builder.info.supervised_keys
    own = builder.info.features[image].shape
    shape = _shape(own, name, image_size)
    _prepare(builder)
    splits = builder.info.splits
    if "train" not in splits:
        raise ValueError(
            f"Invalid data set {name!r}. Expected a split `train`. Received: "
            f"{', '.join(splits)}."
        )
    read = functools.partial(_read, builder, shape)
    test = _labelled_test_split(builder)
    return Source(
        class_names=tuple(builder.info.features[label].names),
        read_labels=functools.partial(_labels, builder, "train"),
        read_train=functools.partial(read, "train"),
        read_test=functools.partial(read, test) if test else None,
        read_validation=functools.partial(read, "validation")
        if test == "test" and "validation" in splits
        else None,
        sizes=() if None in own else ((own[1], own[0]),),
    )


def _builder(name: str, data_dir: str | PathLike[str] | None) -> Any:
    import tensorflow_datasets as tfds

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or None
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (AssertionError, ValueError) as error:  # configuration, version
        raise ValueError(
            "Invalid value for argument `source`. Expected a data set of "
            "tensorflow-datasets, with a configuration and version that it "
            f"has. Received: {quoted(name)} ({_reason(error)})."
        ) from None


def _check_features(builder: Any) -> None:
    import tensorflow_datasets as tfds

    features = builder.info.features
    keys: Any = builder.info.supervised_keys or ()
    if (
        len(keys) == 2
        and isinstance(features[keys[0]], tfds.features.Image)
        and features[keys[0]].np_dtype == np.uint8
        and isinstance(features[keys[1]], tfds.features.ClassLabel)
    ):
        return
    raise ValueError(
        "Invalid value for argument `source`. Expected a data set for image "
        "classification: an 8-bit image and a class for each example. "
        f"Received: {builder.name!r}, whose examples have "
        f"{', '.join(features)}."
    )


def _shape(
    shape: tuple[int | None, ...], name: str, image_size: int | None
) -> Shape:
    height, width, channels = shape
    if channels not in CHANNELS:
        raise ValueError(
            f"Invalid data set {name!r}. Expected images of 1, 3 or 4 "
            f"channels. Received: images of shape {shape}."
        )
    if image_size is not None:
        return image_size, image_size, channels
    if height is None or width is None:
        raise ValueError(
            f"The images of {name!r} differ in size. Expected the argument "
            "`image_size`, the height and width to bring them to. Received: "
            "image_size=None."
        )
    return height, width, channels


def _prepare(builder: Any) -> None:
    try:
        builder.download_and_prepare()
    except Exception as error:  # the network's, the disk's, TFDS' own
        raise OSError(
            f"The data set {builder.name!r} is not in "
            f"{str(builder.data_dir)!r} and cannot be downloaded there "
            f"({_reason(error)}); if another folder has it, name that folder "
            "in the environment variable `TFDS_DATA_DIR`."
        ) from error


def _reason(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(line, REASON_LENGTH)


def _labelled_test_split(builder: Any) -> str | None:
    """`test`, or `validation` where the test labels are kept secret."""
    present = [name for name in TEST_SPLITS if name in builder.info.splits]
    if len(present) == 2 and _labels(builder, f"{present[0]}[:1]")[0] < 0:
        return present[1]
    return present[0] if present else None


def _labels(builder: Any, split: str) -> np.ndarray:
    dataset = _dataset(builder, split, decoded=False).batch(BATCH_SIZE)
    return np.concatenate([batch[1] for batch in dataset.as_numpy_iterator()])


def _read(
    builder: Any,
    shape: Shape,
    split: str,
    chosen: np.ndarray | None = None,
) -> Arrays:
    if chosen is None:
        count = builder.info.splits[split].num_examples
        dataset = _dataset(builder, split, decoded=True)
    else:
        count = len(chosen)
        dataset = _chosen_examples(builder, split, chosen)
    images, _ = dataset.element_spec
    # Images that differ in size make no batch.
    size = BATCH_SIZE if images.shape.is_fully_defined() else 1
    examples = (
        example
        for batch in dataset.batch(size).as_numpy_iterator()
        for example in zip(*batch, strict=True)
    )
    return stack(examples, count, shape)


def _dataset(builder: Any, split: str, decoded: bool) -> Any:
    """Images and labels in the order of the split's files, as a
    `tf.data.Dataset`; encoded images are scalar strings."""
    import tensorflow_datasets as tfds

    image, _ = builder.info.supervised_keys
    return builder.as_dataset(
        split=split,
        as_supervised=True,
        shuffle_files=False,
        decoders=None if decoded else {image: tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(
            interleave_cycle_length=1, try_autocache=False
        ),
    )


def _chosen_examples(builder: Any, split: str, chosen: np.ndarray) -> Any:
    """Decodes the chosen images only."""
    import tensorflow as tf

    feature = builder.info.features[builder.info.supervised_keys[0]]
    wanted = np.zeros(builder.info.splits[split].num_examples, bool)
    wanted[chosen] = True

    def is_wanted(row: Any, example: Any) -> Any:
        return tf.gather(wanted, row)

    def decode(row: Any, example: Any) -> Any:
        image, label = example
        return feature.decode_example(image), label

    dataset = _dataset(builder, split, decoded=False).enumerate()
    return dataset.filter(is_wanted).map(decode, tf.data.AUTOTUNE)
