"""The checks of a strategy's settings."""

import numbers
from typing import Any

from nasnet_keras.quotation import quoted

LARGEST = 10**18


def check_number(
    name: str,
    value: Any,
    *,
    least: float,
    most: float = LARGEST,
    integer: bool = False,
) -> None:
    """Raises:
    ValueError: The value is no number, or no integer where it is to be
        one, or out of range.
    """
    expected: Any = numbers.Integral if integer else numbers.Real
    fits = isinstance(value, expected) and not isinstance(value, bool)
    if not fits or not least <= value <= most:
        kind = "an integer" if integer else "a number"
        end = "" if most == LARGEST else f" to {most}"
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected {kind} from "
            f"{least}{end}. Received: {name}={quoted(value)}."
        )


def check_flag(name: str, value: Any) -> None:
    """Raises:
    ValueError: The value is neither True nor False.
    """
    if not isinstance(value, bool):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected True or False. "
            f"Received: {name}={quoted(value)}."
        )
