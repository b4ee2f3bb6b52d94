"""The values of a training as a space: `RecipeSpace`, `VALUES`.

Neither Keras nor TensorFlow is imported here.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pydantic

from nasnet_keras.console.command_line import sentence
from nasnet_keras.quotation import quoted
from nasnet_keras.training.recipes import RECIPES, Recipe
from search.spaces.base import Decision, SearchSpace
from search.trial import Decisions

Value = str | int | float

# What is tried of a recipe's values if nothing else is asked for. A step of
# the learning rate is a factor of about 3, which keeps the rates of RECIPES
# among them; of RandAugment, 9 is the magnitude of its paper.
VALUES: dict[str, tuple[Value, ...]] = {
    "learning_rate": (0.0005, 0.0015, 0.005, 0.015, 0.05, 0.15),
    "schedule": ("cosine", "exponential"),
    "l2": (0.0, 1e-5, 1e-4, 5e-4, 2e-3),
    "batch_size": (16, 32, 64, 128),
    "frozen_epochs": (0, 1, 2, 5),
    "label_smoothing": (0.0, 0.1, 0.2),
    "drop_path_rate": (0.0, 0.1, 0.2, 0.4),
    "mixup": (0.0, 0.2, 1.0),
    "randaugment": (0, 1, 2),
    "randaugment_magnitude": (3.0, 6.0, 9.0),
}
# Of a value, which other is without effect where it is 0.
SWITCHES = {"randaugment_magnitude": "randaugment"}
# Below the smallest of a scale of logarithms stands 0, by this factor.
ZERO_FACTOR = 10.0


@dataclasses.dataclass(frozen=True)
class RecipeValues:
    """Some values of a recipe, by name and in the order of the space."""

    values: tuple[tuple[str, Value], ...]

    def applied(self, recipe: Recipe) -> Recipe:
        """The recipe with these values in place of its own.

        Raises:
            ValueError: They are not those of a recipe.
        """
        values: dict[str, Any] = dict(self.values)
        try:
            return dataclasses.replace(recipe, **values)
        except pydantic.ValidationError as error:
            raise ValueError(sentence(error.errors()[0])) from None

    def __str__(self) -> str:
        return "\n".join(f"{name} = {value}" for name, value in self.values)


class RecipeSpace(SearchSpace):
    """Values of a `Recipe`: how a network is trained, not which.

    Numbers are ordered, and strategies see their logarithms; texts are not.
    RandAugment's magnitude is without effect where there are no operations.

    Args:
        values: By name of a recipe's value what to choose from: numbers,
            which are sorted, or texts. Default: `VALUES`.

    Raises:
        ValueError: A recipe has no such value, or it cannot be one of those.

    Example:

    >>> space = RecipeSpace({"learning_rate": [0.1, 0.01], "batch_size": [32]})
    >>> print(space.decode((0, 0)))
    learning_rate = 0.01
    batch_size = 32
    """

    name = "recipe"
    version = 1

    def __init__(
        self, values: Mapping[str, Sequence[Value]] | None = None
    ) -> None:
        self.values = {
            name: _checked(name, choices)
            for name, choices in _named(VALUES if values is None else values)
        }
        self.decisions = tuple(
            Decision(
                name,
                tuple(map(str, choices)),
                "ordered" if _are_numbers(choices) else "free",
            )
            for name, choices in self.values.items()
        )

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "values": {name: [*each] for name, each in self.values.items()},
        }

    def decode(self, decisions: Decisions) -> RecipeValues:
        self.check(decisions)
        return RecipeValues(
            tuple(
                (name, choices[choice])
                for (name, choices), choice in zip(
                    self.values.items(), decisions, strict=True
                )
            )
        )

    def encode(self, architecture: RecipeValues) -> Decisions:
        return self.from_names(
            {name: str(value) for name, value in architecture.values}
        )

    def canonical(self, decisions: Decisions) -> Decisions:
        """The first choice of what is without effect."""
        values = dict(self.decode(decisions).values)
        return tuple(
            0 if values.get(SWITCHES.get(name, "")) == 0 else choice
            for name, choice in zip(self.values, decisions, strict=True)
        )

    def features(self, decisions: Decisions) -> np.ndarray:
        """Of each number its logarithm, of each text which it is: so a
        Gaussian process on them multiplies the likeness of logarithms with
        that of texts, by the share that is equal."""
        numbers: list[float] = []
        for choices, choice in zip(
            self.values.values(), self.canonical(decisions), strict=True
        ):
            if _are_numbers(choices):
                numbers.append(_logarithms(choices)[choice])
            else:
                numbers += [float(choice == i) for i in range(len(choices))]
        return np.array(numbers, float)


def _named(values: Any) -> Any:
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            "Invalid value for argument `values`. Expected by name what to "
            f"choose from. Received: values={quoted(values)}."
        )
    return values.items()


def _checked(name: str, choices: Any) -> tuple[Value, ...]:
    """The choices of one value, numbers sorted.

    Raises:
        ValueError: There is no such value, or these are none of it.
    """
    known = Recipe.__dataclass_fields__
    if name not in known or name == "epochs":
        raise ValueError(
            "Invalid name in `values`. Expected a value of a recipe, "
            f"{', '.join(each for each in known if each != 'epochs')}. "
            f"Received: {quoted(name)}."
        )
    if (
        not isinstance(choices, list | tuple)
        or not choices
        or len(set(map(str, choices))) < len(choices)
        or not (
            _are_numbers(choices)
            or all(isinstance(each, str) for each in choices)
        )
    ):
        raise ValueError(
            f"Invalid choices of `{name}` in `values`. Expected different "
            f"numbers, or texts. Received: {quoted(choices)}."
        )
    longest = dataclasses.replace(RECIPES["cifar"], epochs=10**6)
    for choice in choices:
        RecipeValues(((name, choice),)).applied(longest)
    return tuple(sorted(choices))


def _are_numbers(choices: Sequence[Any]) -> bool:
    return all(type(each) in (int, float) for each in choices)


def _logarithms(choices: Sequence[Any]) -> list[float]:
    """Of ascending numbers, none of which is negative."""
    least = next((each for each in choices if each > 0), 1.0)
    return [float(np.log(each or least / ZERO_FACTOR)) for each in choices]
