"""Data sets of tensorflow-datasets (TFDS)."""

import functools
import hashlib
import os
import textwrap
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any

import numpy as np

from nasnet_keras.quotation import quoted
from nasnet_keras.training.data.holding import (
    BY_MEMORY,
    Holding,
    hold,
)
from nasnet_keras.training.data.readers.source import (
    Arrays,
    Size,
    Source,
    extremes,
)
from nasnet_keras.training.data.resizer import Shape, fit
from nasnet_keras.training.data.streaming import StreamedImages, in_parallel

LOOKED_AT = 64  # of images that differ in size
BATCH_SIZE = 256  # of reading; one at a time takes six times as long
CHANNELS = (1, 3, 4)
TEST_SPLITS = ("test", "validation")
REASON_LENGTH = 160  # of other libraries' errors within ours
RANDOM_ACCESS = "array_record"  # the format of files that is read in any order
# Not every command has these options, but all read what one has prepared.
HOW_TO_STREAM = (
    "have `load_dataset` (`stream`) or `nasnet-train run` (--stream) prepare "
    f"it in the format {RANDOM_ACCESS}, in an empty folder that the "
    "environment variable `TFDS_DATA_DIR` names, or give these a folder for "
    "the decoded images (`cache`, --cache)"
)


def dataset_names() -> list[str]:
    """The names that TFDS has; importing it does not import TensorFlow."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def read_tfds(
    name: str,
    data_dir: str | PathLike[str] | None,
    image_size: int | None,
    holding: Holding = BY_MEMORY,
) -> Source:
    """A data set of TFDS, downloaded if it is not there yet: as array_record
    if it is to be streamed.

    Raises:
        ValueError: It is not for image classification, its images differ in
            size and there is no `image_size`, or it has no training images.
        OSError: It cannot be downloaded.
    """
    builder = _builder(name, data_dir, holding)
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
    read = functools.partial(_read, builder, shape, holding)
    test = _labelled_test_split(builder)
    return Source(
        class_names=tuple(builder.info.features[label].names),
        read_labels=functools.partial(_labels, builder, "train"),
        read_train=functools.partial(read, "train"),
        read_test=functools.partial(read, test) if test else None,
        read_validation=functools.partial(read, "validation")
        if test == "test" and "validation" in splits
        else None,
        sizes=_sizes(builder, own),
    )


def _sizes(builder: Any, shape: tuple[int | None, ...]) -> tuple[Size, ...]:
    """Of images that differ, the extremes of the first."""
    height, width, _ = shape
    if height is not None and width is not None:
        return ((width, height),)
    if _is_random_access(builder):
        image, _ = builder.info.supervised_keys
        source = builder.as_data_source("train")
        first = [
            source[row][image] for row in range(min(LOOKED_AT, len(source)))
        ]
    else:
        dataset = _dataset(builder, "train", decoded=True).take(LOOKED_AT)
        first = [image for image, _ in dataset.as_numpy_iterator()]
    return extremes((image.shape[1], image.shape[0]) for image in first)


def _builder(
    name: str, data_dir: str | PathLike[str] | None, holding: Holding
) -> Any:
    import tensorflow_datasets as tfds

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or None
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        if holding.stream and not holding.cache and not builder.is_prepared():
            return tfds.builder(
                name, data_dir=data_dir, file_format=RANDOM_ACCESS
            )
        return builder
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


def _is_random_access(builder: Any) -> bool:
    form = builder.info.file_format
    return form is not None and form.value == RANDOM_ACCESS


def _labels(builder: Any, split: str) -> np.ndarray:
    if _is_random_access(builder):
        _, label = builder.info.supervised_keys
        source = _encoded(builder, split)
        labels = in_parallel(lambda row: source[row][label], range(len(source)))
        return np.fromiter(labels, np.int32)
    dataset = _dataset(builder, split, decoded=False).batch(BATCH_SIZE)
    batches = [batch[1] for batch in dataset.as_numpy_iterator()]
    return np.concatenate(batches).astype(np.int32)


def _read(
    builder: Any,
    shape: Shape,
    holding: Holding,
    split: str,
    chosen: np.ndarray | None = None,
) -> Arrays:
    rows = np.arange(builder.info.splits[split].num_examples)
    rows = rows if chosen is None else chosen
    labels = np.full(len(rows), -1, np.int32)

    def in_order() -> Iterator[np.ndarray]:
        examples = _examples(builder, split, chosen)
        for row, (image, label) in enumerate(examples):
            labels[row] = label
            yield fit(image, shape)

    random_access = _is_random_access(builder)
    images = hold(
        holding,
        shape,
        _digests(builder, split)[rows],
        _reader(builder, shape, split, rows) if random_access else None,
        None if random_access else in_order,
        HOW_TO_STREAM,
    )
    if isinstance(images, StreamedImages) or random_access:
        labels = _labels(builder, split)[rows]
    return images, labels, None, _digests(builder, split)[rows]


def _digests(builder: Any, split: str) -> np.ndarray:
    """A number for each image: of the data set's version and its row."""
    whole = builder.info.splits[split]
    text = f"{builder.info.full_name} {split} {whole.num_examples}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    first = np.frombuffer(digest, np.uint64)
    return first + np.arange(whole.num_examples, dtype=np.uint64)


def _encoded(builder: Any, split: str) -> Any:
    """Examples by their number, whose images are strings."""
    import tensorflow_datasets as tfds

    image, _ = builder.info.supervised_keys
    return builder.as_data_source(
        split, decoders={image: tfds.decode.SkipDecoding()}
    )


def _reader(
    builder: Any, shape: Shape, split: str, rows: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Reads an image by its number among the rows."""
    import tensorflow as tf

    image, _ = builder.info.supervised_keys
    feature, source = builder.info.features[image], _encoded(builder, split)

    def read(row: int) -> np.ndarray:
        encoded = source[int(rows[row])][image]
        # As `as_dataset` decodes it; the processor's decoder alone is there.
        with tf.device("CPU"):
            return fit(feature.decode_example(encoded).numpy(), shape)

    return read


def _examples(
    builder: Any, split: str, chosen: np.ndarray | None
) -> Iterator[tuple[np.ndarray, int]]:
    """Images and labels in the order of the split's files."""
    if chosen is None:
        dataset = _dataset(builder, split, decoded=True)
    else:
        dataset = _chosen_examples(builder, split, chosen)
    images, _ = dataset.element_spec
    # Images that differ in size make no batch.
    size = BATCH_SIZE if images.shape.is_fully_defined() else 1
    for batch in dataset.batch(size).as_numpy_iterator():
        yield from zip(*batch, strict=True)


def _dataset(builder: Any, split: str, decoded: bool) -> Any:
    """Images and labels in the order of the split's files, as a
    `tf.data.Dataset`; encoded images are scalar strings."""
    import tensorflow_datasets as tfds

    from nasnet_keras.training.data.autotuning import untuned

    image, _ = builder.info.supervised_keys
    dataset = builder.as_dataset(
        split=split,
        as_supervised=True,
        shuffle_files=False,
        decoders=None if decoded else {image: tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(
            interleave_cycle_length=1, try_autocache=False
        ),
    )
    return untuned(dataset)


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
