"""Drives a search: begins a run, or goes on with one.

Neither Keras nor TensorFlow is imported here before a search begins.
"""

import contextlib
import functools
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nasnet_keras.command_line import InputError, import_tensorflow, provenance
from nasnet_keras.files import new_directory, write_json
from nasnet_keras.processor import computing_variables
from nasnet_keras.training.data.datasets import resolve_source
from search.evaluation import evaluator_class
from search.evaluation.base import Evaluator
from search.executors import create_executor
from search.executors.base import SearchError
from search.executors.configuration import ExecutionConfig, create_execution
from search.loop.search_loop import SearchLoop
from search.observers.base import Callback, Observer
from search.runs.config import RunConfig, create_configuration
from search.runs.create import (
    create_evaluator,
    create_halving,
    evaluator_options,
)
from search.runs.identity import check_identity
from search.runs.record import Run
from search.spaces import name_space
from search.spaces.base import SearchSpace
from search.storage import SQLiteStorage
from search.storage.backups import Backups
from search.storage.run_folder import SCHEMA_VERSION, RunDirectory
from search.strategies import create_strategy
from search.trial import Trial, count_done


def run(
    output: str | os.PathLike[str],
    config: RunConfig | None = None,
    *,
    evaluator: Evaluator | Callable[[], Evaluator] | str | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Iterable[Observer] = (),
    tensorboard: bool = True,
    **settings: Any,
) -> Run:
    """Searches for cells, and returns when enough children were evaluated, or
    when the time limit is over.

    All children share the run's seed, so that they differ by their
    architectures alone. `search.load(output)`, in another thread or process,
    looks at the run meanwhile.

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
        **settings: Fields of `RunConfig`: `dataset`, `space` (a name, or a
            `SearchSpace` of a module), `strategy`, `trials`, `seed`, `child`,
            `recipe`, ...; and of `ExecutionConfig`: `workers`, `executor`,
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
    if isinstance(evaluator, str):
        settings["evaluator"], evaluator = evaluator, None
    execution = create_execution(
        {
            name: settings.pop(name)
            for name in ExecutionConfig.model_fields
            if name in settings
        }
    )
    config = _configuration(config, settings, execution)
    directory = RunDirectory(output)
    directory.check_free()
    with _Search(config, evaluator, execution) as search:
        with _written(directory), new_directory(directory.path) as folder:
            create_run(RunDirectory(folder), config, search.identity())
        watching = _observers(directory, on_trial, observers, tensorboard)
        with directory.lock():
            search.drive(directory, watching)
    return Run(output)


def resume(
    path: str | os.PathLike[str],
    trials: int | None = None,
    *,
    evaluator: Evaluator | Callable[[], Evaluator] | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Iterable[Observer] = (),
    tensorboard: bool = True,
    **execution: Any,
) -> Run:
    """Goes on with a run that was interrupted, or with more trials.

    No finished trial is lost or repeated, and the proposals are those of an
    uninterrupted run, whatever the number of workers then and now.

    Args:
        path: The folder of the run.
        trials: How many children to evaluate in all, those already evaluated
            included; None for what the run was begun with.
        evaluator: The evaluator, if the run was begun with one.
        on_trial: Called with each finished trial.
        observers: More to be told what happens.
        tensorboard: Whether to write event files.
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
    settings = create_execution(execution)
    run = Run(path)
    watching = _observers(run.directory, on_trial, observers, tensorboard)
    with run.directory.lock():
        run.check()
        config = run.config
        if trials is not None:
            config = _with_trials(config, trials, run.trials)
        with _Search(config, evaluator, settings) as search:
            check_identity(run.directory.path, run.identity, search.identity())
            if trials is not None:
                record = run.directory.record()
                record["config"]["trials"] = trials
                with _written(run.directory):
                    write_json(run.directory.configuration, record)
            search.drive(run.directory, watching)
    return Run(path)


def create_run(
    directory: RunDirectory, config: RunConfig, identity: Mapping[str, Any]
) -> None:
    """Writes what a run has before its first trial.

    Args:
        directory: The folder, empty.
        config: The configuration.
        identity: What makes the run what it is, as JSON data.
    """
    directory.children.mkdir()
    SQLiteStorage.create(directory.database, identity)
    record = {
        "schema": SCHEMA_VERSION,
        **provenance(),
        "config": config.model_dump(mode="json"),
    }
    write_json(directory.configuration, record)


class _Search(contextlib.AbstractContextManager["_Search"]):
    """The parts of a search, made from its configuration; its workers end
    with the block."""

    def __init__(
        self,
        config: RunConfig,
        evaluator: Evaluator | Callable[[], Evaluator] | None,
        execution: ExecutionConfig,
    ) -> None:
        self.deadline = execution.time_limit and (
            time.monotonic() + execution.time_limit
        )
        _check_workers(config, execution)
        self.config = config
        self.space = config.create_space()
        with _checked():
            # First, since it sets TensorFlow up.
            self.executor = create_executor(
                functools.partial(create_evaluator, config, evaluator),
                execution,
                config.child.threads,
            )
            self.strategy = create_strategy(
                config.strategy,
                self.space,
                config.seed,
                **config.strategy_options,
            )

    def __exit__(self, *exception: object) -> None:
        self.executor.close()

    def identity(self) -> dict[str, Any]:
        """What makes the run what it is, as JSON data."""
        with _checked():
            evaluator = self.executor.describe()
        identity = {
            "config": self.config.identity,
            "space": self.space.describe(),
            "evaluator": evaluator,
            "computing": computing_variables(),
        }
        return json.loads(json.dumps(identity))

    def drive(
        self, directory: RunDirectory, observers: Iterable[Observer]
    ) -> None:
        """Searches from where the run stands to its end."""
        watching = list(observers)

        def trained(step: int, last: int, loss: float) -> None:
            for observer in watching:
                observer.trained(step, last, loss)

        def suggest(number: int) -> Any:
            with _checked():
                return self.executor.suggest(number, directory.children)

        with (
            _written(directory),
            contextlib.closing(
                SQLiteStorage(directory.database, self.space)
            ) as storage,
        ):
            self.executor.watch(trained)
            self.strategy.prepare(suggest)
            learnt = storage.strategy()
            if learnt is not None:
                self.strategy.restore(*learnt)
            SearchLoop(
                self.strategy,
                self.executor,
                storage,
                directory,
                trials=self.config.trials,
                keep=self.config.keep,
                lag=self.config.lag or 0,
                deadline=self.deadline,
                halving=create_halving(self.config),
                cost=self.config.objective.weighed,
                observers=watching,
            ).run()


def _configuration(
    config: RunConfig | None,
    settings: Mapping[str, Any],
    execution: ExecutionConfig,
) -> RunConfig:
    """The configuration of a run that begins: a path to data made absolute,
    so that it can be resumed from elsewhere, and settled what the first call
    decides and no later one changes."""
    values = config.model_dump() if config else {}
    for name, value in settings.items():
        before = values.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            value = {**before, **value}
        values[name] = value
    if values.get("dataset"):
        values["dataset"] = resolve_source(values["dataset"])
    if isinstance(values.get("space"), SearchSpace):
        if settings.get("space_options"):
            raise InputError(
                "Invalid value for argument `space_options`. Expected none "
                "beside a space that is made already. Received: some."
            )
        with _checked():
            name, options = name_space(values["space"])
        values["space"], values["space_options"] = name, options
    if values.get("lag") is None:
        values["lag"] = execution.lag
    chosen = create_configuration(values)
    settled: dict[str, Any] = {}
    if chosen.child.threads is None and execution.lag:
        cores = os.cpu_count() or 1
        threads = max(1, cores // execution.workers)
        settled["child"] = chosen.child.model_copy(update={"threads": threads})
    if chosen.shares_weights:
        import_tensorflow()
        made = evaluator_class(chosen.evaluator_name)
        with _checked():
            options = made.settled(
                evaluator_options(chosen), chosen.trials, chosen.recipe.epochs
            )
        settled["evaluator_options"] = dict(options)
    return chosen.model_copy(update=settled)


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """What the configuration says cannot be used is bad input."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error
    except OSError as error:
        raise SearchError(f"The data cannot be read: {error}") from error


@contextlib.contextmanager
def _written(directory: RunDirectory) -> Iterator[None]:
    """A folder that cannot be written, or not any more, ends the search."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        text = f"The run {directory.path} broke off: {error}."
        if directory.configuration.exists():
            text += (
                " When the cause is gone, go on by `nasnet-search resume "
                f"{directory.path}`."
            )
        raise SearchError(text) from error


def _check_workers(config: RunConfig, execution: ExecutionConfig) -> None:
    """Raises:
    InputError: There are more workers than the run can use.
    """
    lag = config.lag or 0
    if config.shares_weights and execution.executor_name != "in-process":
        raise InputError(
            "Invalid value for argument `workers`. Expected 1, in process, "
            "with the evaluator shared, whose children share one network. "
            f"Received: workers={execution.workers}, "
            f"executor={execution.executor_name!r}."
        )
    if execution.workers > lag + 1:
        raise InputError(
            f"Invalid value for argument `workers`. Expected at most {lag + 1}"
            f" for a run with a lag of {lag}, in which no more children are "
            f"under way at a time. Received: workers={execution.workers}."
        )


def _with_trials(
    config: RunConfig, trials: int, done: list[Trial]
) -> RunConfig:
    config = create_configuration({**config.model_dump(), "trials": trials})
    counted = count_done(done)
    if trials < counted:
        raise InputError(
            "Invalid value for argument `trials`. Expected a total of at "
            f"least {counted}, the trials already done. Received: "
            f"trials={trials}."
        )
    return config


def _observers(
    directory: RunDirectory,
    on_trial: Callable[[Trial], object] | None,
    observers: Iterable[Observer],
    tensorboard: bool,
) -> list[Observer]:
    watching = [Backups(directory.database, directory.backup), *observers]
    if on_trial is not None:
        watching.append(Callback(on_trial))
    if tensorboard:
        from search.observers.tensorboard import TensorBoardObserver

        watching.append(TensorBoardObserver(directory.tensorboard))
    return watching
