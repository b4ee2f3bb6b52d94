"""The commands that use the results of a run: export, retrain, rank;
and latency-table.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

import functools
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_keras.console.command_line import (
    LARGEST,
    InputError,
    RunError,
    computing,
    named,
    working,
)
from nasnet_keras.files import check_free
from nasnet_keras.training.recipe_options import (
    RecipeOption,
    chosen_recipe,
    recipe_of_network,
    with_recipe,
)
from search.actions.ranking import Retrained
from search.cli.options import (
    RunArgument,
    SpaceOptions,
    configuration_of,
    with_settings,
)
from search.cli.session import searching
from search.runs.record import load
from search.trial import Trial


def export(
    run: RunArgument,
    output: Annotated[
        Path, typer.Option(help="The folder to write, new or empty.")
    ],
    trial: Annotated[
        int | None,
        typer.Option(help="The trial's number.", show_default="the best"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            help="Also write architecture.txt, in the form of another program: "
            "darts, nni or nasbench201 for cells. Default: none."
        ),
    ] = None,
) -> None:
    """Writes the best child: its architecture, trained network and pictures.
    After `retrain` it is the best of the children that were trained longer."""
    loaded = load(run)
    check_free(output)
    if form is not None and loaded.space.kind is not None:
        with working():
            loaded.space.kind.check_form(form)
    with computing():
        from search.actions.export import export as export_trial

        export_trial(loaded, output, trial, form=form)
    metrics = json.loads((output / "metrics.json").read_text("utf-8"))
    trained = ", as the search trained it"
    if "retrained" in metrics:
        accuracy = Retrained(**metrics["retrained"]).accuracy_text
        trained = f", trained longer, test accuracy {accuracy}"
    print(f"Trial {metrics['number']}{trained}.")
    print(f"Wrote {', '.join(sorted(os.listdir(output)))} to {output}.")


@with_recipe
def retrain(
    run: RunArgument,
    *,
    top: Annotated[
        int,
        typer.Option(min=1, max=LARGEST, help="How many of the best children."),
    ] = 5,
    recipe: RecipeOption = "cifar",
    repeats: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**4,
            help="N, the normal cells of each stage. Default: the search's.",
        ),
    ] = None,
    filters: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**4,
            help="F, the filters of the first cell. Default: the search's.",
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=10**4,
            help="Height and width to train at. Default: the search's.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=2**32 - 1,
            help="Seed of the trainings. Default: the search's.",
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=10**4,
            help="Trainings of each child, with --seed and the next seeds. "
            "Children are ranked by the mean.",
        ),
    ] = 1,
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
    again by the test images. The same command resumes after a kill."""
    loaded = load(run)
    kind = loaded.space.kind
    chosen = chosen_recipe(recipe, values, kind.unsupported if kind else {})
    with computing("Interrupted. Continue with the same command.") as activity:
        from nasnet_keras.training.progress import Progress
        from search.actions.retrain import network_of_best, recorded_used
        from search.actions.retrain import retrain as retrain_best

        network = network_of_best(loaded, repeats, filters, image_size)
        with recorded_used():
            chosen = recipe_of_network(recipe, values, network)

        def watch(trial: Trial) -> Progress:
            print(
                f"Trial {trial.number}, reward {trial.reward_text}.", flush=True
            )
            return Progress(chosen.epochs, activity=activity)

        ranking = retrain_best(
            loaded,
            chosen,
            top,
            repeats=repeats,
            filters=filters,
            image_size=image_size,
            seed=seed,
            seeds=seeds,
            output=output,
            watch=watch,
        )
    from rich.console import Console

    from search.views.rankings import ranking_table

    Console().print(ranking_table(ranking, loaded.trials))
    for child in ranking.children:
        if child.reason is not None:
            print(f"Trial {child.trial}: {child.reason}")
    if ranking.tau is not None:
        print(f"Kendall's tau of the ranks now and before: {ranking.tau:.2f}.")
    folder = output or loaded.directory.retrained
    print(f"Wrote {folder / 'ranking.json'}.")
    if not any(ranking.ranks):
        raise RunError("Every training failed.")


def rank(
    run: RunArgument,
    *,
    cells: Annotated[
        int, typer.Option(min=2, max=LARGEST, help="How many random cells.")
    ] = 20,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Epochs of each training. Default: those of the shared "
            "network.",
        ),
    ] = None,
) -> None:
    """For a run with shared weights: trains random cells alone, and compares
    their order with the order by the shared weights. The same command resumes
    after a kill."""
    loaded = load(run)
    with searching(
        run, "Interrupted. Continue with the same command."
    ) as watching:
        from search.actions.rank_correlation import rank_correlation

        ranking = rank_correlation(loaded, cells, epochs, watching)
    from rich.console import Console

    from search.views.rankings import shared_ranking_table

    Console().print(shared_ranking_table(ranking))
    print("With 95 % intervals, by the bootstrap over the cells:")
    print(f"Kendall's tau {ranking.kendall}")
    print(f"Spearman's rho {ranking.spearman}")


# What the latency of a child depends on.
LATENCY_SETTINGS = (
    *("dataset", "space"),
    *("repeats", "filters", "image_size", "skip_broken", "threads"),
)


@functools.partial(with_settings, names=LATENCY_SETTINGS)
def latency_table(
    *,
    output: Annotated[Path, typer.Option(help="The file to write.")],
    space_option: SpaceOptions = [],  # noqa: B006
    **settings: Any,
) -> None:
    """Measures the latency of every operation or layer of a space, for
    `run --latency-table`."""
    settings["space_options"] = named(space_option)
    config = configuration_of(settings)
    if os.path.lexists(output) or not output.absolute().parent.is_dir():
        raise InputError(
            "Expected as output a new file in a folder that is there. "
            f"Received: {output}."
        )
    with computing():
        from search.actions.latency_table import measure_table

        measure_table(config, output)
    print(f"Wrote {output}.")
