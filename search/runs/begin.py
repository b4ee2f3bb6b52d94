"""Drives a search: begins a run, or resumes one.

Neither Keras nor TensorFlow is imported here before a search begins.
"""

import contextlib
import functools
import json
import math
import os
import sqlite3
import time
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any

from nasnet_keras.console.activity import Activity
from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import new_directory, write_json
from nasnet_keras.processor import computing_variables
from nasnet_keras.quotation import quoted, system_reason
from nasnet_keras.training.data.datasets import (
    ARRAYS,
    are_arrays,
)
from nasnet_keras.training.data.readers.layout import check_outside
from nasnet_keras.training.data.readers.pipelines import in_memory
from nasnet_keras.training.process_state import kept_process_state
from search.evaluation.base import EvaluationError, Evaluator
from search.executors import create_executor
from search.executors.base import SearchError
from search.executors.configuration import ExecutionConfig, create_execution
from search.executors.processes import end_if_imported
from search.loop.search_loop import SearchLoop
from search.observers.base import Observer
from search.runs.arguments import checked_arguments
from search.runs.config import RunConfig
from search.runs.create import (
    check_hours,
    create_evaluator,
    create_evaluator_of_arrays,
    create_run,
    create_schedule,
    create_scorer,
)
from search.runs.identity import check_identity
from search.runs.record import Run
from search.runs.settle import check_workers, settle, with_trials
from search.runs.watching import watchers
from search.spaces import SPACES
from search.spaces.recorded import record_decisions
from search.storage import SQLiteStorage
from search.storage.run_folder import RunDirectory, storage_reason
from search.strategies import create_strategy
from search.trial import Trial


@checked_arguments
@kept_process_state()
def run(
    output: str | os.PathLike[str],
    config: RunConfig | None = None,
    *,
    evaluator: Evaluator | Callable[[], Evaluator] | str | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Collection[Observer] = (),
    tensorboard: bool = True,
    verbose: bool | None = None,
    **settings: Any,
) -> Run:
    """Searches for cells, and returns when enough children were evaluated, or
    when the time limit is over.

    All children share the run's seed, so that they differ by their
    architectures alone. `search.load(output)`, in another thread or process,
    looks at the run meanwhile. Global settings of the process, such as seeds,
    are restored at the end (`kept_process_state`); `threads` stay.

    Args:
        output: The folder of the run, new or empty.
        config: The configuration; or give its fields as `settings`.
        evaluator: Says how good a cell is; for workers, a class or a function
            of a module, which makes it. By default children are trained on
            the configuration's data set, or as its `evaluator` says, a name
            that may also be given here.
        on_trial: Called with each finished trial.
        observers: More to be told what happens.
        tensorboard: Whether to write event files.
        verbose: Whether to show how far it is. Default: in notebooks alone.
        **settings: Fields of `RunConfig`: `dataset` (without workers also
            images and labels as arrays or as a `tf.data.Dataset`, or two of
            these, to train and to test on), `space` (a name, or a `SearchSpace`
            of a module), `strategy`, `trials`, `seed`, `child`, `recipe`, ...;
            and of `ExecutionConfig`: `workers`, `executor`,
            `time_limit`, ...

    Returns:
        The finished run.

    Raises:
        InputError: A setting or the output cannot be used.
        SearchError: All children fail, the space is exhausted, the workers
            die before they can evaluate a child, or the output cannot be
            written any more.

    Example:

    >>> import search
    >>> run = search.run(
    ...     "runs/first",
    ...     dataset="digits",
    ...     strategy="random",
    ...     trials=1,
    ...     space=search.NASNetSpace(1),
    ...     recipe={"epochs": 1},
    ...     child={"filters": 4},
    ... )
    >>> run.best.number, run.architecture
    (0, Genotype(...))
    """
    end_if_imported()
    if isinstance(evaluator, str):
        settings["evaluator"], evaluator = evaluator, None
    execution = create_execution(
        {
            name: settings.pop(name)
            for name in ExecutionConfig.model_fields
            if name in settings
        }
    )
    arrays = None
    with _checked():
        given = in_memory(settings.get("dataset"))
    if are_arrays(given):
        arrays, settings["dataset"] = given, ARRAYS
    config = settle(config, settings, execution)
    directory = RunDirectory(output)
    directory.check_free()
    check_outside(output, str(config.dataset))
    with _Search(config, evaluator, execution, arrays) as search:
        identity = search.identity()
        with _written(directory), new_directory(directory.path) as folder:
            create_run(RunDirectory(folder), config, identity, search.given)
        watching = watchers(
            directory, on_trial, observers, tensorboard, verbose
        )
        with directory.lock():
            search.drive(directory, watching)
    return Run(output, search.space)


@checked_arguments
@kept_process_state()
def resume(
    path: str | os.PathLike[str],
    trials: int | None = None,
    *,
    evaluator: Evaluator | Callable[[], Evaluator] | None = None,
    dataset: Sequence[Any] | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Collection[Observer] = (),
    tensorboard: bool = True,
    verbose: bool | None = None,
    **execution: Any,
) -> Run:
    """Resumes a run that was interrupted, or one that is to have more trials.

    No finished trial is lost or repeated. The proposals are those of an
    uninterrupted run, with any number of workers. If the run names a space of
    your own, the code of its module runs.

    Args:
        path: The folder of the run.
        trials: How many children to evaluate in all, those already evaluated
            included; None for what the run was begun with.
        evaluator: The evaluator, if the run was begun with one.
        dataset: The images and labels, if it was begun with arrays or a
            `tf.data.Dataset`; else none.
        on_trial: Called with each finished trial.
        observers: More to be told what happens.
        tensorboard: Whether to write event files.
        verbose: Whether to show how far it is. Default: in notebooks alone.
        **execution: Fields of `ExecutionConfig`: `workers`, `executor`,
            `time_limit`, ...

    Returns:
        The finished run.

    Raises:
        InputError: There is no run, another process drives it, its
            database is damaged, its configuration, data or space are not
            those it began with, or it cannot use so many workers.
        SearchError: All children fail, the space is exhausted, the workers
            die before they can evaluate a child, or the folder cannot be
            written any more.
    """
    end_if_imported()
    settings = create_execution(execution)
    run = Run(path)
    if dataset is not None and run.config.dataset != ARRAYS:
        raise InputError(
            "Invalid value for argument `dataset`. Expected none, since the "
            f"run {run.directory.path} was not begun with arrays. Received: "
            f"dataset={quoted(dataset)}."
        )
    with _checked():
        dataset = in_memory(dataset)
    watching = watchers(
        run.directory, on_trial, observers, tensorboard, verbose
    )
    with run.directory.lock():
        run.check()
        config = run.config
        if trials is not None:
            config = with_trials(config, trials, run.trials)
        with _Search(config, evaluator, settings, dataset) as search:
            check_identity(run.directory.path, run.identity, search.identity())
            if trials is not None:
                record = run.directory.record()
                record["config"]["trials"] = trials
                with _written(run.directory):
                    write_json(run.directory.configuration, record)
            search.drive(run.directory, watching)
    return Run(path, search.space)


class _Search(contextlib.AbstractContextManager["_Search"]):
    """The parts of a search, made from its configuration; its workers end
    with the block."""

    def __init__(
        self,
        config: RunConfig,
        evaluator: Evaluator | Callable[[], Evaluator] | None,
        execution: ExecutionConfig,
        arrays: Sequence[Any] | None,
    ) -> None:
        given = {"evaluator": evaluator, "dataset": arrays}
        self.given = [name for name in given if given[name] is not None]
        self.began = time.monotonic()
        self.deadline = execution.time_limit and (
            self.began + execution.time_limit
        )
        self.workers = execution.workers
        check_workers(config, execution, arrays)
        self.config = config
        self.space = config.create_space()
        check_hours(config, self.space)
        create = functools.partial(create_evaluator, config, evaluator)
        if arrays is not None and evaluator is None:
            create = functools.partial(
                create_evaluator_of_arrays, config, arrays
            )
        with contextlib.ExitStack() as made, _checked():
            # First, since it sets TensorFlow up.
            self.executor = create_executor(
                create,
                execution,
                config.child.threads,
            )
            made.callback(self.executor.close)
            self.strategy = create_strategy(
                str(config.strategy),
                self.space,
                config.seed,
                **config.strategy_options,
            )
            made.pop_all()

    def __exit__(self, *exception: object) -> None:
        self.executor.close()

    def identity(self) -> dict[str, Any]:
        """What makes the run what it is, as JSON data."""
        with _checked():
            evaluator = self.executor.describe()
        identity: dict[str, Any] = {
            "config": self.config.identity,
            "space": self.space.describe(),
            "evaluator": evaluator,
            "computing": computing_variables(),
        }
        if self.config.space not in SPACES:
            # To look at the run without its module.
            identity["decisions"] = record_decisions(self.space)
        try:
            return json.loads(json.dumps(identity))
        except (TypeError, ValueError) as error:
            raise InputError(
                "Expected of the evaluator's `describe` JSON data, such as "
                f"names and numbers of Python. Received: {error}."
            ) from None

    def drive(
        self, directory: RunDirectory, observers: Iterable[Observer]
    ) -> None:
        """Searches from where the run stands to its end."""
        watching = list(observers)

        def trained(step: int, last: int, loss: float) -> None:
            for observer in watching:
                observer.trained(step, last, loss)

        def going_on(number: int, activity: Activity) -> None:
            for observer in watching:
                observer.going_on(number, activity)

        def suggest(number: int) -> Any:
            with _checked():
                return self.executor.suggest(number, directory.children)

        scorer = functools.cache(functools.partial(create_scorer, self.config))

        def score(name: str, architecture: Any) -> float:
            try:
                with _checked():
                    return scorer(name).checked_score(
                        architecture, self.config.seed
                    )
            except EvaluationError:
                return math.nan

        with (
            _written(directory),
            contextlib.closing(
                SQLiteStorage(directory.database, self.space)
            ) as storage,
        ):
            self.executor.watch(trained)
            self.executor.listen(going_on)
            self.strategy.prepare(suggest, score)
            learnt = storage.strategy()
            if learnt is not None:
                self.strategy.restore(*learnt)
            loop = SearchLoop(
                self.strategy,
                self.executor,
                storage,
                directory,
                create_schedule(
                    self.config,
                    self.workers,
                    self.executor.describe(),
                    storage.meta("plan"),
                    self.space.size,
                ),
                keep=self.config.keep,
                lag=self.config.lag or 0,
                began=self.began,
                deadline=self.deadline,
                costs=self.config.weighed,
                observers=watching,
            )
            # Last, since the end of the loop is told in any case.
            for observer in watching:
                observer.read(self.executor.notes)
            loop.run()


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """What the configuration says cannot be used is bad input."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        named = f" {error.filename}" if error.filename else ""
        raise SearchError(
            f"The data{named} cannot be read: {system_reason(error)}."
        ) from error


@contextlib.contextmanager
def _written(directory: RunDirectory) -> Iterator[None]:
    """A folder that cannot be written, or not any more, ends the search. An
    interrupt is told how to resume."""
    try:
        yield
    except KeyboardInterrupt as error:
        if directory.configuration.exists():
            error.add_note(f"Continue with {directory.resuming}.")
        raise
    except (OSError, sqlite3.Error) as error:
        text = f"The run {directory.path} stopped: {storage_reason(error)}."
        if directory.configuration.exists():
            text += (
                f" When the cause is gone, continue with {directory.resuming}."
            )
        raise SearchError(text) from error
