"""What papers print of their networks, side by side: `table`.

The rows are those of `PRESETS` for which a paper gives an accuracy, and
`COMPARED`, what NASNet's paper lists beside its own and the zoo has not, or
has not of that size. Figures are the papers', costs of presets ours.

Neither Keras nor TensorFlow is imported here.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasnet_keras.quotation import quoted
from zoo.preset import Figures, printed_number
from zoo.presets import PRESETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NASNET = "https://arxiv.org/abs/1707.07012"

# Title -> figures, as NASNet's paper lists them.
COMPARED: dict[str, Figures] = {
    "SENet": Figures(f"{_NASNET}, table 2", "145.8M", "42.3B", "82.7 / 96.2"),
    "MobileNet": Figures(f"{_NASNET}, table 3", "4.2M", "569M", "70.6 / 89.5"),
    "ShuffleNet 2x": Figures(
        f"{_NASNET}, table 3", "5M", "524M", "70.9 / 89.8"
    ),
}

# Data set -> what its first figure is called.
_SCORES = {"imagenet": "top-1 accuracy, %", "cifar10": "test error, %"}
# Of a title in the picture, in decades and in percent.
_WIDTH, _HEIGHT = 0.8, 0.45
_COSTS = {"parameters": "parameters", "multiply_adds": "multiply-adds"}


@dataclass(frozen=True)
class Row:
    """A network and what a paper prints of it.

    Attributes:
        name: Of the preset, None if there is none.
        title: The network.
        parameters: The trainable ones; ours of a preset.
        multiply_adds: As `parameters`, None if nobody says.
        score: On ImageNet the top-1 accuracy, on CIFAR-10 the test error
            without cutout, or with it if there is no other, in percent.
        accuracy: All that the paper prints of it.
        source: Where.
    """

    name: str | None
    title: str
    parameters: int
    multiply_adds: int | None
    score: float
    accuracy: str
    source: str

    @property
    def family(self) -> str:
        """The first word of the title, without what tells variants apart."""
        return re.split(r"[-, ]", self.title)[0]


@dataclass(frozen=True)
class Table:
    """The networks of a data set.

    Attributes:
        dataset: `"imagenet"` or `"cifar10"`.
        rows: The best first.
    """

    dataset: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """A table of Markdown."""
        lines: list[Sequence[str]] = [
            ("network", "parameters", "multiply-adds", "published", "source"),
            ("---",) * 5,
        ]
        for row in self.rows:
            products = row.multiply_adds
            lines.append(
                (
                    f"{row.title} (`{row.name}`)" if row.name else row.title,
                    f"{row.parameters / 1e6:.1f}M",
                    f"{products / 1e6:,.0f}M" if products else "–",
                    row.accuracy,
                    row.source,
                )
            )
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def draw(self, path: str | PathLike[str] | None = None) -> "Figure":
        """The score against parameters, and against multiply-adds.

        Args:
            path: Where to write the picture, an `.svg` or a `.png` file; None,
                the default, to write none.

        Returns:
            A `matplotlib.figure.Figure`, which a notebook shows.

        Raises:
            ValueError: No picture can be written to the path.
        """
        from matplotlib import colormaps
        from matplotlib.figure import Figure

        from nasnet_keras.drawing.draw import check_picture, save_figure

        if path is not None:
            check_picture(path)
        figure = Figure(figsize=(12, 5.5), dpi=100, layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        families = dict.fromkeys(row.family for row in self.rows)
        colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
        for panel, (cost, label) in zip(panels, _COSTS.items(), strict=True):
            for number, family in enumerate(families):
                points = [
                    (getattr(row, cost), row.score)
                    for row in self.rows
                    if row.family == family and getattr(row, cost)
                ]
                panel.scatter(
                    [x for x, _ in points],
                    [y for _, y in points],
                    color=colours[number % len(colours)],
                    label=family,
                )
            for title, *place in self._told_apart(cost):
                panel.annotate(
                    title,
                    place,
                    xytext=(5, 3),
                    textcoords="offset points",
                    fontsize=7,
                )
            panel.set(xscale="log", xlabel=label)
            panel.margins(x=0.2)
            panel.grid(alpha=0.3)
        panels[0].set_ylabel(_SCORES[self.dataset])
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside right upper"
        )
        if path is not None:
            save_figure(figure, Path(path))
        return figure

    def _told_apart(self, cost: str) -> list[tuple[str, float, float]]:
        """Title, cost and score of the rows that have room for a title: the
        best among those that are close."""
        kept: list[tuple[str, float, float]] = []
        for row in self.rows:
            x, y = getattr(row, cost), row.score
            if x and not any(
                abs(math.log10(x / other)) < _WIDTH
                and abs(y - beside) < _HEIGHT
                for _, other, beside in kept
            ):
                kept.append((row.title, x, y))
        return kept


def table(dataset: str = "imagenet") -> Table:
    """The published networks of a data set, with costs and accuracy.

    Args:
        dataset: `"imagenet"` or `"cifar10"`. Default `"imagenet"`.

    Raises:
        ValueError: There is no such data set.

    Example:

    >>> table().rows[0].title, table("cifar10").rows[0].score
    ('AmoebaNet-B (6, 512), GPipe', 2.55)
    """
    if not isinstance(dataset, str) or dataset not in _SCORES:
        raise ValueError(
            "Invalid value for argument `dataset`. Expected one of "
            f"{', '.join(_SCORES)}. Received: dataset={quoted(dataset)}."
        )
    images = dataset == "imagenet"
    rows: list[Row] = []
    for name, preset in PRESETS.items():
        printed = preset.published.accuracy
        # Weights that ship were trained here, not in a paper.
        published = "arxiv.org" in preset.published.source
        if printed and published and (preset.classes == 1000) == images:
            rows.append(
                Row(
                    name,
                    preset.title,
                    preset.recount.trainable_parameters,
                    preset.recount.multiply_adds,
                    _first_number(printed),
                    printed,
                    preset.published.source,
                )
            )
    for title, figures in COMPARED.items() if images else ():
        rows.append(
            Row(
                None,
                title,
                round(printed_number(figures.parameters or "0M")),
                round(printed_number(figures.multiply_adds or "0M")),
                _first_number(figures.accuracy or ""),
                figures.accuracy or "",
                figures.source,
            )
        )
    rows.sort(key=lambda row: row.score, reverse=images)
    return Table(dataset, tuple(rows))


def _first_number(text: str) -> Any:
    """The first number of a text."""
    found = re.search(r"\d+\.?\d*", text)
    return float(found[0]) if found else float("nan")
