"""The command that compares strategies: benchmark.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nasnet_keras.console.command_line import named, working
from search.cli.options import SpaceOptions

# Each trial of each search is a point of a curve, in memory.
MOST_TRIALS, MOST_SEEDS = 10**6, 10**4


def benchmark(
    *,
    table: Annotated[
        Path,
        typer.Option(
            help="A CSV file, or .csv.gz, with architectures in a column "
            "`arch` as the space writes them, and columns of numbers."
        ),
    ],
    space: Annotated[
        str,
        typer.Option(
            help="The space of the table's architectures, or module:space."
        ),
    ] = "nasbench201",
    space_option: SpaceOptions = [],  # noqa: B006
    search_column: Annotated[
        str, typer.Option(help="The column that the strategies maximise.")
    ],
    report_column: Annotated[
        str,
        typer.Option(
            help="The column to report for the architectures that they find."
        ),
    ],
    strategies: Annotated[
        str,
        typer.Option(
            help="Names of strategies, joined by commas; one with options is "
            "NAME:OPTION=VALUE:..."
        ),
    ],
    trials: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_TRIALS,
            help="Proposals of each search, repeated ones included.",
        ),
    ] = 500,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=MOST_SEEDS, help="Searches of each strategy."),
    ] = 20,
    lag: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_TRIALS,
            help="Trials that are under way when another is proposed, as with "
            "several workers.",
        ),
    ] = 0,
    workers: Annotated[
        int,
        typer.Option(min=1, max=10**4, help="Processes that share the work."),
    ] = 1,
    output: Annotated[Path, typer.Option(help="The folder, new or empty.")],
) -> None:
    """Compares strategies on a table of known results."""
    from search.benchmark.summary import save_benchmark

    with working(), _one_thread():
        save_benchmark(
            output,
            table=table,
            search_column=search_column,
            report_column=report_column,
            strategies=[name.strip() for name in strategies.split(",")],
            trials=trials,
            seeds=seeds,
            workers=workers,
            space=space,
            space_options=named(space_option),
            lag=lag,
        )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """The matrices are too small for several threads. It holds for the
    workers: NumPy has read it here."""
    libraries = {"OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"} - {*os.environ}
    os.environ.update(dict.fromkeys(libraries, "1"))
    try:
        yield
    finally:
        for library in libraries:
            del os.environ[library]
