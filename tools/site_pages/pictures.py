"""The pictures of the site, drawn by the project's own functions, and the
pages that show them all."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nasnet_keras.architectures import find_kind
from nasnet_keras.drawing.draw import save_figure
from nasnet_keras.network.skeletons import plan_cells
from zoo.preset import Preset
from zoo.presets import PRESETS

NORMAL, REDUCTION, STEM = "#cfe8d5", "#fbd9b5", "#c6dff2"
REPEATS, FILTERS, SIZE, RATE = 6, 32, 32, 0.4  # NASNet-A (6 @ 768)


@cache
def pictures() -> dict[str, bytes]:
    """All pictures, SVG, by their place on the site."""
    drawn = {
        "pictures/stack.svg": stack(),
        "pictures/drop_path.svg": drop_path(),
    }
    for name, preset in cells().items():
        for part, figure in _drawn(preset).items():
            drawn[f"pictures/{name}_{part}.svg"] = figure
    return {place: _svg(figure) for place, figure in drawn.items()}


def cells() -> dict[str, Preset]:
    """The first preset of each architecture that has a picture."""
    found: dict[str, Preset] = {}
    for name, preset in PRESETS.items():
        known = [other.architecture for other in found.values()]
        if preset.architecture not in known:
            found[name] = preset
    return found


def gallery_page() -> str:
    """The page of all architectures of the zoo."""
    return "\n".join(_gallery())


def _gallery() -> Iterator[str]:
    yield (
        "# Gallery: architectures\n\n"
        "Every architecture of the zoo, drawn by `zoo.plot_cell` or by the "
        "`pictures` of its kind. In a cell, inputs are at the bottom and the "
        "output is on top. A line has the colour of the hidden state that it "
        "carries. The number beside a line is the number of that state in "
        "the genotype.\n"
    )
    for name, preset in cells().items():
        yield f"## {preset.title}\n"
        yield f"`{name}`, published in {_source(preset.published.source)}.\n"
        for part in _drawn(preset):
            yield f"![{preset.title}, {part}](pictures/{name}_{part}.svg)\n"


def _source(text: str) -> str:
    return f"<{text}>" if " " not in text else text.replace(",", " ,", 1)


def _drawn(preset: Preset) -> dict[str, Figure]:
    return find_kind(preset.kind).pictures(preset.architecture)


def stack() -> Figure:
    """The cells of a network, from the image to the classes: a box
    is as high as the feature map, its number is the filters."""
    plan = plan_cells(REPEATS, FILTERS)
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.subplots()
    size, left = SIZE, 1.2
    boxes = [("stem", STEM, SIZE, 3 * FILTERS)]
    for cell in plan:
        size //= cell.strides
        colour = REDUCTION if cell.reduction else NORMAL
        boxes.append((cell.name, colour, size, cell.filters))
    for _, colour, side, filters in boxes:
        axes.bar(left, side, 0.8, -side / 2, color=colour, edgecolor="#3c3c3c")
        axes.text(left, -SIZE / 2 - 4, str(filters), ha="center", fontsize=7)
        left += 1
    axes.text(0, 0, "image", ha="center", va="center", fontsize=8)
    axes.text(left + 0.3, 0, "classes", ha="center", va="center", fontsize=8)
    for colour, label in (
        (STEM, "stem: a convolution"),
        (NORMAL, "normal cell"),
        (REDUCTION, "reduction cell: halves height and width"),
    ):
        axes.bar(0, 0, color=colour, edgecolor="#3c3c3c", label=label)
    axes.set(xlim=(-0.8, left + 1.2), ylim=(-SIZE / 2 - 7, SIZE / 2 + 12))
    axes.legend(loc="upper center", ncols=3, frameon=False, fontsize=8)
    axes.set_axis_off()
    return figure


def drop_path() -> Figure:
    """The probability to drop a path, by the depth of the cell and by the
    share of the training that is over."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    depths = range(1, len(plan_cells(REPEATS, FILTERS)) + 1)
    for share in (0.25, 0.5, 1.0):
        rates = [share * RATE * depth / len(depths) for depth in depths]
        axes.plot(depths, rates, "o-", label=f"{share:.0%} of the steps")
    axes.set(
        xlabel="cell, counted from the image",
        ylabel="probability to drop a path",
        ylim=(0, None),
    )
    axes.legend(frameon=False)
    return figure


def _svg(figure: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        save_figure(figure, path)
        return path.read_bytes()
