"""The commands that look at runs: status, report, dashboard.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

import contextlib
import gc
import json
from pathlib import Path
from typing import Annotated

import typer

from nasnet_keras.console.command_line import (
    InputError,
    working,
)
from search.actions.ranking import Ranking
from search.cli.options import RunArgument
from search.cli.session import show_best
from search.runs.record import load

# More rows would take long to draw.
TRIALS_SHOWN = 1000


def status(
    run: RunArgument,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Show the status again, until the run ends."
        ),
    ] = False,
    every: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=3600,
            help="With --watch: seconds between two displays.",
        ),
    ] = 2.0,
) -> None:
    """Shows the last 1,000 trials and the best cells of a run, also while it
    runs. With --json it prints all trials."""
    if as_json and watch:
        raise InputError(
            "The options `--json` and `--watch` disagree. Expected one of them."
        )
    loaded = load(run)
    ranking = Ranking.read(loaded.directory.ranking)
    if as_json:
        longer = None if ranking is None else ranking.to_dict()["children"]
        shown = {**loaded.status(), "retrained": longer}
        print(json.dumps(shown, indent=2, allow_nan=False))
        return
    from rich.console import Console

    from search.views.status import status_table, watch_status

    if watch:
        with working():
            watch_status(loaded, Console(), every)
    trials = loaded.trials
    Console().print(status_table(trials[-TRIALS_SHOWN:]))
    show_best(loaded, trials)
    if ranking is not None and ranking.best is not None:
        print(
            f"Trained longer: trial {ranking.best.trial}, test accuracy "
            f"{ranking.best.accuracy_text}."
        )


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="The folders of the runs."),
    ],
    output: Annotated[
        Path,
        typer.Option(help="The HTML page to write; replaces an earlier one."),
    ],
) -> None:
    """Writes a page that shows one run, or compares several: rewards, best
    cells, choices, cost, trials and settings."""
    loaded = [load(run) for run in runs]
    from search.views.report.page import write_report

    gc.disable()  # It takes a tenth of the time, and the command ends.
    try:
        write_report(loaded, output)
    finally:
        gc.enable()
    print(f"Wrote {output}.")


def dashboard(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="The folders of the runs."),
    ],
    host: Annotated[
        str, typer.Option(help="The address to serve the page at.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="The port of the page; 0: any free port."
        ),
    ] = 8765,
) -> None:
    """Serves a page that follows runs, on this machine, until Ctrl-C: rewards,
    running children, best cells, failures, memory and seconds."""
    loaded = [load(run) for run in runs]
    from search.views.dashboard.server import Dashboard

    with (
        contextlib.suppress(KeyboardInterrupt),
        Dashboard(loaded, host, port) as server,
    ):
        print(f"{server.url} follows the runs. Ctrl-C ends it.", flush=True)
        server.serve_forever()
