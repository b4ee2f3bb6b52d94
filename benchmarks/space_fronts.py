"""Accuracy against latency: mobile networks, cells and MobileNetV2 scaled.

    export TF_ENABLE_ONEDNN_OPTS=1 TFDS_DATA_DIR=...
    taskset -c 0 python benchmarks/space_fronts.py --only mobile scaled \
        --runs ../runs --output mobile.jsonl
    taskset -c 1 python benchmarks/space_fronts.py --only cells \
        --runs ../runs --output cells.jsonl
    cat mobile.jsonl cells.jsonl > space_fronts.jsonl
    python benchmarks/space_fronts.py --latencies --output space_fronts.jsonl
    python benchmarks/space_fronts.py --summary space_fronts.jsonl

Each of three strategies searches the spaces `mobile` and `nasnet` for CIFAR-10:
40 children, one recipe, one highest latency in ONNX Runtime. MobileNetV2 of
several widths is trained in the same way. From the mobile networks, from the
cells and from the widths, the child that is best within each latency of
`LIMITS` is trained on all training images, with three seeds, and its test
images are read once. `--latencies` then measures these networks in turns, on an
idle machine; the latencies of the searches are measured beside each other, on a
core each. A row is added to the output when a search or a training ends; after
a kill the same command goes on. `--strategies` makes some of the searches; the
trainings begin when the output has the rows of all.

Printed are, for each search, its children and its minutes, its best accuracy
within each limit, the area that its front covers
(`search.pareto.hypervolume`), and the best accuracy after the minutes of the
shortest search; then the networks that were trained on all images.
"""

import argparse
import collections
import dataclasses
import json
import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import tensorflow as tf
from ground_truth import add_row, read_rows

import search
from nasnet_keras.architectures import from_data, to_data
from nasnet_keras.console.command_line import provenance
from nasnet_keras.deployment.latency.measurement import measure_latency
from nasnet_keras.kinds.mobile import MOBILENET_V2, MobileKind
from nasnet_keras.training.evaluation.evaluate_run import evaluate_run
from nasnet_keras.training.recipes import RECIPES
from nasnet_keras.training.run import run_training
from nasnet_keras.training.settings import TrainingSettings
from search.pareto import hypervolume

Row = dict[str, Any]
STRATEGIES = ("regularized-evolution", "ppo", "predictor")
MEASURED = ("accuracy", "latency", "parameters", "multiply_adds")


WIDTHS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5]


def scaled(width: float) -> Any:
    """MobileNetV2 for small images, with that part of its filters."""
    return MOBILENET_V2.scaled(width).for_small_images()


def build(
    choices: Mapping[str, Any], input_shape: tuple[int, ...], classes: int
) -> Any:
    return MobileKind().build(scaled(choices["width"]), input_shape, classes)


SCALED = search.ChoiceSpace({"width": WIDTHS}, build)


@dataclasses.dataclass(frozen=True)
class Searched:
    """What is searched.

    Attributes:
        space: Of which architectures.
        strategies: How, each by itself.
        trials: For how many children.
        options: Of the space.
        scale: The size of its networks, if the space leaves it open.
    """

    space: str
    strategies: tuple[str, ...] = STRATEGIES
    trials: int = 40
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    scale: Mapping[str, int] = dataclasses.field(default_factory=dict)


SEARCHED = {
    "mobile": Searched("mobile", options={"width": 0.25}),
    "cells": Searched("nasnet", scale={"repeats": 1, "filters": 8}),
    "scaled": Searched("space_fronts:SCALED", ("grid",), len(WIDTHS)),
}
LIMITS = (0.0004, 0.0006, 0.0009)  # s, of one image
SIZE, RUNTIME, ROUNDS = 24, "onnx", 7
CHILD = {
    "image_size": SIZE,
    "train_images": 4_000,
    "validation_images": 4_000,
    "threads": 1,
}
RECIPE = {"epochs": 4}
RETRAINED = dataclasses.replace(RECIPES["search-proxy"], epochs=3)
RETRAINED_SEEDS = (1_000, 1_001, 1_002)  # apart from that of the searches


def searched_row(name: str, strategy: str, runs: Path, trials: int) -> Row:
    """A search, which is made or goes on, and its children."""
    what = SEARCHED[name]
    trials = min(trials, what.trials)
    folder = runs / f"{name}-{strategy}-{trials}"
    ended = runs / f"{folder.name}.jsonl"  # when each trial did
    before = max((row["minutes"] for row in read_rows(ended)), default=0.0)
    began = time.perf_counter()

    def note(trial: Any) -> None:
        minutes = before + (time.perf_counter() - began) / 60
        row = {"trial": trial.number, "state": trial.state, "minutes": minutes}
        add_row(ended, row)

    if (folder / "config.json").exists():
        run = search.resume(folder, on_trial=note)
    else:
        objective: Row = {"cost": "latency", "latency_runtime": RUNTIME}
        if name != "scaled":  # of which none is to be left out
            objective["max_latency"] = max(LIMITS)
        run = search.run(
            folder,
            on_trial=note,
            dataset="cifar10",
            space=what.space,
            space_options=dict(what.options),
            strategy=strategy,
            trials=trials,
            seed=0,
            child={**CHILD, **what.scale},
            recipe=RECIPE,
            objective=objective,
        )
    minutes = {row["trial"]: row["minutes"] for row in read_rows(ended)}
    return {
        "stage": "search",
        "searched": name,
        "strategy": strategy,
        "minutes": max(minutes.values()),
        "states": collections.Counter(trial.state for trial in run.trials),
        "children": [
            {
                "searched": name,
                "strategy": strategy,
                "trial": trial.number,
                # A kill may come between the end of a trial and its note.
                "minutes": minutes.get(trial.number, max(minutes.values())),
                **{each: trial.evaluation.metrics[each] for each in MEASURED},
                "network": {
                    "architecture": _data(name, run.space, trial.decisions),
                    "input_shape": [SIZE, SIZE, 3],
                    **what.scale,
                },
            }
            for trial in run.trials
            if trial.state is search.TrialState.COMPLETE
        ],
        **provenance(),
    }


def _data(name: str, space: Any, decisions: Any) -> dict[str, Any]:
    """An architecture as data, which need not this module."""
    architecture = space.decode(decisions)
    if name == "scaled":
        return to_data(MobileKind(), scaled(architecture.used["width"]))
    return to_data(space.kind, architecture)


def chosen(rows: Iterable[Row], name: str) -> list[Row]:
    """The children that are best within the limits, each once."""
    found: dict[str, Row] = {}
    children = [
        child
        for row in rows
        if row["searched"] == name
        for child in row["children"]
    ]
    for limit in LIMITS:
        within = [child for child in children if child["latency"] <= limit]
        if within:
            best = max(within, key=lambda row: row["accuracy"])
            found.setdefault(json.dumps(best["network"]), best)
    return list(found.values())


def retrained_row(
    row: Row, folder: Path, seeds: Sequence[int] = RETRAINED_SEEDS
) -> Row:
    """A child trained on all training images, with each seed."""
    tests = []
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        settings = TrainingSettings(
            dataset="cifar10",
            network=row["network"],
            recipe=RETRAINED,
            seed=seed,
        )
        each = folder / str(seed)
        run_training(each, settings)
        tests.append(evaluate_run(each, "test").accuracy)
        keras.backend.clear_session()
    return {**row, "stage": "retrain", "tests": tests, **provenance()}


def use_one_thread() -> None:
    """Before TensorFlow begins work, whatever this process does first."""
    tf.config.threading.set_intra_op_parallelism_threads(CHILD["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(CHILD["threads"])


def latency_rows(rows: Iterable[Row], runtime: str = RUNTIME) -> list[Row]:
    """The seconds of each network that was trained, measured in turns."""
    trained, models = of_stage(rows, "retrain"), []
    for row in trained:
        network = dict(row["network"])
        kind, architecture = from_data(network.pop("architecture"))
        models.append(kind.build(architecture, classes=10, **network))
    seconds = [
        [measure_latency(model, runtime=runtime) for model in models]
        for _ in range(ROUNDS)
    ]
    return [
        {
            "stage": "latency",
            "searched": row["searched"],
            "network": row["network"],
            "latency": statistics.median(each),
            **provenance(),
        }
        for row, *each in zip(trained, *seconds, strict=True)
    ]


def measured_latencies(rows: Iterable[Row]) -> dict[str, str]:
    """By network what was measured last."""
    return {
        json.dumps(row["network"]): f"{1e3 * row['latency']:.2f} ms"
        for row in of_stage(rows, "latency")
    }


def searched(path: Path) -> set[tuple[str, str]]:
    """What was searched, and how, of which a file has the rows."""
    rows = of_stage(read_rows(path), "search")
    return {(row["searched"], row["strategy"]) for row in rows}


def of_stage(rows: Iterable[Row], stage: str) -> list[Row]:
    return [row for row in rows if row["stage"] == stage]


def summary(rows: Sequence[Row]) -> list[str]:
    """Two tables: of the searches, and of the networks trained on all
    images."""
    searches = of_stage(rows, "search")
    shortest = min(
        (row["minutes"] for row in searches if row["searched"] != "scaled"),
        default=0.0,
    )
    heads = [f"{1e3 * limit:g} ms" for limit in LIMITS]
    lines = [
        f"| searched | strategy | children | minutes | {' | '.join(heads)} "
        f"| area | after {shortest:.0f} minutes |",
        "|---" * (6 + len(heads)) + "|",
    ]
    for name, what in SEARCHED.items():
        for strategy in what.strategies:
            lines += [
                _search_line(row, shortest)
                for row in searches
                if (row["searched"], row["strategy"]) == (name, strategy)
            ]
    measured = measured_latencies(rows)
    lines += [
        "",
        "| network | latency | parameters | multiply-adds | search | test |",
        "|---|---|---|---|---|---|",
    ]
    for row in of_stage(rows, "retrain"):
        latency = measured.get(json.dumps(row["network"]), "")
        lines.append(
            f"| {row['searched']} | {latency} | {row['parameters']:,.0f} "
            f"| {row['multiply_adds'] / 1e6:.1f}M | {row['accuracy']:.1%} "
            f"| {statistics.fmean(row['tests']):.1%} "
            f"± {statistics.stdev(row['tests']):.1%} |"
        )
    return lines


def _search_line(search_row: Row, minutes: float) -> str:
    best, children = [], search_row["children"]
    for limit in LIMITS:
        within = [
            row["accuracy"] for row in children if row["latency"] <= limit
        ]
        best.append(f"{max(within):.1%}" if within else "")
    front: list[tuple[float, float]] = []
    for row in sorted(
        children, key=lambda row: (row["latency"], -row["accuracy"])
    ):
        if not front or row["accuracy"] > front[-1][1]:
            front.append((row["latency"], row["accuracy"]))
    area = hypervolume(front, max(LIMITS))
    in_time = [row["accuracy"] for row in children if row["minutes"] <= minutes]
    return (
        f"| {search_row['searched']} | {search_row['strategy']} "
        f"| {len(children)} | {search_row['minutes']:.0f} "
        f"| {' | '.join(best)} | {area:.3f} "
        f"| {max(in_time, default=0.0):.1%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SEARCHED)
    parser.add_argument(
        "--strategies", nargs="+", choices=(*STRATEGIES, "grid")
    )
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--runs", type=Path, default=Path("runs/fronts"))
    parser.add_argument("--latencies", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        print(*summary(read_rows(args.summary)), sep="\n")
        return
    if args.output is None:
        parser.error("Expected --output or --summary.")
    use_one_thread()
    args.runs.mkdir(parents=True, exist_ok=True)
    if args.latencies:
        for row in latency_rows(read_rows(args.output)):
            add_row(args.output, row)
        return
    for name in args.only or SEARCHED:
        for strategy in SEARCHED[name].strategies:
            wanted = args.strategies is None or strategy in args.strategies
            if wanted and (name, strategy) not in searched(args.output):
                row = searched_row(name, strategy, args.runs, args.trials)
                add_row(args.output, row)
                print(name, strategy, flush=True)
        strategies = {(name, each) for each in SEARCHED[name].strategies}
        if not strategies <= searched(args.output):
            continue
        rows = read_rows(args.output)
        done = [row["network"] for row in of_stage(rows, "retrain")]
        for row in chosen(of_stage(rows, "search"), name):
            if row["network"] not in done:
                folder = (
                    args.runs / f"{name}-{row['strategy']}-trial-{row['trial']}"
                )
                add_row(args.output, retrained_row(row, folder))
                print(name, row["trial"], flush=True)


if __name__ == "__main__":
    main()
