"""A table of latencies for the children of a run: `measure_table`."""

from pathlib import Path

from rich.progress import Progress

from nasnet_keras.architectures import without_recipe
from search.runs.config import RunConfig
from search.runs.create import create_evaluator
from search.spaces.base import lacks


def measure_table(config: RunConfig, path: Path) -> None:
    """Measures how long each operation takes in the networks of a run, on
    this machine, which should be idle, and writes the table.

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
    kind = space.kind
    if kind is None or "latency-table" not in space.capabilities:
        raise ValueError(lacks(space, "latency-table"))
    network = create_evaluator(config).describe()["network"]
    with Progress() as progress:
        task = progress.add_task("Measuring")
        kind.measure_latencies(
            path,
            space.describe(),
            lambda done, total: progress.update(
                task, completed=done, total=total
            ),
            **without_recipe(network),
        )
