"""The status of a run on a terminal, once or again and again."""

import contextlib
import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.observers.text import done_text
from search.runs.driver_process import Driver, DriverWatch
from search.runs.record import Run
from search.trial import Stage, Trial, TrialState, ranked

# Of the terminal, beside the rows of the table that `watch_status` shows.
OTHER_LINES = 8


def status_table(trials: Sequence[Trial]) -> Table:
    """A table with a row for each trial."""
    table = Table("trial", "state", "reward", "seconds", "note")
    for trial in trials:
        note = trial.reason or ""
        if trial.duplicate_of is not None:
            note = f"of {trial.duplicate_of}"
        table.add_row(
            str(trial.number),
            trial.state.value,
            trial.reward_text,
            f"{trial.seconds:.1f}"
            if trial.state is TrialState.COMPLETE
            else "",
            Text(note),
        )
    return table


def watch_status(run: Run, console: Console, seconds: float) -> None:
    """Shows on a terminal where a run stands, again and again, until the run
    ends or Ctrl-C comes; elsewhere only waits.

    A run ends when its driver does, if that was seen on this machine, or when
    all its children are done.

    Args:
        run: The run.
        console: Where to show it.
        seconds: How long to wait between two looks.

    Raises:
        InputError: The run cannot be read any more.
    """
    watch = DriverWatch(run.directory)
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, auto_refresh=False, transient=True) as live,
    ):
        while True:
            # If there is no driver, the trials read after that are all.
            driver = watch.look()
            trials, total = run.trials, run.total
            rows = max(1, console.height - OTHER_LINES)
            standing = _standing(trials, total, run.stages, driver, rows)
            live.update(standing, refresh=True)
            if watch.ended or (driver is None and run.is_over(trials)):
                return
            time.sleep(seconds)


def _standing(
    trials: Sequence[Trial],
    total: int | None,
    stages: Sequence[Stage],
    driver: Driver | None,
    rows: int,
) -> RenderableType:
    """The last trials, and what they have come to."""
    lines = [done_text(trials, total, stages)]
    if driver is not None:
        lines.append(str(driver))
    best = next(iter(ranked(trials)), None)
    if best is not None:
        lines.append(f"Best: trial {best.number}, reward {best.reward_text}.")
    table = status_table(trials[-rows:])
    table.columns[-1].no_wrap = True
    return Group(table, Text("\n".join(lines)))
