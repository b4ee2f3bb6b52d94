"""A recipe on the command line: its name, and an option for each of its
values.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic
import typer

from nasnet_keras.architectures import from_data
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
    check_cutout,
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
    name: str,
    values: Mapping[str, Any],
    unsupported: Mapping[str, str] = {},
    side: int | None = None,
) -> Recipe:
    """The recipe of that name, with the values that are not None in place of
    its own.

    Args:
        name: A key of `RECIPES`.
        values: What the user gives.
        unsupported: What the training does not follow, by name, each with the
            reason: of the recipe's own values it is left out. Default none.
        side: Height and width of the images; see `adapted`. Default: not
            known.

    Raises:
        InputError: There is no such recipe, or a value is out of range or
            unsupported.
    """
    try:
        chosen = dataclasses.replace(
            adapted(find_recipe(name), unsupported, side),
            **given_values(values),
        )
        check_supported(chosen, unsupported)
        if side is not None:
            check_cutout(chosen, side)
    except pydantic.ValidationError as error:
        raise InputError(sentence(error.errors()[0])) from None
    except ValueError as error:
        raise InputError(str(error)) from None
    return chosen


def recipe_of_network(
    name: str, values: Mapping[str, Any], network: Mapping[str, Any]
) -> Recipe:
    """The recipe of that name as `chosen_recipe` has it, without what a
    network of this size does not follow.

    Args:
        name: A key of `RECIPES`.
        values: What the user gives.
        network: The argument `network` of `TrainingSettings`.

    Raises:
        InputError: See `chosen_recipe`.
        ValueError: There is no such network.
    """
    kind, architecture = from_data(network["architecture"])
    arguments = {**network, "architecture": architecture}
    return chosen_recipe(
        name,
        values,
        kind.unsupported_at(**arguments),
        min(network["input_shape"][:2]),
    )


def given_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a recipe that the user gives."""
    return {name: value for name, value in values.items() if value is not None}
