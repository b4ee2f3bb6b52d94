"""A table of latencies for the children of a run: `measure_table`."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from nasnet_keras.console.activity import tell_activity
from nasnet_keras.deployment.latency.latency_table import LatencyTable
from nasnet_keras.training.process_state import kept_process_state
from search.runs.config import RunConfig
from search.runs.create import create_evaluator
from search.spaces.base import SearchSpace, lacks

# To how many networks, measured whole, a table is fitted, and their seed.
SAMPLES, SEED = 12, 0


@kept_process_state()
def measure_table(config: RunConfig, path: Path) -> None:
    """Measures how long each part takes in the networks of a run, on this
    machine, which should be idle, and writes the table.

    Args:
        config: The configuration of the run: its data, its space and how its
            children are built.
        path: The file to write.

    Raises:
        ValueError: The data cannot be used, or the measurements contradict
            each other.
        OSError: The file cannot be written.
    """
    space = config.create_space()
    if space.kind is None or "latency-table" not in space.capabilities:
        raise ValueError(lacks(space, "latency-table"))
    network = create_evaluator(config).describe()["network"]
    LatencyTable.measure(
        space.kind,
        [space.decode(decisions) for decisions in space.covering()],
        random_architectures(space, SAMPLES),
        progress=functools.partial(tell_activity, "measuring"),
        **network,
    ).save(path)


def random_architectures(
    space: SearchSpace, count: int, seed: int = SEED
) -> list[Any]:
    """Of which each decision is uniform."""
    rng = np.random.default_rng(seed)
    return [space.decode(space.sample(rng)) for _ in range(count)]
