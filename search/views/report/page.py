"""Runs beside each other on one HTML page that needs no network:
`write_report`.

Neither Keras nor TensorFlow is imported here.
"""

import base64
import datetime
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2

from nasnet_keras.console.accuracy import accuracy_text
from nasnet_keras.console.command_line import InputError
from nasnet_keras.drawing.draw import save_figure
from nasnet_keras.files import check_path, write_text
from nasnet_keras.quotation import system_reason
from search.observers.text import duration_text
from search.pareto import costs_and_accuracy, hypervolume, pareto_front
from search.runs.record import Run, opened_runs
from search.spaces.base import DecisionKind, SearchSpace
from search.trial import UNWEIGHED, Decisions, Trial
from search.views.report.charts import Chart, Curve, Point
from search.views.report.choice_usage import PARTS, Usage, alike, heat, usage_of
from search.views.report.tables import (
    RunSnapshot,
    TrialTable,
    differences,
    number_form,
    settings_of,
    snapshots_of,
)

TOP_CELLS = 3
GENERATOR = "nasnet-search report"
# A template each, in this order.
SECTIONS = (
    *("summary", "rewards", "retrained", "cells", "fronts", "choices"),
    *("trials", "settings"),
)
COSTS = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds",
    "latency": "Latency",
}


KINDS: dict[DecisionKind, str] = {
    "operation": "Operations",
    "input": "Inputs",
    "combiner": "Combiners",
    "ordered": "Numbers",
    "free": "Choices",
}


def write_report(
    runs: Sequence[Run | str | os.PathLike[str]],
    output: str | os.PathLike[str],
) -> Path:
    """Writes a report on runs: rewards, cells, choices, Pareto fronts,
    trials and settings.

    Args:
        runs: The runs, or their folders; a random search among them shows
            what the others gain.
        output: The page to write. An earlier report is replaced.

    Returns:
        The page.

    Raises:
        InputError: `runs` are no runs, or the output is another file than a
            report, or cannot be written.
    """
    shown = opened_runs(runs)
    check_path("output", output)
    path = Path(output)
    try:
        _check_output(path)
        write_text(path, render(shown))
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {system_reason(error)}."
        ) from None
    return path


def _check_output(path: Path) -> None:
    """A slip of the keyboard must not cost a run its files."""
    if not os.path.lexists(path):
        return
    if path.is_file():
        with path.open("rb") as file:
            if GENERATOR.encode() in file.read(1000):
                return
    raise InputError(
        f"Expected as output a new file or an earlier report. Received: {path}."
    )


def render(runs: Sequence[Run]) -> str:
    """The report as HTML."""
    snapshots = snapshots_of(runs)
    settings = settings_of(snapshots)
    template = create_environment().get_template("report.html")
    return template.render(
        heading="Search report",
        generator=GENERATOR,
        now=datetime.datetime.now().astimezone(),
        sections=SECTIONS,
        snapshots=snapshots,
        parts=PARTS,
        rewards=rewards_chart(snapshots),
        cells=top_cells(snapshots),
        usage=_choice_usage(snapshots),
        fronts=_fronts(snapshots),
        table=TrialTable.of(snapshots),
        settings=settings,
        differences=differences(settings),
    )


def create_environment() -> jinja2.Environment:
    """What the templates of pages about runs are rendered with: texts are
    escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("search.views.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "duration": duration_text,
        "heat": heat,
        "number": lambda value: format(value, number_form([value])),
    }
    return environment


def rewards_chart(snapshots: Sequence[RunSnapshot]) -> Chart | None:
    """Rewards over the children evaluated. The best so far is of those that
    were trained longest, as the best of a run is."""
    curves = []
    for snapshot in snapshots:
        counted = [trial for trial in snapshot.trials if trial.state.counts]
        longest = {trial.number for trial in snapshot.longest}
        dots: list[Point] = []
        steps: list[Point] = []
        for count, trial in enumerate(counted, start=1):
            reward = trial.reward
            if reward is None or not math.isfinite(reward):
                continue
            dots.append((float(count), reward))
            best = steps[-1][1] if steps else -math.inf
            if trial.number in longest and reward > best:
                steps.append((float(count), reward))
        if steps:
            steps.append((float(len(counted)), steps[-1][1]))
        curves.append(Curve(snapshot.label, dots, steps))
    return chart("Children evaluated", "Reward", curves)


def _choice_usage(
    snapshots: Sequence[RunSnapshot],
) -> dict[str, list[tuple[RunSnapshot, Usage]]]:
    """By kind of decision, numbers by what they are of, the runs that have
    such decisions."""
    by_name: dict[str, list[tuple[RunSnapshot, Usage]]] = {}
    for kind, name in KINDS.items():
        for snapshot in snapshots:
            decisions = snapshot.run.shown_space.decisions
            for what, positions in alike(decisions, kind).items():
                usage = usage_of(decisions, snapshot.trials, positions)
                if usage is not None:
                    title = f"{name}: {what}" if what else name
                    by_name.setdefault(title, []).append((snapshot, usage))
    return by_name


class FrontRow(NamedTuple):
    """A trial of a run's Pareto front."""

    snapshot: RunSnapshot
    trial: Trial
    cost: float
    value: float

    @property
    def text(self) -> str:
        """What is over the cost, with an error if it is an accuracy."""
        images = self.trial.images if _is_accuracy(self.trial) else 0
        return accuracy_text(self.value, images)


class Front(NamedTuple):
    """Accuracy, or what else the runs reward, over a cost: the chart, the
    fronts of the runs as rows, and their hypervolumes beside each other."""

    cost: str
    what: str
    chart: Chart
    rows: list[FrontRow]
    volumes: list[tuple[RunSnapshot, float]]


def _fronts(snapshots: Sequence[RunSnapshot]) -> list[Front]:
    """A chart for each cost that the trials have."""
    charts = []
    for cost, name in COSTS.items():
        curves, rows, volumes = [], [], []
        points_of = [_points(snapshot.longest, cost) for snapshot in snapshots]
        dearest = max(
            (price for dots in points_of for price, _ in dots.values()),
            default=0.0,
        )
        for snapshot, dots in zip(snapshots, points_of, strict=True):
            front = [
                FrontRow(snapshot, trial, *dots[trial.number])
                for trial in pareto_front(snapshot.longest, [cost])
            ]
            points = [(row.cost, row.value) for row in front]
            if points:
                volumes.append((snapshot, hypervolume(points, dearest)))
            rows += front
            curves.append(
                Curve(
                    snapshot.label,
                    dots=list(dots.values()),
                    steps=points,
                    marks=[
                        (point, f"{snapshot.label}, trial {row.trial.number}")
                        for point, row in zip(points, front, strict=True)
                    ],
                )
            )
        accuracies = all(_is_accuracy(row.trial) for row in rows)
        what = "Accuracy" if accuracies else "Reward"
        drawn = chart(name, what, curves)
        if drawn:
            charts.append(Front(name, what, drawn, rows, volumes))
    return charts


def _is_accuracy(trial: Trial) -> bool:
    """Whether what is rewarded, before costs weigh it, is the accuracy."""
    metrics = trial.evaluations[-1].metrics
    reward = metrics.get(UNWEIGHED, trial.reward)
    return reward == metrics.get("accuracy")


def _points(
    trials: Iterable[Trial], cost: str
) -> dict[int, tuple[float, float]]:
    """Costs and accuracies by number, of those trials that have both."""
    points = {
        trial.number: costs_and_accuracy(trial, [cost]) for trial in trials
    }
    return {number: (p[0], p[1]) for number, p in points.items() if p}


def chart(x_label: str, y_label: str, curves: Sequence[Curve]) -> Chart | None:
    """The chart of these curves, or None where there is nothing to draw."""
    if not any(curve.dots for curve in curves):
        return None
    return Chart.of(x_label, y_label, curves)


def pictures_of(space: SearchSpace, decisions: Decisions) -> dict[str, str]:
    """The pictures of an architecture, by name, as SVG files in base64."""
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in space.pictures(space.decode(decisions)).items():
            path = Path(folder) / "picture.svg"
            save_figure(figure, path)
            files[name] = base64.b64encode(path.read_bytes()).decode()
    return files


def top_cells(
    snapshots: Sequence[RunSnapshot],
    draw: Callable[[SearchSpace, Decisions], dict[str, str]] = pictures_of,
) -> list[tuple[RunSnapshot, Trial, dict[str, str], str]]:
    """The best trials of all runs, their architectures drawn and as text."""
    best = sorted(
        (
            (snapshot, trial)
            for snapshot in snapshots
            for trial in snapshot.longest[:TOP_CELLS]
        ),
        key=lambda pair: -(pair[1].reward or 0.0),
    )
    cells = []
    for snapshot, trial in best[:TOP_CELLS]:
        space = snapshot.run.shown_space
        text = space.text(space.decode(trial.decisions))
        pictures = draw(space, trial.decisions)
        cells.append((snapshot, trial, pictures, text))
    return cells
