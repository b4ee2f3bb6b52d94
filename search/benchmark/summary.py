"""What a person sees of a benchmark: files, a picture and a table."""

import contextlib
import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import rich.table
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

from nasnet_keras.console.command_line import InputError
from nasnet_keras.files import check_free, new_directory
from search.benchmark.compare import (
    SPACE,
    Result,
    Search,
    benchmark,
    check_benchmark,
    compared,
    load_table,
)


def save_benchmark(
    output: Path,
    table: Path,
    search_column: str,
    report_column: str,
    strategies: Sequence[str],
    trials: int,
    seeds: int,
    workers: int = 0,
    space: str = SPACE,
    space_options: Mapping[str, Any] = {},
    lag: int = 0,
) -> None:
    """Runs a benchmark, prints its summary, and fills a folder: summary.json,
    summary.csv, curves.png.

    Args:
        output: The folder, new or empty.
        table, search_column, report_column, strategies, trials, seeds,
            workers, space, space_options, lag: As
            `search.benchmark.benchmark` takes them.

    Raises:
        InputError: The folder is not free, or an argument is not as expected.
    """
    check_free(output)
    try:
        check_benchmark(
            table,
            search_column,
            report_column,
            strategies,
            space,
            space_options,
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    found = load_table(table, space, json.dumps(dict(space_options)))
    for note in found.notes:
        print(note)
    with new_directory(output) as folder, _progress(strategies, seeds) as done:
        began = time.monotonic()
        results, searches = benchmark(
            table,
            search_column,
            report_column,
            strategies,
            trials,
            seeds,
            workers,
            progress=done,
            space=space,
            space_options=space_options,
            lag=lag,
        )
        settings = {
            "space": found.space.describe(),
            "table": table.name,
            "sha256": found.fingerprint,
            "search_column": search_column,
            "report_column": report_column,
            "trials": trials,
            "seeds": seeds,
            "workers": workers,
            "lag": lag,
            "wall_seconds": time.monotonic() - began,
        }
        write_summary(folder, settings, results)
        draw_curves(folder / "curves.png", searches, report_column)
    Console().print(summary_table(results))
    print(f"Wrote {', '.join(sorted(os.listdir(output)))} to {output}.")


@contextlib.contextmanager
def _progress(
    strategies: Sequence[str], seeds: int
) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal; everywhere a line for each strategy, when all its
    searches are done."""
    left = dict.fromkeys(compared(strategies), seeds)
    console = Console()
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("searches", total=len(left) * seeds)

        def done(name: str, seed: int) -> None:
            left[name] -= 1
            bar.advance(task)
            if not left[name]:
                bar.console.print(f"{name}: {seeds} searches done.")

        yield done


def write_summary(
    folder: Path, settings: Mapping[str, Any], results: Sequence[Result]
) -> None:
    """Writes `summary.json`, the settings and the rows, and `summary.csv`,
    the rows."""
    rows = [
        {
            key: None if value != value else value  # NaN is not JSON
            for key, value in asdict(result).items()
        }
        for result in results
    ]
    text = json.dumps({**settings, "results": rows}, indent=2, allow_nan=False)
    (folder / "summary.json").write_text(text + "\n")
    with open(folder / "summary.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def summary_table(results: Sequence[Result]) -> rich.table.Table:
    """The rows as a table for the terminal."""
    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    for heading in ("trials", "found", "reported", "gain, 95 %", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    # Shares need more digits than percent.
    digits = 2 if any(abs(each.mean) > 1 for each in results) else 4
    for result in results:
        gain = "" if result.gain is None else f"{result.gain:+.{digits}f}"
        if result.gain is not None and result.gain_low is not None:
            gain += f" ± {result.gain - result.gain_low:.{digits}f}"
        table.add_row(
            result.strategy,
            str(result.trials),
            f"{result.search_mean:.{digits}f}",
            f"{result.mean:.{digits}f}"
            + ("" if result.sd is None else f" ± {result.sd:.{digits}f}"),
            gain,
            f"{result.seconds:.2f}",
        )
    return table


def draw_curves(
    path: Path, searches: Mapping[str, Sequence[Search]], column: str
) -> None:
    """Draws each strategy's mean over the seeds, with a band of one standard
    error of the mean, over the trials on a logarithmic axis."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, of_seeds in searches.items():
        values = np.array([search.report for search in of_seeds])
        trials = np.arange(1, values.shape[1] + 1)
        mean = values.mean(axis=0)
        error = values.std(axis=0, ddof=int(len(values) > 1))
        error /= len(values) ** 0.5
        (line,) = axes.plot(trials, mean, label=name)
        axes.fill_between(
            trials,
            mean - error,
            mean + error,
            color=line.get_color(),
            alpha=0.2,
        )
    # The first trials say nothing about a strategy, and fill the picture.
    last = max(search.report.size for search in of_seeds)
    first = min(10, last)
    means = [
        np.mean([search.report[first - 1 :] for search in of_seeds], axis=0)
        for of_seeds in searches.values()
    ]
    found = np.array(means)[np.isfinite(means)]
    low, high = min(found, default=0.0), max(found, default=1.0)
    margin = 0.05 * (high - low) or 1.0
    axes.set(
        xscale="log",
        xlim=(first, max(last, first + 1)),
        ylim=(low - margin, high + margin),
        xlabel="trials",
        ylabel=column,
    )
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
