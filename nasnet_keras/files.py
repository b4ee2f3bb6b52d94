"""Files and folders that are there in whole or not at all.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nasnet_keras.command_line import InputError


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with `~` written out; one of a user that there is not stays,
    where `Path.expanduser` raises."""
    return Path(os.path.expanduser(path))


def check_free(path: Path) -> None:
    """Raises:
    InputError: There is a file at the path, or a folder that is not empty.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(
            "Expected as output a folder that is new or empty. Received: "
            f"{path}."
        )


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends, and leaves
    nothing behind when it fails.

    Raises:
        InputError: The path is taken, or cannot be made.
    """
    check_free(path)
    path = path.resolve()
    if path == Path.cwd():
        raise InputError(
            "Expected as output a folder other than the current one. "
            f"Received: {path}."
        )
    filling = path.parent / f".{path.name}.{os.getpid()}"
    try:
        filling.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {path}: {error.strerror}."
        ) from None
    try:
        yield filling
        try:
            # POSIX lets a folder replace an empty one.
            filling.rename(path)
        except OSError as error:
            raise InputError(
                f"Cannot make the folder {path}: {error.strerror}."
            ) from None
    finally:
        shutil.rmtree(filling, ignore_errors=True)
    sync(path.parent)


@contextlib.contextmanager
def locked(path: Path, complaint: str) -> Iterator[None]:
    """Holds the lock of a file. The system lets go of it when the process
    ends, in whatever way.

    Raises:
        InputError: Another process holds it; the text is `complaint`. Or the
            file cannot be written.
    """
    try:
        file = open(path, "w")
    except OSError as error:
        raise InputError(
            f"Cannot write the file {path}: {error.strerror}."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(complaint) from None
        yield


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as `write_text` does."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file; a reader finds the old one or the new one, in whole."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    sync(draft)
    draft.rename(path)
    sync(path.parent)


def check_room(folder: Path, size: int) -> None:
    """Checks that a disk has so many bytes left for a file in a folder, for
    libraries that crash where it has not, as HDF5's does.

    Raises:
        OSError: There is no room.
    """
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
