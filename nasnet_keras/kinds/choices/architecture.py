"""Networks of a user's own, told apart by choices: `ChoiceNetworks`,
`ChosenNetwork`.

Neither Keras nor TensorFlow is imported here.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasnet_keras.own_modules import find_location
from nasnet_keras.quotation import quoted

if TYPE_CHECKING:
    import keras

Value = str | int | float | bool
TYPES = (str, int, float, bool)
Build = Callable[..., "keras.Model"]

MAX_CHOICES = 1000  # names, and values of one


class ChoiceNetworks:
    """Choices by name, and a function that builds the network of some.

    Args:
        choices: By name the values to choose from: texts, numbers or
            booleans.
        build: `build(choices, input_shape, classes)` returns the Keras model
            for images of that shape (height, width, channels), from -1 to 1,
            whose output is a softmax of so many classes. `choices` are one
            value by each name.
        only_if: By name, on which values of an earlier name a choice depends:
            `{"rate": {"dropout": [True]}}`. Where the other has none of
            these values, or is not used itself, `build` is given no such
            choice. Default: all are used.

    Raises:
        ValueError: A choice has no values or others than these, a condition
            names none of the choices before its own, or `build` cannot be
            called.

    Example:

    >>> networks = ChoiceNetworks(
    ...     {"head": ["dense", "conv"], "rate": [0.2, 0.5]},
    ...     build=print,
    ...     only_if={"rate": {"head": ["dense"]}},
    ... )
    >>> networks.used({"head": "conv", "rate": 0.5})
    {'head': 'conv'}
    """

    def __init__(
        self,
        choices: Mapping[str, Sequence[Value]],
        build: Build,
        only_if: Mapping[str, Mapping[str, Sequence[Value]]] | None = None,
    ) -> None:
        if not isinstance(choices, Mapping) or not (
            1 <= len(choices) <= MAX_CHOICES
        ):
            raise ValueError(
                "Invalid value for argument `choices`. Expected a dict of 1 to "
                f"{MAX_CHOICES:,} names, each with a list of values. "
                f"Received: choices={quoted(choices)}."
            )
        for name, values in choices.items():
            _check_values(name, values)
        if not callable(build):
            raise ValueError(
                "Invalid value for argument `build`. Expected a function of "
                "the choices, the shape of the images and the number of "
                f"classes. Received: build={quoted(build)}."
            )
        conditions = {} if only_if is None else only_if
        if not isinstance(conditions, Mapping) or not all(
            isinstance(each, Mapping)
            and all(
                isinstance(values, list | tuple) for values in each.values()
            )
            for each in conditions.values()
        ):
            raise ValueError(
                "Invalid value for argument `only_if`. Expected by name a dict "
                "of other names, each with a list of values. Received: "
                f"only_if={quoted(only_if)}."
            )
        self.choices = {name: tuple(each) for name, each in choices.items()}
        self.build = build
        self.only_if = {
            name: {other: list(values) for other, values in each.items()}
            for name, each in conditions.items()
        }
        for name, wanted in self.only_if.items():
            self._check_conditions(name, wanted)

    def _check_conditions(
        self, name: str, conditions: Mapping[str, Sequence[Value]]
    ) -> None:
        names = list(self.choices)
        before = names[: names.index(name)] if name in names else []
        for other, values in conditions.items():
            if (
                other not in before
                or not values
                or not all(
                    is_among(value, self.choices[other]) for value in values
                )
            ):
                raise ValueError(
                    "Invalid value for argument `only_if`. Expected for a name "
                    "values of names before it. Received: "
                    f"{name!r} only if {other!r} is one of {quoted(values)}."
                )

    def used(self, choices: Mapping[str, Value]) -> dict[str, Value]:
        """The choices whose conditions hold."""
        used: dict[str, Value] = {}
        for name, value in choices.items():
            if all(
                other in used and is_among(used[other], values)
                for other, values in self.only_if.get(name, {}).items()
            ):
                used[name] = value
        return used

    @functools.cached_property
    def location(self) -> str | None:
        """Where these stand as "module:attribute", by which other processes
        find them; None if they stand in no module."""
        return find_location(
            self, getattr(self.build, "__module__", None) or ""
        )


@dataclass(frozen=True)
class ChosenNetwork:
    """A network of `ChoiceNetworks`.

    Args:
        networks: Where these stand, "module:attribute".
        choices: Names and values, in order.
        unused: The names that are not used, by the conditions.
    """

    networks: str
    choices: tuple[tuple[str, Value], ...]
    unused: tuple[str, ...] = ()

    @property
    def used(self) -> dict[str, Value]:
        """What `build` is given."""
        return {
            name: value
            for name, value in self.choices
            if name not in self.unused
        }


def _check_values(name: Any, values: Any) -> None:
    if (
        not isinstance(name, str)
        or not name
        or not isinstance(values, list | tuple)
        or not 1 <= len(values) <= MAX_CHOICES
        or not all(type(value) in TYPES for value in values)
        or not all(math.isfinite(v) for v in values if type(v) is float)
        or len(set(map(str, values))) < len(values)
    ):
        raise ValueError(
            "Invalid value for argument `choices`. Expected by name a list of "
            "texts, finite numbers or booleans, each once. Received: "
            f"{quoted(name)}: {quoted(values)}."
        )


def is_among(value: Value, values: Sequence[Value]) -> bool:
    """True is no 1 here."""
    return any(
        value == each and isinstance(value, bool) == isinstance(each, bool)
        for each in values
    )
