"""A recipe on the command line: its name, and an option for each of its
values.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.command import InputError
from nasnet_keras.training.recipes import RECIPES, Recipe

RecipeOption = Annotated[
    str, typer.Option(help=f"One of {', '.join(RECIPES)}.")
]


def with_recipe(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for each value of a recipe, which it takes as
    `**values`."""
    signature = inspect.signature(command)
    *own, _ = signature.parameters.values()
    options = []
    for field in dataclasses.fields(Recipe):
        annotated: Any = field.type
        option = typer.Option(
            help=annotated.__metadata__[0].description,
            rich_help_panel="In place of the recipe's",
        )
        options.append(
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[annotated.__origin__ | None, option],
            )
        )
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *options]
    )
    command.__annotations__ = {
        parameter.name: parameter.annotation for parameter in (*own, *options)
    }
    return command


def chosen_recipe(name: str, values: Mapping[str, Any]) -> Recipe:
    """The recipe of that name, with the values that are not None in place of
    its own.

    Raises:
        InputError: There is no such recipe, or a value is out of range.
    """
    if name not in RECIPES:
        raise InputError(
            "Invalid value for `recipe`. Expected one of "
            f"{', '.join(RECIPES)}. Received: {name!r}."
        )
    given = {key: value for key, value in values.items() if value is not None}
    try:
        return dataclasses.replace(RECIPES[name], **given)
    except pydantic.ValidationError as error:
        raise InputError(_sentence(error)) from None


def _sentence(error: pydantic.ValidationError) -> str:
    details = error.errors()[0]
    message = details["msg"].removeprefix("Value error, ")
    name = ".".join(str(part) for part in details["loc"])
    if not name:
        return f"The values of the recipe disagree. {message}."
    return (
        f"Invalid value for `{name}`. {message}. Received: "
        f"{details['input']!r}."
    )
