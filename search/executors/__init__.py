"""Where children are evaluated."""

from search.executors.base import Executor, Job, Outcome
from search.executors.in_process import InProcessExecutor

__all__ = ["Executor", "InProcessExecutor", "Job", "Outcome"]
