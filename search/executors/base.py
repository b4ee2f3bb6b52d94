"""The interface of every executor, and what one child comes to."""

import abc
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.evaluation.base import EvaluationError, Evaluator, Refusal
from search.trial import Evaluation, TrialState


@dataclass(frozen=True)
class Job:
    """A child to evaluate: the trial's number, the architecture, where to
    leave the trained weights, and how long to train, None for the
    evaluator's own budget."""

    number: int
    architecture: Any
    weights: Path | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job: complete, with an evaluation, or failed or
    refused, with one sentence why."""

    number: int
    state: TrialState
    evaluation: Evaluation | None = None
    reason: str | None = None


class Executor(abc.ABC):
    """Has children evaluated, one after the other or several at once.

    `lag` is how many trials a proposal may be ahead of what the strategy was
    told: proposal n follows from the trials 0 .. n - lag - 1. It is recorded
    with the run and stays, whatever the number of workers.
    """

    lag: int = 0

    @abc.abstractmethod
    def submit(self, job: Job) -> None:
        """Takes a job; at most lag + 1 wait at a time."""

    @abc.abstractmethod
    def collect(self) -> Outcome:
        """Waits for any of the submitted jobs to end."""


def attempt(evaluator: Evaluator, job: Job, seed: int) -> Outcome:
    """Evaluates a child.

    Children that fail are an outcome; any other exception is a defect of the
    program, and ends the search.
    """
    try:
        evaluation = evaluator.evaluate(
            job.architecture, seed, job.budget, job.weights
        )
    except Refusal as error:
        return Outcome(job.number, TrialState.REFUSED, reason=_sentence(error))
    except EvaluationError as error:
        return _failed(job, _sentence(error))
    except MemoryError:
        return _failed(job, "The child ran out of memory.")
    except Exception as error:
        # TensorFlow's ResourceExhaustedError, known by name because the
        # search itself runs without TensorFlow.
        names = [parent.__name__ for parent in type(error).__mro__]
        if "ResourceExhaustedError" not in names:
            raise
        return _failed(job, "The child ran out of the device's memory.")
    if not math.isfinite(evaluation.reward):
        return _failed(
            job, f"The child's reward is no number: {evaluation.reward}."
        )
    return Outcome(job.number, TrialState.COMPLETE, evaluation)


def _failed(job: Job, reason: str) -> Outcome:
    return Outcome(job.number, TrialState.FAILED, reason=reason)


def _sentence(error: Exception) -> str:
    lines = str(error).split("\n")
    return lines[0].strip() or f"The child failed: {type(error).__name__}."
