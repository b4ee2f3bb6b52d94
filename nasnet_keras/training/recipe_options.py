"""A recipe on the command line: its name, and an option for each of its
values.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.command_line import (
    InputError,
    option,
    sentence,
    with_options,
)
from nasnet_keras.training.recipes import RECIPES, Recipe

RecipeOption = Annotated[
    str, typer.Option(help=f"One of {', '.join(RECIPES)}.")
]


def with_recipe(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for each value of a recipe, which it takes as
    `**values`."""
    annotated: dict[str, Any] = {
        field.name: field.type for field in dataclasses.fields(Recipe)
    }
    return with_options(
        command,
        (
            option(
                name,
                kind.__origin__ | None,
                None,
                kind.__metadata__[0].description,
                "In place of the recipe's",
            )
            for name, kind in annotated.items()
        ),
    )


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
        raise InputError(sentence(error.errors()[0])) from None
