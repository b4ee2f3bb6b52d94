"""A run on one HTML page, made to be sent to someone: `write_report`."""

import base64
import datetime
import io
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from nasnet_auto.stages import Context, ranked_rows
from nasnet_auto.trainings.candidates import Row, folder_of
from nasnet_keras.console.accuracy import standard_error
from nasnet_keras.files import write_text
from nasnet_keras.training.evaluation.evaluate import NetworkEvaluation
from nasnet_keras.training.run import read_history
from search.views.report.page import create_environment

CURVES = 6  # of the best trainings
MISTAKES = 10  # that are listed by file


def write_report(context: Context, best: Row, test: NetworkEvaluation) -> Path:
    """Writes report.html into the folder of a run.

    Args:
        context: Of the run.
        best: The row that was chosen.
        test: Of its network, on the test images.

    Returns:
        The page.
    """
    path = context.folder / "report.html"
    candidate = context.book.candidate(best.name)
    evaluation = context.folder / folder_of(best.name) / "evaluation"
    page = (
        _environment()
        .get_template("auto.html")
        .render(
            now=datetime.datetime.now().astimezone(),
            request=context.request,
            survey=context.survey,
            rows=ranked_rows(context.book.rows),
            best=best,
            recipe=candidate.settings["recipe"],
            architecture=candidate.settings["network"]["architecture"],
            command=context.book.command,
            minutes=context.book.elapsed / 60,
            accuracy=test.accuracy,
            error=standard_error(test.accuracy, len(test.labels)),
            tested=len(test.labels),
            classes=_classes(test),
            mistakes=[
                mistake
                for mistake in test.worst_mistakes(MISTAKES)
                if mistake.file is not None
            ],
            pictures={
                "Validation accuracy, epoch by epoch": _curves(context),
                "Confusion on the test images": _file(
                    evaluation / "test_confusion.png"
                ),
                "Worst mistakes on the test images": _file(
                    evaluation / "test_mistakes.png"
                ),
            },
        )
    )
    # Paths may hold any bytes.
    write_text(path, page.encode("utf-8", "backslashreplace").decode())
    return path


def _environment() -> jinja2.Environment:
    """That of the reports of searches, with a page of our own."""
    environment = create_environment()
    shared: Any = environment.loader
    environment.loader = jinja2.ChoiceLoader(
        [jinja2.PackageLoader("nasnet_auto.results"), shared]
    )
    return environment


def _classes(test: NetworkEvaluation) -> list[dict[str, Any]]:
    """For each class its images, precision and recall."""
    matrix = test.confusion_matrix
    right = matrix.diagonal()
    given, taken = matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        {
            "name": name,
            "images": int(given[i]),
            "precision": right[i] / taken[i] if taken[i] else None,
            "recall": right[i] / given[i] if given[i] else None,
        }
        for i, name in enumerate(test.class_names)
    ]


def _curves(context: Context) -> str | None:
    """The validation accuracies of the best trainings as a picture."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for row in ranked_rows(context.book.rows)[:CURVES]:
        history = read_history(context.folder / folder_of(row.name))
        values = [epoch.get("val_accuracy", np.nan) for epoch in history]
        if values:
            axes.plot(
                range(1, len(values) + 1), values, marker=".", label=row.name
            )
    if not axes.lines:
        return None
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return _as_data(stream.getvalue())


def _file(path: Path) -> str | None:
    return _as_data(path.read_bytes()) if path.exists() else None


def _as_data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
