"""How far accuracies with shared weights order cells as accuracies of children
trained alone do: `rank_correlation`.

Neither Keras nor TensorFlow is imported here before
`rank_correlation`.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from nasnet_keras.console.command_line import InputError, RunError
from nasnet_keras.files import write_json
from nasnet_keras.training.process_state import kept_process_state
from search.observers.base import Observer
from search.runs.arguments import checked_arguments
from search.runs.begin import resume
from search.runs.begin import run as run_search
from search.runs.config import RunConfig
from search.runs.objective_config import ObjectiveConfig
from search.runs.record import Run, opened
from search.storage.run_folder import SHARED_FILE
from search.trial import TrialState

RESAMPLES = 1000  # of the bootstrap


class Correlation(NamedTuple):
    """A rank correlation, and its 95 % interval by the bootstrap over cells;
    NaN where it is not defined."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """As JSON data, which has no NaN."""
        return {
            name: None if math.isnan(number) else number
            for name, number in self._asdict().items()
        }

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class RankedCell:
    """A cell in both ways.

    Attributes:
        trial: Its trial in the run of the children trained alone.
        shared: Its validation accuracy with shared weights.
        alone: That of the child trained alone.
        images: On how many images both were measured.
    """

    trial: int
    shared: float
    alone: float
    images: int


@dataclass(frozen=True)
class SharedRanking:
    """Cells ranked in both ways.

    Attributes:
        cells: The cells, the best alone first.
    """

    cells: Sequence[RankedCell]

    @cached_property
    def kendall(self) -> Correlation:
        """Kendall's tau-b."""
        from scipy.stats import kendalltau

        return self._correlation(kendalltau)

    @cached_property
    def spearman(self) -> Correlation:
        """Spearman's rho."""
        from scipy.stats import spearmanr

        return self._correlation(spearmanr)

    def _correlation(self, measure: Callable[..., Any]) -> Correlation:
        pairs = np.array([(cell.shared, cell.alone) for cell in self.cells])
        rng = np.random.default_rng(0)

        def value(rows: Any) -> float:
            first, second = pairs[rows].T
            if len(set(first)) < 2 or len(set(second)) < 2:
                return math.nan
            return float(measure(first, second).statistic)

        # Not scipy's bootstrap: of few cells a resample may have a single
        # value, and with one such its whole interval is NaN.
        count = len(pairs)
        resampled = [
            value(rng.integers(count, size=count)) for _ in range(RESAMPLES)
        ]
        known = [each for each in resampled if not math.isnan(each)]
        low, high = (
            np.quantile(known, (0.025, 0.975))
            if known
            else (math.nan, math.nan)
        )
        return Correlation(value(np.arange(count)), float(low), float(high))

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {
            "kendall": self.kendall.to_dict(),
            "spearman": self.spearman.to_dict(),
            "cells": [asdict(cell) for cell in self.cells],
        }


@checked_arguments
@kept_process_state()
def rank_correlation(
    run: Run | str | os.PathLike[str],
    cells: int = 20,
    epochs: int | None = None,
    observers: Collection[Observer] = (),
) -> SharedRanking:
    """Measures whether shared weights rank cells as trainings alone do.

    Random cells are trained alone, on the data and with the settings of the
    run. Their accuracies are compared with those of the shared weights, on
    the same validation images. A random search with the seed of the run
    proposes the cells. They are trained by a run in the folder `ranked` of
    this one, so the same call resumes after a kill, and with more cells.

    Args:
        run: The run, or its folder.
        cells: How many. Default 20.
        epochs: For how long each is trained. Default: the epochs of the
            shared network.
        observers: Are told of the children that are trained alone.

    Raises:
        InputError: The run has no shared network, or the folder holds
            children that were trained otherwise.
        RunError: Fewer than two cells could be trained.

    Example:

    >>> import search
    >>> run = search.run(
    ...     "runs/one-shot",
    ...     dataset="digits",
    ...     strategy="one-shot",
    ...     evaluator="shared",
    ...     trials=2,
    ...     space=search.NASNetSpace(1),
    ...     recipe={"epochs": 1},
    ...     child={"filters": 4},
    ... )
    >>> ranking = rank_correlation(run, cells=3)
    >>> -1 <= ranking.kendall.value <= 1
    True
    """
    run = opened(run)
    _check(run)
    config = _alone(run.config, cells, epochs)
    folder = run.directory.path / "ranked"
    if (folder / "config.json").exists():
        alone = Run(folder)
        if alone.config.identity != config.identity:
            raise InputError(
                f"{folder} holds children that were trained otherwise. Give "
                "the same `epochs` as before, or delete it."
            )
        trials = max(cells, alone.total or 0)
        alone = resume(folder, trials, observers=observers)
    else:
        alone = run_search(folder, config, observers=observers)
    shared: Any = run.create_evaluator().shared_weights
    ranked = [
        RankedCell(
            trial.number,
            shared.accuracy(
                run.space.decode(trial.decisions), run.directory.children
            ),
            trial.evaluations[-1].metrics["accuracy"],
            int(trial.images),
        )
        for trial in alone.trials
        if trial.state is TrialState.COMPLETE
    ]
    if len(ranked) < 2:
        raise RunError("Fewer than two cells could be trained.")
    ranking = SharedRanking(sorted(ranked, key=lambda cell: -cell.alone))
    write_json(folder / "ranking.json", ranking.to_dict())
    return ranking


def _check(run: Run) -> None:
    """Raises:
    InputError: There is no shared network to compare with.
    """
    if not run.config.shares_weights:
        raise InputError(
            f"The run {run.directory.path} has no shared network. Expected a "
            "run with the evaluator shared."
        )
    if run.config.objective != ObjectiveConfig():
        raise InputError(
            "Expected a run whose reward is the accuracy alone. Received: "
            f"{run.directory.path}."
        )
    if not (run.directory.children / SHARED_FILE).exists():
        raise InputError(
            f"The shared network of {run.directory.path} is not there yet. "
            "Expected a run that has trained it."
        )


def _alone(config: RunConfig, cells: int, epochs: int | None) -> RunConfig:
    """The search whose children are the cells, trained alone."""
    recipe = config.recipe
    return config.model_copy(
        update={
            "strategy": "random",
            "strategy_options": {},
            "evaluator": "training",
            "evaluator_options": {},
            "trials": cells,
            "lag": 0,
            "keep": RunConfig.model_fields["keep"].default,
            "recipe": dataclasses.replace(
                recipe, epochs=epochs or recipe.epochs
            ),
        }
    )
