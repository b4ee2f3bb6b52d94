"""A line that a few disturbed measurements do not turn: `robust_line`.

The estimator of Theil (1950) and Sen (1968).
"""

import statistics
from collections.abc import Sequence
from itertools import combinations


def robust_line(
    xs: Sequence[float], ys: Sequence[float]
) -> tuple[float, float]:
    """The median of the slopes between two points, and of what is then left.

    Args:
        xs: Of two points or more.
        ys: One for each.

    Returns:
        The offset and the slope.

    Raises:
        ValueError: All points have one x.

    Example:

    >>> robust_line([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 99.0, 7.0])
    (1.0, 2.0)
    """
    slopes = [
        (y_2 - y_1) / (x_2 - x_1)
        for (x_1, y_1), (x_2, y_2) in combinations(zip(xs, ys, strict=True), 2)
        if x_1 != x_2
    ]
    if not slopes:
        raise ValueError(
            "Invalid value for argument `xs`. Expected numbers that differ. "
            f"Received: xs={list(xs)}."
        )
    slope = statistics.median(slopes)
    rest = (y - slope * x for x, y in zip(xs, ys, strict=True))
    return statistics.median(rest), slope
