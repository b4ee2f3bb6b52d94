"""The check of a strategy's numbers."""

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
