"""A table of latencies beside whole networks: how well does it predict?

    python benchmarks/latency_table.py --repeats 1 --filters 8 --output FILE

Measures a table (or reads it, `--table FILE`), then random networks that the
table has not seen, in turns, and prints how far its predictions are from the
medians: the mean absolute percentage error and Spearman's rank correlation;
beside them the correlation of the multiply-adds, and how far the odd rounds of
the measurement are from the even ones, below which no prediction can come. The
machine should be idle.

For a look at whether it works:

    python benchmarks/latency_table.py --size 8 --filters 2 --blocks 2 \
        --operations identity,sep_conv_3x3 --fitted 3 --networks 4

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from modes import parse_arguments
from scipy.stats import spearmanr

from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.deployment.latency.samples import random_genotypes
from nasnet_keras.deployment.timing import (
    Call,
    forward_pass,
    median_seconds,
    rewritten_graphs,
)
from nasnet_keras.genotype import NASNET_OPERATIONS
from nasnet_keras.network.build import build_network
from nasnet_keras.network.complexity import genotype_complexity


def percentage_error(values: Sequence[float], truth: Sequence[float]) -> float:
    """The mean absolute percentage error."""
    return 100 * statistics.fmean(
        abs(value - true) / true
        for value, true in zip(values, truth, strict=True)
    )


def measure_in_turns(calls: list[Call], rounds: int) -> list[list[float]]:
    """The seconds of each call, in each round."""
    seconds: list[list[float]] = [[] for _ in calls]
    with rewritten_graphs():
        for _ in range(rounds):
            for (function, images), row in zip(calls, seconds, strict=True):
                row.append(
                    median_seconds(function, *images, repeats=10, warmup=3)
                )
    return seconds


def make_table(arguments: argparse.Namespace) -> LatencyTable:
    if arguments.table:
        return LatencyTable.load(arguments.table)
    began = time.perf_counter()
    table = LatencyTable.measure(
        arguments.blocks,
        arguments.operations,
        networks=arguments.fitted,
        input_shape=(arguments.size, arguments.size, 3),
        repeats=arguments.repeats,
        filters=arguments.filters,
        classes=1000 if arguments.stem == "imagenet" else 10,
        stem=arguments.stem,
        progress=lambda done, total: print(f"\r{done} of {total}", end=""),
    )
    seconds = time.perf_counter() - began
    print(f"\rtable: {len(table.seconds)} operations in {seconds:.0f} s")
    if arguments.output:
        table.save(arguments.output)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=32, help="of the images")
    parser.add_argument("--repeats", type=int, default=1, help="N")
    parser.add_argument("--filters", type=int, default=8, help="F")
    parser.add_argument(
        "--stem", choices=("cifar", "imagenet"), default="cifar"
    )
    parser.add_argument("--blocks", type=int, default=5, help="B")
    parser.add_argument(
        "--operations",
        type=lambda text: text.split(","),
        default=list(NASNET_OPERATIONS),
    )
    parser.add_argument("--fitted", type=int, default=12)
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--table", type=Path, help="instead of measuring one")
    parser.add_argument("--output", type=Path, help="a file for the table")
    arguments = parse_arguments(parser)
    table = make_table(arguments)
    genotypes = random_genotypes(
        arguments.networks,
        arguments.blocks,
        arguments.operations,
        ("add", "concat"),
        seed=1,  # the table's are of seed 0
    )
    calls = [
        forward_pass(build_network(genotype, **table.setting))
        for genotype in genotypes
    ]
    rounds = measure_in_turns(calls, arguments.rounds)
    measured = [statistics.median(row) for row in rounds]
    predicted = [table.predict(genotype) for genotype in genotypes]
    products = [
        genotype_complexity(genotype, **table.setting).multiply_adds
        for genotype in genotypes
    ]
    odd, even = (
        [statistics.median(row[half::2]) for row in rounds] for half in (0, 1)
    )
    print(f"line: {1e3 * table.offset:.3f} ms + {table.scale:.3f} * sum")
    print(
        f"measured: {1e3 * min(measured):.2f} to {1e3 * max(measured):.2f} ms, "
        f"median {1e3 * statistics.median(measured):.2f} ms"
    )
    rows = {
        "the table": (predicted, measured),
        "odd rounds for even rounds": (odd, even),
    }
    for name, (values, truth) in rows.items():
        error = percentage_error(values, truth)
        rho = spearmanr(values, truth).statistic
        print(f"{name}: mean error {error:.1f} %, Spearman's rho {rho:.3f}")
    rho = spearmanr(products, measured).statistic
    print(f"multiply-adds: Spearman's rho {rho:.3f}")


if __name__ == "__main__":
    main()
