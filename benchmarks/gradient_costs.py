"""Searches by gradients with a latency in their loss, beside random networks.

    export TF_ENABLE_ONEDNN_OPTS=1 TFDS_DATA_DIR=...
    taskset -c 0 python benchmarks/gradient_costs.py --only proxylessnas \
        --runs ../runs --output gradient_costs.jsonl
    taskset -c 1 python benchmarks/gradient_costs.py --only darts \
        --runs ../runs --output gradient_costs.jsonl
    python benchmarks/gradient_costs.py --summary gradient_costs.jsonl

Measures a table of latencies of the space, on a machine that should be idle.
The target of a search is the median of what the table predicts for random
networks. The best network that was found, and random networks whose predicted
latency is within 5 % of its own, are trained on all training images of
CIFAR-10, and their test images read once. A row is added to the output when a
search or a training ends; after a kill the same command goes on.

Printed are, for each search, its minutes, the target, and each network: its
predicted latency, its size and its test accuracy.
"""

import argparse
import dataclasses
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from ground_truth import add_row, read_rows
from space_fronts import CHILD, SIZE, Row, retrained_row

import search
from nasnet_keras.architectures import to_data
from nasnet_keras.console.command_line import provenance
from nasnet_keras.deployment.latency.latency_table import LatencyTable
from search.actions.latency_table import measure_table
from search.runs.config import create_configuration
from search.spaces import create_space

SAMPLES, RANDOM, NEAR = 200, 3, 0.05


@dataclasses.dataclass(frozen=True)
class Searched:
    """A strategy and its space.

    Attributes:
        space: Of which architectures.
        epochs: Of the training of the one network that holds them all: half
            an hour of one core.
        options: Of the space.
        scale: The size of its networks, if the space leaves it open.
        evaluator_options: How the one network is trained.
    """

    space: str
    epochs: int
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    scale: Mapping[str, int] = dataclasses.field(default_factory=dict)
    evaluator_options: Mapping[str, Any] = dataclasses.field(
        default_factory=dict
    )


SEARCHED = {
    "proxylessnas": Searched(
        "proxylessnas",
        epochs=20,
        options={"width": 0.25},
        evaluator_options={"gate_rate": 0.02, "interval": 2},
    ),
    "darts": Searched("darts", epochs=8, scale={"repeats": 1, "filters": 8}),
}


def settings(name: str, epochs: int) -> dict[str, Any]:
    what = SEARCHED[name]
    return {
        "dataset": "cifar10",
        "space": what.space,
        "space_options": dict(what.options),
        "child": {**CHILD, **what.scale},
        "recipe": {"epochs": epochs, "drop_path_rate": 0.0},
    }


def table_of(name: str, runs: Path) -> tuple[Path, LatencyTable]:
    """The table of latencies, which is measured if it is not there."""
    path = runs / f"{name}-table.json"
    if not path.exists():
        measure_table(create_configuration(settings(name, 1)), path)
    return path, LatencyTable.load(path)


def searched_row(name: str, runs: Path, epochs: int) -> Row:
    """A search, and the networks to compare."""
    what, folder = SEARCHED[name], runs / name
    path, table = table_of(name, runs)
    space = create_space(what.space, dict(what.options))
    rng = np.random.default_rng(0)
    others = [space.decode(space.sample(rng)) for _ in range(SAMPLES)]
    predicted = [table.predict(each) for each in others]
    target = statistics.median(predicted)
    began = time.perf_counter()
    if (folder / "config.json").exists():
        run = search.resume(folder)
    else:
        run = search.run(
            folder,
            strategy=name,
            trials=1,
            seed=0,
            evaluator_options=dict(what.evaluator_options),
            objective={
                "reward": "mnasnet",
                "cost": "latency",
                "target": target,
                "latency_table": str(path),
            },
            **settings(name, epochs),
        )
    minutes = (time.perf_counter() - began) / 60
    best = run.architecture
    latency = table.predict(best)
    near = [
        (other, seconds)
        for other, seconds in zip(others, predicted, strict=True)
        if abs(seconds / latency - 1) <= NEAR
    ]
    return {
        "stage": "search",
        "searched": name,
        "minutes": minutes,
        "target": target,
        "near": len(near),
        "networks": [
            {
                "searched": name,
                "what": kind,
                "predicted": seconds,
                "parameters": space.kind.complexity(
                    architecture, (SIZE, SIZE, 3), 10, **what.scale
                ).parameters,
                "network": {
                    "architecture": to_data(space.kind, architecture),
                    "input_shape": [SIZE, SIZE, 3],
                    **what.scale,
                },
            }
            for kind, architecture, seconds in [
                ("found", best, latency),
                *(("random", *each) for each in near[:RANDOM]),
            ]
        ],
        **provenance(),
    }


def summary(rows: Sequence[Row]) -> list[str]:
    """A line for each search, and a table of its networks."""
    lines: list[str] = []
    for row in rows:
        if row["stage"] != "search":
            continue
        lines += [
            f"{row['searched']}: {row['minutes']:.0f} minutes, target "
            f"{1e3 * row['target']:.2f} ms, {row['near']} of {SAMPLES} random "
            "networks near the one found",
            "",
            "| network | predicted latency | parameters | test |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {each['what']} | {1e3 * each['predicted']:.2f} ms "
            f"| {each['parameters']:,} | {each['test']:.1%} |"
            for each in rows
            if (each["stage"], each["searched"]) == ("retrain", row["searched"])
        ]
        lines.append("")
    return lines[:-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SEARCHED)
    parser.add_argument("--epochs", type=int, help="of the one network")
    parser.add_argument("--runs", type=Path, default=Path("runs/gradients"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        print(*summary(read_rows(args.summary)), sep="\n")
        return
    if args.output is None:
        parser.error("Expected --output or --summary.")
    args.runs.mkdir(parents=True, exist_ok=True)
    for name in args.only or SEARCHED:
        rows = [
            row for row in read_rows(args.output) if row["searched"] == name
        ]
        if not rows:
            epochs = args.epochs or SEARCHED[name].epochs
            rows = [searched_row(name, args.runs, epochs)]
            add_row(args.output, rows[0])
            print(name, f"{rows[0]['minutes']:.1f} minutes", flush=True)
        done = [json.dumps(row.get("network")) for row in rows]
        for number, row in enumerate(rows[0]["networks"]):
            if json.dumps(row["network"]) not in done:
                folder = args.runs / f"{name}-{number}"
                add_row(args.output, retrained_row(row, folder))
                print(name, row["what"], number, flush=True)


if __name__ == "__main__":
    main()
