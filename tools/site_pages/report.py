"""The report of the gallery: a small search on digits, made once."""

from pathlib import Path

import search
from search.views.report.page import render

# With their options: an evolution that begins within so few children.
STRATEGIES: dict[str, dict[str, int]] = {
    "random": {},
    "regularized-evolution": {"population": 3, "sample": 2},
}
TRIALS = 8


def report(folder: Path, trials: int = TRIALS) -> str:
    """The page of `nasnet-search report` about one search by each strategy.

    Args:
        folder: Where the runs lie. Missing runs are searched, which takes
            some minutes on two cores.
        trials: The children of each search. Default 8.
    """
    return render([_run(folder / strategy, trials) for strategy in STRATEGIES])


def _run(path: Path, trials: int) -> search.Run:
    if path.exists():
        return search.resume(path)
    return search.run(
        path,
        dataset="digits",
        strategy=path.name,
        strategy_options=STRATEGIES[path.name],
        trials=trials,
        seed=1,
        space=search.NASNetSpace(blocks=2),
        recipe={"epochs": 3, "batch_size": 32},
        child={"filters": 4},
        tensorboard=False,
    )
