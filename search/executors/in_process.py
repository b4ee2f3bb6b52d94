"""Evaluation in the driver's own process, one child after the other."""

from collections import deque
from collections.abc import Callable
from typing import Any

from search.evaluation.base import Evaluator
from search.executors.base import Executor, Job, Outcome, attempt
from search.executors.configuration import ExecutionConfig


class InProcessExecutor(Executor):
    """Evaluates a child when its outcome is asked for, and then to its end."""

    def __init__(
        self,
        create_evaluator: Callable[[], Evaluator],
        seed: int,
        settings: ExecutionConfig | None = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(create_evaluator, seed, settings, threads)
        self._evaluator = create_evaluator()
        self._jobs: deque[Job] = deque()

    def describe(self) -> dict[str, Any]:
        return self._evaluator.describe()

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def collect(self, timeout: float | None = None) -> Outcome | None:
        return attempt(self._evaluator, self._jobs.popleft(), self.seed)
