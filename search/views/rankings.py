"""Children compared after a search, as tables on a terminal."""

from rich.table import Table

from search.actions.rank_correlation import SharedRanking
from search.actions.ranking import Ranking


def ranking_table(ranking: Ranking) -> Table:
    """A table with a row for each child, the most accurate first."""
    table = Table("place", "before", "trial", "reward", "test accuracy")
    table.add_column("parameters", justify="right")
    table.add_column("seconds", justify="right")
    for place, child in zip(ranking.places, ranking.children, strict=True):
        table.add_row(
            "" if place is None else str(place),
            str(child.place),
            str(child.trial),
            f"{child.reward:.4f}",
            "" if child.accuracy is None else f"{child.accuracy:.4f}",
            f"{child.parameters:,}",
            f"{child.seconds:.0f}",
        )
    return table


def shared_ranking_table(ranking: SharedRanking) -> Table:
    """A table with a row for each cell, the best alone first."""
    table = Table("trial", "alone", "shared")
    for cell in ranking.cells:
        table.add_row(
            str(cell.trial), f"{cell.alone:.4f}", f"{cell.shared:.4f}"
        )
    return table
