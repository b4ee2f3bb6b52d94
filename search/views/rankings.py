"""Children compared after a search, as tables on a terminal."""

from collections.abc import Sequence

from rich.table import Table

from nasnet_keras.console.accuracy import accuracy_text
from search.actions.rank_correlation import SharedRanking
from search.actions.ranking import Ranking
from search.trial import Trial


def ranking_table(ranking: Ranking, trials: Sequence[Trial]) -> Table:
    """A table with a row for each child, the most accurate first.

    Args:
        ranking: The ranking.
        trials: Those of the run.
    """
    table = Table("rank", "before", "trial", "reward", "test accuracy")
    table.add_column("parameters", justify="right")
    table.add_column("seconds", justify="right")
    for rank, child in zip(ranking.ranks, ranking.children, strict=True):
        table.add_row(
            "" if rank is None else str(rank),
            str(child.rank),
            str(child.trial),
            trials[child.trial].reward_text,
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
            str(cell.trial),
            accuracy_text(cell.alone, cell.images),
            accuracy_text(cell.shared, cell.images),
        )
    return table
