"""The folder of a run: what lies where, and who may write.

    config.json             the configuration, versions, the command
    search.db               the trials and what the strategy has learnt
    lock                    held by the process that drives the run
    children/NNNNN.weights.h5   trained weights of the best children
    tensorboard/            event files
    retrained/NNNNN/        trainings of the best children, longer

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nasnet_keras.command import InputError
from nasnet_keras.files import check_free, locked

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
        self.retrained = self.path / "retrained"

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

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Keeps every other driver away.

        Raises:
            InputError: Another process drives the run.
        """
        return locked(
            self.path / "lock",
            f"Another process is driving the run {self.path}. Wait for it to "
            f"end, or look at it with `nasnet-search status {self.path}`.",
        )

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
