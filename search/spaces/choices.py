"""A space of one's own: `ChoiceSpace`.

Neither Keras nor TensorFlow is imported here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nasnet_keras.kinds.choices.architecture import (
    Build,
    ChoiceNetworks,
    ChosenNetwork,
    Value,
)
from nasnet_keras.quotation import quoted
from search.spaces.base import Decision, SearchSpace, positional_features
from search.trial import Decisions


class ChoiceSpace(ChoiceNetworks, SearchSpace):
    """The networks that your own function builds from choices.

    It stands in a module under a name, so that workers, `resume` and
    `nasnet-train` find it: `--space my_module:space`. Choices of numbers are
    ordered: strategies may treat numbers that are near to each other alike.

    Args:
        choices: By name the values to choose from: texts, numbers or
            booleans. Numbers are sorted.
        build: `build(choices, input_shape, classes)` returns a Keras model
            for images of that shape (height, width, channels), from -1 to 1,
            whose output is a softmax of so many classes. `choices` are one
            value by each name. What it raises fails the child alone; the
            first values together must be a network.
        only_if: By name, on which values of an earlier name a choice depends:
            `{"rate": {"dropout": [True]}}`. Where the other has none of
            these values, or is not used itself, `build` is given no such
            choice, and two architectures that differ there alone are one.
            Default: all are used.
        version: A number to count up when `build` makes other networks of the
            same choices: runs begun before are then refused. Default 1.

    Raises:
        ValueError: A choice has no values or others than these, a condition
            names none of the choices before its own, or `build` cannot be
            called.

    Example:

    >>> def build(choices, input_shape, classes):
    ...     import keras
    ...     return keras.Sequential([
    ...         keras.Input(input_shape),
    ...         keras.layers.Conv2D(choices["filters"], choices["kernel"]),
    ...         keras.layers.GlobalAveragePooling2D(),
    ...         keras.layers.Dense(classes, activation="softmax"),
    ...     ])
    >>> space = ChoiceSpace({"filters": [16, 32], "kernel": [3, 5]}, build)
    >>> space.size
    4
    >>> space.decode((1, 0)).used
    {'filters': 32, 'kernel': 3}
    """

    name = "choices"
    version = 1
    kind_name = "choices"

    def __init__(
        self,
        choices: Mapping[str, Sequence[Value]],
        build: Build,
        only_if: Mapping[str, Mapping[str, Sequence[Value]]] | None = None,
        version: int = 1,
    ) -> None:
        super().__init__(choices, build, only_if)
        if type(version) is not int:
            raise ValueError(
                "Invalid value for argument `version`. Expected an integer. "
                f"Received: version={quoted(version)}."
            )
        of_this: Any = self  # of the class, where a space is written down
        of_this.version = version
        for name, values in self.choices.items():
            if _are_numbers(values):
                self.choices[name] = tuple(sorted(values))
        self.decisions = tuple(
            Decision(
                name,
                tuple(map(str, values)),
                "ordered" if _are_numbers(values) else "free",
            )
            for name, values in self.choices.items()
        )

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "choices": {
                name: list(each) for name, each in self.choices.items()
            },
            "only_if": self.only_if,
        }

    def decode(self, decisions: Decisions) -> ChosenNetwork:
        choices = self._values(decisions)
        used = self.used(choices)
        return ChosenNetwork(
            self.location or "",
            tuple(choices.items()),
            tuple(name for name in choices if name not in used),
        )

    def encode(self, architecture: ChosenNetwork) -> Decisions:
        try:
            return self.from_names(
                {name: str(value) for name, value in architecture.choices}
            )
        except ValueError as error:
            raise ValueError(
                "Invalid value for argument `architecture`. Expected one of "
                f"the space. {error}"
            ) from None

    def canonical(self, decisions: Decisions) -> Decisions:
        """The first value of each choice that is not used."""
        choices = self._values(decisions)
        used = self.used(choices)
        return tuple(
            choice if name in used else 0
            for name, choice in zip(choices, decisions, strict=True)
        )

    def features(self, decisions: Decisions) -> np.ndarray:
        return positional_features(self.decisions, self.canonical(decisions))

    def _values(self, decisions: Decisions) -> dict[str, Value]:
        self.check(decisions)
        return {
            name: values[choice]
            for (name, values), choice in zip(
                self.choices.items(), decisions, strict=True
            )
        }


def _are_numbers(values: Sequence[Value]) -> bool:
    return all(type(value) in (int, float) for value in values)
