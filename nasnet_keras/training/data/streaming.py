"""Images that are decoded when they are asked for: `StreamedImages`."""

import collections
import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from nasnet_keras.processor import usable_cores

# Pillow decodes and scales without Python's lock.
THREADS = max(4, usable_cores())
AHEAD = 4 * THREADS  # what is begun before what is asked for

Item = TypeVar("Item")
Result = TypeVar("Result")


class StreamedImages:
    """Images that are read one by one, by several threads, when a part of them
    is asked for; in place of an array of them.

    Args:
        read: Returns the image of a row, `[H, W, C]`, uint8. Several threads
            call it at once.
        shape: N, height, width and channels.
        note: A sentence on why they are not in memory.
        rows: `[N]`, the rows to read. Default: 0 to N - 1.

    Example:

    >>> images = StreamedImages(
    ...     lambda row: np.full((2, 2, 1), row, np.uint8), (9, 2, 2, 1)
    ... )
    >>> images[3:5].shape
    (2, 2, 2, 1)
    >>> images.take(np.array([7]))[0].max()
    np.uint8(7)
    """

    ndim, dtype = 4, np.dtype(np.uint8)

    def __init__(
        self,
        read: Callable[[int], np.ndarray],
        shape: tuple[int, int, int, int],
        note: str = "",
        rows: np.ndarray | None = None,
    ) -> None:
        self._read = read
        self._rows = np.arange(shape[0]) if rows is None else rows
        self.shape = len(self._rows), *shape[1:]
        self.note = note
        self.failure: Exception | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, positions: int | slice | np.ndarray) -> np.ndarray:
        """Reads images: one, `[H, W, C]`, or several, `[n, H, W, C]`."""
        rows = self._rows[positions]
        images = np.empty((rows.size, *self.shape[1:]), np.uint8)
        try:
            for number, image in enumerate(in_parallel(self._read, rows.flat)):
                images[number] = image  # a grey one in all channels
        except Exception as error:  # TensorFlow would tell its type alone.
            self.failure = error
            raise
        return images if rows.ndim else images[0]

    def take(self, indices: np.ndarray) -> "StreamedImages":
        """Those of the given indices, `[n]`; none is read."""
        rows = self._rows[indices]
        return StreamedImages(self._read, self.shape, self.note, rows)

    def in_channels(self, channels: int) -> "StreamedImages":
        """Grey images in so many channels; none is read."""
        shape = *self.shape[:3], channels
        return StreamedImages(self._read, shape, self.note, self._rows)


Images = np.ndarray | StreamedImages


@contextlib.contextmanager
def unreadable_told(*parts: Images | None) -> Iterator[None]:
    """Says which image it was, where the block fails since one of the images
    cannot be read.

    Raises:
        ValueError: An image cannot be read.
    """
    try:
        yield
    except Exception:
        for part in parts:
            if isinstance(part, StreamedImages) and part.failure is not None:
                raise ValueError(
                    "Expected images that can be read. Received: "
                    f"{part.failure}."
                ) from None
        raise


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """What a function makes of each item, in order; threads work ahead, but
    not far, so that little waits in memory.

    Example:

    >>> list(in_parallel(abs, [-1, 2]))
    [1, 2]
    """
    pool = _pool()
    waiting: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "images")


def in_channels(images: Images, channels: int) -> Images:
    """Grey images for a network that takes colour ones; others as they are.

    Args:
        images: `[N, H, W, C]`.
        channels: Those that the network takes.

    Raises:
        ValueError: The images are in colour, and the network takes grey ones.
    """
    found = images.shape[-1]
    if found == channels:
        return images
    if found != 1:
        or_grey = ", or of 1" if channels != 1 else ""
        raise ValueError(
            "Invalid number of channels. Expected images of "
            f"{channels}, as the network takes them{or_grey}. Received: "
            f"{found}."
        )
    if isinstance(images, StreamedImages):
        return images.in_channels(channels)
    return np.repeat(images, channels, axis=-1)
