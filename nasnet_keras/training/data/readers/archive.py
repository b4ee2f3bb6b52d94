"""Arrays in `.npz` files, read with care: nothing is decompressed before its
size is known, and no pickle is loaded."""

import contextlib
import io
import math
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nasnet_keras.training.data.holding import amount, most_in_memory

ENDING = ".npy"
HEADER_BYTES = 4096  # most of an array's header; those of plain arrays have 118
PLAIN = "biufSU"  # kinds of types: truth values, numbers, texts
READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
REASON_LENGTH = 120  # of other libraries' errors within ours


class Described(NamedTuple):
    """What an archive says of an array.

    Attributes:
        shape: Its shape.
        dtype: Its type.
    """

    shape: tuple[int, ...]
    dtype: np.dtype


class Archive:
    """The arrays of an `.npz` file.

    Args:
        path: The file.

    Raises:
        ValueError: It is none, or a damaged one; so do the methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._complaining(), zipfile.ZipFile(path) as file:
            names = file.namelist()
        # In the order of the file.
        self.names = tuple(
            name.removesuffix(ENDING) for name in names if name.endswith(ENDING)
        )

    def describe(self, name: str) -> Described:
        """The shape and the dtype of an array, without reading its values."""
        with self._complaining():
            with zipfile.ZipFile(self.path) as file:
                info = file.getinfo(name + ENDING)
                with file.open(info) as member:
                    beginning = io.BytesIO(member.read(HEADER_BYTES))
            described = _read_header(beginning)
            size = math.prod(described.shape) * described.dtype.itemsize
            if size != info.file_size - beginning.tell():
                raise _Damage("the size of an array is not that of its shape")
        if size > (most := most_in_memory()):
            raise ValueError(
                f"The array `{name}` of {str(self.path)!r} is too big for "
                f"memory. Expected at most {amount(most)}, half of what is "
                f"available. Received: {described.dtype} of shape "
                f"{described.shape}, {amount(size)}; images in a folder are "
                "streamed."
            )
        return described

    def read(self, name: str) -> np.ndarray:
        """An array."""
        self.describe(name)
        with (
            self._complaining(),
            zipfile.ZipFile(self.path) as file,
            file.open(name + ENDING) as member,
        ):
            array: np.ndarray = np.lib.format.read_array(
                member, allow_pickle=False, max_header_size=HEADER_BYTES
            )
            return array

    @contextlib.contextmanager
    def _complaining(self) -> Iterator[None]:
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        # zipfile, zlib and NumPy raise all kinds on damaged bytes.
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                "Invalid value for argument `source`. Expected an `.npz` file "
                "of arrays without Python objects. Received: "
                f"{str(self.path)!r}, which cannot be read "
                f"({reason[:REASON_LENGTH]})."
            ) from None


class _Damage(Exception):
    """An archive contradicts itself."""


def _read_header(file: io.BytesIO) -> Described:
    version = np.lib.format.read_magic(file)
    if version not in READ_HEADER:
        raise _Damage(f"an array has the format {version}")
    try:
        shape, _, dtype = READ_HEADER[version](file, HEADER_BYTES)
    except Exception:  # In the words of Python's parser.
        raise _Damage("the header of an array is damaged") from None
    if dtype.kind not in PLAIN or not dtype.itemsize:
        raise _Damage(f"an array is of {dtype}, not of numbers or texts")
    if any(length < 0 for length in shape):
        raise _Damage(f"an array has the shape {shape}")
    return Described(shape, dtype)
