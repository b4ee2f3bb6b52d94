"""The record of a run in progress: `Book`."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nasnet_auto.trainings.candidates import Candidate, Row
from nasnet_keras.console.command_line import (
    InputError,
    check_computing,
    provenance,
)
from nasnet_keras.files import write_json
from nasnet_keras.quotation import system_reason
from nasnet_keras.strict_json import read_json

SCHEMA_VERSION = 1
KINDS = (
    ("command", str),
    ("computing", dict),
    ("asked", dict),
    ("elapsed", float),
    ("decided", dict),
    ("stages", dict),
)
SECONDS_BETWEEN = 5.0  # two notes of the time


class Book:
    """The file plan.json of a run: what was asked for, what each stage tries
    and what came of it, and how much of the time is gone.

    Recorded decisions are not made again: a planned training ends in the same
    accuracy, however often the run was stopped.

    Args:
        file: The file; it is made if it is not there.
        asked: What the run was begun with, as JSON data.

    Raises:
        InputError: The file is that of a run with other settings, or damaged.
    """

    def __init__(self, file: Path, asked: dict[str, Any]) -> None:
        self._file = file
        if file.exists():
            self._data = _read(file)
            _check(file, self._data["asked"], asked)
            if not (file.parent / "leaderboard.json").exists():
                check_computing(file.parent, self._data)
        else:
            self._data = {
                "schema": SCHEMA_VERSION,
                **provenance(),
                "asked": asked,
                "elapsed": 0.0,
                "decided": {},
                "stages": {},
            }
            write_json(file, self._data)
        self._lock = threading.RLock()
        self._began = time.monotonic()
        self._before = float(self._data["elapsed"])

    @property
    def elapsed(self) -> float:
        """The seconds that the run has taken, over all calls."""
        return self._before + time.monotonic() - self._began

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Records the time every few seconds while the block runs, so that
        it counts after a kill too."""
        ended = threading.Event()

        def note() -> None:
            while not ended.wait(SECONDS_BETWEEN):
                with contextlib.suppress(OSError):  # Others will meet it.
                    self._write()

        thread = threading.Thread(target=note, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def candidates(self, stage: str) -> list[Candidate]:
        """The candidates of a stage that are decided so far."""
        entry = self._data["stages"].get(stage, {"candidates": []})
        return [Candidate(**each) for each in entry["candidates"]]

    def plan(self, stage: str, candidate: Candidate) -> None:
        """Adds what a stage tries."""
        with self._lock:
            entry = self._data["stages"].setdefault(
                stage, {"candidates": [], "rows": []}
            )
            entry["candidates"].append(dataclasses.asdict(candidate))
            self._write()

    def decided(self, name: str, decide: Callable[[], Any]) -> Any:
        """A decision as JSON data. The first call makes it by `decide` and
        records it."""
        if name not in self._data["decided"]:
            decision = decide()
            with self._lock:
                self._data["decided"][name] = decision
                self._write()
        return self._data["decided"][name]

    def rows_of(self, stage: str) -> list[Row]:
        """What has come of the candidates of a stage, in their order."""
        entry = self._data["stages"].get(stage, {"rows": []})
        return [Row(**row) for row in entry["rows"]]

    def add(
        self, stage: str, row: Row, beside: float = 0.0, reading: float = 0.0
    ) -> None:
        """Adds what came of a stage's next candidate, and the seconds that it
        took beside its epochs, those of reading images apart."""
        with self._lock:
            self._data["stages"][stage]["rows"].append(dataclasses.asdict(row))
            self._data["beside"] = max(self.beside, beside)
            self._data["reading"] = max(self.reading, reading)
            self._write()

    @property
    def beside(self) -> float:
        """The most seconds that a candidate took beside its epochs, such as to
        evaluate; to read the images counts apart."""
        return self._data.get("beside", 0.0)

    @property
    def reading(self) -> float:
        """The most seconds that reading the images took."""
        return self._data.get("reading", 0.0)

    @property
    def rows(self) -> list[Row]:
        """What has come of all candidates, in the order of their training."""
        return [
            row for stage in self._data["stages"] for row in self.rows_of(stage)
        ]

    def candidate(self, name: str) -> Candidate:
        """The candidate of a row."""
        return next(
            candidate
            for stage in self._data["stages"]
            for candidate in self.candidates(stage)
            if candidate.name == name
        )

    def _write(self) -> None:
        with self._lock:
            self._data["elapsed"] = self.elapsed
            write_json(self._file, self._data)


def _read(file: Path) -> dict[str, Any]:
    try:
        data: Any = read_json(file)
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {system_reason(error)}."
        ) from None
    except ValueError as error:
        raise InputError(
            f"{file} is not valid JSON: {error}. Put back the file as the run "
            "wrote it, or begin a run in a new folder."
        ) from None
    if (
        not isinstance(data, dict)
        or data.get("schema") != SCHEMA_VERSION
        or not all(isinstance(data.get(name), kind) for name, kind in KINDS)
    ):
        raise InputError(
            f"{file} is not that of a run of this version of nasnet-auto. "
            "Choose another output."
        )
    return data


def _check(file: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed: Sequence[str] = [
        name for name in now if before.get(name) != now[name]
    ]
    if changed:
        raise InputError(
            f"{file.parent} holds a run that was begun with other "
            f"{', '.join(changed)}. Give the same again to continue it, or "
            "choose another output."
        )
