"""Data sets in arrays: in `.npz` files, under the names that people give to
arrays, or in memory."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nasnet_keras.quotation import printable, quoted
from nasnet_keras.training.data.readers.archive import Archive, Described
from nasnet_keras.training.data.readers.part_names import PART_WORDS
from nasnet_keras.training.data.readers.source import (
    PURPOSES,
    Arrays,
    Source,
    listed,
    resized,
)

# The words that the name of an array is made of, in any order, with capital
# or small letters: x_train, trainImages, TEST-LABELS. The first are preferred.
PARTS = {
    "train": (*PART_WORDS["train"], "tr", ""),
    "validation": (*PART_WORDS["validation"], "va"),
    "test": (*PART_WORDS["test"], "te"),
}
IMAGES = ("x", "images", "image", "imgs", "img", "data")
LABELS = ("y", "labels", "label", "targets", "target")
UNNAMED = "arr_[0-9]+"  # as `numpy.savez(file, images, labels)` writes
CLASS_NAMES = ("classnames", "classes", "labelnames", "targetnames")

CHANNELS = (1, 3, 4)
OVERSHOOT = 0.1  # of the range, that scaled images may go beyond it
DARK = 16  # of 255; images whose brightest pixel is darker look black


class Keys(NamedTuple):
    """The names of a part's arrays in a file."""

    images: str
    labels: str


class ArraysInMemory:
    """Arrays as an `Archive` has them.

    Args:
        arrays: Images and labels; or two such pairs, to train and to test on,
            as the `load_data` of Keras' data sets returns them.

    Raises:
        ValueError: They are no arrays.
    """

    path = Path("arrays")
    names: tuple[str, ...] = ("images", "labels")

    def __init__(self, arrays: Sequence[Any]) -> None:
        if all(map(_is_pair, arrays)):
            self.names = ("x_train", "y_train", "x_test", "y_test")
            arrays = [each for pair in arrays for each in pair]
        self._arrays = {}
        for name, values in zip(self.names, arrays, strict=True):
            try:
                self._arrays[name] = np.asarray(values)
            except (TypeError, ValueError):  # NumPy's speaks of sequences.
                raise ValueError(
                    "Invalid value for argument `source`. Expected a pair of "
                    "arrays, images and labels to train on. Received: "
                    f"{name} of several shapes; bring images to one."
                ) from None

    def describe(self, name: str) -> Described:
        array = self._arrays[name]
        return Described(array.shape, array.dtype)

    def read(self, name: str) -> np.ndarray:
        return self._arrays[name]


def _is_pair(part: Any) -> bool:
    """Whether a part is images and labels, and not one of the two."""
    return (
        isinstance(part, tuple | list)
        and len(part) == 2
        and getattr(part[0], "ndim", 0) >= 3
        and getattr(part[1], "ndim", 0) in (1, 2)
    )


def read_npz(path: Path, image_size: int | None) -> Source:
    """The data set of an `.npz` file; as `read_arrays`."""
    return read_arrays(Archive(path), image_size)


def read_arrays(
    archive: Archive | ArraysInMemory, image_size: int | None
) -> Source:
    """Images and labels to train on, and where there are some to validate
    and to test on; where there are some `class_names`.

    Images are `[N, H, W, C]`, `[N, C, H, W]` or `[N, H, W]`, from 0 to 255,
    or from 0 to 1. Labels are `[N]` or `[N, 1]`: classes counted from 0, or
    any other numbers or texts; each different one is then a class.

    Raises:
        ValueError: The file is no `.npz` file or a damaged one, or has no
            such arrays.
    """
    path = archive.path
    parts = _parts(archive)
    if "train" not in parts:
        raise ValueError(
            f"Invalid file {str(path)!r}. Expected the arrays `x_train` and "
            "`y_train`, or `images` and `labels`, or others of such names. "
            f"Received: {listed(map(printable, archive.names)) or 'no array'}."
        )
    counts = {part: _count(archive, keys) for part, keys in parts.items()}
    parts = {
        part: keys
        for part, keys in parts.items()
        if counts[part] and (part == "train" or _has_labels(archive, keys))
    }
    if "train" not in parts:
        raise ValueError(
            f"Invalid file {str(path)!r}. Expected images to train on. "
            "Received: none."
        )
    train = parts["train"]
    labels = _read_labels(archive, train.labels)
    named, names_key = _class_names(archive)
    values = _label_of_each_class(labels, named)
    images = archive.read(train.images)
    scale = _scale(images, train.images)
    images = scale.apply(_channels_last(images), train.images)
    numbers = _numbers(labels, values, train.labels)

    def read_train(chosen: np.ndarray | None) -> Arrays:
        rows = slice(None) if chosen is None else chosen
        return resized(images[rows], numbers[rows], image_size)

    def read_part(keys: Keys) -> tuple[np.ndarray, np.ndarray]:
        pixels = _channels_last(archive.read(keys.images))
        return (
            scale.apply(pixels, keys.images),
            _numbers(_read_labels(archive, keys.labels), values, keys.labels),
        )

    def reader(part: str) -> Callable[[], Arrays] | None:
        if part not in parts:
            return None
        keys = parts[part]
        # Lest it be found unusable after the training.
        shape = read_part(keys)[0].shape[1:]
        same = shape[2:] if image_size else shape
        if same != images.shape[-len(same) :]:
            raise ValueError(
                f"Invalid array `{keys.images}`. Expected images of the shape "
                f"of those to train on, {images.shape[1:]}. Received: {shape}."
            )
        return lambda: resized(*read_part(keys), image_size)

    used = {names_key, *(key for keys in parts.values() for key in keys)}
    return Source(
        class_names=tuple(
            printable(str(name))
            for name in (values if named is None else named)
        ),
        read_labels=lambda: numbers,
        read_train=read_train,
        read_test=reader("test"),
        read_validation=reader("validation"),
        sizes=((images.shape[2], images.shape[1]),),
        notes=_notes(archive, parts, counts, used, values, scale),
    )


# Which array is what


def _parts(archive: Archive | ArraysInMemory) -> dict[str, Keys]:
    """The arrays of each part that has images and labels."""
    compact = {
        re.sub("[^a-z0-9]", "", name.lower()): name for name in archive.names
    }
    parts = {}
    for part, words in PARTS.items():
        found = [_find(compact, words, kind) for kind in (IMAGES, LABELS)]
        if all(found):
            parts[part] = Keys(*map(str, found))
    return parts if "train" in parts else _unnamed_parts(archive) or parts


def _unnamed_parts(archive: Archive | ArraysInMemory) -> dict[str, Keys]:
    """The arrays of each part, if arrays have no names. The shapes tell which
    arrays are images. The first images are to train on, the second to test
    on."""
    names = [name for name in archive.names if re.fullmatch(UNNAMED, name)]
    axes = {name: len(archive.describe(name).shape) for name in names}
    images = [name for name in names if axes[name] > 2]
    labels = [name for name in names if axes[name] <= 2]
    if len(names) == 2 != len(images) + 1:
        return {"train": Keys(*names)}  # It is said what is wrong with them.
    if len(images) != len(labels) or len(names) > 4:
        return {}
    return dict(zip(("train", "test"), map(Keys, images, labels), strict=False))


def _find(
    compact: dict[str, str], words: tuple[str, ...], kinds: tuple[str, ...]
) -> str | None:
    for word in words:
        for kind in kinds:
            for name in (kind + word, word + kind):
                if name in compact:
                    return compact[name]
    return None


def _class_names(
    archive: Archive | ArraysInMemory,
) -> tuple[np.ndarray | None, str | None]:
    """The names of the classes, and of their array."""
    for name in archive.names:
        if re.sub("[^a-z]", "", name.lower()) in CLASS_NAMES:
            if archive.describe(name).dtype.kind in "SU":
                return _different(archive, name), name
    return None, None


def _different(archive: Archive | ArraysInMemory, key: str) -> np.ndarray:
    """The names of the classes, each once."""
    names = _as_text(archive.read(key).ravel())
    found, counts = np.unique(names, return_counts=True)
    if names.size and counts.max() == 1:
        return names
    received = "none"
    if names.size:
        most = counts.argmax()
        received = f"{quoted(str(found[most]))} {counts[most]} times"
    raise ValueError(
        f"Invalid array `{key}`. Expected a name for each class, all of them "
        f"different. Received: {received}."
    )


def _as_text(array: np.ndarray) -> np.ndarray:
    """Text as `str`, which is one however accents are written; bytes that are
    not UTF-8 are escaped."""
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "backslashreplace")
    if array.dtype.kind != "U":
        return array
    texts = [unicodedata.normalize("NFC", text) for text in array.tolist()]
    return np.array(texts, str)


def _count(archive: Archive | ArraysInMemory, keys: Keys) -> int:
    """How many images a part has, checked before any is read."""
    images, labels = map(archive.describe, keys)
    shape = images.shape
    if (
        len(shape) not in (3, 4)
        or images.dtype.kind not in "biuf"
        or 0 in shape[1:]
    ):
        raise ValueError(
            f"Invalid array `{keys.images}`. Expected numbers of shape "
            "(images, height, width, channels), or (images, height, width) "
            f"for grey images. Received: {images.dtype} of shape {shape}."
        )
    if (
        not labels.shape
        or labels.shape[1:] not in ((), (1,))
        or labels.dtype.kind not in "biuSU"
    ):
        raise ValueError(
            f"Invalid array `{keys.labels}`. Expected for each image its "
            "class, an integer counted from 0 or a text; `argmax` makes them "
            f"of one-hot ones. Received: {labels.dtype} of shape "
            f"{labels.shape}."
        )
    if shape[0] != labels.shape[0]:
        raise ValueError(
            f"The arrays `{keys.images}` and `{keys.labels}` of "
            f"{str(archive.path)!r} disagree. Expected one label for each of "
            f"{shape[0]} images. Received: {labels.shape[0]} labels."
        )
    return shape[0]


# Labels


def _read_labels(archive: Archive | ArraysInMemory, key: str) -> np.ndarray:
    """Labels as they are, `[N]`."""
    labels = _as_text(archive.read(key).reshape(-1))
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    if labels.dtype.kind == "i" and labels.min() < 0:
        raise ValueError(
            f"Invalid array `{key}`. Expected labels from 0. Received: labels "
            f"from {labels.min()} to {labels.max()}; leave out the images "
            "that have none."
        )
    return labels


def _has_labels(archive: Archive | ArraysInMemory, keys: Keys) -> bool:
    """Whether some labels are more than -1, which stands for none."""
    labels = archive.read(keys.labels)
    return labels.dtype.kind != "i" or int(labels.max()) >= 0


def _label_of_each_class(
    labels: np.ndarray, class_names: np.ndarray | None
) -> np.ndarray:
    """The label that stands for each class: its number from 0, or its name,
    or whatever labels there are."""
    by_name = labels.dtype.kind == "U"
    if class_names is not None:
        return class_names if by_name else np.arange(len(class_names))
    values = np.unique(labels)
    if by_name or _has_gaps(values):
        return values
    return np.arange(len(values))


def _has_gaps(values: np.ndarray) -> bool:
    return int(values[-1]) != len(values) - 1


def _numbers(labels: np.ndarray, values: np.ndarray, key: str) -> np.ndarray:
    """The place of each label among the values, `[N]`, int32."""
    wanted, found = values, labels
    if {labels.dtype.kind, values.dtype.kind} - {"U"}:
        # Of 64 bits, which others do not hold; or as texts, if one is text.
        kind = (
            np.str_ if "U" in (labels.dtype.kind, values.dtype.kind) else "u8"
        )
        wanted, found = values.astype(kind), labels.astype(kind)
    order = np.argsort(wanted)
    places = np.searchsorted(wanted, found, sorter=order)
    places = order[np.minimum(places, len(wanted) - 1)]
    unknown = labels[wanted[places] != found]
    if unknown.size:
        first, last, one = (
            quoted(each.item()) for each in (values[0], values[-1], unknown[0])
        )
        raise ValueError(
            f"Invalid array `{key}`. Expected {first} to {last}, one of the "
            f"{len(values)} classes. Received: {one}."
        )
    return places.astype(np.int32)


# Pixels


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    if len(shape) != 4:
        return False
    _, first, height, last = shape
    return last not in CHANNELS and (
        first in CHANNELS or height == last > first
    )


def _channels_last(images: np.ndarray) -> np.ndarray:
    """Images as `[N, H, W, C]`."""
    if images.ndim == 3:
        return images[..., np.newaxis]
    if _is_channels_first(images.shape):
        return np.moveaxis(images, 1, -1)
    return images


def _range(images: np.ndarray) -> tuple[Any, Any]:
    """The least and the greatest value; truth values as 0 and 1."""
    return images.min().item() + 0, images.max().item() + 0


class Scale(NamedTuple):
    """How the values of the training images are to be read.

    Attributes:
        top: The value that is white.
        bottom, highest: The values between which they lie.
    """

    top: int
    bottom: float
    highest: float

    @property
    def dark(self) -> float:
        """Images with no value above it look black."""
        return self.top * DARK / 255

    def apply(self, images: np.ndarray, key: str) -> np.ndarray:
        """Images as uint8, 0 to 255; those of another part by this scale.

        Raises:
            ValueError: They go beyond it, or are of a smaller one.
        """
        low, high = _range(images)
        slack = OVERSHOOT * self.top if images.dtype.kind == "f" else 0
        smaller = 0 < high <= self.dark < self.highest
        if smaller or not -slack <= low <= high <= self.top + slack:
            raise ValueError(
                f"Invalid array `{key}`. Expected values from 0 to "
                f"{self.top}, as in the training images. Received: values "
                f"from {low} to {high}; bring all to one scale."
            )
        if images.dtype == np.uint8 and self.top == 255:
            return np.ascontiguousarray(images)
        scaled = np.empty(images.shape, np.uint8)
        for row, image in enumerate(images):  # little memory beside them
            values = np.rint(image * (255.0 / self.top))
            scaled[row] = np.clip(values, 0, 255)
        return scaled


def _scale(images: np.ndarray, key: str) -> Scale:
    low, high = _range(images)
    floating = images.dtype.kind == "f"
    top = 1 if 0 < high <= 1 + OVERSHOOT * floating else 255
    slack = OVERSHOOT * top if floating else 0
    # Floating values up to 2 or so may be of either range.
    unclear = floating and top == 255 and 0 < high <= DARK
    if unclear or not -slack <= low <= high <= top + slack:
        raise ValueError(
            f"Invalid array `{key}`. Expected values from 0 to 255, or from "
            f"0 to 1. Received: values from {low} to {high}; scale them."
        )
    return Scale(top, float(low), float(high))


def _notes(
    archive: Archive | ArraysInMemory,
    parts: dict[str, Keys],
    counts: dict[str, int],
    used: set[str | None],
    values: np.ndarray,
    scale: Scale,
) -> tuple[str, ...]:
    """What is read and as what."""
    read = ", ".join(
        f"{counts[part]:,} {purpose} ({parts[part].images})"
        for part, purpose in PURPOSES.items()
        if part in parts
    )
    path = printable(str(archive.path))
    notes = [f"{path}: {len(values)} classes; images: {read}."]
    unused = [printable(name) for name in archive.names if name not in used]
    if unused:
        notes.append(f"Arrays that are not used: {listed(unused)}.")
    described = archive.describe(parts["train"].images)
    if _is_channels_first(described.shape):
        notes.append(
            f"Images of shape {described.shape[1:]} are read as channels, "
            "height, width."
        )
    if values.dtype.kind == "U" or _has_gaps(values):
        notes.append(
            "The labels do not count from 0; the classes are named by them: "
            f"{listed(printable(str(value)) for value in values)}."
        )
    if scale.top == 1 and described.dtype.kind != "f" and scale.highest:
        notes.append("Images of 0 and 1 are read as black and white.")
    elif scale.bottom < 0 or scale.highest > scale.top:
        notes.append(
            f"Values from {scale.bottom:.3g} to {scale.highest:.3g} are read "
            f"as 0 to {scale.top}, and what is beyond is cut off."
        )
    elif scale.highest <= scale.dark:
        notes.append(
            f"The brightest pixel is {255 * scale.highest / scale.top:.0f} of "
            "255: the images "
            "are nearly black. Scale them if that is not meant."
        )
    return tuple(notes)
