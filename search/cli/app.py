"""The command `nasnet-search`: run, resume, restore, status, export, retrain,
rank, report, dashboard, latency-table, benchmark.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted.
"""

import contextlib
import functools
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.command_line import (
    INTERRUPTED,
    InputError,
    RunError,
    complain,
    import_tensorflow,
    option,
    plain_warnings,
    run_command,
    with_options,
    working,
)
from nasnet_keras.files import check_free
from nasnet_keras.training.recipe_options import (
    RecipeOption,
    chosen_recipe,
    with_recipe,
)
from nasnet_keras.training.recipes import Recipe
from search.executors.configuration import ExecutionConfig, create_execution
from search.runs.config import (
    PARTS,
    SEARCH_EPOCHS,
    SEARCH_RECIPE,
    ChildConfig,
    ObjectiveConfig,
    RunConfig,
    create_configuration,
)
from search.runs.record import Run, load
from search.storage.run_folder import RunDirectory
from search.trial import Trial, count_done, ranked

# The headings of the options in `run --help`.
PANELS: dict[type[pydantic.BaseModel], str] = {
    RunConfig: "The search",
    ChildConfig: "A child",
    ObjectiveConfig: "The objective",
    ExecutionConfig: "How it is driven",
}

# More rows would take long to draw.
TRIALS_SHOWN = 1000

RunArgument = Annotated[Path, typer.Argument(help="The folder of the run.")]

app = typer.Typer(
    help="Searches for NASNet cells on images.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> int:
    """Runs the command line; returns the exit code."""
    # A space of one's own is found here, and takes no other module's place.
    sys.path.append(os.getcwd())
    return run_command(app, "nasnet-search")


def _with_settings(
    command: Callable[..., None],
    models: Iterable[type[pydantic.BaseModel]] = tuple(PANELS),
    names: Collection[str] | None = None,
) -> Callable[..., None]:
    """Gives a command an option for each setting of these models, or for
    some."""
    options = []
    for model in models:
        for name, field in model.model_fields.items():
            if field.description is None:  # has an option of its own
                continue
            if names is not None and name not in names:
                continue
            several = field.annotation == tuple[str, ...]
            kind = list[str] if several else field.annotation
            options.append(
                option(
                    name, kind, field.default, field.description, PANELS[model]
                )
            )
    return with_options(command, options)


SpaceOptions = Annotated[
    list[str],
    typer.Option(metavar="NAME=VALUE", help="An argument of the space."),
]
StrategyOptions = Annotated[
    list[str],
    typer.Option(metavar="NAME=VALUE", help="An argument of the strategy."),
]
EvaluatorOptions = Annotated[
    list[str],
    typer.Option(metavar="NAME=VALUE", help="An argument of the evaluator."),
]


@app.command()
@_with_settings
@with_recipe
def run(
    *,
    output: Annotated[
        Path, typer.Option(help="The folder of the run, new or empty.")
    ],
    recipe: RecipeOption = SEARCH_RECIPE,
    space_option: SpaceOptions = [],  # noqa: B006
    strategy_option: StrategyOptions = [],  # noqa: B006
    evaluator_option: EvaluatorOptions = [],  # noqa: B006
    **settings: Any,
) -> None:
    """Begins a search and drives it to its end. A child is trained for 3
    epochs if --epochs is not given."""
    settings["space_options"] = _named(space_option)
    settings["strategy_options"] = _named(strategy_option)
    settings["evaluator_options"] = _named(evaluator_option)
    execution = _execution(settings)
    values = {name: settings.pop(name) for name in Recipe.__dataclass_fields__}
    values["epochs"] = values["epochs"] or SEARCH_EPOCHS
    settings["recipe"] = chosen_recipe(recipe, values)
    config = _configuration(settings)
    RunDirectory(output).check_free()
    with _searching(output) as observers:
        from search.runs.begin import run

        _show_end(run(output, config, observers=observers, **execution))


@app.command()
@functools.partial(_with_settings, models=(ExecutionConfig,))
def resume(
    run: RunArgument,
    *,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Children to evaluate in all, those already done included.",
        ),
    ] = None,
    **settings: Any,
) -> None:
    """Goes on with a search that was interrupted, or with more trials, and
    with any number of workers."""
    execution = _execution(settings)
    load(run)
    with _searching(run) as observers:
        from search.runs.begin import resume

        _show_end(resume(run, trials, observers=observers, **execution))


@app.command()
def restore(run: RunArgument) -> None:
    """Puts the last backup in the place of a damaged database."""
    from search.runs.recovery import restore

    restored = restore(run)
    print(
        f"Restored the backup of {restored.time:%Y-%m-%d %H:%M:%S}, which has "
        f"{len(restored.run.trials)} trials."
    )
    if restored.damaged.exists():
        print(f"The damaged database is now {restored.damaged}.")
    print(f"Go on by `nasnet-search resume {run}`.")


@app.command()
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
            min=0.1, max=3600, help="Seconds from one time to the next."
        ),
    ] = 2.0,
) -> None:
    """Shows the trials, the last 1,000 of them, and the best cells of a run,
    at any time; with --json all trials."""
    if as_json and watch:
        raise InputError(
            "The options `--json` and `--watch` disagree. Expected one of them."
        )
    loaded = load(run)
    if as_json:
        print(json.dumps(loaded.status(), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from search.views.terminal import status_table, watch_status

    if watch:
        with working():
            watch_status(loaded, Console(), every)
    trials = loaded.trials
    Console().print(status_table(trials[-TRIALS_SHOWN:]))
    _show_best(loaded, trials)


@app.command()
def export(
    run: RunArgument,
    output: Annotated[
        Path, typer.Option(help="The folder to write, new or empty.")
    ],
    trial: Annotated[
        int | None,
        typer.Option(help="The trial's number.", show_default="the best"),
    ] = None,
) -> None:
    """Writes the best child: its cells, trained network and pictures."""
    loaded = load(run)
    check_free(output)
    import_tensorflow()
    from search.actions.export import export as export_trial

    export_trial(loaded, output, trial)
    print(f"Wrote {', '.join(sorted(os.listdir(output)))} to {output}.")


@app.command()
@with_recipe
def retrain(
    run: RunArgument,
    *,
    top: Annotated[
        int, typer.Option(min=1, help="How many of the best children.")
    ] = 5,
    recipe: RecipeOption = "cifar",
    repeats: Annotated[
        int | None,
        typer.Option(min=1, help="N; the search's if not given."),
    ] = None,
    filters: Annotated[
        int | None,
        typer.Option(min=1, help="F; the search's if not given."),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            help="Height and width to train at; the search's if not given.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the trainings.",
            show_default="the run's folder `retrained`",
        ),
    ] = None,
    **values: Any,
) -> None:
    """Trains the best children longer, on all training images, and ranks them
    again by the test images; the same command goes on after a kill."""
    loaded = load(run)
    chosen = chosen_recipe(recipe, values)
    import_tensorflow()
    from rich.console import Console

    from nasnet_keras.training.progress import Progress
    from search.actions.retrain import retrain as retrain_best
    from search.views.terminal import ranking_table

    def watch(trial: Trial) -> Progress:
        print(f"Trial {trial.number}, reward {trial.reward:.4f}.", flush=True)
        return Progress(chosen.epochs)

    with working("Interrupted. Go on by the same command."):
        ranking = retrain_best(
            loaded,
            chosen,
            top,
            repeats=repeats,
            filters=filters,
            image_size=image_size,
            output=output,
            watch=watch,
        )
    Console().print(ranking_table(ranking))
    for child in ranking.children:
        if child.reason is not None:
            print(f"Trial {child.trial}: {child.reason}")
    if ranking.tau is not None:
        print(f"Kendall's tau of the places now and before: {ranking.tau:.2f}.")
    folder = output or loaded.directory.retrained
    print(f"Wrote {folder / 'ranking.json'}.")
    if not any(ranking.places):
        raise RunError("Every training failed.")


@app.command()
def rank(
    run: RunArgument,
    *,
    cells: Annotated[
        int, typer.Option(min=2, help="How many random cells.")
    ] = 20,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Epochs that each is trained; those of the shared network if "
            "not given.",
        ),
    ] = None,
) -> None:
    """Trains random cells alone and says how far the shared weights of a run
    rank them the same; the same command goes on after a kill."""
    loaded = load(run)
    import_tensorflow()
    from rich.console import Console

    from search.actions.rank_correlation import rank_correlation
    from search.views.terminal import shared_ranking_table

    with _searching(run, "Interrupted. Go on by the same command.") as watching:
        ranking = rank_correlation(loaded, cells, epochs, watching)
    Console().print(shared_ranking_table(ranking))
    print("With their 95 % intervals, by the bootstrap over the cells:")
    print(f"Kendall's tau {ranking.kendall}")
    print(f"Spearman's rho {ranking.spearman}")


@app.command()
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
    """Writes a page about runs, beside each other: rewards, best cells,
    choices, cost, trials and settings."""
    loaded = [load(run) for run in runs]
    from search.views.report.page import write_report

    gc.disable()  # It takes a tenth of the time, and the command ends.
    try:
        write_report(loaded, output)
    finally:
        gc.enable()
    print(f"Wrote {output}.")


@app.command()
def dashboard(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="The folders of the runs."),
    ],
    host: Annotated[
        str, typer.Option(help="The address to serve the page at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 for any that is free.")
    ] = 8765,
) -> None:
    """Serves a page on this machine that follows runs, until Ctrl-C: rewards,
    children under way, best cells, failures, memory and seconds."""
    loaded = [load(run) for run in runs]
    from search.views.dashboard.server import Dashboard

    with (
        contextlib.suppress(KeyboardInterrupt),
        Dashboard(loaded, host, port) as server,
    ):
        print(f"{server.url} follows the runs. Ctrl-C ends it.", flush=True)
        server.serve_forever()


# What the latency of a child depends on.
LATENCY_SETTINGS = (
    *("dataset", "space"),
    *("repeats", "filters", "image_size", "threads"),
)


@app.command()
@functools.partial(_with_settings, names=LATENCY_SETTINGS)
def latency_table(
    *,
    output: Annotated[Path, typer.Option(help="The file to write.")],
    space_option: SpaceOptions = [],  # noqa: B006
    **settings: Any,
) -> None:
    """Measures the latency of every operation, for `run --latency-table`."""
    settings["space_options"] = _named(space_option)
    config = _configuration(settings)
    if output.exists() or not output.absolute().parent.is_dir():
        raise InputError(
            "Expected as output a new file in a folder that is there. "
            f"Received: {output}."
        )
    import_tensorflow()
    from search.actions.latency_table import measure_table

    with working():
        measure_table(config, output)
    print(f"Wrote {output}.")


@app.command()
def benchmark(
    *,
    table: Annotated[
        Path,
        typer.Option(
            help="A CSV file, or .csv.gz, with cells in a column `arch` as "
            "NAS-Bench-201 writes them, and columns of numbers."
        ),
    ],
    search_column: Annotated[
        str, typer.Option(help="The column that the strategies maximise.")
    ],
    report_column: Annotated[
        str, typer.Option(help="The column to report of what they find.")
    ],
    strategies: Annotated[
        str, typer.Option(help="Names of strategies, joined by commas.")
    ],
    trials: Annotated[
        int, typer.Option(min=1, help="Proposals in a search, repeats too.")
    ] = 500,
    seeds: Annotated[
        int, typer.Option(min=1, help="Searches of each strategy.")
    ] = 20,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that share the work.")
    ] = 1,
    output: Annotated[Path, typer.Option(help="The folder, new or empty.")],
) -> None:
    """Compares strategies on a table of known results."""
    # The matrices are too small for several threads. It holds for the
    # workers: NumPy has read it here.
    for library in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(library, "1")
    from search.benchmark.summary import save_benchmark

    with working():
        save_benchmark(
            output,
            table=table,
            search_column=search_column,
            report_column=report_column,
            strategies=[name.strip() for name in strategies.split(",")],
            trials=trials,
            seeds=seeds,
            workers=workers,
        )


def _configuration(settings: dict[str, Any]) -> RunConfig:
    """The configuration of the options, each in its part."""
    parts = {
        part: {
            name: settings.pop(name)
            for name in model.model_fields
            if name in settings
        }
        for part, model in PARTS.items()
    }
    return create_configuration({**settings, **parts})


def _execution(settings: dict[str, Any]) -> dict[str, Any]:
    """The options that say how the run is driven, checked, and taken out of
    the others."""
    execution = {
        name: settings.pop(name) for name in ExecutionConfig.model_fields
    }
    create_execution(execution)
    return execution


def _named(options: Iterable[str]) -> dict[str, Any]:
    """Options NAME=VALUE by name; a value is JSON, or else a text."""
    values: dict[str, Any] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InputError(
                "Invalid value for an option of a space, a strategy or an "
                f"evaluator. Expected NAME=VALUE. Received: {text!r}."
            )
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


@contextlib.contextmanager
def _searching(
    folder: Path, interrupted: str | None = None
) -> Iterator[list[Any]]:
    """Offers the display, and says how to go on after an interruption, by
    Ctrl-C or by SIGTERM."""
    from rich.console import Console

    from search.views.terminal import create_display

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        import_tensorflow()
        with plain_warnings():
            yield [create_display(Console())]
    except KeyboardInterrupt:
        begun = (folder / "config.json").exists()
        go_on = f" Go on by `nasnet-search resume {folder}`." if begun else ""
        complain(interrupted or f"Interrupted.{go_on}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _show_end(run: Run) -> None:
    """Shows the best cell, and how to go on if the time was over."""
    trials = run.trials
    _show_best(run, trials)
    if count_done(trials) < run.config.trials:
        print(
            "The time limit is over. Go on by `nasnet-search resume "
            f"{run.directory.path}`."
        )


def _show_best(run: Run, trials: Sequence[Trial]) -> None:
    print(f"{count_done(trials)} of {run.config.trials} children done.")
    best = next(iter(ranked(trials)), None)
    if best is None:
        return
    print(f"Best: trial {best.number}, reward {best.reward:.4f}.")
    print(run.space.text(run.space.decode(best.decisions)))
    print(
        f"Export it by `nasnet-search export {run.directory.path} --output "
        "FOLDER`."
    )
