"""The picture of a network given layer by layer: `draw`."""

from typing import TYPE_CHECKING

from nasnet_keras.kinds.layerwise.architecture import (
    ConvolutionLayer,
    LayerwiseArchitecture,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In inches.
WIDTH, HEIGHT, GAP, MARGIN = 1.3, 0.3, 0.22, 0.3  # of the boxes
ROUNDING = 0.05  # of their corners
REACH, WIDER = 0.25, 0.11  # of an arc, and more a layer that it passes


def draw(architecture: LayerwiseArchitecture) -> "Figure":
    """A column of layers as figure 7 of the paper has them, the image below.

    What is read from the box just below is a short line, all else an arc on
    the right, the wider the farther; what the classifier reads from farther
    below, on the left. A line has the colour of the layer that it comes from.
    """
    from nasnet_keras.drawing.draw import PAPER, RESOLUTION, NotebookFigure

    top = len(architecture.layers) + 1
    lines = [
        (source, number)
        for number, layer in enumerate(architecture.layers, start=1)
        for source in layer.reads or (0,)
    ]
    heads = [(source, top) for source in architecture.outputs]
    left, right = (
        max((_reach(*line) for line in side), default=0.0)
        for side in (heads, lines)
    )
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
    for source, target in lines + heads:
        _draw_line(axes, source, target, on_the_left=target == top)
    for number, layer in enumerate(architecture.layers, start=1):
        _draw_box(axes, number, f"{number}:  {label(layer)}", is_layer=True)
    _draw_box(axes, 0, "image")
    _draw_box(axes, top, "classifier")
    return figure


def _reach(source: int, target: int) -> float:
    """How far a line leaves the column."""
    return (target - source > 1) * (REACH + WIDER * (target - source))


def _bottom(number: int) -> float:
    return number * (HEIGHT + GAP)


def _draw_line(
    axes: "Axes", source: int, target: int, on_the_left: bool
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    from nasnet_keras.drawing.draw import LINE_WIDTH, STATE_COLOURS

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


def _draw_box(
    axes: "Axes", number: int, label: str, is_layer: bool = False
) -> None:
    from matplotlib.patches import BoxStyle, FancyBboxPatch

    from nasnet_keras.drawing import draw

    colour = draw.FAMILY_COLOURS["conv"] if is_layer else draw.PAPER
    box = FancyBboxPatch(
        (ROUNDING, _bottom(number) + ROUNDING),
        WIDTH - 2 * ROUNDING,
        HEIGHT - 2 * ROUNDING,
        boxstyle=BoxStyle.Round(pad=ROUNDING),
        facecolor=colour,
        edgecolor=draw.INK,
        linewidth=draw.LINE_WIDTH,
    )
    axes.add_patch(box)
    middle = _bottom(number) + HEIGHT / 2
    axes.text(WIDTH / 2, middle, label, **draw.TEXT)


def label(layer: ConvolutionLayer) -> str:
    """A convolution in a few letters: `7x5, 48`."""
    height, width = layer.kernel_size
    text = f"{height}x{width}, {layer.filters}"
    if layer.strides != (1, 1):
        text += f" / {layer.strides[0]}x{layer.strides[1]}"
    return text
