"""The options of the commands, made of the settings that they stand for.

Neither Keras nor TensorFlow is imported here before it is needed.
"""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.console.command_line import (
    option,
    with_options,
)
from search.executors.configuration import ExecutionConfig, create_execution
from search.runs.child_config import ChildConfig
from search.runs.config import (
    PARTS,
    RunConfig,
    create_configuration,
)
from search.runs.objective_config import ObjectiveConfig

# The headings of the options in `run --help`.
PANELS: dict[type[pydantic.BaseModel], str] = {
    RunConfig: "The search",
    ChildConfig: "A child",
    ObjectiveConfig: "The objective",
    ExecutionConfig: "How it is driven",
}

RunArgument = Annotated[Path, typer.Argument(help="The folder of the run.")]
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


def with_settings(
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


def configuration_of(settings: dict[str, Any]) -> RunConfig:
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


def execution_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The options that say how the run is driven, checked, and taken out of
    the others."""
    execution = {
        name: settings.pop(name) for name in ExecutionConfig.model_fields
    }
    create_execution(execution)
    return execution
