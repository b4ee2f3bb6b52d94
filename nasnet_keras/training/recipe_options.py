"""A recipe on the command line: its name, and an option for each of its
values.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.console.command_line import (
    InputError,
    option,
    sentence,
    with_options,
)
from nasnet_keras.training.recipes import (
    RECIPES,
    Recipe,
    adapted,
    check_supported,
    find_recipe,
)

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


def chosen_recipe(
    name: str, values: Mapping[str, Any], unsupported: Mapping[str, str] = {}
) -> Recipe:
    """The recipe of that name, with the values that are not None in place of
    its own.

    Args:
        name: A key of `RECIPES`.
        values: What the user gives.
        unsupported: What the training does not follow, by name, each with the
            reason: of the recipe's own values it is left out. Default none.

    Raises:
        InputError: There is no such recipe, or a value is out of range or
            unsupported.
    """
    try:
        chosen = dataclasses.replace(
            adapted(find_recipe(name), unsupported), **given_values(values)
        )
        check_supported(chosen, unsupported)
    except pydantic.ValidationError as error:
        raise InputError(sentence(error.errors()[0])) from None
    except ValueError as error:
        raise InputError(str(error)) from None
    return chosen


def given_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a recipe that the user gives."""
    return {name: value for name, value in values.items() if value is not None}
