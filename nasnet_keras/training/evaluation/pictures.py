"""An evaluation as pictures: `draw_confusion`, `draw_mistakes`."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from nasnet_keras.drawing.draw import INK, NotebookFigure
from nasnet_keras.training.data.streaming import Images
from nasnet_keras.training.evaluation.evaluate import Mistake, NetworkEvaluation

RESOLUTION = 150  # pixels an inch
SMALL = 20  # classes, of which the counts can be read
NAMED = 60  # classes, of which the names can be read
LETTERS = 16  # of a name
COLUMNS = 5  # of the mistakes
CELL = 1.7  # inches, of a mistake
CAPTIONS = "class → what it is taken for, at which probability"
NOTHING_WRONG = "Every image is classified rightly."
RIGHT, WRONG = "Blues", "Oranges"  # colour maps of matplotlib


def draw_confusion(evaluation: NetworkEvaluation) -> Figure:
    """Draws the confusion matrix: a row for each class, blue where its images
    are classified rightly, orange where they are taken for another class, the
    darker the larger their share. Up to 20 classes have the counts.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook shows.
    """
    matrix = evaluation.confusion_matrix
    classes = len(matrix)
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    side = 2.5 + min(0.45 * classes, 9)
    figure = NotebookFigure(
        figsize=(side, side), dpi=RESOLUTION, layout="constrained"
    )
    axes = figure.subplots()
    right = np.eye(classes, dtype=bool)
    for cells, colours in ((right, RIGHT), (~right, WRONG)):
        axes.imshow(
            np.ma.masked_where(~cells | (matrix == 0), shares),
            cmap=colours,
            # Few mistakes can be seen too.
            norm=PowerNorm(0.5, vmin=0, vmax=1.2),
        )
    if classes <= SMALL:
        _write_counts(axes, matrix, shares)
    _name_classes(axes, evaluation)
    axes.set_title(
        f"accuracy {evaluation.accuracy_text} of {matrix.sum():,} images",
        color=INK,
    )
    return figure


def _write_counts(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            dark = shares[row, column] > 0.4
            axes.text(
                column,
                row,
                str(count),
                color="white" if dark else INK,
                fontsize=8,
                horizontalalignment="center",
                verticalalignment="center",
            )


def _name_classes(axes: Axes, evaluation: NetworkEvaluation) -> None:
    axes.set(xlabel="taken for", ylabel="class")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_edgecolor("#cccccc")
    names = [_short(name) for name in evaluation.class_names]
    if len(names) > NAMED:
        return
    long = max(map(len, names)) > 2
    style: dict[str, Any] = {"fontsize": 8 if len(names) <= SMALL else 5}
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90 if long else 0, **style)
    axes.set_yticks(places, names, **style)


def draw_mistakes(evaluation: NetworkEvaluation, images: Images) -> Figure:
    """Draws the 25 images that are classified wrongly at the highest
    confidence, each with its class and what it is taken for.

    Args:
        evaluation: The evaluation.
        images: `[N, H, W, C]`, 0 to 255, those that it is of.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook shows.
    """
    mistakes = evaluation.worst_mistakes()
    rows = max(1, -(-len(mistakes) // COLUMNS))
    figure = NotebookFigure(
        figsize=(COLUMNS * CELL, 0.4 + rows * (CELL + 0.3)),
        dpi=RESOLUTION,
        layout="constrained",
    )
    places = figure.subplots(rows, COLUMNS).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, mistake in zip(places, mistakes, strict=False):
        _show(axes, images[mistake.image])
        axes.set_title(_caption(mistake, evaluation), fontsize=8, color=INK)
    figure.suptitle(CAPTIONS if mistakes else NOTHING_WRONG, color=INK)
    return figure


def _show(axes: Axes, image: np.ndarray) -> None:
    """An image, `[H, W, C]`; in grey unless it has three channels."""
    shown = image if image.shape[-1] == 3 else image.mean(axis=-1)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255)


def _caption(mistake: Mistake, evaluation: NetworkEvaluation) -> str:
    label, predicted = (
        _short(evaluation.class_names[number])
        for number in (mistake.label, mistake.predicted)
    )
    return f"{label}\n→ {predicted}, {mistake.confidence:.0%}"


def _short(name: str) -> str:
    """No longer than there is room, and without what matplotlib would take
    for a formula."""
    if len(name) > LETTERS:
        name = name[: LETTERS - 1] + "…"
    return name.replace("$", r"\$")
