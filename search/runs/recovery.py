"""The way back from a damaged database to its backup: `restore`.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasnet_keras.console.command_line import InputError
from search.runs.config import create_configuration
from search.runs.record import DAMAGE, Run, recorded_space
from search.storage import SQLiteStorage, backups
from search.storage.run_folder import DamageError, RunDirectory, storage_reason


@dataclass(frozen=True)
class Restored:
    """What a run was restored to.

    Attributes:
        run: The run as it is now.
        time: When the backup was made.
        damaged: Where the damaged database is now, if there was one.
    """

    run: Run
    time: datetime.datetime
    damaged: Path


def restore(path: str | os.PathLike[str]) -> Restored:
    """Puts the last backup in the place of a run's damaged database.

    What finished after the backup, within a minute of it, is evaluated again
    when the run is resumed, from its files if it was under way then. Files of
    later children are deleted.

    Args:
        path: The folder of the run.

    Raises:
        InputError: There is no run, another process drives it, its database
            is whole, or there is no backup that can be read.

    Example:

    >>> import search
    >>> run = search.run(
    ...     "runs/first",
    ...     dataset="digits",
    ...     strategy="random",
    ...     trials=1,
    ...     space=search.NASNetSpace(1),
    ...     recipe={"epochs": 1},
    ...     child={"filters": 4},
    ... )
    >>> size = Path("runs/first/search.db").write_bytes(b"damaged")
    >>> restored = restore("runs/first")
    >>> len(restored.run.trials), restored.damaged.exists()
    (1, True)
    """
    directory = RunDirectory(path)
    directory.record()
    with directory.lock():
        if _is_whole(path):
            raise InputError(
                f"The database {directory.database} is whole: there is "
                "nothing to restore."
            )
        _check_backup(directory)
        damaged = backups.restore(directory.database, directory.backup)
        run = Run(path)
        directory.keep_weights(range(len(run.trials)))
    made = directory.backup.stat().st_mtime
    time = datetime.datetime.fromtimestamp(made).astimezone()
    return Restored(run, time, damaged)


def _is_whole(path: str | os.PathLike[str]) -> bool:
    try:
        Run(path).check()
    except DamageError:
        return False
    return True


def _check_backup(directory: RunDirectory) -> None:
    """Raises:
    InputError: The backup cannot be read as the run's.
    """
    settings = directory.record().get("config", {})
    config = create_configuration(settings, to_look=True)
    unknown: Any = None
    try:
        backup = SQLiteStorage(directory.backup, unknown, read_only=True)
        with contextlib.closing(backup):
            backup.space = recorded_space(config, backup.meta("identity"))
            backup.trials()
            backup.strategy()
    except DAMAGE as error:
        raise InputError(
            f"There is no backup to restore from: {directory.backup} cannot "
            f"be read: {storage_reason(error)}."
        ) from None
