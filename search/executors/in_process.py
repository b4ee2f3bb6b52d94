"""Evaluation in the driver's own process, one child after the other."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.executors.base import Executor, Job, Outcome, attempt


class InProcessExecutor(Executor):
    """Evaluates a child when its outcome is asked for, and then to its end."""

    def _set_up(self) -> None:
        self._evaluator = self.create_evaluator()
        self._jobs: deque[Job] = deque()

    def describe(self) -> dict[str, Any]:
        return self._evaluator.describe()

    def watch(self, trained: Callable[[int, int, float], object]) -> None:
        self._evaluator.watch(trained)

    def suggest(self, number: int, folder: Path) -> Any:
        return self._evaluator.suggest(number, folder)

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def collect(self, timeout: float | None = None) -> Outcome | None:
        return attempt(self._evaluator, self._jobs.popleft(), self.seed)
