"""Runs on disk, to look at: what the trials came to, and the best cell.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import dataclasses
import functools
import json
import math
import os
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic

from nasnet_keras.console.command_line import InputError
from nasnet_keras.quotation import quoted
from search.evaluation.base import Evaluator
from search.loop.schedule import Schedule
from search.runs.arguments import checked_arguments
from search.runs.config import TO_LOOK, RunConfig, create_configuration
from search.runs.create import create_evaluator, create_schedule
from search.runs.identity import check_identity
from search.spaces import SPACES
from search.spaces.base import SearchSpace
from search.spaces.recorded import RecordedSpace
from search.storage import SQLiteStorage, backups
from search.storage.run_folder import RunDirectory
from search.trial import Stage, Trial, TrialState, count_done, ranked

# What reading a damaged database comes to.
DAMAGE = (
    sqlite3.Error,
    zipfile.BadZipFile,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def load(path: str | os.PathLike[str]) -> "Run":
    """Opens a run to look at, while it is driven or afterwards.

    Raises:
        InputError: There is no run, or it was edited since it began.
    """
    return Run(path)


def opened(run: "Run | str | os.PathLike[str]") -> "Run":
    """A run, given itself or its folder.

    Raises:
        InputError: There is no run, or it is neither.
    """
    if isinstance(run, Run):
        return run
    if isinstance(run, str | os.PathLike):
        return load(run)
    raise InputError(
        "Invalid value for argument `run`. Expected a run or its folder. "
        f"Received: {quoted(run)}."
    )


def opened_runs(
    runs: "Sequence[Run | str | os.PathLike[str]]",
) -> "list[Run]":
    """Runs, each given itself or its folder.

    Raises:
        InputError: They are no list, or one is no run.
    """
    if not isinstance(runs, list | tuple):
        raise InputError(
            "Invalid value for argument `runs`. Expected a list of runs or of "
            f"their folders. Received: runs={quoted(runs)}."
        )
    return [opened(run) for run in runs]


class Run:
    """A run to look at. Each attribute is read from the disk when it is asked
    for. `run`, `resume` and `load` return a `Run`.

    To look at a run imports no module that it names. Only `space` does, if it
    is a space of your own: export, retrain and resume run the code of the
    module.

    Args:
        path: The folder of the run.
        space: The space of the run, if it is made already.

    Raises:
        InputError: There is no run, or it was edited since it began.
    """

    @checked_arguments
    def __init__(
        self,
        path: str | os.PathLike[str],
        space: SearchSpace | None = None,
    ) -> None:
        self.directory = RunDirectory(path)
        self.directory.check_run()
        self._recorded: Any = None
        with self._storage() as storage:
            self.identity: dict[str, Any] = dict(storage.meta("identity"))
        self.identity["config"] = complete_identity(self.identity["config"])
        # Before any code of the run's space: config.json may have been edited.
        self._compare("config", self.config.identity)
        if space is not None:
            self.space = space
        self._recorded = recorded_space(self.config, self.identity)
        if self.config.space in SPACES:
            self._compare("space", self._recorded.describe())

    def __repr__(self) -> str:
        return f"Run({str(self.directory.path)!r})"

    @property
    def config(self) -> RunConfig:
        """The configuration, from config.json."""
        settings = self.directory.record().get("config", {})
        return create_configuration(settings, to_look=True)

    @functools.cached_property
    def space(self) -> SearchSpace:
        """The search space; imports the module of a user's own space.

        Raises:
            InputError: It cannot be imported, or is not as it was.
        """
        try:
            space = self.config.create_space()
        except ValueError as error:
            raise InputError(str(error)) from error
        self._compare("space", space.describe())
        if space.decisions != self._recorded.decisions:
            raise InputError(
                f"The run {self.directory.path} cannot continue: its search "
                "space has other decisions than when the run began. Restore "
                "it, or begin another run."
            )
        return space

    @property
    def shown_space(self) -> SearchSpace:
        """The space to look at trials with: the run's own where no module has
        to be imported for it, else what was recorded of it."""
        return self.__dict__.get("space", self._recorded)

    def _compare(self, part: str, now: Any) -> None:
        """Raises:
        InputError: A part of the run's identity is not as it was.
        """
        check_identity(
            self.directory.path,
            {part: self.identity.get(part)},
            {part: json.loads(json.dumps(now))},
        )

    @property
    def trials(self) -> list[Trial]:
        """All trials by number; those that were being evaluated when the
        driver ended, and wait for `resume`, are interrupted."""
        driven = self.directory.is_driven
        with self._storage() as storage:
            trials = storage.trials()
        return [
            trial
            if driven or trial.state.is_finished
            else dataclasses.replace(trial, state=TrialState.INTERRUPTED)
            for trial in trials
        ]

    @property
    def total(self) -> int | None:
        """How many children are to begin; None as long as a run of so many
        hours has no plan."""
        schedule = self._schedule()
        return (
            None
            if self.config.hours and not schedule.stages
            else schedule.total
        )

    @property
    def stages(self) -> list[Stage]:
        """What a run of so many hours is made of, as far as it is planned."""
        return list(self._schedule().stages)

    def is_over(self, trials: Sequence[Trial]) -> bool:
        """Whether these trials, all there are, are all there will be."""
        schedule = self._schedule()
        if self.config.hours and not schedule.stages:
            return False
        for trial in trials:
            schedule.add(trial, 0.0)
        return (
            count_done(trials) >= schedule.total and schedule.promote() is None
        )

    def _schedule(self) -> Schedule:
        with self._storage() as storage:
            plan = storage.meta("plan")
        return create_schedule(self.config, 1, {}, plan)

    @property
    def best(self) -> Trial | None:
        """The complete trial of the highest reward, or None so far."""
        return next(iter(ranked(self.trials)), None)

    @property
    def architecture(self) -> Any:
        """The architecture of the best trial; None if no trial has a reward."""
        best = self.best
        return None if best is None else self.space.decode(best.decisions)

    def check(self) -> None:
        """Reads the whole database.

        Raises:
            InputError: It is damaged.
        """
        with self._storage() as storage:
            backups.check(self.directory.database)
            storage.trials()
            storage.strategy()
        # A write-ahead log that is damaged or gone leaves an earlier state.
        known = backups.outcomes(self.directory.backup)
        if backups.outcomes(self.directory.database) < known:
            raise self.directory.unreadable(
                ValueError("it has fewer outcomes than its backup")
            )

    def status(self) -> dict[str, Any]:
        """The run as JSON data: its settings, every trial, and the best."""
        config = self.config
        trials = self.trials
        entries = {trial.number: self.describe(trial) for trial in trials}
        best = next(iter(ranked(trials)), None)
        return {
            "run": str(self.directory.path),
            "dataset": config.dataset,
            "strategy": config.strategy,
            "seed": config.seed,
            "total": self.total,
            "done": count_done(trials),
            "best": None if best is None else entries[best.number],
            "trials": list(entries.values()),
        }

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes that children tell apart. None if the
        run has no data set, or if your evaluator records no names."""
        names = self.identity["evaluator"].get("class_names")
        if self.config.dataset is None or not isinstance(names, list):
            return None
        return tuple(names)

    @property
    def network(self) -> dict[str, Any] | None:
        """The arguments of the children's networks, as the run recorded them.
        None if the space has no networks, or your evaluator records
        none.

        Raises:
            InputError: The evaluator recorded something else.
        """
        network = self.identity["evaluator"].get("network")
        kind = self.space.kind
        if network is None or kind is None:
            return None
        needed = ("input_shape", "classes", *kind.scale)
        if (
            not isinstance(network, dict)
            or not all(name in network for name in needed)
            or not isinstance(network["input_shape"], list)
            or len(network["input_shape"]) != 3
        ):
            raise InputError(
                "Invalid `network` in what the evaluator of the run "
                f"{self.directory.path} describes itself by. Expected the "
                f"arguments of a network, {', '.join(needed)} among them. "
                f"Received: {quoted(network)}."
            )
        return network

    def create_evaluator(self) -> Evaluator:
        """The evaluator of the run, made anew.

        Raises:
            InputError: The run was begun with one of its own, or its data are
                not there or not those it began with.
        """
        try:
            evaluator = create_evaluator(self.config)
        except ValueError as error:
            raise InputError(str(error)) from error
        self._compare("evaluator", evaluator.describe())
        return evaluator

    def text(self, trial: Trial) -> str:
        """The architecture of a trial, in a few lines."""
        space = self.shown_space
        return space.text(space.decode(trial.decisions))

    def describe(self, trial: Trial) -> dict[str, Any]:
        """A trial as JSON data."""
        evaluation, space = trial.evaluation, self.shown_space
        return {
            "number": trial.number,
            "state": trial.state.value,
            "architecture": space.to_data(space.decode(trial.decisions)),
            "reward": trial.reward,
            "seconds": trial.seconds,
            "reason": trial.reason,
            "duplicate_of": trial.duplicate_of,
            "budget": evaluation and evaluation.budget,
            "rewards": {
                f"{each.budget:g}": each.reward for each in trial.evaluations
            },
            "metrics": _finite(evaluation.metrics if evaluation else {}),
            "seconds_by_part": _finite(
                evaluation.seconds if evaluation else {}
            ),
        }

    @contextlib.contextmanager
    def _storage(self) -> Iterator[SQLiteStorage]:
        path = self.directory.database
        try:
            storage = SQLiteStorage(path, self._recorded, read_only=True)
            with contextlib.closing(storage):
                yield storage
        except InputError:
            raise
        except DAMAGE as error:
            raise self.directory.unreadable(error) from error


def recorded_space(
    config: RunConfig, identity: Mapping[str, Any]
) -> SearchSpace:
    """The space of a run to look at: no module of one's own is imported.

    Raises:
        InputError: The run has no record of it.
    """
    if config.space in SPACES:
        return config.create_space()
    try:
        return RecordedSpace(identity["space"], identity["decisions"])
    except (KeyError, ValueError):
        raise InputError(
            "The run has no record of its space. Expected one: use the version "
            "of nasnet-keras that began the run."
        ) from None


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers as strict JSON has them: no NaN, no infinity."""
    return {
        name: value if math.isfinite(value) else None
        for name, value in values.items()
    }


def complete_identity(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The identity of a configuration, with the defaults of the settings that
    are newer than the run; as it is where it is of no configuration."""
    try:
        return RunConfig.model_validate(identity, context=TO_LOOK).identity
    except pydantic.ValidationError:
        return identity
