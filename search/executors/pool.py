"""What all executors with processes of their own have in common."""

import abc
import math
import pickle
import time
import traceback
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nasnet_keras.console.activity import Activity, tell_activity
from search.evaluation.base import Child
from search.executors.base import Executor, Outcome, SearchError, failed

# An evaluator may keep memory of every child, so a worker is replaced.
CHILDREN_PER_WORKER = 50

# So many workers in a row that die before they are ready, and the search
# gives up.
DEAD_AT_START = 3


@dataclass(frozen=True)
class Ready:
    """A worker has made its evaluator, which describes itself so, and has
    these notes."""

    description: dict[str, Any]
    notes: Sequence[str] = ()


# What comes from a worker: first `Ready`, then an outcome for each child, and
# what goes on before them. An exception is a defect, or an evaluator that
# cannot be made.
Message = Ready | Activity | Outcome | Exception


class WorkerDied(Exception):
    """A worker is gone; the text says how it ended."""


class Worker(abc.ABC):
    """A process that makes the evaluator, says that it is ready, and then
    evaluates one child at a time.

    Attributes:
        handle: What tells that it has something to say, for
            `PoolExecutor._wait`; None while it has nothing to do.
    """

    handle: Any

    def __init__(self) -> None:
        self.ready = False
        self.child: Child | None = None
        self.deadline = math.inf
        self.children = 0

    @property
    def is_idle(self) -> bool:
        return self.ready and self.child is None

    @abc.abstractmethod
    def send(self, child: Child) -> None:
        """Has the worker begin a child."""

    @abc.abstractmethod
    def receive(self) -> Message:
        """What the worker has to say, once its handle has told.

        Raises:
            WorkerDied: It is gone.
        """

    @abc.abstractmethod
    def kill(self) -> None:
        """Ends the worker at once, whatever it does."""


class PoolExecutor(Executor):
    """Hands children to workers, which may die.

    The first worker makes the evaluator alone, so that a data set is
    downloaded once; the others are started when there are children for them. A
    worker is replaced after 50 children.

    A child whose worker died is tried again, so many times as the settings
    say, and then has failed. One that takes longer than they allow has failed
    at once, and its worker is killed.
    """

    def _set_up(self) -> None:
        self._workers: dict[int, Worker] = {}  # by slot, 0, 1, ...
        self._children: deque[Child] = deque()
        self._outcomes: deque[Outcome] = deque()
        self._deaths: Counter[int] = Counter()  # by the number of the child
        self._dead_at_start = 0  # in a row
        self._description: dict[str, Any] | None = None
        self._notes: Sequence[str] = ()

    @abc.abstractmethod
    def _start(self, slot: int) -> Worker:
        """Starts a worker; `slot` is below the number of workers, and no
        other worker has the same."""

    @abc.abstractmethod
    def _wait(
        self, handles: Sequence[Any], timeout: float | None
    ) -> Collection[Any]:
        """The handles of workers that have something to say, or are gone, as
        soon as there are any; none after so many seconds."""

    def describe(self) -> dict[str, Any]:
        while self._description is None:
            if not self._workers:
                self._workers[0] = self._start(0)
            self._listen(math.inf)
        return self._description

    @property
    def notes(self) -> Sequence[str]:
        return self._notes

    def submit(self, child: Child) -> None:
        self._children.append(child)
        self._hand_out()

    def collect(self, timeout: float | None = None) -> Outcome | None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        while not self._outcomes:
            if time.monotonic() >= end:
                return None
            self._hand_out()
            self._listen(end)
        self._hand_out()
        return self._outcomes.popleft()

    def close(self) -> None:
        for slot in list(self._workers):
            self._dismiss(slot)

    def _hand_out(self) -> None:
        """Gives the waiting children to idle workers, and starts workers for
        those that are left."""
        for worker in self._workers.values():
            if self._children and worker.is_idle:
                worker.child = self._children.popleft()
                limit = self.settings.child_time_limit or math.inf
                worker.deadline = time.monotonic() + limit
                worker.send(worker.child)
        starting = sum(not worker.ready for worker in self._workers.values())
        free = [
            slot
            for slot in range(self.settings.workers)
            if slot not in self._workers
        ]
        for slot in free[: max(0, len(self._children) - starting)]:
            self._workers[slot] = self._start(slot)

    def _listen(self, end: float) -> None:
        """Waits for workers to say something, for a child to be late, or for
        the end."""
        workers = self._workers.items()
        slots = {worker.handle: slot for slot, worker in workers}
        slots.pop(None, None)
        end = min([end, *(worker.deadline for _, worker in workers)])
        timeout = None if end == math.inf else max(0, end - time.monotonic())
        for handle in self._wait(list(slots), timeout):
            slot = slots[handle]
            self._on_message(slot, self._workers[slot])
        for slot, worker in list(self._workers.items()):
            if worker.child and time.monotonic() >= worker.deadline:
                limit = self.settings.child_time_limit
                reason = f"The child took longer than its {limit:g} seconds."
                self._outcomes.append(failed(worker.child, reason))
                self._dismiss(slot)

    def _on_message(self, slot: int, worker: Worker) -> None:
        try:
            message = worker.receive()
        except WorkerDied as death:
            self._dismiss(slot)
            self._on_death(worker, str(death))
            return
        if isinstance(message, Exception):
            if worker.ready or self._description is None:
                raise message
            raise SearchError(
                f"A new worker cannot evaluate children: {message}"
            ) from message
        if isinstance(message, Activity):
            if worker.child is not None:
                self._heard(worker.child.number, message)
            elif self._description is None:
                tell_activity(*message)
            return
        if isinstance(message, Ready):
            self._notes = message.notes
            self._on_ready(worker, message.description)
            return
        self._outcomes.append(message)
        del self._deaths[message.number]
        worker.child, worker.deadline = None, math.inf
        worker.children += 1
        if worker.children == CHILDREN_PER_WORKER:
            self._dismiss(slot)

    def _on_ready(self, worker: Worker, description: dict[str, Any]) -> None:
        """Takes note that a worker is ready."""
        self._description = self._description or description
        if description != self._description:
            raise SearchError(
                "A new worker finds other data, or trains children otherwise, "
                "than the first one."
            )
        worker.ready = True
        self._dead_at_start = 0

    def _on_death(self, worker: Worker, death: str) -> None:
        """Sees to the child of a dead worker."""
        if not worker.ready:
            self._dead_at_start += 1
            if self._dead_at_start == DEAD_AT_START:
                raise SearchError(
                    f"{DEAD_AT_START} workers in a row died before they could "
                    f"evaluate a child, the last one by {death}."
                )
        child = worker.child
        if child is None:
            return
        self._deaths[child.number] += 1
        if self._deaths[child.number] <= self.settings.retries:
            self._children.appendleft(child)
            return
        times = self._deaths.pop(child.number)
        self._outcomes.append(
            failed(
                child,
                f"The child's worker died {times} "
                f"{'time' if times == 1 else 'times'}, the last time by "
                f"{death}.",
            )
        )

    def _dismiss(self, slot: int) -> None:
        self._workers.pop(slot).kill()


def portable(error: Exception) -> Exception:
    """An exception as another process can read it, with its traceback as a
    note."""
    lines = traceback.format_exception(error)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note("In a worker:\n\n" + "".join(lines))
    return error
