"""Searches by gradients with a latency in their loss, beside random networks.

    export TF_ENABLE_ONEDNN_OPTS=1 TFDS_DATA_DIR=...
    python benchmarks/gradient_costs.py --tables --runs ../runs
    taskset -c 0 python benchmarks/gradient_costs.py --only proxylessnas \
        --runs ../runs --output proxylessnas.jsonl
    taskset -c 1 python benchmarks/gradient_costs.py --only darts \
        --runs ../runs --output darts.jsonl
    cat proxylessnas.jsonl darts.jsonl > both.jsonl
    python benchmarks/gradient_costs.py --latencies --output both.jsonl
    python benchmarks/gradient_costs.py --summary both.jsonl

`--tables` measures a table of latencies of each space, on one thread of an idle
machine. The target of a search is the median of what the table predicts for
random networks. The best network that was found is trained on all training
images of CIFAR-10 with three seeds, and six random networks whose predicted
latency is within 5 % of its own with one seed each, since networks differ more
than seeds do; their test images are read once. Where too few random networks
are near, others are changed at random until they are. Random cells of DARTS
have what found ones have: no `none`, and two different states in a block.
`--latencies` measures these networks in turns, on an idle machine. A row is
added to the output when a search or a training ends; after a kill the same
command goes on.

Printed are, for each search, its minutes, the target, and each network: its
predicted and its measured latency, its size and its test accuracy.
"""

import argparse
import dataclasses
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
from ground_truth import add_row, read_rows
from space_fronts import (
    CHILD,
    RETRAINED_SEEDS,
    SIZE,
    Row,
    latency_rows,
    measured_latencies,
    of_stage,
    retrained_row,
    use_one_thread,
)

import search
from nasnet_keras.architectures import to_data
from nasnet_keras.console.command_line import provenance
from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.genotype import Genotype
from search.actions.latency_table import measure_table
from search.runs.config import create_configuration
from search.spaces import create_space

SAMPLES = 200  # of which the median is the target
RANDOM, NEAR = 6, 0.05
SEEDS = {"found": RETRAINED_SEEDS, "random": RETRAINED_SEEDS[:1]}
MOST_DRAWN, MOST_CHANGES = 20_000, 2_000


@dataclasses.dataclass(frozen=True)
class Searched:
    """A strategy and its space.

    Attributes:
        space: Of which architectures.
        epochs: Of the training of the one network that holds them all.
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
        epochs=68,  # 30 minutes
        options={"width": 0.25},
        evaluator_options={"gate_rate": 0.02, "interval": 2},
    ),
    "darts": Searched(
        "darts",
        epochs=16,  # 30 minutes
        scale={"repeats": 1, "filters": 8},
        evaluator_options={"architecture_rate": 0.01},
    ),
}


def settings(name: str, epochs: int) -> dict[str, Any]:
    what = SEARCHED[name]
    return {
        "dataset": "cifar10",
        "space": what.space,
        "space_options": dict(what.options),
        "child": {**CHILD, **what.scale},
        "recipe": {"epochs": epochs},
    }


def table_path(name: str, runs: Path) -> Path:
    return runs / f"{name}-table.json"


def drawn(space: Any) -> Iterator[Any]:
    """Random architectures, such as a search may find."""
    rng = np.random.default_rng(0)
    for _ in range(MOST_DRAWN):
        architecture = space.decode(space.sample(rng))
        if findable(architecture):
            yield architecture


def findable(architecture: Any) -> bool:
    return not isinstance(architecture, Genotype) or all(
        "none" not in block.operations and len({*block.inputs}) == 2
        for cell in (architecture.normal, architecture.reduction)
        for block in cell.blocks
    )


def near(
    space: Any, predict: Callable[[Any], float], latency: float
) -> Iterator[tuple[Any, float]]:
    """Random architectures of about a latency, and what they take."""
    seen = []
    for architecture in drawn(space):
        seconds = predict(architecture)
        if abs(seconds / latency - 1) <= NEAR and architecture not in seen:
            seen.append(architecture)
            yield architecture, seconds
    rng = np.random.default_rng(1)
    for architecture in drawn(space):  # too few of them are near
        seconds = predict(architecture)
        for _ in range(MOST_CHANGES):
            if abs(seconds / latency - 1) <= NEAR:
                break
            decisions = space.encode(architecture)
            other = space.decode(space.mutate(decisions, rng))
            if findable(other):
                predicted = predict(other)
                if abs(predicted - latency) <= abs(seconds - latency):
                    architecture, seconds = other, predicted
        if abs(seconds / latency - 1) <= NEAR and architecture not in seen:
            seen.append(architecture)
            yield architecture, seconds


def searched_row(name: str, runs: Path, epochs: int) -> Row:
    """A search, and the networks to compare."""
    what, folder = SEARCHED[name], runs / f"{name}-{epochs}"
    path = table_path(name, runs)
    table = LatencyTable.load(path)
    space = create_space(what.space, dict(what.options))
    some = itertools.islice(drawn(space), SAMPLES)
    target = statistics.median(map(table.predict, some))
    resumed, began = (folder / "config.json").exists(), time.perf_counter()
    if resumed:
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
    others = itertools.islice(near(space, table.predict, latency), RANDOM)
    return {
        "stage": "search",
        "searched": name,
        "epochs": epochs,
        "minutes": None if resumed else minutes,
        "target": target,
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
                *(("random", *each) for each in others),
            ]
        ],
        **provenance(),
    }


def summary(rows: Sequence[Row]) -> list[str]:
    """A line for each search, and a table of its networks."""
    lines: list[str] = []
    measured = measured_latencies(rows)
    for row in of_stage(rows, "search"):
        minutes = row["minutes"]
        took = "was resumed" if minutes is None else f"{minutes:.0f} minutes"
        lines += [
            f"{row['searched']}: {took}, target {1e3 * row['target']:.2f} ms",
            "",
            "| network | predicted | measured | parameters | test |",
            "|---|---|---|---|---|",
        ]
        for each in of_stage(rows, "retrain"):
            if each["searched"] == row["searched"]:
                tests, spread = each["tests"], ""
                if len(tests) > 1:
                    spread = f" ± {statistics.stdev(tests):.1%}"
                lines.append(
                    f"| {each['what']} | {1e3 * each['predicted']:.2f} ms "
                    f"| {measured.get(json.dumps(each['network']), '')} "
                    f"| {each['parameters']:,} "
                    f"| {statistics.fmean(tests):.1%}{spread} |"
                )
        lines.append("")
    return lines[:-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SEARCHED)
    parser.add_argument("--epochs", type=int, help="of the one network")
    parser.add_argument("--runs", type=Path, default=Path("runs/gradients"))
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--latencies", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--summary", type=Path, help="a file of rows")
    args = parser.parse_args()
    if args.summary is not None:
        print(*summary(read_rows(args.summary)), sep="\n")
        return
    if args.output is None and not args.tables:
        parser.error("Expected --output, --tables or --summary.")
    use_one_thread()
    args.runs.mkdir(parents=True, exist_ok=True)
    if args.latencies:
        for row in latency_rows(read_rows(args.output), "keras"):
            add_row(args.output, row)
        return
    for name in args.only or SEARCHED:
        if args.tables:
            config = create_configuration(settings(name, 1))
            measure_table(config, table_path(name, args.runs))
            continue
        rows = [
            row for row in read_rows(args.output) if row["searched"] == name
        ]
        if not rows:
            epochs = args.epochs or SEARCHED[name].epochs
            rows = [searched_row(name, args.runs, epochs)]
            add_row(args.output, rows[0])
            print(name, rows[0]["minutes"], "minutes", flush=True)
        done = [row.get("network") for row in rows]
        for number, row in enumerate(rows[0]["networks"]):
            if row["network"] not in done:
                folder = args.runs / f"{name}-{rows[0]['epochs']}-{number}"
                seeds = SEEDS[row["what"]]
                add_row(args.output, retrained_row(row, folder, seeds))
                print(name, row["what"], number, flush=True)


if __name__ == "__main__":
    main()
