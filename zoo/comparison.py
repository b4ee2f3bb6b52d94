"""What papers print of their networks, side by side: `table`.

The rows are those of `PRESETS` for which a paper gives an accuracy, those of
`COMPARED`, which papers list in their tables, and those of `COCO`. Accuracies
are the papers', costs of presets ours, other costs the papers'.

Keras and TensorFlow are imported by `Table.measured` alone.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from nasnet_keras.quotation import quoted
from zoo.presets import PRESETS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NASNET = "https://arxiv.org/abs/1707.07012"

# Data set -> what its first figure is called.
_SCORES = {
    "imagenet": "top-1 accuracy, %",
    "cifar10": "test error, %",
    "coco": "mean average precision, %",
}
# Of presets.
_CLASSES = {"imagenet": 1000, "cifar10": 10}
# Of a title in the picture, in decades and in percent.
_WIDTH, _HEIGHT = 1.1, 0.45
_COSTS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "latency": "seconds for an image",
}


@dataclass(frozen=True)
class Row:
    """A network and what a paper prints of it.

    Attributes:
        name: Of the preset, None if there is none.
        title: The network.
        parameters: The trainable ones; ours of a preset.
        multiply_adds: As `parameters`, None if they are not known for images
            of this size.
        accuracy: All that the paper prints of it.
        source: Where.
        latency: Seconds for an image on this machine, None if they were not
            measured.
    """

    name: str | None
    title: str
    parameters: int
    multiply_adds: int | None
    accuracy: str
    source: str
    latency: float | None = None

    @property
    def score(self) -> float:
        """On ImageNet the top-1 accuracy, on CIFAR-10 the test error without
        cutout, or with it if there is no other, on COCO the mean average
        precision, in percent."""
        found = re.search(r"\d+\.?\d*", self.accuracy)
        return float(found[0]) if found else math.nan

    @property
    def family(self) -> str:
        """The first word of the title, without what tells variants apart."""
        return re.split(r"[-, ]", self.title)[0]


def _printed(
    title: str,
    millions: float,
    products: float,
    accuracy: str,
    source: str = "https://arxiv.org/abs/1905.11946, table 2",
) -> Row:
    """A network that the zoo does not have.

    Args:
        title: The network.
        millions: Of parameters.
        products: Millions of multiply-adds.
        accuracy: As printed.
        source: Default: EfficientNet's paper.
    """
    return Row(
        None,
        title,
        round(1e6 * millions),
        round(1e6 * products),
        accuracy,
        source,
    )


# What papers list in their tables. NASNet's has other costs for SENet
# and ShuffleNet.
COMPARED = (
    Row(
        "senet_154",
        "SENet-154, 320 x 320",
        PRESETS["senet_154"].recount.trainable_parameters,
        42_212_171_776,
        "82.7 / 96.2",
        f"{_NASNET}, table 2",
    ),
    Row(
        "shufflenet_v1_g3_200",
        PRESETS["shufflenet_v1_g3_200"].title,
        PRESETS["shufflenet_v1_g3_200"].recount.trainable_parameters,
        PRESETS["shufflenet_v1_g3_200"].recount.multiply_adds,
        "70.9 / 89.8",
        f"{_NASNET}, table 3",
    ),
    _printed("MobileNet", 4.2, 569, "70.6 / 89.5", f"{_NASNET}, table 3"),
    _printed("Inception-v3", 24, 5_700, "78.8 / 94.4"),
    _printed("Xception", 23, 8_400, "79.0 / 94.5"),
    _printed("Inception-v4", 48, 13_000, "80.0 / 95.0"),
    _printed("Inception-ResNet-v2", 56, 13_000, "80.1 / 95.1"),
    _printed("ResNeXt-101", 84, 32_000, "80.9 / 95.6"),
    _printed("PolyNet", 92, 35_000, "81.3 / 95.8"),
    _printed(
        "DPN-131, 224 x 224",
        79.25,
        16_000,
        "80.07 / 94.88",
        "https://github.com/cypw/DPNs; parameters: "
        "https://github.com/osmr/imgclsmob",
    ),
    _printed("EfficientNet-B0", 5.3, 390, "77.1 / 93.3"),
    _printed("EfficientNet-B4", 19, 4_200, "82.9 / 96.4"),
    _printed("EfficientNet-B7", 66, 37_000, "84.3 / 97.0"),
)


def _detector(name: str, images: str, precision: str) -> Row:
    preset = PRESETS[name]
    return Row(
        name,
        preset.title + images,
        preset.recount.trainable_parameters,
        None,
        precision,
        _NASNET,
    )


# Detectors on NASNet-A, as the text of its paper has them.
COCO = (
    _detector("nasnet_large", ", larger images, test-dev", "43.1"),
    _detector("nasnet_large", ", 800 x 800", "40.7"),
    _detector("nasnet_mobile", "", "29.6"),
)
_MORE = {"imagenet": COMPARED, "coco": COCO}


@dataclass(frozen=True)
class Table:
    """The networks of a data set.

    Attributes:
        dataset: `"imagenet"`, `"cifar10"` or `"coco"`.
        rows: The best first.
    """

    dataset: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """A table of Markdown, with latencies if some were measured."""
        timed = any(row.latency for row in self.rows)
        costs = ("parameters", "multiply-adds", *(("latency",) * timed))
        heads = ("network", *costs, "published", "source")
        lines: list[Sequence[str]] = [heads, ("---",) * len(heads)]
        for row in self.rows:
            products, seconds = row.multiply_adds, row.latency
            told = f"{1e3 * seconds:.1f} ms" if seconds else "–"
            lines.append(
                (
                    f"{row.title} (`{row.name}`)" if row.name else row.title,
                    f"{row.parameters / 1e6:.1f}M",
                    f"{products / 1e6:,.0f}M" if products else "–",
                    *((told,) * timed),
                    row.accuracy,
                    row.source,
                )
            )
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def measured(
        self, runtime: str = "keras", most_multiply_adds: float = math.inf
    ) -> "Table":
        """The table with the latency of each of its presets on this machine,
        for one image of the size that its multiply-adds are of.

        Args:
            runtime: As that of `nasnet_keras.measure_latency`. Default
                `"keras"`.
            most_multiply_adds: Of a preset that is measured; larger ones have
                no latency. Default: all presets are measured; the largest has
                557 million parameters.

        Raises:
            ValueError: The runtime is unknown or not installed, or
                `most_multiply_adds` is no number.

        Example:

        >>> timed = table().measured(most_multiply_adds=100e6)
        >>> [row.name for row in timed.rows if row.latency]
        ['mnasnet_small']
        """
        from nasnet_keras.deployment.formats import find_format
        from nasnet_keras.deployment.latency.measurement import measure_latency
        from zoo.models import create_model

        if not isinstance(most_multiply_adds, int | float):
            raise ValueError(
                "Invalid value for argument `most_multiply_adds`. Expected a "
                "number. Received: most_multiply_adds="
                f"{quoted(most_multiply_adds)}."
            )
        if runtime != "keras":  # before minutes of measuring
            find_format(runtime).check()
        rows = []
        for row in self.rows:
            products, latency = row.multiply_adds, None
            if (
                row.name
                and products
                and products <= most_multiply_adds
                # Otherwise they are of images of another size.
                and products == PRESETS[row.name].recount.multiply_adds
            ):
                model = create_model(row.name, weights=None)
                latency = measure_latency(model, runtime=runtime)
            rows.append(dataclasses.replace(row, latency=latency))
        return dataclasses.replace(self, rows=tuple(rows))

    def draw(self, path: str | PathLike[str] | None = None) -> "Figure":
        """The score against parameters, and against multiply-adds and latency
        if they are known.

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
        costs = [
            cost
            for cost in _COSTS
            if any(getattr(row, cost) for row in self.rows)
        ]
        size = 3 + 4 * len(costs), 5.5
        figure = Figure(figsize=size, dpi=100, layout="constrained")
        panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        families = dict.fromkeys(row.family for row in self.rows)
        colours = colormaps["tab20"].colors  # type: ignore[attr-defined]
        for panel, cost in zip(panels, costs, strict=True):
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
            panel.set(xscale="log", xlabel=_COSTS[cost])
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
        dataset: `"imagenet"`, `"cifar10"` or `"coco"`: detectors, with the
            parameters of their network as a classifier. Default `"imagenet"`.

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
    rows = [
        Row(
            name,
            preset.title,
            preset.recount.trainable_parameters,
            preset.recount.multiply_adds,
            preset.published.accuracy,
            preset.published.source,
        )
        for name, preset in PRESETS.items()
        # Weights that ship were trained here, not in a paper.
        if preset.published.accuracy
        and "arxiv.org" in preset.published.source
        and preset.classes == _CLASSES.get(dataset)
    ]
    rows += _MORE.get(dataset, ())
    rows.sort(key=lambda row: row.score, reverse=dataset != "cifar10")
    return Table(dataset, tuple(rows))
