"""A line that gives the seconds of a network from the sum of the seconds of its
parts: `fitted_line`."""

import statistics
from collections.abc import Sequence

from scipy.stats import theilslopes


def fitted_line(
    totals: Sequence[float], measured: Sequence[float]
) -> tuple[float, float]:
    """The offset and the scale of a line. A few disturbed measurements hardly
    change it.

    Args:
        totals: For each network, the sum of the seconds of its parts.
        measured: The measured seconds of each network.

    Raises:
        ValueError: There are fewer than two networks, or networks of slower
            parts were faster.

    Example:

    >>> fitted_line([1.0, 2.0, 3.0], [2.5, 4.5, 6.5])
    (0.5, 2.0)
    """
    if len(totals) < 2:
        raise ValueError(
            "Expected two networks or more to fit a line to. Received: "
            f"{len(totals)}."
        )
    scale, offset, *_ = theilslopes(measured, totals, method="joint")
    if not scale > 0:
        raise ValueError(
            "The measurements contradict each other: networks of slower "
            "operations were not slower. Expected an idle machine, or more "
            f"and different networks. Received: {len(totals)} networks."
        )
    if offset < 0:
        # No network takes less than nothing: the line from the origin.
        pairs = zip(measured, totals, strict=True)
        return 0.0, float(statistics.median(y / x for y, x in pairs if x))
    return float(offset), float(scale)
