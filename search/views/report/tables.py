"""The tables of a report: the runs, the settings in which they differ, and the
trials.

Neither Keras nor TensorFlow is imported here.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nasnet_keras.console.command_line import InputError
from search.actions.ranking import Ranking, Retrained
from search.runs.config import RunConfig
from search.runs.record import Run
from search.trial import (
    UNWEIGHED,
    Trial,
    TrialState,
    count_done,
    longest,
    ranked,
)
from search.views.report.choice_usage import PARTS

MAX_ROWS = 2000  # of the table of trials; more make the page slow
# What two runs that are compared may differ in.
COMPARED = ("run", "command", "strategy", "seed", "trials", "keep", "versions.")


@dataclass(frozen=True)
class RunSnapshot:
    """A run as the report has it, all of it read once.

    Attributes:
        label: The run's name on the page.
        run: The run.
        trials: Its trials.
        total: How many children are to begin, if that is known.
        config: Its configuration.
        record: What config.json holds.
        ranking: The children that were trained longer; none if there was no
            such training.
    """

    label: str
    run: Run
    trials: Sequence[Trial]
    total: int | None
    config: RunConfig
    record: Mapping[str, Any]
    ranking: Ranking

    @classmethod
    def of(cls, label: str, run: Run) -> "RunSnapshot":
        """A run as it is now.

        Raises:
            InputError, OSError: It cannot be read.
        """
        return cls(
            label,
            run,
            run.trials,
            run.total,
            run.config,
            run.directory.record(),
            Ranking.read(run.directory.ranking) or Ranking([]),
        )

    @cached_property
    def ranked(self) -> list[Trial]:
        return ranked(self.trials)

    @property
    def retrained(self) -> Retrained | None:
        """The best of those that were trained longer."""
        return self.ranking.best

    @cached_property
    def longest(self) -> list[Trial]:
        """The complete trials of the highest budget."""
        return longest(self.trials)

    @cached_property
    def states(self) -> Counter[TrialState]:
        return Counter(trial.state for trial in self.trials)

    def text(self, trial: Trial) -> str:
        """The architecture of a trial, in a few lines."""
        return self.run.text(trial)

    @property
    def done(self) -> int:
        return count_done(self.trials)

    @property
    def seconds(self) -> float:
        """Those of the children, once each."""
        return sum(trial.seconds for trial in self.ranked)

    def mean(self, part: int) -> float:
        """The mean of the first rewards of one of the `PARTS` of the complete
        trials, since those that were trained further cannot be compared with
        others."""
        complete = sorted(self.ranked, key=lambda trial: trial.number)
        rewards = [trial.evaluations[0].reward for trial in complete]
        return float(np.mean(np.array_split(rewards, PARTS)[part]))


def snapshots_of(
    runs: Iterable[Run], problems: list[str] | None = None
) -> list[RunSnapshot]:
    """The runs with their trials, each once.

    Args:
        runs: The runs.
        problems: Takes a sentence for each run that cannot be read, which is
            left out; None to raise.
    """
    by_path = {run.directory.path.resolve(): run for run in runs}
    names = Counter(path.name for path in by_path)
    snapshots = []
    for path, run in by_path.items():
        label = path.name if names[path.name] == 1 else str(path)
        try:
            snapshots.append(RunSnapshot.of(_printable(label), run))
        except (InputError, OSError) as error:
            if problems is None:
                raise
            problems.append(str(error))
    return snapshots


def _printable(name: str) -> str:
    """A file's name, which may hold any bytes, as text."""
    return name.encode(errors="replace").decode()


def settings_of(snapshots: Sequence[RunSnapshot]) -> dict[str, list[str]]:
    """By setting, its value in each run."""
    columns = []
    for snapshot in snapshots:
        values = {
            "run": str(snapshot.run.directory.path),
            "command": snapshot.record.get("command"),
            **snapshot.config.model_dump(mode="json"),
            "versions": snapshot.record.get("versions", {}),
        }
        columns.append(dict(_flat(values)))
    names = dict.fromkeys(name for column in columns for name in column)
    return {
        name: [column.get(name, "") for column in columns] for name in names
    }


def _flat(
    values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield prefix + key, _printable(", ".join(map(str, value)))
        else:
            yield prefix + key, "" if value is None else _printable(str(value))


def differences(settings: Mapping[str, Sequence[str]]) -> list[str]:
    """The settings in which runs differ though their rewards are to be
    compared."""
    return [
        name
        for name, values in settings.items()
        if len(set(values)) > 1 and not name.startswith(COMPARED)
    ]


@dataclass(frozen=True)
class Row:
    """A trial in the table: one text a column, and what its cells are."""

    snapshot: RunSnapshot
    trial: Trial
    values: Sequence[str]
    cells: str


@dataclass(frozen=True)
class TrialTable:
    """The trials of all runs, those of the highest reward first.

    Attributes:
        columns: The names of the rows' values.
        rows: At most `MAX_ROWS`.
        total: How many trials there are.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    total: int

    @property
    def states(self) -> list[str]:
        """Those that occur."""
        present = {row.trial.state for row in self.rows}
        return [state.value for state in TrialState if state in present]

    @classmethod
    def of(cls, snapshots: Sequence[RunSnapshot]) -> "TrialTable":
        """The table of these runs."""
        pairs = [
            (snapshot, trial)
            for snapshot in snapshots
            for trial in snapshot.trials
        ]
        shown = sorted(pairs, key=lambda pair: _order(pair[1]))[:MAX_ROWS]
        measured = [_measured(trial) for _, trial in shown]
        columns = {
            name: _texts([values.get(name) for values in measured])
            for name in dict.fromkeys(key for row in measured for key in row)
        }
        if columns.get(UNWEIGHED) == columns.get("accuracy"):
            columns.pop(UNWEIGHED, None)
        if columns.get("accuracy") == columns.get("reward"):
            columns.pop("accuracy", None)
        rows = [
            Row(
                snapshot,
                trial,
                [texts[index] for texts in columns.values()],
                snapshot.text(trial),
            )
            for index, (snapshot, trial) in enumerate(shown)
        ]
        return cls(list(columns), rows, len(pairs))


def _order(trial: Trial) -> tuple[float, int]:
    reward = trial.reward
    return (math.inf if reward is None else -reward, trial.number)


def _measured(trial: Trial) -> dict[str, float]:
    """The numbers of a trial by column."""
    evaluation = trial.evaluation
    if evaluation is None:
        return {}
    values = {"reward": evaluation.reward, **evaluation.metrics}
    if trial.state is TrialState.COMPLETE:
        values |= {"epochs": evaluation.budget, "seconds": trial.seconds}
    return values


def _texts(values: Sequence[float | None]) -> list[str]:
    """The numbers of a column as people read them, alike in form."""
    finite = [v for v in values if v is not None and math.isfinite(v)]
    form = number_form(finite)
    return [
        "" if value is None or not math.isfinite(value) else format(value, form)
        for value in values
    ]


def number_form(values: Sequence[float]) -> str:
    """The format in which people read these: alike, and none is long."""
    if all(value == int(value) for value in values):
        return ",.0f"
    largest = max(map(abs, values))
    return ",.1f" if largest >= 10 else ".4f" if largest >= 0.1 else ".3g"
