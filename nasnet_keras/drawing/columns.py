"""How far to the right the parts of a cell's picture go: `columns`.

A layered drawing (Sugiyama, Tagawa and Toda, 1981, https://doi.org/10.1109/
TSMC.1981.4308636) with two parts in one: the mean place of what a part is
joined to orders a row and says where in it the part wants to be.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import accumulate, combinations
from statistics import fmean

from scipy.optimize import isotonic_regression

SWEEPS = 60
STRAIGHTNESS = 6  # how much more a hidden state's own lane is to be straight

# A hidden state where it comes by a row: in its block, or in a lane.
Place = tuple[int, int]  # row, state
Joint = tuple[Place, Place]  # in one row, and in the row above


def columns(
    rows: Sequence[Sequence[Place]],
    widths: Mapping[Place, float],
    joints: Sequence[Joint],
) -> dict[Place, float]:
    """Places the parts of each row side by side, near the parts that lines
    join to them.

    Args:
        rows: The places of each row, from the bottom up.
        widths: The width of each place.
        joints: The pairs of places that a line joins.

    Returns:
        The x of the middle of each place. Of all sweeps up and down, the
        result has the fewest crossings, and then the straightest lines.
    """
    below: dict[Place, list[Place]] = {place: [] for place in widths}
    above: dict[Place, list[Place]] = {place: [] for place in widths}
    for lower, upper in joints:
        below[upper] += [lower] * _weight(lower, upper)
        above[lower] += [upper] * _weight(lower, upper)
    xs = {place: float(place[1]) for place in widths}
    best, least = xs, (sys.maxsize, 0.0)
    for sweep in range(SWEEPS):
        upwards = sweep % 3 != 1
        sides = ((below,), (above,), (below, above))[sweep % 3]
        for row in rows if upwards else reversed(rows):
            wishes = {}
            for place in row:
                joined = [xs[other] for side in sides for other in side[place]]
                wishes[place] = fmean(joined) if joined else xs[place]
            xs = xs | _spread(wishes, widths)
        cost = _cost(xs, joints)
        if cost < least:
            best, least = xs, cost
    return best


def _spread(
    wishes: Mapping[Place, float], widths: Mapping[Place, float]
) -> dict[Place, float]:
    """The places of a row in the order of their wishes, side by side, and
    each as near to its wish as that allows, by least squares: an isotonic
    regression of the wishes, less the room of the places before each."""
    order = sorted(wishes, key=lambda place: wishes[place])
    ends = accumulate(widths[place] for place in order)
    middles = {
        place: end - widths[place] / 2
        for place, end in zip(order, ends, strict=True)
    }
    starts = isotonic_regression(
        [wishes[place] - middles[place] for place in order]
    ).x
    return {
        place: float(start) + middles[place]
        for place, start in zip(order, starts, strict=True)
    }


def _cost(
    xs: Mapping[Place, float], joints: Sequence[Joint]
) -> tuple[int, float]:
    """The crossings, and the ways to the side."""
    crossings = sum(
        (xs[a] - xs[c]) * (xs[b] - xs[d]) < 0
        for (a, b), (c, d) in combinations(joints, 2)
        if a[0] == c[0]
    )
    return crossings, sum(_weight(a, b) * abs(xs[a] - xs[b]) for a, b in joints)


def _weight(lower: Place, upper: Place) -> int:
    return STRAIGHTNESS if lower[1] == upper[1] else 1
