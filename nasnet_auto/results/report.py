"""A run on one HTML page, made to be sent to someone: `write_report`."""

import base64
import dataclasses
import datetime
import io
import shlex
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from nasnet_auto.stages import STAGES, Context, ranked_rows
from nasnet_auto.trainings.candidates import Candidate, Row, folder_of
from nasnet_keras.architectures import from_data
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
            members=candidate.members,
            command=_command(context),
            minutes=context.book.elapsed / 60,
            spent=_minutes(context),
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
                "Accuracy against latency": _latencies(context),
                "Confusion on the test images": _file(
                    evaluation / "test_confusion.png"
                ),
                "Worst mistakes on the test images": _file(
                    evaluation / "test_mistakes.png"
                ),
                **_pictures(candidate),
            },
        )
    )
    # Paths may hold any bytes.
    write_text(path, page.encode("utf-8", "backslashreplace").decode())
    return path


def _minutes(context: Context) -> dict[str, float]:
    """What the time went to."""
    spent = {
        stage: sum(row.seconds or 0.0 for row in context.book.rows_of(stage))
        for stage in STAGES
    }
    rest = context.book.elapsed - sum(spent.values())
    spent = {name: seconds for name, seconds in spent.items() if seconds}
    beside = "reading, timing, searching, testing and writing"
    return {
        name: seconds / 60 for name, seconds in {**spent, beside: rest}.items()
    }


def _command(context: Context) -> str:
    """The command that makes such a run, with the options that are not at
    their defaults."""
    request = context.request
    words = ["nasnet-auto", "run", request.dataset]
    for field in dataclasses.fields(request):
        value = getattr(request, field.name)
        if field.name in ("dataset", "workers") or value == field.default:
            continue
        option = f"--{field.name.replace('_', '-')}"
        if value is False:
            words.append(f"--no-{field.name}")
        else:
            words += [option] if value is True else [option, str(value)]
    return shlex.join([*words, "--output", "again"])


def _pictures(candidate: Candidate) -> dict[str, str | None]:
    """The architecture drawn: of cells the cells."""
    kind, architecture = from_data(
        candidate.settings["network"]["architecture"]
    )
    drawn: dict[str, str | None] = {}
    for name, figure in kind.pictures(architecture).items():
        drawn[f"Architecture, {name}"] = _drawn(figure, dpi=80)
    return drawn


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
    return _drawn(figure)


def _latencies(context: Context) -> str | None:
    """What was measured, as a picture; None without a limit of latency."""
    rows = [
        row
        for row in context.book.rows
        if row.accuracy is not None and row.latency is not None
    ]
    if not rows:
        return None
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for row in rows:
        axes.errorbar(
            1e3 * (row.latency or 0.0),
            row.accuracy or 0.0,
            row.error,
            fmt="o" if row.can_be_chosen else "x",
            capsize=2,
            label=row.name,
        )
    axes.axvline(1e3 * (context.request.max_latency or 0.0), color="grey")
    axes.set_xlabel("milliseconds an image (crosses: too slow)")
    axes.set_ylabel("validation accuracy")
    axes.legend(fontsize="small")
    return _drawn(figure)


def _drawn(figure: Figure, dpi: int = 110) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi)
    return _as_data(stream.getvalue())


def _file(path: Path) -> str | None:
    return _as_data(path.read_bytes()) if path.exists() else None


def _as_data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
