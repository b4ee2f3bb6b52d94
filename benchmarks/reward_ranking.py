"""How well cheaper trainings rank the cells of the ground truth, for how many
seconds: what the reward of a search should be.

    TF_ENABLE_ONEDNN_OPTS=1 python benchmarks/reward_ranking.py \\
        --budgets 16000x1 4000x4 --output benchmarks/reward_ranking.jsonl
    python benchmarks/reward_ranking.py --summary ROWS.jsonl

Trains the `spread` cells of ground_truth.jsonl by each budget, images x
epochs, each along a cosine of its own to zero, as a search does, with the
recipe of the ground truth but another seed. Prints Kendall's tau with the
accuracies of the ground truth for the validation accuracy, minus the
validation loss, minus the training loss of the last epoch, and sums of their
normal scores; the last row is of the first epoch of the ground truth itself,
along its one long cosine. Called again, it goes on behind the rows of its file.
"""

import argparse
import dataclasses
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from ground_truth import SETTINGS, SPACE, add_row, read_rows
from scipy.stats import kendalltau

from search.evaluation.base import Child
from search.evaluation.training import TrainingEvaluator
from search.strategies.surrogate import normal_scores

TRUTH = Path(__file__).with_name("ground_truth.jsonl")
SEED = 1000
FIRST = "the first epoch of five"  # of 16,000 images, of the ground truth
ESTIMATES = (
    "accuracy",
    "-loss",
    "-training loss",
    "accuracy - loss",
    "accuracy - training loss",
)


def true_accuracies() -> dict[int, float]:
    """By number, of the `spread` cells: the mean over the seeds there are."""
    found: dict[int, list[float]] = {}
    for row in read_rows(TRUTH):
        if row["set"] in ("spread", "noise"):
            accuracy = row["curve"][-1]["accuracy"]
            found.setdefault(row["number"], []).append(accuracy)
    return {number: float(np.mean(each)) for number, each in found.items()}


def first_epochs() -> list[dict[str, Any]]:
    """Rows of the `spread` cells after the first epoch of their own
    training."""
    return [
        {"budget": FIRST, "number": row["number"], **row["curve"][0]}
        for row in read_rows(TRUTH)
        if row["set"] == "spread"
    ]


def summarise(path: Path) -> None:
    """Prints the table of docs/ground-truth.md."""
    truth = true_accuracies()
    rows = read_rows(path) + first_epochs()
    columns = ["images x epochs", "seconds", *ESTIMATES]
    print(f"| {' | '.join(columns)} |")
    print(f"|{'---|' * len(columns)}")
    for budget in dict.fromkeys(row["budget"] for row in rows):
        here = [row for row in rows if row["budget"] == budget]
        true = [truth[row["number"]] for row in here]
        accuracy, loss, train_loss = (
            np.array([row[name] for row in here])
            for name in ("accuracy", "loss", "train_loss")
        )
        z = normal_scores
        estimates = [accuracy, -loss, -train_loss]
        estimates += [z(accuracy) + z(-loss), z(accuracy) + z(-train_loss)]
        taus = [kendalltau(each, true).statistic for each in estimates]
        figures = [budget, ""]
        if budget != FIRST:
            images, epochs = budget.split("x")
            seconds = np.median([row["processor"] for row in here])
            figures = [f"{int(images):,} x {epochs}", f"{seconds:.1f}"]
        figures += [f"{tau:.2f}" for tau in taus]
        print(f"| {' | '.join(figures)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--budgets", nargs="+", default=["16000x1"])
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        summarise(args.summary)
        return
    if args.output is None:
        parser.error("Expected --output or --summary.")
    done = {(row["budget"], row["number"]) for row in read_rows(args.output)}
    cells = {
        row["number"]: tuple(row["decisions"])
        for row in read_rows(TRUTH)
        if row["set"] == "spread"
    }
    for budget in args.budgets:
        images, epochs = map(int, budget.split("x"))
        if args.learning_rate != 0.05:
            budget += f"@{args.learning_rate}"
        recipe = dataclasses.replace(
            SETTINGS.recipe, epochs=epochs, learning_rate=args.learning_rate
        )
        evaluator = TrainingEvaluator(
            dataclasses.replace(SETTINGS, recipe=recipe, train_images=images)
        )
        for number, decisions in cells.items():
            if (budget, number) in done:
                continue
            child = Child(number, SPACE.decode(decisions), SEED)
            began = time.process_time()
            evaluation = evaluator.evaluate(child)
            row = {
                "budget": budget,
                "number": number,
                **evaluation.metrics,
                "seconds": dict(evaluation.seconds),
                "processor": time.process_time() - began,
            }
            add_row(args.output, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
