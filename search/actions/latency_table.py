"""A table of latencies for the children of a run: `measure_table`."""

from pathlib import Path

from rich.progress import Progress

from nasnet_keras.deployment.latency.latency_table import LatencyTable
from search.runs.config import RunConfig, create_evaluator
from search.spaces.nasnet_network import ChildNetwork


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
    network = ChildNetwork(**create_evaluator(config).describe()["network"])
    with Progress() as progress:
        task = progress.add_task("Measuring")
        table = LatencyTable.measure(
            config.blocks,
            combiners=config.combiners,
            progress=lambda done, total: progress.update(
                task, completed=done, total=total
            ),
            **network.setting,
        )
    table.save(path)
