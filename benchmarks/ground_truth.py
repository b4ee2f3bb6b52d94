"""Cells of the 13-operation space trained alone: what evaluators are judged by.

    python benchmarks/ground_truth.py --part 0/2 --output FILE.0.jsonl
    python benchmarks/ground_truth.py --part 1/2 --output FILE.1.jsonl
    python benchmarks/ground_truth.py --summary benchmarks/ground_truth.jsonl

Trains cells of `NASNetSpace(5)` on CIFAR-10, each from its beginning to the
end of one annealed schedule, and appends a row a training: the cell, the seed,
accuracy and loss after every epoch, the seconds of each part, parameters and
multiply-adds, commit and processor settings. The order of the trainings is
fixed: 30 cells spread evenly over the parameters of 1,000 random ones
(`"set": "spread"`, no random sample), two further seeds of every third of
these (`"noise"`), then random cells (`"random"`). A part takes every n-th of
them. Called again, it goes on behind the rows that its file has; rows made at
different times, of one commit, join by concatenation.

Runs from a checkout of one commit, on one thread a process:

    TF_ENABLE_ONEDNN_OPTS=1 TFDS_DATA_DIR=... nice python benchmarks/...
"""

import argparse
import dataclasses
import itertools
import json
import math
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
from scipy.stats import kendalltau

from nasnet_keras.console.command_line import provenance
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.train import compile_network, train
from search.evaluation.base import ChildSettings
from search.evaluation.child_data import short_trainings
from search.evaluation.training import TrainingEvaluator
from search.spaces.nasnet import NASNetSpace

SPACE = NASNetSpace(5)
# Sets the draws of the cells apart from those of any search.
SPREAD_STREAM, RANDOM_STREAM = 20_261_128, 20_261_129
SETTINGS = ChildSettings(
    space=SPACE,
    dataset="cifar10",
    recipe=dataclasses.replace(
        RECIPES["search-proxy"],
        epochs=5,
    ),
    scale={"repeats": 1, "filters": 8},
    image_size=16,
    train_images=16_000,
    validation_images=5_000,
    threads=1,
)


def trainings(
    evaluator: TrainingEvaluator, random_cells: int
) -> Iterator[tuple[str, int, tuple[int, ...], int]]:
    """The trainings in their order: set, number in it, decisions, seed."""
    rng = np.random.default_rng(SPREAD_STREAM)
    drawn = {}
    while len(drawn) < 1000:
        decisions = SPACE.canonical(SPACE.sample(rng))
        drawn[decisions] = evaluator.costs(SPACE.decode(decisions))
    by_size = sorted(drawn, key=lambda cell: drawn[cell]["parameters"])
    spread = [by_size[round(k)] for k in np.linspace(0, 999, 30)]
    # Sizes in mixed order, so that the first rows already span them.
    order = np.random.default_rng(SPREAD_STREAM + 1).permutation(30)
    for number in order:
        yield "spread", int(number), spread[number], 0
    for seed in (1, 2):
        for number in range(1, 30, 3):
            yield "noise", number, spread[number], seed
    rng = np.random.default_rng(RANDOM_STREAM)
    for number in range(random_cells):
        yield "random", number, SPACE.canonical(SPACE.sample(rng)), 0


class Curve(keras.callbacks.Callback):
    """Accuracy and loss on the validation images after every epoch."""

    def __init__(self, validation: Any) -> None:
        super().__init__()
        self.validation = validation
        self.rows: list[dict[str, float]] = []
        self.seconds: dict[str, float] = {"trace": 0.0, "validate": 0.0}
        self._began = time.perf_counter()
        self._first = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._first:
            self.seconds["trace"] = time.perf_counter() - self._began
            self._first = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        began = time.perf_counter()
        result = self.model.evaluate(
            self.validation, verbose=0, return_dict=True
        )
        self.rows.append(
            {
                "train_loss": float(logs["loss"]),
                "train_accuracy": float(logs["accuracy"]),
                "accuracy": float(result["accuracy"]),
                "loss": float(result["loss"]),
            }
        )
        self.seconds["validate"] += time.perf_counter() - began


@short_trainings()
def evaluate(
    evaluator: TrainingEvaluator, decisions: tuple[int, ...], seed: int
) -> dict[str, Any]:
    """One training: curve, costs and seconds."""
    genotype = SPACE.decode(decisions)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    began, processor = time.perf_counter(), time.process_time()
    model = evaluator.build(genotype)
    compile_network(model, evaluator.recipe, evaluator.steps_per_epoch)
    build = time.perf_counter() - began
    curve = Curve(evaluator.data.validation)
    train(
        model,
        evaluator.data.batches(evaluator.recipe, seed, 0),
        evaluator.recipe,
        evaluator.steps_per_epoch,
        [curve, keras.callbacks.TerminateOnNaN()],
    )
    return {
        "curve": curve.rows,
        **evaluator.costs(genotype),
        "seconds": {
            "build": build,
            **curve.seconds,
            "all": time.perf_counter() - began,
            "processor": time.process_time() - processor,
        },
    }


def commit() -> str:
    """The commit of the checkout; the run is refused if files differ."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    if git("status", "--porcelain"):
        raise SystemExit("Expected a checkout of one commit, unchanged.")
    return git("rev-parse", "HEAD")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows of a file of JSON lines; none of one that is not there."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def add_row(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of ground truth, but for the random cells that are put
    aside."""
    return [
        row
        for row in read_rows(path)
        if row["set"] != "random" or row["number"] % 2 == 0
    ]


def summarise(path: Path) -> None:
    """Prints how costs, earlier epochs and other seeds rank cells as the last
    epoch does: Kendall's tau, with its error by chance."""
    cells = [row for row in rows_of(path) if row["set"] != "noise"]
    last = [row["curve"][-1]["accuracy"] for row in cells]
    count = len(cells)
    # Kendall 1938: the variance of tau where there is no correlation.
    error = math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1)))
    print(f"{count} cells, accuracy {min(last):.3f} to {max(last):.3f}")
    print(f"tau with the accuracy of the last epoch, +- {error:.2f}:")
    columns = {
        name: [row[name] for row in cells]
        for name in ("parameters", "multiply_adds")
    }
    for epoch in range(len(cells[0]["curve"])):
        for name, sign in (("accuracy", 1), ("loss", -1), ("train_loss", -1)):
            columns[f"{name}, epoch {epoch + 1}"] = [
                sign * row["curve"][epoch][name] for row in cells
            ]
    for name, values in columns.items():
        print(f"  {name:24} {kendalltau(values, last).statistic:5.2f}")
    trainings = repeated(path)
    print(f"tau between two trainings of the same {trainings.shape[1]} cells:")
    for one, other in itertools.combinations(trainings, 2):
        print(f"  {'another seed':24} {kendalltau(one, other).statistic:5.2f}")
    spread = [
        row["curve"][-1]["accuracy"] for row in cells if row["set"] == "spread"
    ]
    noise = math.sqrt(float(trainings.var(axis=0, ddof=1).mean()))
    print(f"standard deviation of {len(spread)} spread cells:")
    print(f"  {'between cells':24} {np.std(spread, ddof=1):5.4f}")
    print(f"  {'between seeds of a cell':24} {noise:5.4f}")


def repeated(path: Path) -> np.ndarray:
    """`[seeds, cells]`: the last accuracies of the cells that were trained
    with several seeds."""
    rows = [row for row in rows_of(path) if row["set"] in ("spread", "noise")]
    cells = {row["number"] for row in rows if row["set"] == "noise"}
    by_cell: dict[int, list[float]] = {number: [] for number in sorted(cells)}
    for row in sorted(rows, key=lambda row: row["seed"]):
        if row["number"] in by_cell:
            accuracy = row["curve"][-1]["accuracy"]
            by_cell[row["number"]].append(accuracy)
    return np.array(list(by_cell.values())).T


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--part", default="0/1", help="K/N: the K-th of N")
    parser.add_argument("--random-cells", type=int, default=200)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        summarise(args.summary)
        return
    if args.output is None:
        parser.error("Expected --output or --summary.")
    part, parts = map(int, args.part.split("/"))
    evaluator = TrainingEvaluator(SETTINGS)
    made = {
        "commit": commit(),
        "versions": provenance()["versions"],
        "onednn": os.environ["TF_ENABLE_ONEDNN_OPTS"],
        "onednn_max_cpu_isa": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "recipe": dataclasses.asdict(evaluator.recipe),
        "data": evaluator.data.fingerprint,
    }
    done = {
        (row["set"], row["number"], row["seed"])
        for row in read_rows(args.output)
    }
    plan = list(trainings(evaluator, args.random_cells))[part::parts]
    for group, number, decisions, seed in plan:
        if (group, number, seed) in done:
            continue
        row = {
            "set": group,
            "number": number,
            "seed": seed,
            "decisions": decisions,
            **evaluate(evaluator, decisions, seed),
            **made,
        }
        add_row(args.output, row)
        print(group, number, seed, row["curve"][-1], row["seconds"], flush=True)


if __name__ == "__main__":
    main()
