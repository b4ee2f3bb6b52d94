"""The folder of a run: what lies where, who may write, and how files come to
be there in whole or not at all.

    config.json             the configuration, versions, the command
    search.db               the trials and what the strategy has learnt
    lock                    held by the process that drives the run
    children/NNNNN.weights.h5   trained weights of the best children
    tensorboard/            event files

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from search.configuration import InputError

SCHEMA_VERSION = 2  # of config.json


class RunDirectory:
    """The folder of a run.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.configuration = self.path / "config.json"
        self.database = self.path / "search.db"
        self.children = self.path / "children"
        self.tensorboard = self.path / "tensorboard"

    def check_free(self) -> None:
        """Raises:
        InputError: The folder holds a run, or anything else.
        """
        if self.configuration.exists():
            raise InputError(
                f"{self.path} holds a run already. Go on with it by "
                f"`nasnet-search resume {self.path}`, or choose another "
                "output."
            )
        check_free(self.path)

    def check_run(self) -> None:
        """Raises:
        InputError: The folder holds no run.
        """
        if not (self.configuration.exists() and self.database.exists()):
            raise InputError(
                f"Expected the folder of a run. Received: {self.path}, which "
                "has no config.json and search.db."
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps every other driver away. The system lets go of the lock when
        the process ends, in whatever way.

        Raises:
            InputError: Another process drives the run.
        """
        with open(self.path / "lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"Another process is driving the run {self.path}. Wait "
                    "for it to end, or look at it with `nasnet-search status "
                    f"{self.path}`."
                ) from None
            yield

    def record(self) -> dict[str, Any]:
        """What config.json holds.

        Raises:
            InputError: It is no JSON object.
        """
        try:
            record = json.loads(self.configuration.read_text())
        except ValueError as error:
            raise InputError(
                f"{self.configuration} is not valid JSON: {error}."
            ) from None
        if not isinstance(record, dict):
            raise InputError(f"{self.configuration} holds no JSON object.")
        if record.get("schema") != SCHEMA_VERSION:
            raise InputError(
                f"{self.configuration} has schema {record.get('schema')!r}. "
                f"Expected {SCHEMA_VERSION}: use the version of nasnet-keras "
                "that began the run."
            )
        return record

    def weights(self, number: int) -> Path:
        """Where the trained weights of a trial lie."""
        return self.children / f"{number:05d}.weights.h5"

    def keep_weights(self, numbers: Iterable[int]) -> None:
        """Deletes the weights of all trials but these."""
        kept = {self.weights(number) for number in numbers}
        for file in self.children.glob("*.weights.h5"):
            if file not in kept:
                file.unlink()


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


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
