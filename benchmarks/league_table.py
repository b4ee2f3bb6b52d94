"""Every evaluator and surrogate, by how well it ranks cells that were trained
alone and by how many seconds it takes a cell.

    python benchmarks/league_table.py
    python benchmarks/league_table.py --score

Prints the table of docs/evaluators.md and draws its picture. Of the `random`
cells of ground_truth.jsonl that are not put aside: parameters,
multiply-adds, depth (the most convolutions on a path of each cell), the scores
of truth_scores.jsonl, sums of the normal scores of several, and what
surrogates say of the others after 10 and 20 of them, in the mean of 40
divisions. Of the `spread` cells, which are no random sample and may rank more
easily or less: the rewards of reward_ranking.jsonl, and the ground truth of
ten of them with another seed. `--score` adds the rows of truth_scores.jsonl
that are missing.

The intervals hold 95 of 100 bootstrap samples of the cells. The last column
is the share of the true best fifth among the first tenth: by chance 0.20.
"""

import argparse
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ground_truth import (
    SETTINGS,
    SPACE,
    add_row,
    read_rows,
    repeated,
    rows_of,
)
from reward_ranking import TRUTH, true_accuracies
from scipy.stats import kendalltau, spearmanr
from surrogate_ranking import SURROGATES

from search.evaluation import create_evaluator
from search.spaces.graph_features import block_features
from search.strategies.surrogate import Surrogate, normal_scores
from search.trial import Decisions

HERE = Path(__file__).parent
SCORES = HERE / "truth_scores.jsonl"
REWARDS = HERE / "reward_ranking.jsonl"
PICTURE = HERE.parent / "docs" / "pictures" / "evaluators.png"
LOOKED_AT = ("naswot", "jacobian-covariance")
# Of the rewards, the accuracy and what ranks best after several epochs.
ESTIMATES = {"accuracy": ("accuracy", 1), "training loss": ("train_loss", -1)}
KNOWN, SPLITS, SAMPLES = (10, 20), 40, 1000


class Ranking(NamedTuple):
    """Estimates of cells beside what these came to, once for each division of
    the cells into known ones and others."""

    name: str
    seconds: float
    estimates: Sequence[np.ndarray]
    truths: Sequence[np.ndarray]


class Row(NamedTuple):
    """A row of the table: each figure with the ends of its interval."""

    name: str
    cells: int
    seconds: float
    tau: tuple[float, float, float]
    spearman: tuple[float, float, float]
    found: tuple[float, float, float]


def found(estimates: np.ndarray, truth: np.ndarray) -> float:
    """The share of the true best fifth among the first tenth.

    Example:

    >>> found(np.arange(20), np.arange(20))
    1.0
    """
    first = np.argsort(-estimates, kind="stable")[: round(len(truth) / 10)]
    best = np.argsort(-truth, kind="stable")[: round(len(truth) / 5)]
    return float(np.isin(first, best).mean())


def measured(ranking: Ranking) -> Row:
    """A ranking as a row."""
    rng = np.random.default_rng(0)
    figures = [
        lambda one, other: float(kendalltau(one, other).statistic),
        lambda one, other: float(spearmanr(one, other).statistic),
        found,
    ]
    pairs = list(zip(ranking.estimates, ranking.truths, strict=True))
    cells = len(pairs[0][1])
    drawn = [
        rng.integers(cells, size=cells)
        for _ in range(SAMPLES // len(pairs) * len(pairs))
    ]
    columns = []
    for figure in figures:
        values = [
            figure(estimates[chosen], truth[chosen])
            for (estimates, truth), chosen in zip(
                pairs * (len(drawn) // len(pairs)), drawn, strict=True
            )
        ]
        low, high = np.nanpercentile(values, [2.5, 97.5])
        mean = float(np.nanmean([figure(*pair) for pair in pairs]))
        columns.append((mean, float(low), float(high)))
    return Row(ranking.name, cells, ranking.seconds, *columns)


def random_cells() -> dict[Decisions, dict[str, Any]]:
    """The random cells that may be looked at, with what is known of them."""
    cells = {
        tuple(row["decisions"]): {
            "truth": row["curve"][-1]["accuracy"],
            "parameters": row["parameters"],
            "multiply_adds": row["multiply_adds"],
            "depth": depth(row["decisions"]),
            "seconds": {},
        }
        for row in rows_of(TRUTH)
        if row["set"] == "random"
    }
    for row in read_rows(SCORES):
        if (decisions := tuple(row["decisions"])) in cells:
            cells[decisions] |= row
    return cells


def depth(decisions: Sequence[int]) -> float:
    """The most convolutions on a path of the one cell, and of the other."""
    operations = SPACE.decisions[2].choices
    blocks = [decisions[at : at + 4] for at in range(0, len(decisions), 5)]
    return sum(
        # After how many there are of each operation, and unread blocks.
        block_features(cell, operations)[len(operations) + 1]
        for cell in (blocks[: SPACE.blocks], blocks[SPACE.blocks :])
    )


def rankings_of_scores(
    cells: dict[Decisions, dict[str, Any]],
) -> Iterator[Ranking]:
    truth = [np.array([cell["truth"] for cell in cells.values()])]

    def ranked(*names: str) -> Ranking:
        columns = [[cell[name] for cell in cells.values()] for name in names]
        total = sum(normal_scores(column) for column in columns)
        seconds = sum(
            np.median([cell["seconds"].get(name, 0) for cell in cells.values()])
            for name in names
        )
        return Ranking(" + ".join(names), float(seconds), [total], truth)

    for name in ("parameters", "multiply_adds", "depth", *LOOKED_AT):
        yield ranked(name)
    yield ranked("parameters", "jacobian-covariance")
    yield ranked(*LOOKED_AT)


def rankings_of_surrogates(
    cells: dict[Decisions, dict[str, Any]],
) -> Iterator[Ranking]:
    order = list(cells)

    def scores(decisions: Decisions) -> list[float]:
        return [cells[decisions][name] for name in LOOKED_AT]

    both = SURROGATES["both"]
    surrogates = {name: (each, None) for name, each in SURROGATES.items()}
    for name, (measures, said) in {
        **surrogates,
        "both and scores": (both, scores),
    }.items():
        for known in KNOWN:
            estimates, truths, began = [], [], time.process_time()
            for split in range(SPLITS):
                mixed = np.random.default_rng(split).permutation(len(order))
                learnt, others = (
                    [order[place] for place in part]
                    for part in (mixed[:known], mixed[known:])
                )
                surrogate = Surrogate(SPACE, measures, said)
                surrogate.fit(learnt, [cells[each]["truth"] for each in learnt])
                estimates.append(surrogate.mean(others))
                truths.append(
                    np.array([cells[each]["truth"] for each in others])
                )
            asked = SPLITS * len(truths[0])
            yield Ranking(
                f"surrogate, {name}, after {known}",
                (time.process_time() - began) / asked,
                estimates,
                truths,
            )


def rankings_of_rewards() -> Iterator[Ranking]:
    truth, rows = true_accuracies(), read_rows(REWARDS)
    for budget in dict.fromkeys(row["budget"] for row in rows):
        here = [row for row in rows if row["budget"] == budget]
        true = np.array([truth[row["number"]] for row in here])
        for name, (column, sign) in ESTIMATES.items():
            yield Ranking(
                f"reward, {budget.replace('x', ' x ')}, {name}",
                float(np.median([row["processor"] for row in here])),
                [sign * np.array([row[column] for row in here])],
                [true],
            )


def ranking_of_repeats() -> Iterator[Ranking]:
    pairs = list(itertools.combinations(repeated(TRUTH), 2))
    seconds = [row["seconds"]["processor"] for row in rows_of(TRUTH)]
    estimates, truths = zip(*pairs, strict=True)
    name = "the ground truth with another seed"
    yield Ranking(name, float(np.median(seconds)), estimates, truths)


def score() -> None:
    """Adds the scores that are missing."""
    evaluators = {
        name: create_evaluator(name, SETTINGS, {}) for name in LOOKED_AT
    }
    done = {tuple(row["decisions"]) for row in read_rows(SCORES)}
    for decisions in random_cells():
        if decisions in done:
            continue
        row: dict[str, Any] = {"decisions": decisions, "seconds": {}}
        for name, evaluator in evaluators.items():
            began = time.process_time()
            row[name] = evaluator.score(SPACE.decode(decisions), SETTINGS.seed)
            row["seconds"][name] = time.process_time() - began
        add_row(SCORES, row)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Kendall's tau against the seconds a cell."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for number, row in enumerate(rows):
        tau, low, high = row.tau
        seconds = max(row.seconds, 1e-3)
        axes.errorbar(
            seconds * 1.06 ** (number % 5),
            tau,
            [[max(0, tau - low)], [max(0, high - tau)]],
            fmt="osD^v"[number // 10 % 5],
            color=f"C{number % 10}",
            capsize=2,
            label=row.name,
        )
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("processor seconds a cell (0.001 or less at the left)")
    axes.set_ylabel("Kendall's tau with the accuracy alone")
    figure.legend(loc="outside right", fontsize=7)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--score", action="store_true")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    args = parser.parse_args()
    if args.score:
        score()
        return
    cells = random_cells()
    rows = [
        measured(ranking)
        for rankings in (
            rankings_of_scores(cells),
            rankings_of_surrogates(cells),
            rankings_of_rewards(),
            ranking_of_repeats(),
        )
        for ranking in rankings
    ]
    print("| evaluator | cells | s a cell | tau | Spearman | best fifth |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        figures = [
            f"{value:.2f} ({low:.2f} to {high:.2f})"
            for value, low, high in (row.tau, row.spearman, row.found)
        ]
        print(
            f"| {row.name.replace('_', '-')} | {row.cells} | "
            f"{np.format_float_positional(row.seconds, 2, fractional=False)} "
            f"| {' | '.join(figures)} |"
        )
    draw(rows, args.picture)


if __name__ == "__main__":
    main()
