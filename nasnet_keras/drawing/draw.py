"""Cells as pictures: `draw_cell`, `draw_genotype`.

matplotlib draws them: no `dot` program is needed, and pyplot is left alone,
so that no figure stays open and no setting changes.
"""

import io
import re
from collections.abc import Sequence
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from matplotlib.transforms import Affine2D, Transform

from nasnet_keras.drawing.layout import Box, CellLayout, Line, lay_out
from nasnet_keras.files import check_path
from nasnet_keras.genotype import CellSpec, Genotype
from nasnet_keras.quotation import quoted

FORMATS = (".png", ".svg")
RESOLUTION = 150  # of a PNG, pixels an inch
MARGIN = CELL_GAP = TITLE_HEIGHT = 0.4  # inch
LINE_WIDTH = 1.1  # points
NUMBER_GAP = 0.05  # inch
LETTER_WIDTH = 0.1  # inch, of a title

# By a part of the operation's name; the first that is in it counts.
FAMILY_COLOURS = {
    "identity": "#eeeeee",
    "none": "#ffffff",
    "sep_conv": "#fbd9b5",
    "dil": "#f5c6d0",
    "conv": "#fdf1b8",
    "avg_pool": "#cfe8d5",
    "max_pool": "#c6dff2",
}
PAPER, INK = "#ffffff", "#3c3c3c"
TEXT: dict[str, Any] = {
    "fontfamily": "DejaVu Sans",  # comes with matplotlib
    "math_fontfamily": "dejavusans",
    "fontsize": 8.5,
    "linespacing": 1.05,
    "horizontalalignment": "center",
    "verticalalignment": "center",
    "color": INK,
}
TITLE = TEXT | {"fontsize": 11}
NUMBER = TEXT | {"fontsize": 6.5, "horizontalalignment": "left"}
# By the number of the hidden state; as many as a cell can have.
STATE_COLOURS = (
    "#1f5f99",
    "#c9571a",
    "#5f5f5f",
    "#2e8b57",
    "#8a4fa3",
    "#9c7420",
    "#b8325e",
    "#2f8f9d",
    "#6f7d1f",
    "#7a4a35",
    "#5b63c9",
    "#d0679d",
)
# Of the corners, in inches, by the kind of box.
ROUNDING = {
    "input": 0.16,
    "operation": 0.05,
    "combiner": 0.11,
    "concat": 0.05,
    "output": 0.16,
}


class NotebookFigure(Figure):
    """A figure that a notebook shows by itself."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def draw_cell(
    spec: CellSpec,
    path: str | PathLike[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws a cell as the paper's figure 4 does: the inputs at the bottom,
    blocks of two operations above, the concatenation on top.

    A line has the colour of the hidden state that it carries, whose number
    in the genotype stands beside it.

    Args:
        spec: The cell.
        path: Where to write the picture, an `.svg` or a `.png` file; None
            to write none.
        title: What to write below the cell.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ValueError: It is no cell, or no picture can be written to the path.

    Example:

    >>> from nasnet_keras import NASNET_A
    >>> figure = draw_cell(NASNET_A.normal, "normal.svg")
    """
    if not isinstance(spec, CellSpec):
        raise ValueError(
            "Invalid value for argument `spec`. Expected a cell, such as "
            "`genotype.normal`; `draw_genotype` draws both. Received: "
            f"spec={quoted(spec)}."
        )
    return _draw([(spec, title)], path)


def draw_genotype(
    genotype: Genotype, path: str | PathLike[str] | None = None
) -> Figure:
    """Draws the normal and the reduction cell beside each other.

    Args:
        genotype: The genotype.
        path: As in `draw_cell`.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ValueError: It is no genotype, or no picture can be written to the
            path.
    """
    if not isinstance(genotype, Genotype):
        raise ValueError(
            "Invalid value for argument `genotype`. Expected a genotype, such "
            "as `NASNET_A`; `draw_cell` draws one cell. Received: "
            f"genotype={quoted(genotype)}."
        )
    cells = [
        (genotype.normal, "Normal cell"),
        (genotype.reduction, "Reduction cell"),
    ]
    return _draw(cells, path)


def _draw(
    cells: Sequence[tuple[CellSpec, str | None]],
    path: str | PathLike[str] | None,
) -> Figure:
    if path is not None:
        check_picture(path)
    layouts = [lay_out(spec) for spec, _ in cells]
    widths = [
        max(layout.right - layout.left, LETTER_WIDTH * len(title or ""))
        for layout, (_, title) in zip(layouts, cells, strict=True)
    ]
    width = 2 * MARGIN + CELL_GAP * (len(cells) - 1) + sum(widths)
    below = MARGIN + TITLE_HEIGHT * any(title for _, title in cells)
    height = below + max(layout.height for layout in layouts) + MARGIN

    figure = NotebookFigure(figsize=(width, height), dpi=RESOLUTION)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0.0, width), ylim=(0.0, height))  # in inches
    axes.set_axis_off()
    start = MARGIN
    for (_, title), layout, room in zip(cells, layouts, widths, strict=True):
        middle = start + room / 2 - (layout.left + layout.right) / 2
        place = Affine2D().translate(middle, below) + axes.transData
        _draw_layout(axes, layout, title, place)
        start += room + CELL_GAP
    if path is not None:
        save_figure(figure, Path(path))
    return figure


def _draw_layout(
    axes: Axes, layout: CellLayout, title: str | None, place: Transform
) -> None:
    for line in layout.lines:
        patch = PathPatch(
            _curve(line),
            fill=False,
            edgecolor=_colour(line.state),
            linewidth=LINE_WIDTH,
            transform=place,
        )
        axes.add_patch(patch)
    for box in layout.boxes:
        axes.add_patch(_frame(box, place))
        middle = box.y + box.height / 2
        axes.text(box.x, middle, _label(box), transform=place, **TEXT)
        if box.state is not None:
            style = NUMBER | {"color": _colour(box.state)}
            right = box.x + box.width / 2 + NUMBER_GAP
            axes.text(right, middle, str(box.state), transform=place, **style)
    if title:
        middle = (layout.left + layout.right) / 2
        axes.text(middle, -TITLE_HEIGHT, title, transform=place, **TITLE)


def _curve(line: Line) -> Curve:
    """Straight where the line is upright or within a block; otherwise it
    leaves and arrives upright."""
    points = [line.points[0]]
    codes = [Curve.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(line.points):
        if x0 == x1 or line.state is None:
            codes.append(Curve.LINETO)
        else:
            middle = (y0 + y1) / 2
            points += [(x0, middle), (x1, middle)]
            codes += [Curve.CURVE4] * 3
        points.append((x1, y1))
    return Curve(points, codes)


def _frame(box: Box, place: Transform) -> FancyBboxPatch:
    colours = [
        colour
        for family, colour in FAMILY_COLOURS.items()
        if box.kind == "operation" and box.label.startswith(family)
    ]
    rounding = ROUNDING[box.kind]
    return FancyBboxPatch(
        (box.x - box.width / 2 + rounding, box.y + rounding),
        box.width - 2 * rounding,
        box.height - 2 * rounding,
        boxstyle=BoxStyle.Round(pad=rounding),
        facecolor=colours[0] if colours else PAPER,
        edgecolor=INK,
        linewidth=LINE_WIDTH,
        transform=place,
    )


def _label(box: Box) -> str:
    if box.kind in ("input", "output"):
        return f"${box.label}$"
    if box.kind == "concat":
        return "filter concatenation"
    # As "sep_conv_3x3": what it is, on a line, and its size, on the next.
    parts = re.fullmatch(r"(.+?)(?:_conv|_pool)?((?:_\d+x\d+)*)", box.label)
    words = parts.groups() if parts else (box.label,)
    return "\n".join(
        word.strip("_").replace("_", " ") for word in words if word
    )


def _colour(state: int | None) -> str:
    return INK if state is None else STATE_COLOURS[state % len(STATE_COLOURS)]


def check_picture(path: Any) -> None:
    """Raises:
    ValueError: No picture can be written to the path.
    """
    check_path("path", path)
    if Path(path).suffix.lower() not in FORMATS:
        raise ValueError(
            "Invalid value for argument `path`. Expected a file that ends in "
            f"{' or '.join(FORMATS)}. Received: path={quoted(str(path))}."
        )
    if not Path(path).absolute().parent.is_dir():
        raise ValueError(
            "Invalid value for argument `path`. Expected a file in a folder "
            f"that is there. Received: path={quoted(str(path))}."
        )


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a picture, an `.svg` or a `.png` file by its ending; the same
    picture gives the same bytes."""
    suffix = path.suffix.lower()
    with matplotlib.rc_context(
        {"svg.hashsalt": "nasnet-keras", "svg.fonttype": "path"}
    ):
        figure.savefig(
            path,
            format=suffix[1:],
            metadata={"Date": None} if suffix == ".svg" else None,
        )
