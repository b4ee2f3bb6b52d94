"""Children compared after a search, as tables on a terminal."""

from rich.table import Table

from search.actions.rank_correlation import SharedRanking
from search.actions.ranking import Ranking


def ranking_table(ranking: Ranking) -> Table:
    """A table with a row for each child, the most accurate first."""
    table = Table("rank", "before", "trial", "reward", "test accuracy")
    table.add_column("parameters", justify="right")
    table.add_column("seconds", justify="right")
    for rank, child in zip(ranking.ranks, ranking.children, strict=True):
        table.add_row(
            "" if rank is None else str(rank),
            str(child.rank),
            str(child.trial),
            f"{child.reward:.4f}",
            child.accuracy_text,
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
