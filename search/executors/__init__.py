"""Where children are evaluated, by name.

Listing the names imports no executor; one is imported when it is created.
"""

import importlib
from collections.abc import Callable

from search.evaluation.base import Evaluator
from search.executors.base import Executor, Outcome
from search.executors.configuration import ExecutionConfig

__all__ = ["EXECUTORS", "Executor", "Outcome", "create_executor"]

# Name -> "module:class".
EXECUTORS: dict[str, str] = {
    "in-process": "search.executors.in_process:InProcessExecutor",
    "processes": "search.executors.processes:ProcessExecutor",
    "ray": "search.executors.ray:RayExecutor",
}


def create_executor(
    create_evaluator: Callable[[], Evaluator],
    settings: ExecutionConfig,
    threads: int | None = None,
) -> Executor:
    """Creates the executor of these settings; see `Executor`."""
    module, _, class_name = EXECUTORS[settings.executor_name].partition(":")
    executor = getattr(importlib.import_module(module), class_name)
    return executor(create_evaluator, settings, threads)
