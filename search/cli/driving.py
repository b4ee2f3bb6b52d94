"""The commands that drive a search: run, resume, restore.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from nasnet_keras.console.command_line import LARGEST, named
from nasnet_keras.training.recipe_options import (
    RecipeOption,
    given_values,
    with_recipe,
)
from nasnet_keras.training.recipes import Recipe
from search.cli.options import (
    EvaluatorOptions,
    RunArgument,
    SpaceOptions,
    StrategyOptions,
    configuration_of,
    execution_of,
    with_settings,
)
from search.cli.session import searching, show_end
from search.executors.configuration import ExecutionConfig
from search.runs.child_recipe import SEARCH_RECIPE
from search.runs.record import load
from search.storage.run_folder import RunDirectory


@with_settings
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
    """Begins a search and drives it to its end. It evaluates --trials children
    (default: 60), each trained for --epochs (default: 3), or plans --hours."""
    settings["space_options"] = named(space_option)
    settings["strategy_options"] = named(strategy_option)
    settings["evaluator_options"] = named(evaluator_option)
    execution = execution_of(settings)
    values = {name: settings.pop(name) for name in Recipe.__dataclass_fields__}
    settings["recipe"] = {"name": recipe, **given_values(values)}
    config = configuration_of(settings)
    RunDirectory(output).check_free()
    with searching(output) as observers:
        from search.runs.begin import run

        show_end(run(output, config, observers=observers, **execution))


@functools.partial(with_settings, models=(ExecutionConfig,))
def resume(
    run: RunArgument,
    *,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Children to evaluate in all, including those already done. "
            "Default: as before.",
        ),
    ] = None,
    **settings: Any,
) -> None:
    """Resumes a search that was interrupted, or continues one with more
    trials. The number of workers may change."""
    execution = execution_of(settings)
    load(run)
    with searching(run) as observers:
        from search.runs.begin import resume

        show_end(resume(run, trials, observers=observers, **execution))


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
    print(f"Continue with {RunDirectory(run).resuming}.")
