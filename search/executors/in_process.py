"""Evaluation in the driver's own process, one child after the other."""

import functools
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nasnet_keras.console.activity import listening
from search.evaluation.base import Child
from search.executors.base import Executor, Outcome, attempt, freeze_garbage


class InProcessExecutor(Executor):
    """Evaluates a child when its outcome is asked for, and then to its end."""

    def _set_up(self) -> None:
        self._evaluator = self.create_evaluator()
        freeze_garbage()
        self._children: deque[Child] = deque()

    def describe(self) -> dict[str, Any]:
        return self._evaluator.describe()

    @property
    def notes(self) -> Sequence[str]:
        return self._evaluator.notes

    def outdated(self, number: int, folder: Path) -> bool:
        return self._evaluator.outdated(number, folder)

    def watch(self, trained: Callable[[int, int, float], object]) -> None:
        if self._evaluator.shared_weights is not None:
            self._evaluator.shared_weights.watch(trained)

    def suggest(self, number: int, folder: Path) -> Any:
        if self._evaluator.shared_weights is None:
            raise ValueError(
                "Expected an evaluator that learns architectures by "
                "gradients. Received: one whose children share no weights."
            )
        return self._evaluator.shared_weights.suggest(number, folder)

    def submit(self, child: Child) -> None:
        self._children.append(child)

    def collect(self, timeout: float | None = None) -> Outcome | None:
        child = self._children.popleft()
        with listening(functools.partial(self._heard, child.number)):
            return attempt(self._evaluator, child)
