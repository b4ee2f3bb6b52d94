"""Where the images of a data set are held: in memory, in their own files, or
decoded in a file on disk. `hold` chooses; pixels are the same in each.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.files import check_room, sync
from nasnet_keras.quotation import system_reason
from nasnet_keras.training.data.resizer import RESIZER, Shape
from nasnet_keras.training.data.streaming import (
    Images,
    StreamedImages,
    in_parallel,
)

# Shares of the memory available: up to the first, images are held in memory
# unless something else is asked for; beyond the second never, for they are
# copied on the way to a training.
IN_MEMORY, MOST_IN_MEMORY = 1 / 4, 1 / 2
# A draft of a cache that has not grown for so long is nobody's.
SECONDS_OF_DRAFTS = 3600

# What a container may use, and what it does use; the Linux kernel's names.
CONTAINER = Path("/sys/fs/cgroup")


class Holding(NamedTuple):
    """How the images of a data set are to be held.

    Attributes:
        stream: Whether they are decoded each time they are asked for, rather
            than held in memory; None, the default, as there is memory.
        cache: A folder for a file of the decoded images, which are read from
            there; it is written if it is not there yet. Default None.
    """

    stream: bool | None = None
    cache: Path | None = None


BY_MEMORY = Holding()


def hold(
    holding: Holding,
    shape: Shape,
    digests: np.ndarray,
    read: Callable[[int], np.ndarray] | None,
    in_order: Callable[[], Iterable[np.ndarray]] | None = None,
    advice: str = "stream them (`stream`, --stream)",
) -> Images:
    """Images, `[N, H, W, C]`, in an array or as `StreamedImages`.

    Args:
        holding: What is asked for.
        shape: Height, width and channels of an image.
        digests: `[N]`, uint64, which change when the images do.
        read: Returns the image of a row, of the shape; None where they can
            only be read in order. Several threads call it at once.
        in_order: Returns all images. Default: by `read`.
        advice: What to do where there is too little memory.

    Raises:
        ValueError: There is too little memory, or no way to stream them.
        OSError: There is no room for the cache.
    """
    count = len(digests)
    whole = count, *shape
    size = math.prod(whole)
    available = available_memory()

    def all_images() -> Iterable[np.ndarray]:
        if in_order is not None:
            return in_order()
        if read is None:
            raise TypeError("Expected `read` or `in_order`.")
        return in_parallel(read, range(count))

    if holding.cache is not None:
        file = _cache_file(holding.cache, digests, whole, all_images)
        note = f"The decoded images, {amount(size)}, are read from {file}."
        return StreamedImages(_reader(file, shape), whole, note)
    stream = holding.stream
    if stream is None:
        stream = size > IN_MEMORY * available and read is not None
        why = (
            f"they would take more than a quarter of the {amount(available)} "
            "of memory available"
        )
    else:
        why = "as asked for"
    if stream:
        if read is None:
            raise ValueError(
                f"The images cannot be streamed as they are; {advice}."
            )
        note = (
            f"The images, {amount(size)} if decoded, are streamed from their "
            f"files: {why}."
        )
        return StreamedImages(read, whole, note)
    check_memory(whole, f"{advice}, or ask for fewer")
    images = np.empty(whole, np.uint8)
    for row, image in enumerate(all_images()):
        tell_activity("reading images", row, count)
        images[row] = image
    return images


def available_memory() -> int:
    """Bytes that this process may still take: of the machine, or of the
    container that it runs in."""
    available = psutil.virtual_memory().available
    try:
        limit = int((CONTAINER / "memory.max").read_text())
        used = int((CONTAINER / "memory.current").read_text())
        words = (CONTAINER / "memory.stat").read_text().split()
        # Contents of files, which give way.
        used -= int(words[words.index("inactive_file") + 1])
    except (OSError, ValueError):  # no container, or no limit: "max"
        return available
    return max(0, min(available, limit - used))


def check_memory(shape: tuple[int, ...], advice: str) -> None:
    """Raises:
    ValueError: Images, `[N, H, W, C]`, uint8, do not fit into memory.
    """
    if math.prod(shape) > most_in_memory():
        count, *image = shape
        raise ValueError(
            "Too many images for memory. Expected at most half of the "
            f"{amount(available_memory())} available. Received: {count:,} "
            f"images of shape {tuple(image)}, {amount(math.prod(shape))}; "
            f"{advice} with `train_images`, or for smaller ones with "
            "`image_size`."
        )


def most_in_memory() -> int:
    """Bytes that the images of a part may take in memory."""
    return int(MOST_IN_MEMORY * available_memory())


def amount(size: int) -> str:
    """Bytes in a sentence.

    Example:

    >>> amount(3 * 2**29)
    '1.5 GiB'
    """
    if size < 2**30:
        return f"{math.ceil(size / 2**20)} MiB"
    return f"{size / 2**30:.1f} GiB"


# The cache


def _cache_file(
    folder: Path,
    digests: np.ndarray,
    shape: tuple[int, ...],
    images: Callable[[], Iterable[np.ndarray]],
) -> Path:
    """The file of these images, written if it is not there."""
    digest = hashlib.sha256(f"{shape} {RESIZER}".encode())
    digest.update(np.ascontiguousarray(digests).data)
    file = folder / f"{digest.hexdigest()[:16]}.npy"
    if file.exists():
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            "Invalid value for argument `cache`. Expected a folder, or the "
            f"path of a new one. Received: {folder} ({system_reason(error)})."
        ) from None
    for draft in folder.glob(f".*_{file.name}"):
        # What was killed has left it; it grows where another machine writes.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > SECONDS_OF_DRAFTS:
                draft.unlink()
    check_room(folder, math.prod(shape))
    draft = folder / f".{os.getpid()}_{file.name}"
    try:
        with draft.open("wb") as opened:
            np.lib.format.write_array_header_1_0(
                opened,
                {"descr": "|u1", "fortran_order": False, "shape": shape},
            )
            for row, image in enumerate(images()):
                tell_activity("writing the cache", row, shape[0])
                opened.write(np.ascontiguousarray(image).data)
        sync(draft)
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    sync(folder)
    return file


def _reader(file: Path, shape: Shape) -> Callable[[int], np.ndarray]:
    """Reads an image of a cache. Not by a map of memory, whose pages would be
    counted as this process' own."""
    size = math.prod(shape)
    with file.open("rb") as opened:
        np.lib.format.read_magic(opened)
        np.lib.format.read_array_header_1_0(opened)
        start = opened.tell()

    def read(row: int) -> np.ndarray:
        values = np.fromfile(file, np.uint8, size, offset=start + size * row)
        return values.reshape(shape)

    return read
