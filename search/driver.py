"""Drives a search: begins a run, or goes on with one.

Neither Keras nor TensorFlow is imported here before a search begins.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nasnet_keras.command import InputError, provenance
from nasnet_keras.files import new_directory, write_json
from nasnet_keras.training.datasets import located
from search.configuration import (
    RunConfig,
    check_identity,
    create_configuration,
    create_evaluator,
    create_halving,
    create_space,
)
from search.evaluation.base import Evaluator
from search.executors import InProcessExecutor
from search.loop import SearchError, SearchLoop
from search.observer import Callback, Observer
from search.run_directory import SCHEMA_VERSION, RunDirectory
from search.runs import Run
from search.storage import SQLiteStorage
from search.strategies import create_strategy
from search.trial import Trial


def run(
    output: str | os.PathLike[str],
    config: RunConfig | None = None,
    *,
    evaluator: Evaluator | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Iterable[Observer] = (),
    tensorboard: bool = True,
    **settings: Any,
) -> Run:
    """Searches for cells, and returns when enough children were evaluated.

    All children share the run's seed, so that they differ by their
    architectures alone. `search.load(output)`, in another thread or process,
    looks at the run meanwhile.

    Args:
        output: The folder of the run, new or empty.
        config: The configuration; or give its fields as `settings`.
        evaluator: Says how good a cell is. By default children are trained
            on the configuration's data set.
        on_trial: Called with each finished trial.
        observers: More to be told what happens.
        tensorboard: Whether to write event files.
        **settings: Fields of `RunConfig`: `dataset`, `strategy`, `trials`,
            `seed`, `blocks`, `proxy`, ...

    Returns:
        The finished run.

    Raises:
        InputError: A setting or the output cannot be used.
        SearchError: All children fail, or the space is exhausted.

    Example:

    >>> run = search.run("runs/first", dataset="digits", trials=20)
    >>> run.best.reward, run.genotype
    """
    config = _configuration(config, settings)
    directory = RunDirectory(output)
    directory.check_free()
    search = _Search(config, evaluator)
    with new_directory(directory.path) as folder:
        new = RunDirectory(folder)
        new.children.mkdir()
        SQLiteStorage.create(new.database, search.identity())
        write_json(new.configuration, _record(config))
    watching = _observers(directory, on_trial, observers, tensorboard)
    with directory.lock():
        search.drive(directory, watching)
    return Run(output)


def resume(
    path: str | os.PathLike[str],
    trials: int | None = None,
    *,
    evaluator: Evaluator | None = None,
    on_trial: Callable[[Trial], object] | None = None,
    observers: Iterable[Observer] = (),
    tensorboard: bool = True,
) -> Run:
    """Goes on with a run that was interrupted, or with more trials.

    No finished trial is lost or repeated, and the proposals are those of an
    uninterrupted run.

    Args:
        path: The folder of the run.
        trials: How many children to evaluate in all, those already evaluated
            included; None for what the run was begun with.
        evaluator: The evaluator, if the run was begun with one.
        on_trial: Called with each finished trial.
        observers: More to be told what happens.
        tensorboard: Whether to write event files.

    Returns:
        The finished run.

    Raises:
        InputError: There is no run, another process drives it, or its
            configuration, data or space are not those it began with.
        SearchError: All children fail, or the space is exhausted.
    """
    run = Run(path)
    watching = _observers(run.directory, on_trial, observers, tensorboard)
    with run.directory.lock():
        config = run.config
        if trials is not None:
            config = _with_trials(config, trials, run.trials)
        search = _Search(config, evaluator)
        check_identity(run.directory.path, run.identity, search.identity())
        if trials is not None:
            record = run.directory.record()
            record["config"]["trials"] = trials
            write_json(run.directory.configuration, record)
        search.drive(run.directory, watching)
    return run


class _Search:
    """The parts of a search, made from its configuration."""

    def __init__(self, config: RunConfig, evaluator: Evaluator | None) -> None:
        self.config = config
        self.space = create_space(config)
        try:
            # First, since it sets TensorFlow up.
            self.evaluator = create_evaluator(config, evaluator)
            self.strategy = create_strategy(
                config.strategy,
                self.space,
                config.seed,
                **config.strategy_options,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        except OSError as error:
            raise SearchError(f"The data cannot be read: {error}") from error
        self.executor = InProcessExecutor(self.evaluator, config.seed)

    def identity(self) -> dict[str, Any]:
        """What makes the run what it is, as JSON data."""
        identity = {
            "config": self.config.identity,
            "space": self.space.describe(),
            "evaluator": self.evaluator.describe(),
            "lag": self.executor.lag,
        }
        return json.loads(json.dumps(identity))

    def drive(
        self, directory: RunDirectory, observers: Iterable[Observer]
    ) -> None:
        """Searches from where the run stands to its end."""
        storage = SQLiteStorage(directory.database, self.space)
        with contextlib.closing(storage):
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
                halving=create_halving(self.config),
                cost=self.config.objective.weighed,
                observers=observers,
            ).run()


def _configuration(
    config: RunConfig | None, settings: Mapping[str, Any]
) -> RunConfig:
    """The configuration, a path to data made absolute, so that the run can be
    resumed from elsewhere."""
    values = config.model_dump() if config else {}
    for name, value in settings.items():
        before = values.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            value = {**before, **value}
        values[name] = value
    if values.get("dataset"):
        values["dataset"] = located(values["dataset"])
    return create_configuration(values)


def _with_trials(
    config: RunConfig, trials: int, done: list[Trial]
) -> RunConfig:
    config = create_configuration({**config.model_dump(), "trials": trials})
    counted = sum(trial.state.counts for trial in done)
    if trials < counted:
        raise InputError(
            "Invalid value for argument `trials`. Expected a total of at "
            f"least {counted}, the trials already done. Received: "
            f"trials={trials}."
        )
    return config


def _record(config: RunConfig) -> dict[str, Any]:
    """What config.json holds."""
    return {
        "schema": SCHEMA_VERSION,
        **provenance(),
        "config": config.model_dump(mode="json"),
    }


def _observers(
    directory: RunDirectory,
    on_trial: Callable[[Trial], object] | None,
    observers: Iterable[Observer],
    tensorboard: bool,
) -> list[Observer]:
    watching = list(observers)
    if on_trial is not None:
        watching.append(Callback(on_trial))
    if tensorboard:
        from search.tensorboard import TensorBoardObserver

        watching.append(TensorBoardObserver(directory.tensorboard))
    return watching
