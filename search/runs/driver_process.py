"""Who drives a run on this machine, seen from outside: `DriverWatch`.

Nothing is locked or written. Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from search.storage.run_folder import RunDirectory

# What `multiprocessing` gives the processes that it spawns.
WORKER_OPTION = "--multiprocessing-fork"


@dataclass(frozen=True)
class Process:
    """A process as it is now.

    Attributes:
        pid: Its number.
        memory: The bytes of memory that it has.
        seconds: How long it runs.
    """

    pid: int
    memory: int
    seconds: float

    @classmethod
    def of(cls, process: psutil.Process) -> "Process":
        """What the system says of a process."""
        with process.oneshot():
            return cls(
                process.pid,
                process.memory_info().rss,
                time.time() - process.create_time(),
            )


@dataclass(frozen=True)
class Driver:
    """The process that drives a run, and its worker processes. If there are no
    worker processes, it evaluates the children itself, or Ray does."""

    process: Process
    workers: Sequence[Process]

    def __str__(self) -> str:
        count = len(self.workers)
        workers = f", {count} worker{'s' * (count != 1)}" if count else ""
        return f"Driven by process {self.process.pid}{workers}."


class DriverWatch:
    """Follows who drives a run: the process that holds its lock open.

    The processes of other users and of other machines are not seen.

    Args:
        directory: The folder of the run.

    Attributes:
        ended: Whether a driver was seen and, at the last look, no more.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._lock = (directory.path / "lock").resolve()
        self._process: psutil.Process | None = None
        self.ended = False

    def look(self) -> Driver | None:
        """The driver as it is now, or None where none is seen."""
        before = self._process
        if before is None or not _has_open(before, self._lock):
            processes = psutil.process_iter()
            self._process = next(
                (each for each in processes if _has_open(each, self._lock)),
                None,
            )
        self.ended = self._process is None and (
            self.ended or before is not None
        )
        if self._process is None:
            return None
        try:
            return _describe(self._process)
        except psutil.Error:  # It has ended meanwhile; the next look says so.
            return None


def _has_open(process: psutil.Process, path: Path) -> bool:
    try:
        return any(file.path == str(path) for file in process.open_files())
    except (psutil.Error, OSError):  # It has ended, or is another user's.
        return False


def _describe(process: psutil.Process) -> Driver:
    workers = []
    for child in process.children():
        with contextlib.suppress(psutil.Error):
            if WORKER_OPTION in child.cmdline():
                workers.append(Process.of(child))
    return Driver(Process.of(process), workers)
