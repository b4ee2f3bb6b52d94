"""Charts as data for a page: axes with round numbers, and paths in percent of
the plot, so that a picture fills whatever room the page gives it.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.ticker import EngFormatter, MaxNLocator

Point = tuple[float, float]

INTERVALS = 5  # of an axis, about
MAX_DOTS = 2000  # of a curve; more would hide each other
PREFIXED = 1000  # the least tick that is written with a prefix


@dataclass(frozen=True)
class Axis:
    """An axis from its first tick to its last.

    Attributes:
        label: What the axis measures.
        ticks: Round numbers, evenly spaced, that enclose all values.
    """

    label: str
    ticks: tuple[float, ...]

    @classmethod
    def around(cls, label: str, values: Iterable[float]) -> "Axis":
        """The axis that shows all the values, of which there is one at
        least."""
        values = list(values)
        low, high = min(values), max(values)
        if math.isclose(low, high):
            margin = abs(low) / 10 or 1.0
            low, high = low - margin, high + margin
        found = MaxNLocator(INTERVALS, steps=(1, 2, 5, 10)).tick_values(
            low, high
        )
        return cls(label, tuple(float(f"{tick:.12g}") for tick in found))

    def percent(self, value: float) -> float:
        """How far along the axis the value lies, in percent."""
        low, high = self.ticks[0], self.ticks[-1]
        return round(100 * (value - low) / (high - low), 2)

    @property
    def marks(self) -> list[tuple[float, str]]:
        """The percent and the text of each tick."""
        return [
            (self.percent(tick), text)
            for tick, text in zip(
                self.ticks, tick_texts(self.ticks), strict=True
            )
        ]


@dataclass(frozen=True)
class Curve:
    """The points and lines of one run in a chart.

    Attributes:
        label: The run's name.
        dots: A point for each trial.
        steps: The corners of a line that goes along and then up.
        marks: Points with labels, each with its text.
    """

    label: str
    dots: Sequence[Point]
    steps: Sequence[Point]
    marks: Sequence[tuple[Point, str]] = ()


@dataclass(frozen=True)
class Chart:
    """Curves on two axes."""

    x: Axis
    y: Axis
    curves: Sequence[Curve]

    @classmethod
    def of(cls, x_label: str, y_label: str, curves: Sequence[Curve]) -> "Chart":
        """The chart of these curves, one of which has a dot."""
        points = [
            point
            for curve in curves
            for point in itertools.chain(curve.dots, curve.steps)
        ]
        x = Axis.around(x_label, (x for x, _ in points))
        y = Axis.around(y_label, (y for _, y in points))
        return cls(x, y, curves)

    def percents(self, point: Point) -> Point:
        """Where a point lies, in percent from the left and from the top."""
        return self.x.percent(point[0]), round(
            100 - self.y.percent(point[1]), 2
        )

    @property
    def thinned(self) -> bool:
        """Whether some dots are left out."""
        return any(len(curve.dots) > MAX_DOTS for curve in self.curves)

    def dots_path(self, curve: Curve) -> str:
        """The dots as SVG path data: lines of no length, which round ends
        make visible; of many dots every k-th."""
        every = math.ceil(len(curve.dots) / MAX_DOTS) or 1
        percents = map(self.percents, curve.dots[::every])
        return "".join(f"M{x:g} {y:g}h0" for x, y in percents)

    def steps_path(self, curve: Curve) -> str:
        """The line as SVG path data."""
        percents = [self.percents(point) for point in curve.steps]
        start = "".join(f"M{x:g} {y:g}" for x, y in percents[:1])
        return start + "".join(f"H{x:g}V{y:g}" for x, y in percents[1:])


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """Thousands and more by a prefix: 500k, 1M, 1.5M; smaller ticks with the
    decimals that tell them apart: 0.25, 0.30."""
    if max(map(abs, ticks)) >= PREFIXED:
        return list(map(EngFormatter(sep=""), ticks))
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0])))
    return [f"{tick:.{decimals}f}" for tick in ticks]
