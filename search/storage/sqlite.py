"""The memory of a run: one SQLite file.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import io
import itertools
import json
import operator
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.console.command_line import InputError
from search.spaces.base import SearchSpace
from search.trial import Evaluation, Trial, TrialState

SCHEMA_VERSION = 1
# How a write-ahead log begins, and with how many bytes of its own:
# https://www.sqlite.org/fileformat2.html, section 4.1.
LOG_MAGIC, LOG_HEADER = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"), 32

# `strategy` holds one row at most: what the strategy last learnt.
TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY,
    decisions TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    duplicate_of INTEGER REFERENCES trials
);
CREATE TABLE evaluations (
    trial INTEGER NOT NULL REFERENCES trials,
    budget REAL NOT NULL,
    reward REAL NOT NULL,
    metrics TEXT NOT NULL,
    seconds TEXT NOT NULL,
    PRIMARY KEY (trial, budget)
);
CREATE TABLE strategy (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    learned INTEGER NOT NULL,
    state BLOB NOT NULL
);
"""

# The state of a finished trial stands: the WHERE leaves its row as it is. A
# complete child that fails when it goes on is the exception.
SAVE_TRIAL = """
INSERT INTO trials (number, decisions, state, reason, duplicate_of)
VALUES (:number, :decisions, :state, :reason, :duplicate_of)
ON CONFLICT (number) DO UPDATE SET state = :state, reason = :reason
WHERE state = 'running' OR (state = 'complete' AND :state = 'failed')
"""

TRIALS = """
SELECT number, decisions, state, reason, duplicate_of,
    budget, reward, metrics, seconds
FROM trials LEFT JOIN evaluations
    ON evaluations.trial = COALESCE(duplicate_of, number)
ORDER BY number, budget
"""


class SQLiteStorage:
    """Keeps the trials of a run and what its strategy has learnt.

    **Writer.** One process, the driver, writes; any number may read while it
    does (write-ahead log).

    **Durability.** What a `transaction` holds is on disk in whole when the
    block ends, and stays there through a kill or a power cut; or none of it
    is.

    **Names.** Decisions are stored by their names in the space, never by
    position.

    **Finished trials** never change, except for a complete one that continues
    to a higher budget: it gets a further evaluation, or fails.

    Args:
        path: The database, made by `create`.
        space: The space of the trials' decisions.
        read_only: Whether to open it for reading alone.

    Raises:
        InputError: The file has another schema version.
        sqlite3.Error: It cannot be read.
    """

    def __init__(
        self, path: Path, space: SearchSpace, read_only: bool = False
    ) -> None:
        self.space = space
        _check_log(path)
        self._connection = _connect(path, "ro" if read_only else "rw")
        version = self.meta("schema")
        if version != SCHEMA_VERSION:
            self.close()
            raise InputError(
                f"The database {path} has schema version {version}. "
                f"Expected version {SCHEMA_VERSION}."
            )

    @classmethod
    def create(cls, path: Path, identity: Mapping[str, Any]) -> None:
        """Makes an empty database for a run with this identity."""
        connection = _connect(path, "rwc")
        with contextlib.closing(connection):
            connection.executescript(TABLES)
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [
                    ("schema", json.dumps(SCHEMA_VERSION)),
                    ("identity", json.dumps(identity)),
                ],
            )

    def meta(self, key: str) -> Any:
        """What was stored with the run under this key, as JSON data; None
        where nothing was."""
        row = self._connection.execute(
            "SELECT value FROM meta WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else json.loads(row["value"])

    def save_meta(self, key: str, value: Any) -> None:
        """Stores JSON data under this key, in the place of what is there."""
        self._connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (key, json.dumps(value)),
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is saved inside, or, after an exception, nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # A full disk, for one, has ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def save(self, trial: Trial) -> None:
        """Adds a trial, or finishes the running trial of that number.

        Raises:
            ValueError: The stored trial is finished already.
        """
        saved = self._connection.execute(
            SAVE_TRIAL,
            {
                "number": trial.number,
                "decisions": json.dumps(self.space.to_names(trial.decisions)),
                "state": trial.state.value,
                "reason": trial.reason,
                "duplicate_of": trial.duplicate_of,
            },
        )
        if saved.rowcount == 0:
            raise ValueError(
                "Invalid value for argument `trial`. Expected a new or a "
                f"running trial. Received: number={trial.number}, which is "
                "finished."
            )
        if trial.state is TrialState.COMPLETE:
            for evaluation in trial.evaluations:
                self.save_evaluation(trial.number, evaluation)

    def save_evaluation(self, number: int, evaluation: Evaluation) -> None:
        """Adds an evaluation, at another budget than the trial has."""
        self._connection.execute(
            "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?)",
            (
                number,
                float(evaluation.budget),
                float(evaluation.reward),
                _numbers(evaluation.metrics),
                _numbers(evaluation.seconds),
            ),
        )

    def trials(self) -> list[Trial]:
        """All trials by number, each with its evaluations by budget; a
        duplicate with those of its original."""
        rows = self._connection.execute(TRIALS)
        return [
            self._trial(list(of_trial))
            for _, of_trial in itertools.groupby(
                rows, operator.itemgetter("number")
            )
        ]

    def _trial(self, rows: list[sqlite3.Row]) -> Trial:
        return Trial(
            number=rows[0]["number"],
            decisions=self.space.from_names(json.loads(rows[0]["decisions"])),
            state=TrialState(rows[0]["state"]),
            evaluations=tuple(
                Evaluation(
                    reward=row["reward"],
                    metrics=json.loads(row["metrics"]),
                    seconds=json.loads(row["seconds"]),
                    budget=row["budget"],
                )
                for row in rows
                if row["reward"] is not None
            ),
            reason=rows[0]["reason"],
            duplicate_of=rows[0]["duplicate_of"],
        )

    def save_strategy(
        self, state: Mapping[str, np.ndarray], learned: int
    ) -> None:
        """Replaces what the strategy has learnt."""
        arrays: dict[str, Any] = dict(state)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        self._connection.execute(
            "INSERT OR REPLACE INTO strategy VALUES (0, ?, ?)",
            (learned, buffer.getvalue()),
        )

    def strategy(self) -> tuple[dict[str, np.ndarray], int] | None:
        """The strategy's state and the number of trials that it has learnt
        from, or None where none was saved."""
        row = self._connection.execute(
            "SELECT state, learned FROM strategy"
        ).fetchone()
        if row is None:
            return None
        with np.load(io.BytesIO(row["state"]), allow_pickle=False) as arrays:
            return dict(arrays), row["learned"]

    def close(self) -> None:
        self._connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    if mode == "ro" and _is_at_rest(path):
        uri += "&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    if mode != "ro":
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _check_log(path: Path) -> None:
    """Raises:
    sqlite3.DatabaseError: The write-ahead log does not begin as one; SQLite
        would take it for an empty one, and leave out what it holds.
    """
    try:
        with open(_log(path), "rb") as file:
            begin = file.read(LOG_HEADER)
    except OSError:  # There is none, or SQLite says why.
        return
    if len(begin) == LOG_HEADER and begin[:4] not in LOG_MAGIC and any(begin):
        raise sqlite3.DatabaseError("the write-ahead log is damaged")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _is_at_rest(path: Path) -> bool:
    """Whether nobody here can write the database, nor SQLite the files that
    it keeps beside one in use, and it is whole without them."""
    return not (_log(path).exists() or os.access(path.parent, os.W_OK))


def _numbers(values: Mapping[str, float]) -> str:
    return json.dumps({name: float(value) for name, value in values.items()})
