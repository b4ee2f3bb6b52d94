"""The picture of a mobile network: `draw`."""

from typing import TYPE_CHECKING

from nasnet_keras.kinds.mobile.architecture import (
    IDENTITY,
    MobileArchitecture,
    MobileBlock,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# In inches.
HEIGHT, GAP, MARGIN = 0.3, 0.16, 0.3
WIDTH, LEFT = 3.6, 0.7  # of a box, and of what is said beside it
ROUNDING = 0.05

# Operator -> the family of operations whose colour it has.
FAMILIES = {
    "convolution": "conv",
    "separable": "sep_conv",
    "inverted_residual_3": "avg_pool",
    "inverted_residual_6": "max_pool",
    IDENTITY: "identity",
}


def label(block: MobileBlock) -> str:
    """A block in a few words: `inverted residual 6, 5x5, 40 / 2, squeeze
    0.25, pool`."""
    side = block.kernel_size
    filters = (
        f"{block.filters} / {block.strides}"
        if block.strides > 1
        else f"{block.filters}"
    )
    if block.operator == IDENTITY:
        return f"{IDENTITY}, {filters}"
    words = [block.operator.replace("_", " "), f"{side}x{side}", filters]
    if block.squeeze_ratio:
        words.append(f"squeeze {block.squeeze_ratio:g}")
    if block.skip != "identity":
        words.append("no skip" if block.skip == "none" else block.skip)
    return ", ".join(words)


def draw(architecture: MobileArchitecture) -> "Figure":
    """A column of blocks, the image below; beside each, how often it is
    repeated."""
    from matplotlib.patches import BoxStyle, FancyBboxPatch

    from nasnet_keras.drawing import draw

    rows = [
        ("image", "", draw.PAPER),
        (
            f"3x3, {architecture.stem_filters}"
            + (" / 2" if architecture.stem_strides > 1 else ""),
            "",
            draw.FAMILY_COLOURS["conv"],
        ),
        *(
            (
                label(block),
                f"x {block.layers}" if block.layers > 1 else "",
                draw.FAMILY_COLOURS[FAMILIES[block.operator]],
            )
            for block in architecture.blocks
        ),
        (f"1x1, {architecture.head_filters}", "", draw.FAMILY_COLOURS["conv"]),
        ("classifier", "", draw.PAPER),
    ]
    height = 2 * MARGIN + len(rows) * (HEIGHT + GAP) - GAP
    width = 2 * MARGIN + LEFT + WIDTH
    figure = draw.NotebookFigure(
        figsize=(width, height), dpi=draw.RESOLUTION, facecolor=draw.PAPER
    )
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-MARGIN - WIDTH / 2, WIDTH / 2 + LEFT + MARGIN))
    axes.set(ylim=(-MARGIN, height - MARGIN))
    axes.set_axis_off()
    for number, (text, beside, colour) in enumerate(rows):
        bottom = number * (HEIGHT + GAP)
        if number:
            axes.plot(
                [0, 0],
                [bottom - GAP, bottom],
                color=draw.INK,
                linewidth=draw.LINE_WIDTH,
            )
        axes.add_patch(
            FancyBboxPatch(
                (ROUNDING - WIDTH / 2, bottom + ROUNDING),
                WIDTH - 2 * ROUNDING,
                HEIGHT - 2 * ROUNDING,
                boxstyle=BoxStyle.Round(pad=ROUNDING),
                facecolor=colour,
                edgecolor=draw.INK,
                linewidth=draw.LINE_WIDTH,
            )
        )
        axes.text(0, bottom + HEIGHT / 2, text, **draw.TEXT)
        axes.text(
            WIDTH / 2 + LEFT / 3, bottom + HEIGHT / 2, beside, **draw.TEXT
        )
    return figure
