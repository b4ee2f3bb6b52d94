"""The tables of the dashboard: what is under way, failures, and seconds.

Neither Keras nor TensorFlow is imported here.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.runs.driver_process import Driver, DriverWatch, Process
from search.storage.run_folder import RunDirectory
from search.trial import Trial, TrialState
from search.views.report.charts import Chart, Curve
from search.views.report.page import chart
from search.views.report.tables import RunSnapshot

FAILURES_SHOWN = 20
NO_DRIVER = "No process that is seen on this machine drives the run."


@dataclass(frozen=True)
class Child:
    """A trial that is recorded as running.

    Attributes:
        number: The trial's number.
        now: What happens to it at the moment, as far as that can be told.
        seconds: Since it was first seen here.
        cells: Its cells as text.
    """

    number: int
    now: str
    seconds: float
    cells: str


@dataclass(frozen=True)
class UnderWay:
    """The state of a run in progress.

    Attributes:
        snapshot: The run.
        driver: One sentence on who drives it.
        processes: The driver and its workers: the role of each, the process,
            and the most memory that it was seen to have.
        children: The trials under way.
    """

    snapshot: RunSnapshot
    driver: str
    processes: Sequence[tuple[str, Process, int]]
    children: Sequence[Child]


class RunWatch:
    """Follows a run in progress.

    Args:
        directory: The folder of the run.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._driver = DriverWatch(directory)
        self._since: dict[int, float] = {}  # by the trial's number
        self._memory: dict[int, int] = {}  # the most, by the process' number

    def look(self, snapshot: RunSnapshot) -> UnderWay:
        """The current state, with the trials of the snapshot."""
        driver = self._driver.look()
        processes: list[tuple[str, Process]] = []
        if driver is not None:
            processes = [("driver", driver.process)]
            processes += [("worker", worker) for worker in driver.workers]
        self._memory = {
            process.pid: max(process.memory, self._memory.get(process.pid, 0))
            for _, process in processes
        }
        return UnderWay(
            snapshot,
            NO_DRIVER if driver is None else str(driver),
            [
                (role, process, self._memory[process.pid])
                for role, process in processes
            ],
            self._children(snapshot, driver),
        )

    def _children(
        self, snapshot: RunSnapshot, driver: Driver | None
    ) -> list[Child]:
        running = [
            trial for trial in snapshot.trials if not trial.state.is_finished
        ]
        now = time.monotonic()
        self._since = {
            trial.number: self._since.get(trial.number, now)
            for trial in running
        }
        workers = _workers(snapshot, driver)
        return [
            Child(
                trial.number,
                "broken off"
                if self._driver.ended or trial.state is TrialState.INTERRUPTED
                else _now(index, workers),
                now - self._since[trial.number],
                snapshot.text(trial),
            )
            for index, trial in enumerate(running)
        ]


def _workers(snapshot: RunSnapshot, driver: Driver | None) -> int | None:
    """How many of the running trials are in training, the first ones, since
    workers take them in order; None where that cannot be told: of Ray's
    workers, and when promoted children have workers too."""
    if driver is None or snapshot.config.halving is not None:
        return None
    if driver.workers:
        return len(driver.workers)
    return None if snapshot.config.lag else 1


def _now(index: int, workers: int | None) -> str:
    if workers is None:
        return "under way"
    return "in training" if index < workers else "waits for a worker"


@dataclass(frozen=True)
class Failures:
    """The trials that failed: how many, and the last ones."""

    total: int
    rows: Sequence[tuple[RunSnapshot, Trial]]

    @classmethod
    def of(cls, snapshots: Sequence[RunSnapshot]) -> "Failures":
        """Those of all runs."""
        failed = [
            (snapshot, trial)
            for snapshot in snapshots
            for trial in snapshot.trials
            if trial.state is TrialState.FAILED
        ]
        failed.sort(key=lambda pair: -pair[1].number)
        return cls(len(failed), failed[:FAILURES_SHOWN])


@dataclass(frozen=True)
class Seconds:
    """How long complete children took.

    Attributes:
        chart: The seconds of each, or None where there is none.
        columns: The names of the rows' values: the longest, the mean, and
            that of each part.
        rows: A row for each run that has complete children.
    """

    chart: Chart | None
    columns: Sequence[str]
    rows: Sequence[tuple[RunSnapshot, Sequence[float | None]]]

    @classmethod
    def of(cls, snapshots: Sequence[RunSnapshot]) -> "Seconds":
        """Those of all runs."""
        curves = []
        measured: list[tuple[RunSnapshot, Mapping[str, float]]] = []
        for snapshot in snapshots:
            complete = sorted(snapshot.ranked, key=lambda trial: trial.number)
            dots = [
                (float(count), trial.seconds)
                for count, trial in enumerate(complete, start=1)
            ]
            curves.append(Curve(snapshot.label, dots, steps=()))
            if complete:
                measured.append((snapshot, _measured(complete)))
        names = dict.fromkeys(name for _, row in measured for name in row)
        return cls(
            chart("Complete children", "Seconds", curves),
            list(names),
            [
                (snapshot, [values.get(name) for name in names])
                for snapshot, values in measured
            ],
        )


def _measured(trials: Sequence[Trial]) -> Mapping[str, float]:
    """The longest seconds of a child, and the mean, in all and by part."""
    parts: dict[str, float] = defaultdict(float)
    for trial in trials:
        for evaluation in trial.evaluations:
            for part, seconds in evaluation.seconds.items():
                parts[part] += seconds / len(trials)
    longest = max(trial.seconds for trial in trials)
    return {"longest": longest, "mean": sum(parts.values()), **parts}
