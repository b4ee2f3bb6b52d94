"""A graph as a picture, a column of boxes: `draw_graph`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyBboxPatch, PathPatch
from matplotlib.path import Path

from nasnet_keras.drawing.draw import (
    FAMILY_COLOURS,
    INK,
    LINE_WIDTH,
    PAPER,
    RESOLUTION,
    STATE_COLOURS,
    TEXT,
    NotebookFigure,
)

# In inches.
WIDTH, HEIGHT, GAP, MARGIN = 1.3, 0.3, 0.22, 0.3  # of the boxes
ROUNDING = 0.05  # of their corners
REACH, WIDER = 0.25, 0.11  # of an arc, and more a box that it passes


class GraphBox(NamedTuple):
    """A box of the column.

    Attributes:
        label: What stands in it.
        reads: The boxes below it that it reads, by their place.
        operation: By which it has its colour, see `FAMILY_COLOURS`; empty for
            none.
    """

    label: str
    reads: Sequence[int] = ()
    operation: str = ""


def draw_graph(boxes: Sequence[GraphBox]) -> Figure:
    """A column of boxes as figure 7 of Zoph and Le (2017) has them, the first
    below.

    What is read from the box just below is a short line, all else an arc on
    the right, the wider the farther; what the last box reads from farther
    below, on the left. A line has the colour of the box that it comes from.

    Example:

    >>> boxes = [GraphBox("image"), GraphBox("3x3", (0,), "conv_3x3")]
    >>> len(draw_graph(boxes).axes)
    1
    """
    top = len(boxes) - 1
    lines = [
        (source, number)
        for number, box in enumerate(boxes)
        for source in box.reads
    ]
    left = max((_reach(*line) for line in lines if line[1] == top), default=0.0)
    right = max((_reach(*line) for line in lines if line[1] < top), default=0.0)
    width = 2 * MARGIN + left + WIDTH + right
    height = 2 * MARGIN + HEIGHT * (top + 1) + GAP * top
    figure = NotebookFigure(
        figsize=(width, height), dpi=RESOLUTION, facecolor=PAPER
    )
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    # The boxes' left edge is at 0.
    axes.set(xlim=(-MARGIN - left, WIDTH + right + MARGIN))
    axes.set(ylim=(-MARGIN, height - MARGIN))
    axes.set_axis_off()
    for source, target in lines:
        _draw_line(axes, source, target, on_the_left=target == top)
    for number, box in enumerate(boxes):
        _draw_box(axes, number, box)
    return figure


def draw_edges(
    edges: Mapping[tuple[int, int], str],
    joint: str,
    identities: Iterable[str],
    nodes: Iterable[int],
) -> Figure:
    """A graph with operations on its edges, from the input of the first node
    to the output of the last. A node between that nothing reaches is left out,
    and what reads it.

    Args:
        edges: By source and node the operation on the edge.
        joint: How a node joins what reaches it, such as `"add"`.
        identities: The operations that are a line and no box.
        nodes: The numbers of the nodes, in their order.
    """
    first, *others = nodes
    boxes, places = [GraphBox("input")], {first: 0}
    for node in others:
        reads = []
        for (source, to), operation in sorted(edges.items()):
            if to != node or source not in places:
                continue
            place = places[source]
            if operation not in identities:
                boxes.append(GraphBox(operation, (place,), operation))
                place = len(boxes) - 1
            reads.append(place)
        if not reads and node != others[-1]:
            continue
        boxes.append(GraphBox(f"{node}:  {joint}", reads))
        places[node] = len(boxes) - 1
    return draw_graph(boxes)


def _reach(source: int, target: int) -> float:
    """How far a line leaves the column."""
    return (target - source > 1) * (REACH + WIDER * (target - source))


def _bottom(number: int) -> float:
    return number * (HEIGHT + GAP)


def _draw_line(axes: Axes, source: int, target: int, on_the_left: bool) -> None:
    below, above = _bottom(source) + HEIGHT, _bottom(target)
    path = Path([(WIDTH / 2, below), (WIDTH / 2, above)])
    if target - source > 1:
        side, sign = (0.0, -1) if on_the_left else (WIDTH, 1)
        # A curve goes three quarters of the way to its control points.
        out = side + sign * _reach(source, target) * 4 / 3
        low, high = below - HEIGHT / 3, above + HEIGHT / 3
        path = Path(
            [(side, low), (out, low), (out, high), (side, high)],
            [Path.MOVETO] + [Path.CURVE4] * 3,
        )
    colour = STATE_COLOURS[source % len(STATE_COLOURS)]
    axes.add_patch(
        PathPatch(path, fill=False, edgecolor=colour, linewidth=LINE_WIDTH)
    )


def _draw_box(axes: Axes, number: int, box: GraphBox) -> None:
    colour = next(
        (
            colour
            for family, colour in FAMILY_COLOURS.items()
            if family in box.operation
        ),
        PAPER,
    )
    axes.add_patch(
        FancyBboxPatch(
            (ROUNDING, _bottom(number) + ROUNDING),
            WIDTH - 2 * ROUNDING,
            HEIGHT - 2 * ROUNDING,
            boxstyle=BoxStyle.Round(pad=ROUNDING),
            facecolor=colour,
            edgecolor=INK,
            linewidth=LINE_WIDTH,
        )
    )
    middle = _bottom(number) + HEIGHT / 2
    axes.text(WIDTH / 2, middle, box.label, **TEXT)
