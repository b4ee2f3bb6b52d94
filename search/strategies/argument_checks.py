"""The checks of a strategy's settings."""

import math
import numbers
from typing import Any


def check_number(
    name: str,
    value: Any,
    *,
    least: float,
    most: float = math.inf,
    integer: bool = False,
) -> None:
    """Raises:
    ValueError: The value is no number, or no integer where it is to be
        one, or out of range.
    """
    expected = numbers.Integral if integer else numbers.Real
    if not isinstance(value, expected) or not least <= float(value) <= most:
        kind = "an integer" if integer else "a number"
        end = "" if math.isinf(most) else f" to {most}"
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected {kind} from "
            f"{least}{end}. Received: {name}={value!r}."
        )


def check_flag(name: str, value: Any) -> None:
    """Raises:
    ValueError: The value is neither True nor False.
    """
    if not isinstance(value, bool):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected True or False. "
            f"Received: {name}={value!r}."
        )
