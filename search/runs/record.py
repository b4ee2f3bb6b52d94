"""Runs on disk, to look at: what the trials came to, and the best cell.

Neither Keras nor TensorFlow is imported here.
"""

import contextlib
import json
import math
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasnet_keras.command_line import InputError
from nasnet_keras.genotype import Genotype
from nasnet_keras.training.recipes import Recipe
from search.actions.ranking import Ranking
from search.evaluation.base import Evaluator
from search.loop.observer import Observer
from search.runs.config import (
    RunConfig,
    check_identity,
    create_configuration,
    create_evaluator,
    create_space,
)
from search.storage import SQLiteStorage, backups
from search.storage.run_folder import RunDirectory
from search.trial import Trial, count_done, ranked

if TYPE_CHECKING:
    from search.actions.rank_correlation import SharedRanking

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
    """A run to look at, while it goes on or afterwards.

    Raises:
        InputError: There is no run, or it was edited since it began.
    """
    return Run(path)


class Run:
    """A run to look at: each question is answered from what is on disk at
    that moment. Made by `run`, `resume` and `load`.

    Args:
        path: The folder of the run.

    Raises:
        InputError: There is no run, or it was edited since it began.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.directory = RunDirectory(path)
        self.directory.check_run()
        self.space = create_space(self.config)
        with self._storage() as storage:
            self.identity: dict[str, Any] = dict(storage.meta("identity"))
        now = {"config": self.config.identity, "space": self.space.describe()}
        before = {part: self.identity.get(part) for part in now}
        check_identity(self.directory.path, before, now)

    def __repr__(self) -> str:
        return f"Run({str(self.directory.path)!r})"

    @property
    def config(self) -> RunConfig:
        """The configuration, from config.json."""
        return create_configuration(self.directory.record().get("config", {}))

    @property
    def trials(self) -> list[Trial]:
        """All trials by number."""
        with self._storage() as storage:
            return storage.trials()

    @property
    def best(self) -> Trial | None:
        """The complete trial of the highest reward, or None so far."""
        return next(iter(ranked(self.trials)), None)

    @property
    def genotype(self) -> Genotype | None:
        """The best trial's cells, or None so far."""
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
            "total": config.trials,
            "done": count_done(trials),
            "best": None if best is None else entries[best.number],
            "trials": list(entries.values()),
        }

    def export(
        self,
        output: str | os.PathLike[str],
        trial: int | None = None,
        evaluator: Evaluator | None = None,
    ) -> Path:
        """Writes a child for use elsewhere: genotype.json, the trained
        network as model.keras, metrics.json, and pictures of its cells.

        Args:
            output: The folder to write, new or empty.
            trial: The number of the trial; None for the best.
            evaluator: The evaluator, if the run was begun with one.

        Returns:
            The folder.

        Raises:
            InputError: The output is taken, there is no such trial, its
                weights were not kept, or the evaluator is needed.
        """
        from search.actions.export import export

        return export(self, Path(output), trial, evaluator)

    def retrain(
        self,
        recipe: Recipe,
        top: int = 5,
        *,
        repeats: int | None = None,
        filters: int | None = None,
        image_size: int | None = None,
        output: str | os.PathLike[str] | None = None,
        watch: Callable[[Trial], Any] | None = None,
    ) -> Ranking:
        """The last step of a search: trains its best children longer, on the
        search's data set and with its seed, and ranks them again by their
        accuracy on the test images.

        They are trained on all training images: those that the search
        validated on have served to choose. The test images were no part of
        the search, unless the data set has none: then they are a tenth of its
        training images, which the search has trained and validated on.

        The same call goes on after a kill, and trains only those that have
        not been trained. A training that diverges is reported, and the others
        go on.

        Args:
            recipe: How they are trained, such as `RECIPES["cifar"]`.
            top: How many of them. Default 5.
            repeats: N. Default: the search's.
            filters: F. Default: the search's.
            image_size: Height and width to train at. Default: the search's.
            output: The folder, with a training of `run_training` for each
                trial, named by its number, and ranking.json. Default: the
                folder `retrained` of the run.
            watch: Called with each trial before its training; returns the
                `Progress` that shows how far it is.

        Raises:
            InputError: The run was begun with an evaluator of its own or has
                no complete trial, or the output holds trainings with other
                settings.
            ValueError: The data set or the networks cannot be had.

        Example:

        >>> from dataclasses import replace
        >>> from nasnet_keras.training.recipes import RECIPES
        >>> ranking = run.retrain(replace(RECIPES["cifar"], epochs=30))
        >>> ranking.tau, ranking.children[0].trial
        """
        from search.actions.retrain import retrain

        return retrain(
            self,
            recipe,
            top,
            repeats,
            filters,
            image_size,
            None if output is None else Path(output),
            watch,
        )

    def rank(
        self,
        cells: int = 20,
        epochs: int | None = None,
        observers: Iterable[Observer] = (),
    ) -> "SharedRanking":
        """Measures how far shared weights rank cells as training them alone
        does: random cells are trained alone, on the run's data and with its
        settings, and compared by their accuracy with the weights of the run's
        shared network, on the same validation images.

        The cells are those that a random search with the seed of the run
        proposes. They are trained by a run in the folder `ranked` of this
        one, so the same call goes on after a kill, and with more cells.

        Args:
            cells: How many. Default 20.
            epochs: For how long each is trained. Default: the epochs of the
                shared network.
            observers: Are told of the children that are trained alone.

        Raises:
            InputError: The run has no shared network, or the folder holds
                children that were trained otherwise.
            RunError: Fewer than two cells could be trained.

        Example:

        >>> ranking = search.load("runs/one-shot").rank(cells=20)
        >>> ranking.kendall.value, ranking.spearman.low
        """
        from search.actions.rank_correlation import rank

        return rank(self, cells, epochs, observers)

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
        check_identity(
            self.directory.path,
            {"evaluator": self.identity["evaluator"]},
            json.loads(json.dumps({"evaluator": evaluator.describe()})),
        )
        return evaluator

    def describe(self, trial: Trial) -> dict[str, Any]:
        """A trial as JSON data."""
        evaluation = trial.evaluation
        return {
            "number": trial.number,
            "state": trial.state.value,
            "genotype": self.space.decode(trial.decisions).to_dict(),
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
            storage = SQLiteStorage(path, self.space, read_only=True)
            with contextlib.closing(storage):
                yield storage
        except InputError:
            raise
        except DAMAGE as error:
            raise self.directory.unreadable(error) from error


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers as strict JSON has them: no NaN, no infinity."""
    return {
        name: value if math.isfinite(value) else None
        for name, value in values.items()
    }
