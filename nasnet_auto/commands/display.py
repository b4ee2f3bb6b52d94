"""A run as it goes, for the terminal: `create_display`,
`leaderboard_table`."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nasnet_auto.auto import Display
from nasnet_auto.results.result import Result
from nasnet_auto.trainings.candidates import Row
from nasnet_keras.console.activity import ActivityDisplay
from nasnet_keras.training.progress import Progress
from search.views.terminal import Beginning
from search.views.terminal import create_display as search_display


def create_display(console: Console, activity: ActivityDisplay) -> Display:
    """Shows a run, line by line; on a terminal the activity too."""

    def tell(lines: Sequence[str]) -> None:
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(row: Row) -> None:
        tell([f"{row.name}: {row.reason or _accuracy_text(row)}"])

    return Display(
        tell=tell,
        progress=lambda epochs: _Quiet(epochs, console, activity),
        begin=lambda name: tell([f"Training {name}."]),
        end=end,
        observers=(Beginning(activity), search_display(console)),
    )


class _Quiet(Progress):
    """Shows the steps under way on a terminal, and prints no line an epoch:
    there are hundreds in a run."""

    def tell(self, sentences: Iterable[str]) -> None:
        """The run has told what is to be known of the data."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._close()


def _accuracy_text(row: Row) -> str:
    if row.accuracy is None or row.error is None:
        return ""
    return f"{row.accuracy:.1%} ± {row.error:.1%}"


def _milliseconds(row: Row) -> str:
    return "" if row.latency is None else f"{1e3 * row.latency:.1f}"


def leaderboard_table(result: Result) -> Table:
    """What was tried, the best first."""
    table = Table(box=None, pad_edge=False)
    table.add_column("network")
    measured = any(row["latency"] is not None for row in result.leaderboard)
    for heading in (
        *("accuracy", "parameters"),
        *(["ms"] if measured else []),
        *("size", "epochs", "minutes"),
    ):
        table.add_column(heading, justify="right")
    for data in result.leaderboard:
        row = Row(**data)
        table.add_row(
            escape(row.name),
            escape(" ".join(filter(None, [_accuracy_text(row), row.reason]))),
            "" if row.parameters is None else f"{row.parameters:,}",
            *([_milliseconds(row)] if measured else []),
            "" if row.image_size is None else str(row.image_size),
            "" if row.epochs is None else str(row.epochs),
            "" if row.seconds is None else f"{row.seconds / 60:.1f}",
        )
    return table
