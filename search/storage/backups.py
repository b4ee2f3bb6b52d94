"""Copies of a run's database, made while it is driven, and the way back.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import sync
from search.observers.base import Observer
from search.storage.run_folder import storage_reason
from search.trial import Trial

# Between two backups: what finished since the last is what a damaged database
# costs, and is evaluated again.
SECONDS = 60.0

OUTCOMES = """
SELECT (SELECT COUNT(*) FROM trials WHERE state <> 'running')
    + (SELECT COUNT(*) FROM evaluations)
"""

# What SQLite keeps beside a database in use.
COMPANIONS = ("-journal", "-wal", "-shm")


class Backups(Observer):
    """Backs a database up when the search begins, when a trial has finished
    and the last backup is a minute old, and when the search ends.

    Args:
        database: The database.
        backup: Where its copy goes.
        seconds: The least time between two copies. Default 60.
        clock: Tells the seconds.
    """

    def __init__(
        self,
        database: Path,
        backup: Path,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._backup = database, backup
        self._seconds, self._clock = seconds, clock
        self._last = clock()

    def begin(self, trials: Sequence[Trial], total: int) -> None:
        self._back_up()

    def finished(
        self, trial: Trial, best: Trial | None, metrics: Mapping[str, float]
    ) -> None:
        if self._clock() - self._last >= self._seconds:
            self._back_up()

    def end(self) -> None:
        # What broke the search off may be what keeps it from being copied.
        with contextlib.suppress(sqlite3.Error, OSError):
            self._back_up()

    def _back_up(self) -> None:
        back_up(self._database, self._backup)
        self._last = self._clock()


def back_up(database: Path, backup: Path) -> None:
    """Copies a database, in use or not; a copy that is not whole does not
    take the place of an earlier one.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    draft = backup.with_name(f".{backup.name}")
    for ending in ("", *COMPANIONS):
        # SQLite would take what a kill left for a part of the new one.
        Path(f"{draft}{ending}").unlink(missing_ok=True)
    with (
        contextlib.closing(_read_only(database)) as source,
        contextlib.closing(sqlite3.connect(draft)) as target,
    ):
        source.backup(target)
        # So that it is whole without any file beside it.
        target.execute("PRAGMA journal_mode = DELETE")
    check(draft)
    sync(draft)
    draft.rename(backup)
    sync(backup.parent)


def check(database: Path) -> None:
    """Reads a whole database, to find damage.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    with contextlib.closing(_read_only(database)) as connection:
        ((found, *_), *_) = connection.execute("PRAGMA quick_check")
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def outcomes(database: Path) -> int:
    """How many outcomes of trials a database has; none that cannot be read."""
    try:
        with contextlib.closing(_read_only(database)) as connection:
            ((count,),) = connection.execute(OUTCOMES)
    except sqlite3.Error:
        return 0
    return count


def restore(database: Path, backup: Path) -> Path:
    """Puts the backup in the place of a database that no process uses.

    Returns:
        Where the database is now that was there, its name ending in
        `.damaged`.

    Raises:
        InputError: There is no backup, or it is damaged too.
    """
    try:
        check(backup)
    except sqlite3.Error as error:
        raise InputError(
            f"There is no backup to restore from: {backup} cannot be read: "
            f"{storage_reason(error)}."
        ) from None
    aside = database.with_name(f"{database.name}.damaged")
    draft = database.with_name(f".{database.name}")
    shutil.copyfile(backup, draft)
    sync(draft)
    # The companions belong to the damaged one.
    for ending in (*COMPANIONS, ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{database}{ending}").rename(f"{aside}{ending}")
    draft.rename(database)
    sync(database.parent)
    return aside


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
