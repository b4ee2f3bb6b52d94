"""Files and folders that are there in whole or not at all.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import psutil

from nasnet_keras.console.command_line import InputError
from nasnet_keras.quotation import quoted, system_reason

LOCK_ATTEMPTS = 5
PATHS = "a path whose names have at most 255 bytes"
# What the folder of a training holds between its first moment and config.json.
BEGINNING = ("lock", ".config.json")


def is_path(value: Any) -> bool:
    """Whether there could be a file of this name: one of `PATHS`."""
    if not isinstance(value, str | os.PathLike):
        return False
    if not isinstance(os.fspath(value), str):
        return False
    try:
        os.lstat(expanded(value))
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    except ValueError:  # It has a zero byte.
        return False
    return True


def check_path(argument: str, value: Any) -> None:
    """Raises:
    InputError: The value of the argument is no path.
    """
    if not is_path(value):
        raise InputError(
            f"Invalid value for argument `{argument}`. Expected {PATHS}. "
            f"Received: {argument}={quoted(value)}."
        )


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with `~` written out; one of a user that there is not stays,
    where `Path.expanduser` raises."""
    return Path(os.path.expanduser(path))


def resolved(path: Path) -> Path:
    """A path that is absolute and leads through no link; of a link that leads
    in a circle it stays, where `Path.resolve` raises."""
    return Path(os.path.realpath(path))


def check_free(path: Path, besides: Collection[str] = ()) -> None:
    """Checks that a folder can be made, or is there and empty.

    Args:
        path: The folder.
        besides: The names of files that it may hold. Default: none.

    Raises:
        InputError: There is a file at the path, or a folder that is not
            empty; or no file can be there.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {path}: {system_reason(error)}."
        ) from None
    if path.is_dir():
        taken = any(file.name not in besides for file in path.iterdir())
    else:
        taken = path.exists()
    if taken:
        raise InputError(
            "Expected as output a folder that is new or empty. Received: "
            f"{path}."
        )


def make_folder(folder: Path) -> None:
    """Makes a folder that may be there.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {folder}: {system_reason(error)}."
        ) from None


@contextlib.contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends, and leaves
    nothing behind when it fails. What a process that was killed has left is
    deleted when the same path is made anew.

    Raises:
        InputError: The path is taken, or cannot be made.
    """
    check_free(path)
    path = resolved(path)
    if path == Path.cwd():
        raise InputError(
            "Expected as output a folder other than the current one. "
            f"Received: {path}."
        )
    filling = path.parent / f".{path.name}.{os.getpid()}"
    try:
        _delete_abandoned(path)
        filling.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"Cannot make the folder {path}: {system_reason(error)}."
        ) from None
    lock = os.open(filling, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # A file system without locks.
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield filling
        try:
            # POSIX lets a folder replace an empty one.
            filling.rename(path)
        except OSError as error:
            raise InputError(
                f"Cannot make the folder {path}: {system_reason(error)}."
            ) from None
    finally:
        os.close(lock)
        shutil.rmtree(filling, ignore_errors=True)
    sync(path.parent)


def _delete_abandoned(path: Path) -> None:
    """Deletes what killed processes have left of `new_directory`."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+)")
    for folder in path.parent.iterdir() if path.parent.is_dir() else ():
        matched = pattern.fullmatch(folder.name)
        if (
            matched
            and not folder.is_symlink()
            and not psutil.pid_exists(int(matched[1]))
            and not is_locked(folder)  # by a process of another machine
        ):
            shutil.rmtree(folder, ignore_errors=True)


class LockedError(InputError):
    """Another process holds a lock."""


@contextlib.contextmanager
def locked(path: Path, complaint: str) -> Iterator[None]:
    """Holds the lock of a file. The system lets go of it when the process
    ends, in whatever way.

    Raises:
        LockedError: Another process holds it; the text is `complaint`.
        InputError: The file cannot be written.
    """
    try:
        file = open(path, "a", opener=_without_links)
    except OSError as error:
        raise InputError(
            f"Cannot write the file {path}: {system_reason(error)}."
        ) from None
    with file:
        for attempt in range(LOCK_ATTEMPTS):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # Somebody may only have looked, as `is_locked` does.
                if attempt == LOCK_ATTEMPTS - 1:
                    raise LockedError(complaint) from None
                time.sleep(0.02)
        yield


def _without_links(path: str, flags: int) -> int:
    """Opens neither what a link leads to nor a pipe, which would wait."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def is_locked(path: Path) -> bool:
    """Whether a process, of any user and machine, holds the lock of a file or
    folder; where that cannot be told, no."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(file)
    return False


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as `write_text` does."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file; a reader finds the old one or the new one, in whole."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)  # It may be a link, or a pipe.
    try:
        draft.write_text(text, encoding="utf-8")
        sync(draft)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def check_room(folder: Path, size: int) -> None:
    """Checks that a disk has room for a file. HDF5 crashes if it does not.

    Args:
        folder: The folder of the file.
        size: The bytes of the file.

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
