"""The folder of a run: what lies where, and who may write.

    config.json             the configuration, versions, the command
    search.db               the trials and what the strategy has learnt
    backup.db               a copy of it, made every minute while it is driven
    lock                    held by the process that drives the run
    children/NNNNN.weights.h5   trained weights of the best children
    children/NNNNN/         the same as trainings, where a recipe is tuned
    children/shared.npz     the network whose weights children share, if so
    children/shared.jsonl   the children that it was trained on in turns
    tensorboard/            event files
    retrained/NNNNN/        trainings of the best children, longer
    ranked/                 a run of random children, beside shared weights

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import check_free, is_locked, locked
from nasnet_keras.quotation import quoted, system_reason
from nasnet_keras.strict_json import read_json

SCHEMA_VERSION = 4  # of config.json

# Beside the weights of the children.
SHARED_FILE, SHARED_CHILDREN_FILE = "shared.npz", "shared.jsonl"

# What is no damage: SQLite could not get at the file.
OUT_OF_REACH = {
    sqlite3.SQLITE_BUSY: "another process holds it; wait for it to end",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; get the right to it",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; check it",
    sqlite3.SQLITE_PERM: "it may not be opened; get the right to it",
    sqlite3.SQLITE_READONLY: "it may not be written; get the right to it",
}


# What `weights_file` and `training_folder` call them, and no other file of the
# user.
WEIGHTS_NAME = re.compile(r"[0-9]{5,}\.weights\.h5")
TRAINING_NAME = re.compile(r"[0-9]{5,}")


class DamageError(InputError):
    """The database of a run is damaged, or gone."""


def _code(error: Exception) -> int:
    """What SQLite calls an error, without what it says beyond that; or 0."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def storage_reason(error: Exception) -> str:
    """Why a file of a run cannot be read or written, without a period.

    Example:

    >>> storage_reason(KeyError("trials"))
    'its content is of another form'
    """
    if isinstance(error, OSError):
        return system_reason(error)
    if _code(error) in OUT_OF_REACH:
        return OUT_OF_REACH[_code(error)]
    if isinstance(error, sqlite3.DatabaseError):
        return "it is damaged"
    if isinstance(error, ValueError):  # ours, of what the content is
        return (str(error).splitlines() or [""])[0].rstrip(".")
    return "its content is of another form"


def weights_file(folder: Path, number: int) -> Path:
    """Where the trained weights of a trial lie in a folder of children."""
    return folder / f"{number:05d}.weights.h5"


def training_folder(folder: Path, number: int) -> Path:
    """Where a trial is trained in a folder of its own, within a folder of
    children."""
    return folder / f"{number:05d}"


class RunDirectory:
    """The folder of a run.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.configuration = self.path / "config.json"
        self.database = self.path / "search.db"
        self.backup = self.path / "backup.db"
        self.children = self.path / "children"
        self.tensorboard = self.path / "tensorboard"
        self.retrained = self.path / "retrained"
        self.ranking = self.retrained / "ranking.json"

    def check_free(self) -> None:
        """Raises:
        InputError: The folder holds a run, or anything else.
        """
        if self.is_run:
            raise InputError(
                f"{self.path} holds a run already. Continue it with "
                f"{self.resuming}, or choose another output."
            )
        check_free(self.path)

    def command(self, name: str) -> str:
        """What to type for a command on the run, in quotes."""
        return f"`nasnet-search {name} {shlex.quote(str(self.path))}`"

    @property
    def resuming(self) -> str:
        """The command that resumes the run, in quotes. If the run was begun
        with arguments that only Python can give, a call in Python."""
        try:
            given = self.record().get("given")
        except InputError:
            given = None
        if not given:
            return self.command("resume")
        arguments = ", ".join(f"{name}=..." for name in given)
        return f"`search.resume({str(self.path)!r}, {arguments})`"

    @property
    def is_run(self) -> bool:
        """Whether the folder holds a run, maybe without its database."""
        return self.configuration.is_file() and (
            self.database.is_file() or self.backup.is_file()
        )

    def check_run(self) -> None:
        """Raises:
        InputError: The folder holds no run.
        DamageError: It has a backup alone of its database.
        """
        if self.configuration.is_file() and self.database.is_file():
            return
        if self.is_run:
            raise self.unreadable(FileNotFoundError("it is not there"))
        raise InputError(
            f"Expected the folder of a run. Received: {self.path}, which "
            "has no config.json and search.db."
        )

    def unreadable(self, error: Exception) -> InputError:
        """The exception to raise where the database cannot be read."""
        text = f"The database {self.database} cannot be read: "
        text += storage_reason(error)
        if _code(error) in OUT_OF_REACH:
            return InputError(f"{text}.")
        if not self.backup.is_file():
            return DamageError(f"{text}; it has no backup.")
        return DamageError(
            f"{text}; restore its last backup by {self.command('restore')}."
        )

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Keeps every other driver away.

        Raises:
            InputError: Another process drives the run, or one of its files
                is a link.
        """
        self._check_links()
        return locked(
            self.path / "lock",
            f"Another process is driving the run {self.path}. Wait for it to "
            f"end, or look at it with {self.command('status')}.",
        )

    @property
    def is_driven(self) -> bool:
        """Whether a process, on any machine, drives the run."""
        return is_locked(self.path / "lock")

    def record(self) -> dict[str, Any]:
        """What config.json holds.

        Raises:
            InputError: It cannot be read, or is no JSON object.
        """
        try:
            record = read_json(self.configuration)
        except OSError as error:
            raise InputError(
                f"{self.configuration} cannot be read: {system_reason(error)}."
            ) from None
        except ValueError as error:
            raise InputError(
                f"{self.configuration} is not valid JSON: {error}. Put back "
                "the file as the run wrote it."
            ) from None
        if not isinstance(record, dict):
            raise InputError(f"{self.configuration} holds no JSON object.")
        if record.get("schema") != SCHEMA_VERSION:
            raise InputError(
                f"{self.configuration} has schema "
                f"{quoted(record.get('schema'))}. "
                f"Expected {SCHEMA_VERSION}: use the version of nasnet-keras "
                "that began the run."
            )
        return record

    def weights(self, number: int) -> Path:
        """Where the trained weights of a trial lie."""
        return weights_file(self.children, number)

    def keep_weights(self, numbers: Iterable[int]) -> None:
        """Deletes the weights, or trainings, of all trials but these."""
        numbers = set(numbers)
        kept = {self.weights(number).name for number in numbers}
        kept |= {
            training_folder(self.children, number).name for number in numbers
        }
        for file in self.children.iterdir():
            # A child in training writes a draft first, the name after a dot.
            name = file.name.removeprefix(".")
            if WEIGHTS_NAME.fullmatch(name) and name not in kept:
                file.unlink(missing_ok=True)
            # A folder of the user's has no record of a training.
            if (
                TRAINING_NAME.fullmatch(file.name)
                and file.name not in kept
                and (file / "config.json").is_file()
            ):
                shutil.rmtree(file, ignore_errors=True)

    def _check_links(self) -> None:
        """Raises:
        InputError: What a driver writes would land somewhere else.
        """
        for folder in (self.path, self.children):
            entries = folder.iterdir() if folder.is_dir() else ()
            link = next((each for each in entries if each.is_symlink()), None)
            if link is not None:
                raise InputError(
                    f"{link} is a link. Expected the files of a run within "
                    "its folder: put there what the link leads to."
                )
