"""How well the surrogate ranks cells that it has not seen, beside the one that
sees decisions alone.

    python benchmarks/surrogate_ranking.py TABLE.csv.gz \\
        --column cifar10_val_accuracy_12_epochs
    python benchmarks/surrogate_ranking.py --ground-truth rows.*.jsonl

Learns from 10, 20 and 40 random cells and prints Kendall's tau on others (on
all of them, or on 1,000 random ones): mean and standard error over 40 splits.
A table is one of NAS-Bench-201, as `nasnet-search benchmark` reads it; ground
truth is the rows that ground_truth.py writes, of which cells trained from
several seeds count by their mean, and the random ones with odd numbers are put
aside.
"""

import argparse
from pathlib import Path

import numpy as np
from ground_truth import rows_of
from scipy.stats import kendalltau

from search.evaluation.tabular import ArchitectureTable
from search.spaces.base import SearchSpace
from search.spaces.nasbench201 import NASBench201Space
from search.spaces.nasnet import NASNetSpace
from search.strategies.surrogate import Measure, Surrogate
from search.trial import Decisions

KNOWN = (10, 20, 40)
OTHERS = 1000
SURROGATES: dict[str, tuple[Measure, ...]] = {
    "decisions": ("decisions",),
    "features": ("features",),
    "both": ("features", "decisions"),
}


def table_cells(
    path: Path, column: str
) -> tuple[SearchSpace, dict[Decisions, float]]:
    space = NASBench201Space()
    return space, ArchitectureTable(path, space).values(column)


def ground_truth_cells(
    paths: list[Path],
) -> tuple[SearchSpace, dict[Decisions, float]]:
    accuracies: dict[Decisions, list[float]] = {}
    for path in paths:
        for row in rows_of(path):
            accuracies.setdefault(tuple(row["decisions"]), []).append(
                row["curve"][-1]["accuracy"]
            )
    return NASNetSpace(5), {
        cell: float(np.mean(each)) for cell, each in accuracies.items()
    }


def taus(
    space: SearchSpace,
    values: dict[Decisions, float],
    measures: tuple[Measure, ...],
    known: int,
    splits: int,
) -> list[float]:
    """Kendall's tau on the other cells, of every split."""
    cells, found = list(values), []
    for split in range(splits):
        order = np.random.default_rng(split).permutation(len(cells))
        learnt = [cells[place] for place in order[:known]]
        others = [cells[place] for place in order[known : known + OTHERS]]
        surrogate = Surrogate(space, measures)
        surrogate.fit(learnt, [values[cell] for cell in learnt])
        ranking = kendalltau(
            surrogate.mean(others), [values[cell] for cell in others]
        )
        found.append(float(ranking.statistic))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", nargs="?", type=Path)
    parser.add_argument("--column", default="cifar10_val_accuracy_12_epochs")
    parser.add_argument("--ground-truth", nargs="+", type=Path)
    parser.add_argument("--known", nargs="+", type=int, default=KNOWN)
    parser.add_argument("--splits", type=int, default=40)
    args = parser.parse_args()
    if bool(args.table) == bool(args.ground_truth):
        parser.error("expected a table or --ground-truth, one of them")
    space, values = (
        ground_truth_cells(args.ground_truth)
        if args.ground_truth
        else table_cells(args.table, args.column)
    )
    counts = [known for known in args.known if known + 2 < len(values)]
    print(f"{len(values)} cells; tau on others after", *counts, "cells")
    for name, measures in SURROGATES.items():
        row = []
        for known in counts:
            each = np.array(taus(space, values, measures, known, args.splits))
            error = each.std(ddof=1) / len(each) ** 0.5
            row.append(f"{np.nanmean(each):.2f} +- {error:.2f}")
        print(f"{name:10}", *row, sep="  ", flush=True)


if __name__ == "__main__":
    main()
