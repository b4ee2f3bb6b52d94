"""An evaluation as a table for the terminal: `evaluation_table`."""

import numpy as np
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.training.evaluation.evaluate import NetworkEvaluation

MOST_CLASSES = 10  # that the table has


def evaluation_table(evaluation: NetworkEvaluation) -> Group:
    """The figures of all images, and the classes of the lowest accuracy, each
    with the class that it is most often taken for."""
    return Group(_overall(evaluation), "", _classes(evaluation))


def _overall(evaluation: NetworkEvaluation) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("images", f"{len(evaluation.labels):,}")
    table.add_row("accuracy", evaluation.accuracy_text)
    if evaluation.top_5_accuracy is not None:
        table.add_row(
            "top-5 accuracy",
            accuracy_text(evaluation.top_5_accuracy, len(evaluation.labels)),
        )
    table.add_row("cross entropy", f"{evaluation.cross_entropy:.4f}")
    return table


def _classes(evaluation: NetworkEvaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for heading in ("images", "accuracy"):
        table.add_column(heading, justify="right")
    table.add_column("taken for")
    matrix = evaluation.confusion_matrix
    accuracies = evaluation.class_accuracies
    names = [escape(name) for name in evaluation.class_names]
    for number in np.argsort(accuracies, kind="stable")[:MOST_CLASSES]:
        images = matrix[number].sum()
        if not images:
            continue
        mistaken = np.where(np.arange(len(matrix)) == number, 0, matrix[number])
        other = mistaken.argmax()
        table.add_row(
            names[number],
            f"{images:,}",
            accuracy_text(accuracies[number], images),
            f"{names[other]} ({mistaken[other]:,})" if mistaken[other] else "",
        )
    return table
