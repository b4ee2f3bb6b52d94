"""The leaderboard of a run as a table: `leaderboard_table`."""

from rich.markup import escape
from rich.table import Table

from nasnet_auto.results.result import Result
from nasnet_auto.trainings.candidates import Row


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
            escape(" ".join(filter(None, [row.accuracy_text, row.reason]))),
            "" if row.parameters is None else f"{row.parameters:,}",
            *([_milliseconds(row)] if measured else []),
            "" if row.image_size is None else str(row.image_size),
            "" if row.epochs is None else str(row.epochs),
            "" if row.seconds is None else f"{row.seconds / 60:.1f}",
        )
    return table
