"""Evaluation in the driver's own process, one child after the other."""

from collections import deque

from search.evaluation.base import Evaluator
from search.executors.base import Executor, Job, Outcome, attempt


class InProcessExecutor(Executor):
    """Evaluates a child when its outcome is asked for.

    Args:
        evaluator: Evaluates the children.
        seed: The seed of every child. All children of a run share it, so that
            they differ by their architectures alone.
    """

    def __init__(self, evaluator: Evaluator, seed: int) -> None:
        self._evaluator = evaluator
        self._seed = seed
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def collect(self) -> Outcome:
        return attempt(self._evaluator, self._jobs.popleft(), self._seed)
