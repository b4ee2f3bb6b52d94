"""The interface of every executor, and what one child comes to."""

import abc
import gc
import math
import numbers
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasnet_keras.console.activity import Activity
from nasnet_keras.console.command_line import RunError, exhausts_device
from nasnet_keras.quotation import quoted
from search.evaluation.base import (
    Child,
    EvaluationError,
    Evaluator,
    Refusal,
)
from search.executors.configuration import ExecutionConfig
from search.trial import Evaluation, TrialState


class SearchError(RunError):
    """The search cannot continue."""


@dataclass(frozen=True)
class Outcome:
    """What became of a child: complete, with an evaluation, or failed or
    refused, with one sentence why."""

    number: int
    state: TrialState
    evaluation: Evaluation | None = None
    reason: str | None = None


class Executor(abc.ABC):
    """Has children evaluated, one after the other or several at once.

    Args:
        create_evaluator: Makes the evaluator; called once in each process
            that evaluates children.
        settings: How many workers, and what becomes of children whose worker
            dies or that take too long. Default: one worker.
        threads: How many threads a child trains on, if that is known.

    Raises:
        ValueError: The evaluator cannot be made, or not by other processes.
    """

    def __init__(
        self,
        create_evaluator: Callable[[], Evaluator],
        settings: ExecutionConfig | None = None,
        threads: int | None = None,
    ) -> None:
        self.create_evaluator = create_evaluator
        self.settings = settings or ExecutionConfig()
        self.threads = threads
        self._heard: Callable[[int, Activity], object] = _unheard
        self._set_up()

    def _set_up(self) -> None:  # noqa: B027
        """Makes what a kind of executor has besides. By default nothing."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the evaluator's `describe` returns.

        Raises:
            ValueError: The evaluator cannot be made.
            SearchError: The workers die before they have made it.
        """

    @property
    def notes(self) -> Sequence[str]:
        """The evaluator's `notes`, once `describe` has been called."""
        return ()

    def outdated(self, number: int, folder: Path) -> bool:
        """The evaluator's `outdated`; False where it is in other processes,
        whose children share no weights."""
        return False

    def listen(self, heard: Callable[[int, Activity], object]) -> None:
        """Registers a function that is called with the number of a child and
        its activity, if its worker can report that."""
        self._heard = heard

    def watch(  # noqa: B027
        self, trained: Callable[[int, int, float], object]
    ) -> None:
        """Registers a callback for the steps of the shared network. It gets the
        number of the step, the number of the last step, and the loss. It is
        called only if the shared weights are in this process."""

    def suggest(self, number: int, folder: Path) -> Any:
        """The architecture that the evaluator's shared weights suggest.

        Raises:
            ValueError: The evaluator suggests nothing, or is in other
                processes.
        """
        raise ValueError(
            "Expected the evaluator in this process, since only there it can "
            f"suggest architectures. Received: {type(self).__name__}."
        )

    @abc.abstractmethod
    def submit(self, child: Child) -> None:
        """Takes a child, to be begun when there is a worker for it."""

    @abc.abstractmethod
    def collect(self, timeout: float | None = None) -> Outcome | None:
        """Waits for the evaluation of any submitted child to end; None when
        none has after so many seconds.

        A child is an outcome whatever becomes of it. An exception is a defect
        of the program, and ends the search; that of a worker is raised here,
        with the worker's traceback as a note.
        """

    def close(self) -> None:  # noqa: B027
        """Ends all workers at once, whatever they do. By default there are
        none."""


def freeze_garbage() -> None:
    """Behind each child garbage is collected; what is imported is none, and to
    look through it takes a tenth of a child's start. In the driver's process
    the end of the search has this undone (`kept_process_state`)."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def _unheard(number: int, activity: Activity) -> None:
    """Nobody listens."""


def attempt(evaluator: Evaluator, child: Child) -> Outcome:
    """Evaluates a child; one that fails is an outcome.

    Raises:
        SearchError: What the evaluator returns is no evaluation.
    """
    try:
        returned = evaluator.evaluate(child)
    except Refusal as error:
        return Outcome(
            child.number, TrialState.REFUSED, reason=_sentence(error)
        )
    except EvaluationError as error:
        return failed(child, _sentence(error))
    except MemoryError:
        return failed(child, "The child ran out of memory.")
    except Exception as error:
        if not exhausts_device(error):
            raise
        return failed(child, "The child ran out of the device's memory.")
    evaluation = _checked(returned, type(evaluator).__name__)
    if not math.isfinite(evaluation.reward):
        return failed(
            child, f"The child's reward is no number: {evaluation.reward}."
        )
    return Outcome(child.number, TrialState.COMPLETE, evaluation)


def _checked(returned: Any, evaluator: str) -> Evaluation:
    """An evaluation with plain numbers, as the database takes them.

    Raises:
        SearchError: It is none, or one of its numbers is no number.
    """
    if not isinstance(returned, Evaluation):
        raise SearchError(
            f"Invalid result of `{evaluator}.evaluate`. Expected a "
            f"`search.Evaluation`. Received: {_short(returned)}; return "
            "`search.Evaluation(reward)`."
        )

    def number(name: str, value: Any) -> float:
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise SearchError(
                f"Invalid `{name}` of `{evaluator}.evaluate`. Expected a "
                f"number. Received: {_short(value)}."
            )
        try:
            rounded = float(value)
        except OverflowError:
            raise SearchError(
                f"Invalid `{name}` of `{evaluator}.evaluate`. Expected a "
                f"number of at most {sys.float_info.max:.0e}. Received: "
                f"{_short(value)}."
            ) from None
        return int(value) if isinstance(value, numbers.Integral) else rounded

    def finite(name: str, value: float) -> float:
        if not math.isfinite(value):
            raise SearchError(
                f"Invalid `{name}` of `{evaluator}.evaluate`. Expected a "
                f"finite number. Received: {value}."
            )
        return value

    def named(name: str, values: Any) -> dict[str, float]:
        if not isinstance(values, Mapping) or not all(
            isinstance(key, str) for key in values
        ):
            raise SearchError(
                f"Invalid `{name}` of `{evaluator}.evaluate`. Expected numbers "
                f"by name. Received: {_short(values)}."
            )
        return {
            key: number(f"{name}[{key!r}]", value)
            for key, value in values.items()
        }

    return Evaluation(
        float(number("reward", returned.reward)),
        named("metrics", returned.metrics),
        {
            key: finite(f"seconds[{key!r}]", value)
            for key, value in named("seconds", returned.seconds).items()
        },
        finite("budget", float(number("budget", returned.budget))),
    )


def _short(value: Any) -> str:
    """A value of somebody's, as a sentence quotes it."""
    return f"{quoted(value)} of type {type(value).__name__}"


def failed(child: Child, reason: str) -> Outcome:
    """The outcome of a child that failed, with one sentence why."""
    return Outcome(child.number, TrialState.FAILED, reason=reason)


def _sentence(error: Exception) -> str:
    # The name of a file in it may hold any bytes; the database holds text.
    text = str(error).encode(errors="replace").decode()
    lines = text.split("\n")
    return lines[0].strip() or f"The child failed: {type(error).__name__}."
