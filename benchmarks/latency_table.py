"""A table of latencies beside whole networks: how well does it predict?

    python benchmarks/latency_table.py --repeats 1 --filters 8 --output FILE
    python benchmarks/latency_table.py --space mobile
    python benchmarks/latency_table.py --space proxylessnas \
        --space-options '{"width": 0.5}'

Measures a table (or reads it, `--table FILE`), then random networks that the
table has not seen, in turns, and prints how far its predictions are from the
medians: the mean absolute percentage error and Spearman's rank correlation;
beside them the correlation of the multiply-adds, and how far the odd rounds of
the measurement are from the even ones, below which no prediction can come. The
machine should be idle.

For a look at whether it works:

    python benchmarks/latency_table.py --size 8 --filters 2 --fitted 3 \
        --networks 4 --space-options \
        '{"blocks": 2, "operations": ["identity", "sep_conv_3x3"]}'

`--modes` runs it three times, as different processors would: see modes.py.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from modes import parse_arguments
from scipy.stats import spearmanr

from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.deployment.timing import forward_pass, seconds_in_turns
from search.actions.latency_table import random_architectures
from search.spaces import create_space
from search.spaces.base import SearchSpace


def percentage_error(values: Sequence[float], truth: Sequence[float]) -> float:
    """The mean absolute percentage error."""
    return 100 * statistics.fmean(
        abs(value - true) / true
        for value, true in zip(values, truth, strict=True)
    )


def make_table(arguments: argparse.Namespace, space: SearchSpace) -> Any:
    if arguments.table:
        return LatencyTable.load(arguments.table)
    began = time.perf_counter()
    setting = {
        "input_shape": [arguments.size, arguments.size, 3],
        "classes": 10,
    }
    for name in ("repeats", "filters"):
        if name in space.kind.scale:
            setting[name] = getattr(arguments, name)
    table = LatencyTable.measure(
        space.kind,
        [space.decode(decisions) for decisions in space.covering()],
        random_architectures(space, arguments.fitted),
        progress=lambda done, total: print(f"\r{done} of {total}", end=""),
        **setting,
    )
    if arguments.output:
        table.save(arguments.output)
    seconds = time.perf_counter() - began
    print(f"\rtable: {len(table.parts)} parts in {seconds:.0f} s")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=32, help="of the images")
    parser.add_argument("--space", default="nasnet")
    parser.add_argument("--space-options", type=json.loads, default={})
    parser.add_argument("--repeats", type=int, default=1, help="N, of cells")
    parser.add_argument("--filters", type=int, default=8, help="F, of cells")
    parser.add_argument("--fitted", type=int, default=12)
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--table", type=Path, help="instead of measuring one")
    parser.add_argument("--output", type=Path, help="where to write the table")
    arguments = parse_arguments(parser)
    space = create_space(arguments.space, arguments.space_options)
    table = make_table(arguments, space)
    # The table's are of seed 0.
    architectures = random_architectures(space, arguments.networks, seed=1)
    calls = [
        forward_pass(space.kind.build(architecture, **table.setting))
        for architecture in architectures
    ]
    rounds = seconds_in_turns(calls, arguments.rounds)
    measured = [statistics.median(row) for row in rounds]
    predicted = [table.predict(architecture) for architecture in architectures]
    products = [
        space.kind.complexity(architecture, **table.setting).multiply_adds
        for architecture in architectures
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
