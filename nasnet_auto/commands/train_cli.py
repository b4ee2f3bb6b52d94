"""The command `nasnet-train` in whole: run and evaluate, of the zoo, and tune,
which searches.

`--help` and wrong arguments are answered without Keras and TensorFlow.

Exit codes: 0 done, 1 the training failed, 2 bad input, 130 interrupted.
"""

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_auto.tuning import (
    FIDELITIES,
    TRIALS,
    TUNER,
    TUNERS,
    options_of,
    values_of,
)
from nasnet_auto.tuning import tune as tune_recipe
from nasnet_keras.architectures import find_kind
from nasnet_keras.console.command_line import (
    LARGEST,
    create_app,
    named,
    run_command,
    with_options,
    working,
)
from nasnet_keras.training.recipe_options import (
    chosen_recipe,
    given_values,
    recipe_of_network,
)
from nasnet_keras.training.recipes import Recipe
from search.spaces.recipe import VALUES
from zoo.train_cli import app as zoo_app
from zoo.train_cli import network_of
from zoo.train_cli import run as zoo_run

app = create_app(
    "Trains networks of the zoo, or of cells that a search has found."
)
app.registered_commands = zoo_app.registered_commands[:]

# The options of `run` that `tune` has too, beside those of the recipe.
SHARED = (
    *("dataset", "model", "architecture", "weights", "recipe"),
    *("repeats", "filters", "stem", "image_size", "train_images"),
    *("skip_broken", "class_weights", "seed"),
    *Recipe.__dataclass_fields__,
)


def main() -> int:
    """Runs the command line; returns the exit code."""
    return run_command(app, "nasnet-train")


def tune(
    *,
    output: Annotated[
        Path,
        typer.Option(help="The folder of the tuning: new, or one to continue."),
    ],
    strategy: Annotated[
        str,
        typer.Option(
            help=f"How values are chosen: {', '.join(TUNERS)}, or a strategy "
            "of `nasnet-search run`."
        ),
    ] = TUNER,
    trials: Annotated[
        int, typer.Option(min=1, max=LARGEST, help="Trainings in all.")
    ] = TRIALS,
    values: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=[VALUE,...]",
            help="A value of the recipe and its choices. Default: "
            f"{', '.join(VALUES)}, without those that an option fixes or the "
            "network does not follow.",
        ),
    ] = [],  # noqa: B006
    fidelity: Annotated[
        str,
        typer.Option(
            help="How trainings are shortened, with halving or brackets. "
            + " ".join(f"{name}: {what}." for name, what in FIDELITIES.items())
        ),
    ] = "epochs",
    halving: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=LARGEST,
            help="Successive halving by N: the best of N trainings continues "
            "for N times as long. Default: set by the strategy.",
        ),
    ] = None,
    first_epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Epochs of the shortest trainings. Default: 1.",
        ),
    ] = None,
    validation_images: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Images by which trainings are compared. Default: the "
            "validation images of the data set, or a tenth of the training "
            "images.",
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(min=1, max=10**4, help="Trainings at the same time."),
    ] = 1,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=LARGEST,
            help="Seconds after which the command ends; the same command "
            "continues. Default: no limit.",
        ),
    ] = None,
    **others: Any,
) -> None:
    """Searches the values of a recipe that train a network best. The same
    command resumes a tuning that was stopped, with more trials too."""
    given = given_values(
        {name: others.pop(name) for name in Recipe.__dataclass_fields__}
    )
    model, weights = others["model"], others["weights"]
    with working():
        network = network_of(
            *(model, others["architecture"], others["repeats"]),
            *(others["filters"], others["stem"], others["image_size"]),
        )
        kind = find_kind(network["architecture"]["kind"])
        recipe = chosen_recipe(others["recipe"], given, kind.unsupported)
        chosen = values_of(
            network, recipe, named(values), given, weights is not None
        )
    from search.cli.session import searching

    go_on = "Interrupted. Continue with the same command."
    with searching(output, go_on) as shown, working(go_on):
        from nasnet_keras.training.data.datasets import resolve_source

        # Once more, now that it may take seconds to say what fits.
        recipe = recipe_of_network(others["recipe"], given, network)
        preset = None
        if weights is not None:
            from zoo import weights as pretrained

            preset = model or "the architecture of a file"
            pretrained.check(weights, preset)
        run = tune_recipe(
            output,
            resolve_source(others["dataset"]),
            network,
            recipe,
            values=chosen,
            strategy=strategy,
            trials=trials,
            weights=weights,
            preset=preset,
            class_weights=others["class_weights"],
            fidelity=fidelity,
            halving=halving,
            first_epochs=first_epochs,
            train_images=others["train_images"],
            validation_images=validation_images,
            skip_broken=others["skip_broken"],
            seed=others["seed"],
            observers=shown,
            workers=workers,
            time_limit=time_limit,
        )
    best = run.best
    if best is None:
        return
    print(f"Best: trial {best.number}, validation accuracy {best.reward_text}.")
    print(f"As options of `nasnet-train run`: {options_of(run)}")
    print(f"For a report of all trials: {run.directory.command('report')}.")


_options = inspect.signature(zoo_run).parameters
app.command()(with_options(tune, [_options[name] for name in SHARED]))
