"""Does a search find better cells than random search in the same hours?

    TF_ENABLE_ONEDNN_OPTS=1 python benchmarks/fair_test.py --seed 0 \\
        --runs runs/fair --output benchmarks/fair_test.jsonl
    python benchmarks/fair_test.py --summary benchmarks/fair_test.jsonl

One seed is one pair, which stands by itself: `auto` and `random`, each for
`--hours` with two workers and the same stages, one after the other, on
CIFAR-10 at 16 x 16. The three best cells of each are then trained on all
training images with a new seed, and the test images read once. A row is added
for each arm. Called again, it goes on where it was killed. A row says how busy
the machine was besides; one of a busy machine is to be made anew.

Fixed before the first pair: what is compared is the mean test accuracy of the
three, by a two-sided sign-flip test over the pairs. `--random-cells` retrains
so many random cells alike, whose deviation is the unit of the goal.
"""

import argparse
import dataclasses
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from ground_truth import SETTINGS, add_row, read_rows
from scipy import stats

import search
from nasnet_keras.console.command_line import provenance

WORKERS, BEST = 2, 3
# Cells are retrained as those of the ground truth are trained, on all images.
RETRAINED = SETTINGS.recipe
CHILD = {
    "image_size": SETTINGS.image_size,
    "validation_images": SETTINGS.validation_images,
    "threads": SETTINGS.threads,
}
RECIPE = {
    name: getattr(RETRAINED, name)
    for name in ("batch_size", "learning_rate", "drop_path_rate")
}
ARMS = ("auto", "random")
# Sets the seeds of retrainings apart from those of searches.
SEEDS = 1_000


class Busy:
    """The mean of the machine's load beyond the workers, by the kernel."""

    def __init__(self) -> None:
        self.loads: list[float] = []

    def __call__(self, trial: Any) -> None:
        self.loads.append(os.getloadavg()[0])

    @property
    def beyond(self) -> float:
        return max(0.0, float(np.mean(self.loads or [0.0])) - WORKERS)


def searched(strategy: str, args: argparse.Namespace) -> dict[str, Any]:
    """The row of an arm."""
    folder = args.runs / f"{strategy}-{args.seed}"
    busy, began = Busy(), time.time()
    driven = {"workers": WORKERS, "on_trial": busy}
    if (folder / "config.json").exists():
        run = search.resume(folder, **driven)
    else:
        run = search.run(
            folder,
            dataset="cifar10",
            strategy=strategy,
            hours=args.hours,
            seed=args.seed,
            child=CHILD,
            recipe=RECIPE,
            **driven,
        )
    minutes = (time.time() - began) / 60
    ranking = search.retrain(run, RETRAINED, top=BEST, seed=SEEDS + args.seed)
    return {
        "arm": strategy,
        "seed": args.seed,
        "hours": args.hours,
        "minutes": round(minutes, 1),
        "busy": round(busy.beyond, 2),
        "stages": [dataclasses.asdict(stage) for stage in run.stages],
        "cells": [
            {
                "trial": child.trial,
                "reward": child.reward,
                "accuracy": child.accuracy,
                "parameters": child.parameters,
            }
            for child in ranking.children
        ],
        "onednn": os.environ["TF_ENABLE_ONEDNN_OPTS"],
        **provenance(),
    }


def random_cells(args: argparse.Namespace) -> dict[str, Any]:
    """The row of random cells, retrained like those that were found."""
    folder = args.runs / "random-cells"
    if (folder / "config.json").exists():
        run = search.resume(folder, args.random_cells)
    else:
        run = search.run(
            folder,
            dataset="cifar10",
            strategy="random",
            trials=args.random_cells,
            seed=SEEDS,
            child={**CHILD, "train_images": 1_000},
            recipe={**RECIPE, "epochs": 1},
        )
    ranking = search.retrain(run, RETRAINED, top=args.random_cells, seed=SEEDS)
    accuracies = [child.accuracy for child in ranking.children]
    return {"arm": "random cells", "accuracies": accuracies, **provenance()}


def sign_flip(differences: np.ndarray) -> float:
    """The two-sided p-value: the share of all ways to flip the signs whose
    mean is as far from 0."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    means = np.abs((signs * differences).mean(axis=1))
    return float((means >= abs(differences.mean()) - 1e-12).mean())


def summarise(path: Path) -> None:
    arms: dict[str, dict[int, float]] = {arm: {} for arm in ARMS}
    cells: list[float] = []
    for row in read_rows(path):
        if row["arm"] == "random cells":
            cells = row["accuracies"]
        else:
            found = [cell["accuracy"] for cell in row["cells"]]
            arms[row["arm"]][row["seed"]] = float(np.mean(found))
    seeds = sorted(set(arms["auto"]) & set(arms["random"]))
    for arm in ARMS:
        values = [arms[arm][seed] for seed in seeds]
        print(f"{arm:8}", *(f"{100 * value:.2f}" for value in values))
    differences = np.array(
        [arms["auto"][seed] - arms["random"][seed] for seed in seeds]
    )
    mean = 100 * differences.mean()
    print(f"{len(seeds)} pairs, mean difference {mean:+.2f} points", end="")
    if len(seeds) > 1:
        half = 100 * stats.sem(differences) * stats.t.ppf(0.975, len(seeds) - 1)
        print(f" +- {half:.2f}, p = {sign_flip(differences):.3f}", end="")
    print()
    if cells:
        deviation = 100 * float(np.std(cells, ddof=1))
        print(f"{mean / deviation:+.2f} deviations of random cells, which are")
        print(f"{100 * np.mean(cells):.2f} +- {deviation:.2f}, {len(cells)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--runs", type=Path, default=Path("runs/fair"))
    parser.add_argument("--random-cells", type=int)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        summarise(args.summary)
        return
    if args.output is None or (args.seed is None) == (
        args.random_cells is None
    ):
        parser.error("Expected --output, and --seed or --random-cells.")
    if args.random_cells is not None:
        made = [random_cells]
    else:
        made = [lambda args, arm=arm: searched(arm, args) for arm in ARMS]
    for make in made:
        row = make(args)
        add_row(args.output, row)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
