"""Published cells by name, drawn."""

from os import PathLike
from typing import TYPE_CHECKING

from nasnet_keras import published
from nasnet_keras.drawing.draw import draw_genotype
from nasnet_keras.genotype import Genotype
from zoo.preset import find
from zoo.presets import PRESETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# As "nasnet_a", and by the names of the models that are made of them.
CELLS: dict[str, Genotype] = {
    **{
        name.lower(): value
        for name, value in vars(published).items()
        if isinstance(value, Genotype)
    },
    **{
        name: preset.architecture
        for name, preset in PRESETS.items()
        if preset.kind == "nasnet"
    },
}


def plot_cell(name: str, path: str | PathLike[str] | None = None) -> "Figure":
    """Draws the normal and the reduction cell of a published network.

    No `dot` program is needed.

    Args:
        name: A cell such as `"nasnet_a"`, or one of `zoo.list_models()` that
            is made of cells.
        path: Where to write the picture, an `.svg` or a `.png` file; None,
            the default, to write none.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook shows.

    Raises:
        ValueError: There is no such cell, or the path has another ending.

    Example:

    >>> figure = plot_cell("nasnet_a", "nasnet_a.svg")
    """
    genotype = find(CELLS, name, "name", "`zoo.cells.CELLS`")
    return draw_genotype(genotype, path)
