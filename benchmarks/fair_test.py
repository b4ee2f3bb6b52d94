"""Does a search find better cells than random search in the same hours?

    git worktree add ../fair && cd ../fair
    export PYTHONPATH=$PWD TF_ENABLE_ONEDNN_OPTS=1 TFDS_DATA_DIR=...
    python benchmarks/fair_test.py --seed 0 --output ../fair_test.jsonl
    python benchmarks/fair_test.py --seed 0 --arm predictor --output ...
    python benchmarks/fair_test.py --summary ../fair_test.jsonl

One seed is one pair, which stands by itself: `auto` and `random`, each for
`--hours` with two workers on two cores and the same stages, one after the
other, in turn the one or the other first, on CIFAR-10 at 16 x 16. The three
best cells of each are then trained on all training images with a new seed, and
the test images read once. With retrainings a pair takes some 2 hours and 25
minutes. A row is added for each arm. Called again, it goes on with the arms
that lack one that counts: a search that was broken off or disturbed begins
anew, a retraining goes on.

Fixed before the first pair: eight pairs, seeds 0 to 7; what is compared is the
mean test accuracy of the three, by a two-sided sign-flip test over the pairs,
of six at the least. `--arm predictor` puts a predictor that compares decisions
alone, with that strategy's own start, in the place of `auto`, for three pairs;
where the pair of `auto` is of the same code, its random search is theirs too.
Rows count if others used little of the machine, and if the search kept its
hours within a tenth; pairs, if both arms are of one commit, of the same
versions and of the same processor. How long the searches took is told with the
result.
`--random-cells` retrains so many random cells alike, whose deviation is the
unit of the goal.
"""

import argparse
import dataclasses
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import psutil
from ground_truth import SETTINGS, add_row, commit, read_rows
from scipy import stats

import search
from nasnet_keras.console.command_line import provenance

CHECKOUT = Path(__file__).resolve().parents[1]
WORKERS, BEST = 2, 3
PAIRS = {"auto": 8, "predictor": 3}  # with random search
LEAST_PAIRS = 6  # for a test
MOST_FOREIGN = 0.1  # cores that others may use
MOST_ASIDE = 0.1  # of the hours
# Cells are retrained as those of the ground truth are trained, on all images.
RETRAINED = SETTINGS.recipe
CHILD = {
    "image_size": SETTINGS.image_size,
    "validation_images": SETTINGS.validation_images,
    "threads": SETTINGS.threads,
}
RANDOM, CELLS = "random", "random cells"
OPTIONS = {"predictor": {"measures": ["decisions"]}}
DIVERGED = 0.1  # the accuracy of what knows nothing
# Sets the seeds of retrainings apart from those of searches.
SEEDS = 1_000


class Foreign:
    """How many cores others use, what the machine's owner takes included."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = self._seconds()

    @property
    def cores(self) -> float:
        seconds = self._seconds() - self._before
        return max(0.0, seconds / (time.monotonic() - self._began))

    @staticmethod
    def _seconds() -> float:
        """Of all processes but this one and its children that have ended."""
        all_times = psutil.cpu_times()
        busy = sum(
            getattr(all_times, name, 0.0)
            for name in ("user", "nice", "system", "irq", "softirq", "steal")
        )
        return busy - sum(os.times()[:4])


def searched(arm: str, args: argparse.Namespace) -> dict[str, Any]:
    """What is to be said of the search of an arm, which is made if it is not
    there."""
    folder = args.runs / f"{arm}-{args.seed}"
    record = folder.with_name(f"{folder.name}.json")
    if record.exists():
        found = json.loads(record.read_text())
        if found["hours"] != args.hours:
            raise SystemExit(f"{folder} is of {found['hours']} hours.")
        why = complaint(found, args.hours)
        if not why and not alike(found, now(args)):
            why = "it is of another commit, or of other libraries"
        if not why:
            return found
        print(f"{folder} does not count: {why}; it is made anew.", flush=True)
        record.unlink()
        shutil.rmtree(folder)
    if folder.exists():
        print(f"{folder} was broken off; it begins anew.", flush=True)
        shutil.rmtree(folder)
    foreign, began, source = Foreign(), time.monotonic(), commit()
    run = search.run(
        folder,
        dataset="cifar10",
        strategy=arm,
        strategy_options=OPTIONS.get(arm, {}),
        hours=args.hours,
        seed=args.seed,
        child=CHILD,
        workers=WORKERS,
    )
    found = {
        "arm": arm,
        "seed": args.seed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "foreign": round(foreign.cores, 3),
        "children": len(run.trials),
        "stages": [dataclasses.asdict(stage) for stage in run.stages],
        **now(args),
        "commit": source,
    }
    record.write_text(json.dumps(found))
    return found


def arm_row(arm: str, args: argparse.Namespace) -> dict[str, Any]:
    """The row of an arm; without cells if its search does not count."""
    found = searched(arm, args)
    if complaint(found, args.hours):
        return {**found, "cells": []}
    run = search.load(args.runs / f"{arm}-{args.seed}")
    ranking = search.retrain(run, RETRAINED, top=BEST, seed=SEEDS + args.seed)
    trials = {trial.number: trial for trial in run.trials}
    return {
        **found,
        "recipe": dataclasses.asdict(RETRAINED),
        "cells": [
            {
                "trial": child.trial,
                "reward": child.reward,
                "accuracy": child.accuracy,
                "parameters": child.parameters,
                "decisions": trials[child.trial].decisions,
            }
            for child in ranking.children
        ],
    }


def random_cells(args: argparse.Namespace) -> dict[str, Any]:
    """The row of random cells, retrained like those that were found."""
    folder = args.runs / f"random-cells-{commit()[:12]}"
    if (folder / "config.json").exists():
        run = search.resume(folder, args.random_cells, workers=WORKERS)
    else:
        run = search.run(
            folder,
            dataset="cifar10",
            strategy="random",
            trials=args.random_cells,
            seed=SEEDS,
            child={**CHILD, "train_images": 1_000},
            recipe={"epochs": 1},
            workers=WORKERS,
        )
    ranking = search.retrain(run, RETRAINED, top=args.random_cells, seed=SEEDS)
    accuracies = [child.accuracy for child in ranking.children]
    return {"arm": CELLS, "accuracies": accuracies, **now(args)}


def sign_flip(differences: np.ndarray) -> float:
    """The two-sided p-value: the share of all ways to flip the signs whose
    mean is as far from 0."""
    signs = np.array(list(itertools.product((1, -1), repeat=len(differences))))
    means = np.abs((signs * differences).mean(axis=1))
    return float((means >= abs(differences.mean()) - 1e-12).mean())


def complaint(row: dict[str, Any], hours: float) -> str:
    """Why a row does not count among those of so many hours; empty if it
    does."""
    if row["hours"] != hours:
        return f"it is of {row['hours']} hours"
    if row["foreign"] > MOST_FOREIGN:
        return f"others used {row['foreign']} cores"
    if abs(row["minutes"] / (60 * row["hours"]) - 1) > MOST_ASIDE:
        return f"the search took {row['minutes']} minutes"
    return ""


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows are of the same code, machine and hours."""
    names = ("commit", "versions", "computing", "model", "hours")
    return all(one.get(name) == other.get(name) for name in names)


def now(args: argparse.Namespace) -> dict[str, Any]:
    """What a row that is made now is of."""
    return {
        "commit": commit(),
        "hours": args.hours,
        "model": processor_model(),
        **provenance(),
    }


def processor_model() -> str:
    """The processor's name. Others with the same instructions may be faster,
    and train more children in an hour."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line for line in lines if line.startswith("model name")), ""
    ).partition(": ")[2]


def summary(rows: Iterable[dict[str, Any]], hours: float = 1.0) -> list[str]:
    """Lines on the pairs of searches of so many hours."""
    lines = []
    rows = list(rows)
    cells: list[float] = []
    for row in rows:
        if row["arm"] == CELLS:
            cells = list(map(_accuracy, row["accuracies"]))
        elif why := complaint(row, hours):
            lines.append(f"{row['arm']} {row['seed']} does not count: {why}.")
    for arm in PAIRS:
        pairs = []
        for seed in range(PAIRS[arm]):
            ours, theirs = (
                counting(rows, each, seed, hours) for each in (arm, RANDOM)
            )
            if pair := newest_pair(ours, theirs):
                pairs.append(pair)
            elif ours and theirs:
                lines.append(
                    f"Pair {seed} of {arm} does not count: its arms differ."
                )
        if pairs:
            lines += compared(arm, pairs, cells)
        elif arm == "auto":
            lines.append("No pair yet.")
    return lines


def counting(
    rows: Iterable[dict[str, Any]], arm: str, seed: int, hours: float
) -> list[dict[str, Any]]:
    """The rows of an arm and a seed that count, the newest first."""
    return [
        row
        for row in reversed(list(rows))
        if row["arm"] == arm
        and row["seed"] == seed
        and not complaint(row, hours)
    ]


def newest_pair(
    ours: Iterable[dict[str, Any]], theirs: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The newest row of an arm that has a random search alike, and that."""
    both = itertools.product(ours, theirs)
    return next((pair for pair in both if alike(*pair)), None)


def compared(
    arm: str,
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    cells: list[float],
) -> list[str]:
    """Lines on the pairs of an arm with random search: a table, in percent of
    the test images, and what it comes to."""
    means = np.transpose([list(map(_mean, pair)) for pair in pairs])
    lines = [
        f"| seed | {arm} | {RANDOM} | difference | children | minutes |",
        "|---|---|---|---|---|---|",
    ]
    for pair, ours, theirs in zip(pairs, *(100 * means), strict=True):
        children, minutes = (
            " and ".join(str(row[name]) for row in pair)
            for name in ("children", "minutes")
        )
        lines.append(
            f"| {pair[0]['seed']} | {ours:.2f} | {theirs:.2f} | "
            f"{ours - theirs:+.2f} | {children} | {minutes} |"
        )
    lines.append("")
    differences = means[0] - means[1]
    mean, half = 100 * differences.mean(), float("nan")
    text = f"{len(differences)} of {PAIRS[arm]} pairs with {arm}: mean "
    text += f"difference {mean:+.2f}"
    if len(differences) > 1:
        freedom = len(differences) - 1
        half = 100 * stats.sem(differences) * stats.t.ppf(0.975, freedom)
        text += f" +- {half:.2f}"
    text += " points"
    if len(differences) >= LEAST_PAIRS:
        text += f", p = {sign_flip(differences):.3f}"
    if len(differences) < PAIRS[arm]:
        text += ", not all yet"
    lines.append(f"{text}.")
    if cells:
        deviation = 100 * float(np.std(cells, ddof=1))
        lines.append(
            f"{mean / deviation:+.2f} +- {half / deviation:.2f} deviations of "
            f"{len(cells)} random cells, which have "
            f"{100 * np.mean(cells):.2f} +- {deviation:.2f}."
        )
    return lines


def _mean(row: dict[str, Any]) -> float:
    return float(
        np.mean([_accuracy(each["accuracy"]) for each in row["cells"]])
    )


def _accuracy(found: float | None) -> float:
    """Of a cell; None if it diverged."""
    return DIVERGED if found is None else found


def check(args: argparse.Namespace) -> None:
    """What a measurement of hours should not fail by."""
    cores = len(os.sched_getaffinity(0))
    if cores != WORKERS:
        raise SystemExit(
            f"Expected {WORKERS} cores, by `taskset -c 0,1`. Received: {cores}."
        )
    if not Path(str(search.__file__)).is_relative_to(CHECKOUT):
        raise SystemExit(
            f"Expected the code of {CHECKOUT}: set PYTHONPATH to it. Received: "
            f"{search.__file__}."
        )
    for path in (args.output, args.runs):
        if path.resolve().is_relative_to(CHECKOUT):
            raise SystemExit(
                f"Expected a path outside of the checkout. Received: {path}."
            )
    commit()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--arm", choices=PAIRS, default="auto")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--runs", type=Path, default=Path("../fair-runs"))
    parser.add_argument("--random-cells", type=int)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        print(*summary(read_rows(args.summary), args.hours), sep="\n")
        return
    if args.output is None or (args.seed is None) == (
        args.random_cells is None
    ):
        parser.error("Expected --output, and --seed or --random-cells.")
    check(args)
    args.runs.mkdir(parents=True, exist_ok=True)
    if args.random_cells is not None:
        add_row(args.output, random_cells(args))
        return
    if args.seed not in range(PAIRS[args.arm]):
        parser.error(f"Expected a --seed below {PAIRS[args.arm]}.")
    arms = (args.arm, RANDOM)
    rows = read_rows(args.output)
    found = [counting(rows, arm, args.seed, args.hours) for arm in arms]
    if newest_pair(*found):
        return
    this = now(args)
    pair = list(zip(arms, found, strict=True))
    for arm, before in pair if args.seed % 2 == 0 else reversed(pair):
        if any(alike(row, this) for row in before):
            continue
        row = arm_row(arm, args)
        add_row(args.output, row)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
