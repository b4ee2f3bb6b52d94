"""Evaluation in worker processes on this machine.

Kept pools break where these must not: those of `concurrent.futures` and
pebble when an idle worker is killed, and a lock that they share stays locked
when the worker that holds it is. So each worker here has a pipe of its own,
and nothing else.
"""

import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import multiprocessing.resource_tracker
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nasnet_keras.console.activity import Activity, listening
from search.evaluation.base import Child, Evaluator
from search.executors.base import attempt, freeze_garbage
from search.executors.pool import (
    Message,
    PoolExecutor,
    Ready,
    Worker,
    WorkerDied,
    portable,
)

# A process that is stuck in the kernel does not die of SIGKILL; it is not
# waited for longer.
SECONDS_TO_DIE = 5

# The system counts the milliseconds of a wait in 32 bits.
SECONDS_TO_WAIT = 86400.0

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"

SECONDS_BETWEEN_ACTIVITIES = 0.5


# The exit code of a worker that was to begin a search itself.
STARTED_BY_IMPORT = 89

GUARD = (
    'Expected a search with workers below `if __name__ == "__main__":`, in a '
    "script of its own, since each worker imports the script. Received: "
)


class ProcessExecutor(PoolExecutor):
    """Evaluates children in processes on this machine.

    A process is spawned, so nothing of the driver's is copied into it. Each
    sees one of the GPUs, where there are any, and takes of its memory what it
    needs. It leaves Ctrl-C to the driver, and ends when the driver is gone.

    Raises:
        ValueError: The evaluator cannot be made in another process.
    """

    def _set_up(self) -> None:
        super()._set_up()
        try:
            pickle.dumps(self.create_evaluator)
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise ValueError(
                "Invalid value for argument `evaluator`. Expected with "
                "workers a class or a function of a module, which makes the "
                f"evaluator without arguments. Received: {error}."
            ) from None

    def _start(self, slot: int) -> Worker:
        script = getattr(sys.modules["__main__"], "__file__", None)
        if script is not None and not os.path.exists(script):
            raise ValueError(f"{GUARD}a script that is no file, {script}.")
        gpus = visible_gpus()
        environment = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        if gpus:
            environment[VISIBLE_GPUS] = gpus[slot % len(gpus)]
        return _ProcessWorker(environment, self.create_evaluator)

    def _wait(
        self, handles: Sequence[Any], timeout: float | None
    ) -> Collection[Any]:
        if timeout is not None:
            timeout = min(timeout, SECONDS_TO_WAIT)
        return multiprocessing.connection.wait(handles, timeout)


class _ProcessWorker(Worker):
    def __init__(
        self,
        environment: Mapping[str, str],
        create_evaluator: Callable[[], Evaluator],
    ) -> None:
        super().__init__()
        context = multiprocessing.get_context("spawn")
        self.handle, theirs = context.Pipe()
        self._process = context.Process(
            target=_work,
            args=(theirs, environment, create_evaluator),
            # Ended with the driver, if that ends without `close`.
            daemon=True,
        )
        with _interruptions_later():
            self._process.start()
        theirs.close()

    def send(self, child: Child) -> None:
        if child.folder is not None:
            # The driver's current folder is not the worker's.
            child = dataclasses.replace(child, folder=child.folder.absolute())
        # If the worker is gone, `receive` will say so.
        with contextlib.suppress(OSError):
            self.handle.send(child)

    def receive(self) -> Message:
        try:
            return self.handle.recv()
        except (EOFError, OSError):
            self._process.join(SECONDS_TO_DIE)
            if self._process.exitcode == STARTED_BY_IMPORT:
                return ValueError(f"{GUARD}a call that the import comes to.")
            raise WorkerDied(_ending(self._process.exitcode)) from None

    def kill(self) -> None:
        self.handle.close()
        self._process.kill()
        self._process.join(SECONDS_TO_DIE)


def end_if_imported() -> None:
    """Ends a worker whose script begins a search when it is imported."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(STARTED_BY_IMPORT)


def _work(
    connection: Connection,
    environment: Mapping[str, str],
    create_evaluator: Callable[[], Evaluator],
) -> None:
    """What a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the evaluator forks would keep the pipe open when this is dead.
    os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    os.environ.update(environment)
    # The driver is gone when the pipe is.
    with contextlib.suppress(EOFError, OSError), listening(_Teller(connection)):
        try:
            evaluator = create_evaluator()
            freeze_garbage()
            connection.send(Ready(evaluator.describe(), evaluator.notes))
            while True:
                connection.send(attempt(evaluator, connection.recv()))
        except Exception as error:
            connection.send(portable(error))


class _Teller:
    """Reports the activity to the driver, no oftener than one looks at it, and
    without waiting for the driver to hear it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ready = select.poll()
        self._ready.register(connection, select.POLLOUT)
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(self, activity: Activity) -> None:
        # Only here does nobody else write.
        if threading.current_thread() is not threading.main_thread():
            return
        what, told = self._last
        now = time.monotonic()
        if activity.what == what and now - told < SECONDS_BETWEEN_ACTIVITIES:
            return
        self._last = activity.what, now
        if self._ready.poll(0):
            self._connection.send(activity)


def _end_with_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
    os._exit(1)


@contextlib.contextmanager
def _interruptions_later() -> Iterator[None]:
    """Keeps Ctrl-C away from a process that starts and cannot ignore it yet;
    the driver gets it when the block ends."""
    # Starting it lets Ctrl-C through again, so that comes before.
    multiprocessing.resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"its exit code {exitcode}"
    try:
        return signal.Signals(-exitcode).name
    except ValueError:  # Most of the real-time signals have no name.
        return f"signal {-exitcode}"


def visible_gpus() -> list[str]:
    """The GPUs that TensorFlow would see, without asking it."""
    visible = os.environ.get(VISIBLE_GPUS)
    if visible is not None:
        return [name for name in visible.split(",") if name]
    devices = Path("/dev").glob("nvidia[0-9]*")
    return [str(number) for number in range(len(list(devices)))]
